/* SPDX-License-Identifier: BSD-3-Clause */
/* The arguments of a spawn, made into a request to the engine. */
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "dpm/spawn.h"
#include "rt/err.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any virtual machine holds; keeps sums of counts in an int. */
enum { MOST_PROCESSES = 1 << 24 };

static int no_memory(int n)
{
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for a spawn request of %d programs", n);
}

void xmpi_spawn_free(struct xmpi_spawn *s)
{
    for (int i = 0; s->hints && i < s->given; i++)
        xmpi_spawn_hints_free(&s->hints[i]);
    for (int i = 0; s->schemas && i < s->given; i++)
        xmpi_schema_free(s->schemas[i]);
    for (int i = 0; i < 3; i++)
        if (s->opened[i])
            close(s->stdio[i]);
    free(s->hints);
    free(s->schemas);
    free(s->apps);
    free(s->programs);
    free(s->parents);
    xmpi_outcome_free(&s->out);
    *s = (struct xmpi_spawn){0};
}

/* ---- what each program says -------------------------------------------------------- */

/* Sum of the positive counts; 0 when that is more than anybody can mean. */
static int sum_counts(int n, const int maxprocs[])
{
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += maxprocs[i] > 0 ? maxprocs[i] : 0;
    return sum > MOST_PROCESSES ? 0 : (int)sum;
}

static int read_one(struct xmpi_spawn *s, int i, const struct xmpi_spawn_args *args)
{
    const char *command = args->commands[i];
    int maxprocs = args->maxprocs[i];
    const struct xmpi_info *info = xmpi_info_of(args->infos[i]);
    if (!info && args->infos[i] != MPI_INFO_NULL)
        return xmpi_err(MPI_ERR_INFO, "the info handle of program %d is not valid", i);
    int cls = xmpi_spawn_hints_read(info, &s->hints[i]);
    if (!cls && s->hints[i].file)
        cls = xmpi_schema_read(s->hints[i].file, &s->schemas[i]);
    if (cls)
        return cls;
    s->fixed = s->fixed || s->schemas[i];
    if (s->schemas[i])
        command = s->hints[i].file;
    if (!command || !*command)
        return xmpi_err(MPI_ERR_ARG, "the command to spawn is empty");
    if (maxprocs < 0)
        return xmpi_err(MPI_ERR_ARG, "maxprocs is %d, less than 0, for %s", maxprocs,
                        command);
    if (maxprocs > 0 && s->total == 0)
        return xmpi_err(MPI_ERR_SPAWN,
                        "%d processes of %s are more than a virtual machine can hold",
                        maxprocs, command);
    return MPI_SUCCESS;
}

/* ---- the programs ------------------------------------------------------------------ */

static void add_given(struct xmpi_spawn *s, int i, const struct xmpi_spawn_args *args)
{
    const struct xmpi_spawn_hints *h = &s->hints[i];
    s->programs[s->napps] =
        (struct xmpi_program){&h->soft, args->maxprocs[i], args->maxprocs[i]};
    s->apps[s->napps++] = (struct pvmx_app){
        .command = args->commands[i],
        .argv = args->argvs ? (const char *const *)args->argvs[i] : NULL,
        .wdir = h->wdir,
        .path = h->path,
        .env = h->env,
        .where = h->where,
        .place = h->place,
        .preload = h->preload,
    };
}

/* The schema's programs stand for the one that was given. What the info object says beside the
 * schema's name has no part in it, but for our own environment. */
static int add_schema(struct xmpi_spawn *s, int i)
{
    static const struct xmpi_soft none;
    const struct xmpi_spawn_hints *h = &s->hints[i];
    for (struct xmpi_schema_line *l = s->schemas[i]; l; l = l->next) {
        size_t own = 0, more = 0;
        while (l->env[own])
            own++;
        while (h->env[more])
            more++;
        const char **env = realloc(l->env, (own + more + 1) * sizeof(*env));
        if (!env)
            return no_memory(s->napps);
        l->env = env;
        memcpy(env + own, h->env, (more + 1) * sizeof(*env));
        s->programs[s->napps] = (struct xmpi_program){&none, l->count, l->count};
        s->apps[s->napps++] = (struct pvmx_app){
            .command = l->words[0],
            .argv = l->words + 1,
            .count = l->count,
            .wdir = l->wdir,
            .path = h->path,
            .env = env,
            .where = l->where,
        };
    }
    return MPI_SUCCESS;
}

static int add_all(struct xmpi_spawn *s, const struct xmpi_spawn_args *args)
{
    size_t n = 0;
    int cls = MPI_SUCCESS;
    for (int i = 0; i < s->given; i++) {
        n += s->schemas[i] == NULL;
        for (const struct xmpi_schema_line *l = s->schemas[i]; l; l = l->next)
            n++;
    }
    s->apps = calloc(n, sizeof(*s->apps));
    s->programs = calloc(n, sizeof(*s->programs));
    if (!s->apps || !s->programs)
        return no_memory((int)n);
    for (int i = 0; i < s->given && !cls; i++) {
        if (s->schemas[i])
            cls = add_schema(s, i);
        else
            add_given(s, i, args);
    }
    return cls;
}

/* ---- choices that hold for the whole request may be made by any of its info objects, but once */

static int clash(const char *key)
{
    return xmpi_err(MPI_ERR_INFO_VALUE,
                    "info key \"%s\" has different values for programs of one spawn", key);
}

static int gather_flags(struct xmpi_spawn *s)
{
    int detached = -1, oversubscribe = -1;
    for (int i = 0; i < s->given; i++) {
        const struct xmpi_spawn_hints *h = &s->hints[i];
        if (h->detached >= 0 && detached >= 0 && h->detached != detached)
            return clash("pvmx_lifetime");
        if (h->oversubscribe >= 0 && oversubscribe >= 0 && h->oversubscribe != oversubscribe)
            return clash("pvmx_oversubscribe");
        detached = h->detached >= 0 ? h->detached : detached;
        oversubscribe = h->oversubscribe >= 0 ? h->oversubscribe : oversubscribe;
    }
    s->flags = (detached == 1 ? PVMX_SPAWN_DETACHED : 0u) |
               (oversubscribe == 0 ? PVMX_SPAWN_NO_OVERSUBSCRIBE : 0u);
    return MPI_SUCCESS;
}

/* A low number would be taken for a standard descriptor that is closed here. */
static int open_high(const char *path, int how)
{
    int low = open(path, how | O_CLOEXEC, 0666);
    if (low < 0 || low > 2)
        return low;
    int fd = fcntl(low, F_DUPFD_CLOEXEC, 3), errnum = errno;
    close(low);
    errno = errnum;
    return fd;
}

static int open_stdio(struct xmpi_spawn *s, const char *const path[3])
{
    static const char keys[3][16] = {"pvmx_stdin", "pvmx_stdout", "pvmx_stderr"};
    for (int i = 0; i < 3; i++) {
        s->stdio[i] = i;
        if (!path[i])
            continue;
        if (i == 2 && path[1] && strcmp(path[1], path[2]) == 0) {
            s->stdio[2] = s->stdio[1]; /* one open file keeps the order of both */
            continue;
        }
        /* Several children write to it: each write goes to its end. */
        int how = i == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
        s->stdio[i] = open_high(path[i], how);
        if (s->stdio[i] < 0)
            return xmpi_err(MPI_ERR_INFO_VALUE, "info key \"%s\": %.1000s: %s", keys[i],
                            path[i], strerror(errno));
        s->opened[i] = true;
    }
    return MPI_SUCCESS;
}

static int gather_stdio(struct xmpi_spawn *s)
{
    const char *path[3] = {NULL};
    for (int i = 0; i < s->given; i++)
        for (int k = 0; k < 3; k++) {
            const char *said = s->hints[i].stdio.path[k];
            if (said && path[k] && strcmp(said, path[k]) != 0)
                return clash("pvmx_stdin, pvmx_stdout or pvmx_stderr");
            path[k] = said ? said : path[k];
        }
    return open_stdio(s, path);
}

int xmpi_spawn_gather(struct xmpi_spawn *s, const struct xmpi_spawn_args *args)
{
    int cls = MPI_SUCCESS;
    if (args->count <= 0)
        return xmpi_err(MPI_ERR_ARG, "count is %d: at least one program has to be named",
                        args->count);
    if (!args->commands || !args->maxprocs || !args->infos)
        return xmpi_err(
            MPI_ERR_ARG,
            "commands, maxprocs and info objects are needed for %d programs, but "
            "an array is a null pointer",
            args->count);
    s->given = args->count;
    s->total = sum_counts(args->count, args->maxprocs);
    s->hints = calloc((size_t)s->given, sizeof(*s->hints));
    s->schemas = calloc((size_t)s->given, sizeof(*s->schemas));
    if (!s->hints || !s->schemas)
        return no_memory(s->given);
    for (int i = 0; i < s->given && !cls; i++)
        cls = read_one(s, i, args);
    if (!cls)
        cls = gather_flags(s);
    if (!cls)
        cls = add_all(s, args);
    return cls ? cls : gather_stdio(s);
}
