/* SPDX-License-Identifier: BSD-3-Clause */
/* See submit.h. */
#include "submit.h"

#include "base/err.h"
#include "base/fd.h"
#include "proto/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

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

/* A closed descriptor becomes /dev/null, so that 0, 1 and 2 can always be passed. */
static pvmx_err open_stdio(void)
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

pvmx_err submit(struct pxp_client *c, const struct opts *opts, uint32_t *serial)
{
    static const int fds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    struct pxp_limit limits[RLIM_NLIMITS];
    char cwd[PATH_MAX], program[PATH_MAX];
    mode_t mask = umask(022);
    umask(mask);
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit((__rlimit_resource_t)i, &r);
        limits[i] = (struct pxp_limit){(uint32_t)i, r.rlim_cur, r.rlim_max};
    }
    if (!getcwd(cwd, sizeof cwd))
        return px_fail_errno(errno, "the working directory cannot be named");
    pvmx_err err = open_stdio();
    if (err)
        return err;
    struct pxp_spawn m = {
        .flags = opts->flags,
        .apps = opts->apps,
        .n_apps = opts->napps,
        .cwd = cwd,
        .umask = mask,
        .limits = limits,
        .n_limits = RLIM_NLIMITS,
        .program = program,
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
