/* SPDX-License-Identifier: BSD-3-Clause */
/* See submit.h. */
#include "submit.h"
#include "soft.h"

#include "base/err.h"
#include "base/fd.h"
#include "proto/arena.h"
#include "proto/hello.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pvmx/engine/dyn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

_Static_assert(RLIM_NLIMITS == 16, "struct heritage has room for all limits");

void submit_remember(struct heritage *h)
{
    h->umask = umask(022);
    umask(h->umask);
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit((__rlimit_resource_t)i, &r);
        h->limits[i] = (struct pxp_limit){(uint32_t)i, r.rlim_cur, r.rlim_max};
    }
}

/* The environment without what this process may have inherited as a task itself. */
static const char **environment(size_t *n)
{
    size_t count = 0;
    while (environ && environ[count])
        count++;
    const char **env = malloc((count + 1) * sizeof *env);
    *n = 0;
    for (size_t i = 0; env && i < count; i++)
        if (strncmp(environ[i], PX_TASK_ENV "=", sizeof PX_TASK_ENV) != 0)
            env[(*n)++] = environ[i];
    return env;
}

pvmx_err submit_open_stdio(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return px_fail_errno(errno, "cannot open /dev/null");
    } while (fd <= STDERR_FILENO);
    px_fd_close(&fd);
    return PVMX_OK;
}

/* ---- fewer than asked for --------------------------------------------------------------------- */

/* Any number up to what is asked for will do: the daemon finds the largest by itself. Of several
 * programs it may start none of one. */
static bool is_dense(const struct opts *opts, size_t a)
{
    uint32_t n = opts->apps[a].count, least = opts->napps > 1 ? 0 : 1;
    bool dense = opts->more[a].soft != NULL, *allowed;
    if (!dense || !(allowed = soft_read(opts->more[a].soft, n)))
        return false;
    for (uint32_t i = least; i <= n; i++)
        dense = dense && allowed[i];
    free(allowed);
    return dense;
}

static uint32_t request_flags(const struct opts *opts)
{
    for (size_t a = 0; a < opts->napps; a++)
        if (!is_dense(opts, a))
            return opts->flags;
    return opts->flags | PVMX_SPAWN_SOFT;
}

/* Would fewer of them have a better chance? */
static bool is_want_of_room(int32_t err)
{
    return err == PVMX_OK || err == PVMX_ERR_LIMIT || err == PVMX_ERR_CANCELLED ||
           err == PVMX_ERR_AGAIN || err == PVMX_ERR_NOMEM || err == PVMX_ERR_SPAWN;
}

bool submit_fewer(struct opts *opts, const int32_t *errors, size_t n)
{
    bool fewer = false;
    for (size_t i = 0; i < n; i++)
        if (!is_want_of_room(errors[i]))
            return false;
    for (size_t a = 0; a < opts->napps; a++) {
        bool *allowed =
            opts->more[a].soft ? soft_read(opts->more[a].soft, opts->apps[a].count) : NULL;
        uint32_t count = opts->apps[a].count;
        for (uint32_t k = count; allowed && k-- > 1;)
            if (allowed[k]) {
                opts->apps[a].count = k;
                fewer = true;
                break;
            }
        free(allowed);
    }
    return fewer;
}

/* ---- the request ------------------------------------------------------------------------------ */

/* Those of -soft that do not allow the number asked for: the next lower one that they do. */
static pvmx_err fit_soft(const struct opts *opts)
{
    for (size_t a = 0; a < opts->napps; a++) {
        uint32_t k = opts->apps[a].count;
        bool *allowed = opts->more[a].soft ? soft_read(opts->more[a].soft, k) : NULL;
        while (allowed && k > 0 && !allowed[k])
            k--;
        free(allowed);
        if (k == 0)
            return px_fail(PVMX_ERR_ARG, "-soft %s allows no number from 1 to %u",
                           opts->more[a].soft, opts->apps[a].count);
        opts->apps[a].count = k;
    }
    return PVMX_OK;
}

pvmx_err submit(struct pxp_client *c, const struct opts *opts, const struct heritage *h,
                const struct input *in, const struct output *out, uint32_t *serial)
{
    const int fds[] = {in->fd, STDOUT_FILENO, STDERR_FILENO};
    char cwd[PATH_MAX], program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    if (!getcwd(cwd, sizeof cwd))
        return px_fail_errno(errno, "the working directory cannot be named");
    pvmx_err err = fit_soft(opts);
    if (err)
        return err;
    struct pxp_spawn m = {
        .flags = request_flags(opts),
        .apps = opts->apps,
        .n_apps = opts->napps,
        .cwd = cwd,
        .umask = h->umask,
        .limits = (struct pxp_limit *)h->limits,
        .n_limits = RLIM_NLIMITS,
        .program = program,
        .slots = opts->slots,
        .streams = output_collect(out) | (in->forward ? PXP_STREAM_IN : 0u),
        .stdin_some = true,
        .stdin_ranks = (struct pxp_range *)in->ranks,
        .n_stdin_ranks = in->nranks,
    };
    m.env = environment(&m.n_env);
    if (!m.env)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    *serial = pxp_client_serial(c);
    err = pxp_spawn_encode(&c->out, *serial, &m);
    if (!err)
        err = pxp_client_flush(c, fds, 3);
    free(m.env);
    return err;
}
