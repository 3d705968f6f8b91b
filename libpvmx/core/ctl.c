/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to the daemon and what it tells. */
#include "core/ctx.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/messages.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* The daemon has gone: what waits for it fails; messages between tasks of this host go on. */
static void lost(struct px_ctl *ctl)
{
    if (!ctl->up)
        return;
    ctl->up = false;
    ctl->lost = true;
    px_log(PX_LOG_DEBUG, "CTL-LOST", "the connection to the daemon was closed");
    pxp_client_close(&ctl->client);
    struct px_list *node;
    while ((node = px_list_pop(&ctl->calls)) != NULL) {
        struct px_ctl_call *call = px_container_of(node, struct px_ctl_call, node);
        call->err = PVMX_ERR_VM_LOST;
        call->done = true;
    }
    px_ctx.ms.completed = true;
    px_ctx.ms.check_deaths = true; /* tasks of other hosts: see far.c */
}

pvmx_err px_ctl_check(void)
{
    if (px_ctx.ctl.lost)
        return px_fail(
            PVMX_ERR_VM_LOST,
            "the daemon (pvmxd) of this host has ended; tasks go on, but nothing can be "
            "started until this program is started again");
    return px_ctx.ctl.up ? PVMX_OK : px_fail(PVMX_ERR_NO_VM, "this process is not in a VM");
}

uint32_t px_ctl_serial(struct px_ctl_call *call)
{
    *call = (struct px_ctl_call){0};
    px_list_init(&call->node);
    return call->serial = pxp_client_serial(&px_ctx.ctl.client);
}

pvmx_err px_ctl_begin(struct px_ctl_call *call)
{
    pvmx_err err = px_ctx.tid ? PVMX_OK : px_enroll_connect(true);
    if (!err)
        err = px_ctl_check();
    if (!err)
        px_ctl_serial(call);
    return err;
}

static bool call_done(void *arg)
{
    return ((struct px_ctl_call *)arg)->done;
}

void px_ctl_call_start(struct px_ctl_call *call, const int *fds, size_t nfds)
{
    struct px_ctl *ctl = &px_ctx.ctl;
    px_list_push_back(&ctl->calls, &call->node);
    if (pxp_client_flush(&ctl->client, fds, nfds) != PVMX_OK)
        lost(ctl);
}

pvmx_err px_ctl_call_wait(struct px_ctl_call *call)
{
    px_ctx.progress.no_spin = true;
    px_ctx_wait(call_done, call, UINT64_MAX);
    px_ctx.progress.no_spin = false;
    return px_ctl_outcome(call);
}

pvmx_err px_ctl_call(struct px_ctl_call *call, const int *fds, size_t nfds)
{
    px_ctl_call_start(call, fds, nfds);
    return px_ctl_call_wait(call);
}

pvmx_err px_ctl_outcome(const struct px_ctl_call *call)
{
    if (call->err == PVMX_ERR_VM_LOST)
        return px_ctl_check();
    return call->number == PXP_REFUSE ? pxp_client_refused(call->body, call->len) : call->err;
}

pvmx_err px_ctl_done(struct px_ctl_call *call)
{
    return call->done ? px_ctl_outcome(call) : px_ctl_call_wait(call);
}

void px_ctl_call_free(struct px_ctl_call *call)
{
    px_list_remove(&call->node);
    free(call->body);
    call->body = NULL;
}

pvmx_err px_ctl_post(void)
{
    struct px_ctl *ctl = &px_ctx.ctl;
    if (pxp_client_flush(&ctl->client, NULL, 0) == PVMX_OK)
        return PVMX_OK;
    lost(ctl);
    return px_ctl_check();
}

static void reply(struct px_ctl *ctl, uint32_t number, uint32_t serial,
                  const uint8_t *body, size_t len)
{
    px_list_foreach(it, &ctl->calls) {
        struct px_ctl_call *call = px_container_of(it, struct px_ctl_call, node);
        if (call->serial != serial)
            continue;
        px_list_remove(it);
        call->body = malloc(len ? len : 1);
        if (call->body)
            memcpy(call->body, body, len);
        else
            call->err = px_fail(PVMX_ERR_NOMEM, "no memory for the daemon's reply");
        call->len = len;
        call->number = number;
        call->done = true;
        px_ctx.ms.completed = true; /* another thread may wait for it, as for a request */
        return;
    }
    px_log(PX_LOG_DEBUG, "CTL-STRAY", "message %s from the daemon is not expected",
           pxp_name(number));
}

/* Handles all frames that are there. */
static unsigned handle(struct px_ctl *ctl)
{
    unsigned n = 0;
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    pvmx_err err;
    while (ctl->up && (err = pxp_client_next(&ctl->client, &number, &serial, &body, &len)) !=
                          PVMX_ERR_AGAIN) {
        if (err) {
            lost(ctl);
            break;
        }
        if (number == PXP_ENDED && serial == 0)
            px_notify_ended(body, len);
        else if (number == PXP_REVOKED && serial == 0)
            px_ft_revoked(body, len);
        else if (number == PXP_DIALLED && serial == 0)
            px_far_dialled(body, len);
        else if (number == PXP_HOST_EVENT && serial == 0)
            px_hosts_event(body, len);
        else if (number == PXP_HELP_TASK && serial == 0)
            px_help_task(body, len);
        else if (number == PXP_HELP_HOSTS && serial == 0)
            px_help_hosts(body, len);
        else
            reply(ctl, number, serial, body, len);
        pxp_client_drop(&ctl->client);
        n++;
    }
    return n;
}

static unsigned read_all(struct px_ctl *ctl)
{
    unsigned n = 0;
    pvmx_err err = PVMX_OK;
    while (ctl->up && err == PVMX_OK) {
        size_t room = PX_CTL_FDS - ctl->nfds;
        err = pxp_client_fill(&ctl->client, 0, ctl->fds + ctl->nfds, &room);
        ctl->nfds += room;
        n += handle(ctl);
    }
    if (err && err != PVMX_ERR_AGAIN) {
        lost(ctl);
        n++;
    }
    return n;
}

unsigned px_ctl_progress(void *arg)
{
    struct px_ctl *ctl = arg;
    unsigned settled = px_notify_settle(ctl);
    if (!ctl->up)
        return settled;
    uint32_t seq = atomic_load_explicit(&px_ctx.arena.slot->ctl_seq, memory_order_acquire);
    if (seq == ctl->seq_seen)
        return settled;
    ctl->seq_seen = seq;
    return read_all(ctl) + settled + 1;
}

void px_ctl_probe(void *arg)
{
    struct px_ctl *ctl = arg;
    struct pollfd p = {.fd = ctl->client.fd, .events = POLLIN};
    if (ctl->up && poll(&p, 1, 0) > 0)
        read_all(ctl);
    if (ctl->lost) /* nobody else notices deaths now */
        px_peers_check_pids(&px_ctx.ms);
}

void px_ctl_close(void)
{
    struct px_ctl *ctl = &px_ctx.ctl;
    if (ctl->up)
        pxp_client_close(&ctl->client);
    while (ctl->nfds > 0)
        px_fd_close(&ctl->fds[--ctl->nfds]);
    px_notify_fini(ctl);
    ctl->up = false;
}
