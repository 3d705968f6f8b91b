/* SPDX-License-Identifier: BSD-3-Clause */
/* Application schemas, the files of info keys lam_spawn_file and file: a line for each program,
 *     [WHERE...] [-np N] [-s HOST] [-wd DIR] [-x VAR[=VALUE],...] PROGRAM ARGUMENT...
 * where WHERE is N, C, h, o, nLIST or cLIST. With WHERE alone one process runs at each place, with -np
 * alone N processes over all processors, with both N over those places, with neither one here. Words
 * may be quoted; # begins a comment. */
#include "dpm/dpm.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include <errno.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ------------------------------------------------------------------------- */

/* Cuts a line into words where it stands; words: room for as many as the line has characters. -1: a
 * quote is not closed. */
static int cut(char *line, const char **words)
{
    int n = 0;
    for (char *at = line;;) {
        at += strspn(at, " \t\r\n");
        if (!*at || *at == '#')
            return n;
        char *to = at, quote = '\0';
        words[n++] = at;
        for (; *at && (quote || !strchr(" \t\r\n", *at)); at++) {
            if (quote ? *at == quote : *at == '"' || *at == '\'')
                quote = quote ? '\0' : *at;
            else
                *to++ = *at;
        }
        if (quote)
            return -1;
        bool last = !*at;
        *to = '\0';
        if (last)
            return n;
        at++;
    }
}

static bool is_where(const char *word)
{
    static const char single[] = "NCho";
    return (word[0] && strchr(single, word[0]) && !word[1]) ||
           ((*word == 'n' || *word == 'c') && word[1] >= '0' && word[1] <= '9' &&
            word[1 + strspn(word + 1, "0123456789,-")] == '\0');
}

/* ---- one line ---------------------------------------------------------------------- */

/* -x A,B=c: what has no value is inherited in any case. */
static void take_env(char *list, const char **env, size_t *n)
{
    char *rest = list, *entry;
    while ((entry = strsep(&rest, ",")) != NULL)
        if (strchr(entry, '=') && *entry != '=')
            env[(*n)++] = entry;
}

/* Options before the program; *at is left at its word. What is wrong, or NULL. */
static const char *take_options(struct xmpi_schema_line *l, const char **words, int n, int *at)
{
    size_t nenv = 0;
    bool placed = false, counted = false;
    for (; *at < n; ++*at) {
        const char *word = words[*at], *value = *at + 1 < n ? words[*at + 1] : NULL;
        if (is_where(word)) {
            strcat(l->where, placed ? "+" : "at=");
            strcat(l->where, word);
            placed = true;
            continue;
        }
        if (*word != '-')
            break;
        if (!value)
            return "an option without its value";
        if (strcmp(word, "-np") == 0 || strcmp(word, "-c") == 0) {
            char *end;
            long count = strtol(value, &end, 10);
            if (*end || count < 1 || count > 1000000)
                return "-np needs a number of processes";
            l->count = (int)count;
            counted = true;
        } else if (strcmp(word, "-wd") == 0) {
            l->wdir = (char *)(uintptr_t)value;
        } else if (strcmp(word, "-x") == 0) {
            take_env((char *)(uintptr_t)value, l->env, &nenv);
        } else if (strcmp(word, "-s") != 0) { /* where the program's file is: it is here */
            return "an option that is not known (-np, -wd, -x, -s)";
        }
        ++*at;
    }
    if (*at == n)
        return "no program is named";
    if (!counted)
        l->count = placed ? PVMX_APP_EACH : 1;
    if (!counted && !placed)
        strcat(l->where, "at=h");
    return NULL;
}

/* *out is NULL when the line has no words. */
static int read_line(const char *path, unsigned number, const char *text,
                     struct xmpi_schema_line **out)
{
    size_t len = strlen(text);
    struct xmpi_schema_line *l = calloc(1, sizeof(*l));
    const char **words = calloc(len + 2, sizeof(*words));
    int at = 0, n = 0, cls = MPI_SUCCESS;
    *out = NULL;
    if (l) {
        l->text = strdup(text);
        l->where = calloc(1, 2 * len + 8);
        l->env = calloc(len + 2, sizeof(*l->env));
        l->words = words;
    }
    if (!l || !words || !l->text || !l->where || !l->env) {
        cls = xmpi_err(MPI_ERR_NO_MEM, "no memory for application schema %s", path);
        if (!l)
            free(words);
    } else {
        n = cut(l->text, words);
        const char *wrong = n < 0    ? "a quote is not closed"
                            : n == 0 ? NULL
                                     : take_options(l, words, n, &at);
        if (wrong)
            cls = xmpi_err(MPI_ERR_INFO_VALUE, "application schema %s, line %u: %s", path,
                           number, wrong);
    }
    if (cls || n == 0) {
        xmpi_schema_free(l);
        return cls;
    }
    memmove(words, words + at, (size_t)(n - at) * sizeof(*words));
    words[n - at] = NULL;
    *out = l;
    return MPI_SUCCESS;
}

/* ---- the file ---------------------------------------------------------------------- */

void xmpi_schema_free(struct xmpi_schema_line *lines)
{
    while (lines) {
        struct xmpi_schema_line *l = lines;
        lines = l->next;
        free(l->text);
        free(l->where);
        free(l->env);
        free(l->words);
        free(l);
    }
}

int xmpi_schema_read(const char *path, struct xmpi_schema_line **out)
{
    struct xmpi_schema_line **last = out;
    char *line = NULL;
    size_t size = 0;
    int cls = MPI_SUCCESS;
    *out = NULL;
    FILE *f = fopen(path, "re");
    if (!f)
        return xmpi_err(MPI_ERR_INFO_VALUE, "application schema %s: %s", path,
                        strerror(errno));
    for (unsigned number = 1; !cls && getline(&line, &size, f) >= 0; number++) {
        cls = read_line(path, number, line, last);
        if (*last)
            last = &(*last)->next;
    }
    if (!cls && !*out)
        cls = xmpi_err(MPI_ERR_INFO_VALUE, "application schema %s names no program", path);
    free(line);
    fclose(f);
    return cls;
}
