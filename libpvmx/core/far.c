/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of other hosts: what the messenger wants to know of them, asked of the daemon. */
#include "core/ctx.h"

#include "base/err.h"
#include "base/fd.h"
#include "proto/messages.h"

#include <string.h>

static pvmx_err dial(pvmx_tid tid)
{
    struct pxp_dial m = {.tid = tid};
    pvmx_err err = px_ctl_check();
    if (!err)
        err = pxp_dial_encode(&px_ctx.ctl.client.out, 0, &m);
    return err ? err : px_ctl_post();
}

/* No answer is wanted; its end comes as a notice. */
static void watch(pvmx_tid tid)
{
    struct pxp_watch m = {.tids = &tid, .n_tids = 1};
    if (px_ctx.ctl.up && pxp_watch_encode(&px_ctx.ctl.client.out, 0, &m) == PVMX_OK)
        px_ctl_post();
}

/* When this host's daemon has been killed, all others take this task for ended. So for us they have, too:
 * nobody would tell us of their ends, and what we sent would not be taken. */
static bool ended(pvmx_tid tid, struct pvmx_end *end)
{
    if (px_notify_end_of(tid, end))
        return true;
    if (px_ctx.ctl.lost)
        *end = (struct pvmx_end){.tid = tid, .status = -1, .inited = 1};
    return px_ctx.ctl.lost;
}

const struct px_far px_far = {.dial = dial, .watch = watch, .ended = ended};

/* The descriptor that came with the oldest message that has one. */
static int take_fd(struct px_ctl *ctl)
{
    if (ctl->nfds == 0)
        return -1;
    int fd = ctl->fds[0];
    memmove(ctl->fds, ctl->fds + 1, --ctl->nfds * sizeof ctl->fds[0]);
    return fd;
}

void px_far_dialled(const uint8_t *body, size_t len)
{
    struct pxp_dialled m;
    struct pxp_zone z = {0};
    if (pxp_dialled_decode(body, len, &m, &z) == PVMX_OK) {
        int fd = m.error == PVMX_OK ? take_fd(&px_ctx.ctl) : -1;
        if (m.error != PVMX_OK)
            px_fail(m.error, "%.300s", m.text);
        px_messenger_arrived(&px_ctx.ms, m.tid, fd, m.called, m.error);
    }
    pxp_zone_free(&z);
}
