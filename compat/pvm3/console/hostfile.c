/* SPDX-License-Identifier: BSD-3-Clause */
/* Host files: "name option=value ...", "* options" for those that follow, "& name options" for a host that
 * is added later, # comments. What the options mean is the library's affair. */
#include "console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANK " \t\r\n"

struct text {
    struct text *next;
    char *line; /* name and options */
};

static char *defaults; /* of the last line with a star */
static struct text *later;

/* "name defaults options": what comes last counts. */
static char *with_defaults(const char *line)
{
    size_t len = strcspn(line, BLANK);
    char *all;
    if (asprintf(&all, "%.*s %s%s", (int)len, line, defaults ? defaults : "", line + len) < 0)
        return NULL;
    return all;
}

static void keep(const char *line)
{
    struct text *t = malloc(sizeof *t);
    if (!t)
        return;
    *t = (struct text){later, with_defaults(line)};
    later = t;
}

char *hostfile_options(const char *host)
{
    size_t len = strlen(host);
    for (const struct text *t = later; t; t = t->next)
        if (t->line && strncmp(t->line, host, len) == 0 && strchr(BLANK, t->line[len]))
            return strdup(t->line + len);
    return defaults ? strdup(defaults) : NULL;
}

/* One line without its comment; a host that is to be added now is returned. */
static char *take_line(char *line)
{
    line += strspn(line, BLANK);
    if (*line == '*') {
        free(defaults);
        defaults = strdup(line + 1);
    } else if (*line == '&') {
        line++;
        keep(line + strspn(line, BLANK));
    } else if (*line) {
        return with_defaults(line + (*line == '$'));
    }
    return NULL;
}

static bool is_here(const char *line)
{
    struct pvmhostinfo *h;
    size_t len = strcspn(line, BLANK);
    int n;
    if (pvm_config(&n, NULL, &h) < 0)
        return false;
    for (int i = 0; i < n; i++)
        if (strncmp(h[i].hi_name, line, len) == 0 && !h[i].hi_name[len])
            return true;
    return len == 9 && strncmp(line, "localhost", len) == 0;
}

/* All together; the library says why one has not come, but for what is wrong with its line. */
static void add(const char *program, const char *path, char **hosts, int n)
{
    int *infos = calloc((size_t)n + 1, sizeof *infos);
    if (infos && n && pvm_addhosts(hosts, n, infos) >= 0)
        for (int i = 0; i < n; i++)
            if (infos[i] == PvmBadParam)
                fprintf(stderr, "%s: %s: this makes no sense: %s\n", program, path, hosts[i]);
    free(infos);
}

void hostfile_add(const char *program, const char *path)
{
    char *line = NULL, *hosts[4096];
    size_t size = 0;
    int n = 0;
    FILE *f = fopen(path, "re");
    if (!f) {
        fprintf(stderr, "%s: cannot read host file %s: %s\n", program, path, strerror(errno));
        return;
    }
    while (n < 4096 && getline(&line, &size, f) >= 0) {
        line[strcspn(line, "#\n")] = 0;
        char *host = take_line(line);
        if (host && is_here(host))
            free(host);
        else if (host)
            hosts[n++] = host;
    }
    free(line);
    fclose(f);
    add(program, path, hosts, n);
    while (n > 0)
        free(hosts[--n]);
}
