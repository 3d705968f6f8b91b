/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn that end up in the children's environment: pvmx_env, env and environ, lines
 * "NAME=value"; mpi_initial_errhandler, mpi_memory_alloc_kinds and thread_level, which travel in
 * variables. */
#include "dpm/dpm.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include "rt/infoenv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char lists[3][16] = {"pvmx_env", "environ", "env"};

static const struct {
    char key[24], variable[32];
} carried[] = {
    {"mpi_initial_errhandler", "PVMX_INITIAL_ERRHANDLER"},
    {"mpi_memory_alloc_kinds", "PVMX_MEMORY_ALLOC_KINDS"},
    {"thread_level", "PVMX_THREAD_LEVEL"},
};
enum { CARRIED = sizeof(carried) / sizeof(carried[0]) };

static int check_handler(const char *value)
{
    if (!value || strcmp(value, "mpi_errors_are_fatal") == 0 ||
        strcmp(value, "mpi_errors_abort") == 0 || strcmp(value, "mpi_errors_return") == 0)
        return MPI_SUCCESS;
    return xmpi_dpm_bad_value(
        "mpi_initial_errhandler", value,
        "\"mpi_errors_are_fatal\", \"mpi_errors_abort\" or \"mpi_errors_return\"");
}

/* kind[:restrictor[:...]],... - which of them there are is for the children to say. */
static int check_kinds(const char *value)
{
    static const char word[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for (const char *at = value; at;) {
        size_t len = strspn(at, word);
        if (len == 0 || (at[len] && !strchr(":,", at[len])))
            return xmpi_dpm_bad_value(
                "mpi_memory_alloc_kinds", value,
                "kinds of memory, separated by commas (\"system,mpi\")");
        at = at[len] ? at + len + 1 : NULL;
    }
    return MPI_SUCCESS;
}

static int check_level(const char *value)
{
    int level;
    return !value || xmpi_thread_level_of(value, &level)
               ? MPI_SUCCESS
               : xmpi_dpm_bad_value("thread_level", value,
                                    "MPI_THREAD_SINGLE, ..._FUNNELED, ..._SERIALIZED or "
                                    "..._MULTIPLE");
}

/* Cuts a copy of the lines at *to into the entries that it holds. */
static int take_lines(const char *key, const char *lines, char **to, const char **env,
                      size_t *n)
{
    size_t len = strlen(lines) + 1;
    char *rest = memcpy(*to, lines, len), *line;
    *to += len;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (!*line)
            continue;
        if (*line == '=' || !strchr(line, '='))
            return xmpi_dpm_bad_value(key, line, "lines of the form NAME=value");
        env[(*n)++] = line;
    }
    return MPI_SUCCESS;
}

int xmpi_spawn_env_read(const struct xmpi_info *info, struct xmpi_spawn_hints *h)
{
    const char *list[3], *value[CARRIED];
    size_t most = CARRIED + 1, bytes = 1, n = 0;
    int cls = check_handler(xmpi_info_value(info, carried[0].key));
    if (!cls)
        cls = check_kinds(xmpi_info_value(info, carried[1].key));
    if (!cls)
        cls = check_level(xmpi_info_value(info, carried[2].key));
    if (cls)
        return cls;
    for (int i = 0; i < 3; i++) {
        list[i] = xmpi_info_value(info, lists[i]);
        for (const char *c = list[i]; c && *c; c++)
            most += *c == '\n';
        most += list[i] != NULL;
        bytes += list[i] ? strlen(list[i]) + 1 : 0;
    }
    for (int i = 0; i < CARRIED; i++) {
        value[i] = xmpi_info_value(info, carried[i].key);
        /* One that this process got for itself is not meant for its children. */
        if (!value[i] && getenv(carried[i].variable))
            value[i] = "";
        bytes += sizeof(carried[i].variable) + (value[i] ? strlen(value[i]) + 2 : 0);
    }
    h->env = calloc(most, sizeof(*h->env));
    h->env_text = malloc(bytes);
    if (!h->env || !h->env_text)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the environment of the children");
    char *to = h->env_text;
    for (int i = 0; i < 3 && !cls; i++)
        if (list[i])
            cls = take_lines(lists[i], list[i], &to, h->env, &n);
    for (int i = 0; i < CARRIED && !cls; i++) {
        if (!value[i])
            continue;
        h->env[n++] = to;
        to += sprintf(to, "%s=%s", carried[i].variable, value[i]) + 1;
    }
    return cls;
}
