/* SPDX-License-Identifier: BSD-3-Clause */
/* Making connections for tasks. */
#include "dial.h"
#include "base/err.h"
#include "base/log.h"
#include "far.h"
#include "hosts.h"
#include "link.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "span.h"
#include "tasks.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What a task is told. Takes fd over (-1: none, then err with pvmx_last_error()). */
static void tell(struct server *sv, int32_t task, int32_t other, int fd, bool called,
                 pvmx_err err)
{
    struct task *t = task_find(sv, task);
    struct peer *p = t != NULL && !t->left ? t->peer : NULL;
    struct pxp_dialled m = {.tid = other,
                            .error = err,
                            .text = err != PVMX_OK ? pvmx_last_error() : "",
                            .called = called};
    if (p == NULL || p->closed || (fd >= 0 && !peer_pass(p, &fd, 1))) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (pxp_dialled_encode(peer_out(p), 0, &m) != PVMX_OK)
        peer_close(p); /* closes the descriptor as well */
}

/* ---- the calling side ------------------------------------------------------------------------- */

pvmx_err dial_request(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_dial m;
    (void)serial;
    pvmx_err err = pxp_dial_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK || p->task == NULL)
        return err != PVMX_OK ? err : px_fail(PVMX_ERR_STATE, "only a task can dial");
    struct host *h = m.tid > 0 ? hosts_find(sv, far_host(m.tid)) : NULL;
    if (h == NULL || h->state != PXP_HOST_UP || h->index == sv->hosts.self) {
        err = px_fail(PVMX_ERR_PEER_DEAD,
                      "the host of task t%x is not in the virtual machine", (unsigned)m.tid);
        tell(sv, p->task->tid, m.tid, -1, false, err);
        return PVMX_OK;
    }
    struct link *l = link_dial(sv, h->addresses, h->naddresses, 0);
    if (l == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory to reach another host");
    l->dial_from = p->task->tid;
    l->dial_to = m.tid;
    return PVMX_OK;
}

static void on_answer(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                      size_t len)
{
    struct link *l = arg;
    struct pxp_zone zone = {0};
    struct pxp_refuse m;
    int32_t from = l->dial_from, to = l->dial_to;
    l->dial_from = 0;
    if (number == PXP_DONE) {
        int fd = link_detach(l, NULL);
        if (fd < 0)
            px_fail(PVMX_ERR_CLOSED, "the connection was closed");
        tell(sv, from, to, fd, false, fd < 0 ? PVMX_ERR_CLOSED : PVMX_OK);
        return;
    }
    pvmx_err err = PVMX_ERR_CLOSED;
    if (number == PXP_REFUSE && pxp_refuse_decode(body, len, &m, &zone) == PVMX_OK)
        err = px_fail(m.error, "%.300s", m.text);
    pxp_zone_free(&zone);
    tell(sv, from, to, -1, false, err);
    link_finish(l);
}

void dial_open(struct link *l)
{
    struct pxp_stream m = {.from = l->dial_from, .to = l->dial_to};
    uint32_t serial = link_ask(l, on_answer, l);
    if (serial == 0 || pxp_stream_encode(link_out(l), serial, &m) != PVMX_OK)
        link_close(l, "no memory");
}

void dial_closed(struct link *l, const char *why)
{
    int32_t from = l->dial_from;
    l->dial_from = 0;
    if (from == 0 || px_list_empty(&l->sv->all_tasks))
        return;
    px_fail(PVMX_ERR_CLOSED, "task t%x cannot be reached: %s", (unsigned)l->dial_to, why);
    if (l->state != LINK_OPEN) /* else on_answer is called, or was */
        tell(l->sv, from, l->dial_to, -1, false, PVMX_ERR_CLOSED);
    else
        l->dial_from = from;
}

/* ---- the called side -------------------------------------------------------------------------- */

/* PVMX_ERR_AGAIN: the task is just being started. */
static pvmx_err hand_over(struct server *sv, struct link *l, uint32_t serial,
                          int32_t from, int32_t to)
{
    struct task *t = task_find(sv, to);
    struct pxp_done m = {.count = 1};
    if (t == NULL && span_coming(sv, to))
        return PVMX_ERR_AGAIN;
    if (t == NULL || t->told || t->left || t->peer == NULL)
        return px_fail(PVMX_ERR_PEER_DEAD, "task t%x has ended", (unsigned)to);
    pvmx_err err = pxp_done_encode(link_out(l), serial | LINK_REPLY, &m);
    if (err != PVMX_OK)
        return err;
    int fd = link_detach(l, NULL);
    if (fd >= 0)
        tell(sv, to, from, fd, true, PVMX_OK);
    return PVMX_OK;
}

pvmx_err dial_on_stream(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_stream m;
    pvmx_err err = pxp_stream_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    if (m.from <= 0 || far_host(m.from) == sv->hosts.self || far_host(m.to) != sv->hosts.self)
        return px_fail(PVMX_ERR_PROTO, "a connection from t%x to t%x does not belong here",
                       (unsigned)m.from, (unsigned)m.to);
    err = hand_over(sv, l, serial, m.from, m.to);
    if (err == PVMX_ERR_AGAIN) {
        l->stream_from = m.from;
        l->stream_to = m.to;
        l->stream_serial = serial;
        return PVMX_OK;
    }
    return err;
}

void dial_retry(struct server *sv)
{
    px_list_foreach(it, &sv->links.all) {
        struct link *l = px_container_of(it, struct link, all);
        if (l->stream_to == 0)
            continue;
        pvmx_err err = hand_over(sv, l, l->stream_serial, l->stream_from, l->stream_to);
        if (err == PVMX_ERR_AGAIN)
            continue;
        l->stream_to = 0;
        if (err != PVMX_OK) {
            link_refuse(l, l->stream_serial, err);
            link_finish(l);
        }
    }
}
