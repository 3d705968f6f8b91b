/* SPDX-License-Identifier: BSD-3-Clause */
/* See heritage.h. */
#include "heritage.h"

#include "base/err.h"
#include "proto/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

_Static_assert(RLIM_NLIMITS == 16, "struct heritage has room for all limits");

void heritage_remember(struct heritage *h)
{
    h->umask = umask(022);
    umask(h->umask);
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit((__rlimit_resource_t)i, &r);
        h->limits[i] = (struct pxp_limit){(uint32_t)i, r.rlim_cur, r.rlim_max};
    }
}

pvmx_err heritage_fill(struct heritage *h, struct pxp_spawn *m)
{
    size_t count = 0, n = 0;
    ssize_t len = readlink("/proc/self/exe", h->program, sizeof h->program - 1);
    h->program[len > 0 ? len : 0] = '\0';
    if (!getcwd(h->cwd, sizeof h->cwd))
        return px_fail_errno(errno, "the working directory cannot be named");
    while (environ && environ[count])
        count++;
    h->env = malloc((count + 1) * sizeof *h->env);
    if (!h->env)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], PX_TASK_ENV "=", sizeof PX_TASK_ENV) != 0)
            h->env[n++] = environ[i];
    m->cwd = h->cwd;
    m->program = h->program;
    m->env = h->env;
    m->n_env = n;
    m->umask = h->umask;
    m->limits = h->limits;
    m->n_limits = RLIM_NLIMITS;
    return PVMX_OK;
}
