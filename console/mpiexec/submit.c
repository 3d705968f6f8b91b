/* SPDX-License-Identifier: BSD-3-Clause */
/* See submit.h. */
#include "submit.h"
#include "soft.h"

#include "base/err.h"
#include "base/fd.h"
#include "proto/hello.h"

#include <errno.h>
#include <fcntl.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

pvmx_err submit(struct pxp_client *c, const struct opts *opts, struct heritage *h,
                const struct input *in, const struct output *out, uint32_t *serial)
{
    static int fds[5]; /* until the first byte has gone */
    size_t nfds = 0;
    char limit[48];
    pvmx_err err = fit_soft(opts);
    if (err)
        return err;
    fds[nfds++] = in->fd;
    fds[nfds++] = STDOUT_FILENO;
    fds[nfds++] = STDERR_FILENO;
    for (int i = 1; i < 3; i++)
        if (out->tty[i] >= 0)
            fds[nfds++] = out->tty[i];
    struct pxp_spawn m = {
        .flags = request_flags(opts),
        .apps = opts->apps,
        .n_apps = opts->napps,
        .slots = opts->slots,
        .streams = output_collect(out) | (in->forward ? PXP_STREAM_IN : 0u),
        .stdin_some = true,
        .stdin_ranks = (struct pxp_range *)in->ranks,
        .n_stdin_ranks = in->nranks,
        .limit = opts->timeout_s ? limit : "",
    };
    snprintf(limit, sizeof limit, "job.elapsed > %llus", (unsigned long long)opts->timeout_s);
    err = heritage_fill(h, &m);
    *serial = pxp_client_serial(c);
    if (!err)
        err = pxp_spawn_encode(&c->out, *serial, &m);
    if (!err)
        pxp_client_pass(c, fds, nfds); /* with the next round */
    free(h->env);
    h->env = NULL;
    return err;
}
