/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that wait. */
#include "waiter.h"
#include "base/clock.h"
#include "peer.h"
#include "server.h"

static void on_limit(void *arg)
{
    struct waiter *w = arg;
    w->late(w);
    waiter_refuse(w, PVMX_ERR_TIMEDOUT);
}

void waiter_start(struct waiter *w, struct peer *p, uint32_t serial,
                  struct px_list *queue, uint32_t limit_ms)
{
    w->peer = p;
    w->serial = serial;
    px_list_push_back(queue, &w->in_queue);
    px_list_push_back(&p->waiters, &w->in_peer);
    if (limit_ms == 0)
        on_limit(w);
    else if (limit_ms != WAITER_FOREVER)
        loop_timer_start(&p->sv->loop, &w->limit, limit_ms * PX_MS, on_limit, w);
}

void waiter_end(struct waiter *w)
{
    loop_timer_stop(&w->peer->sv->loop, &w->limit);
    px_list_remove(&w->in_queue);
    px_list_remove(&w->in_peer);
    w->free(w);
}

void waiter_refuse(struct waiter *w, pvmx_err err)
{
    struct peer *p = w->peer;
    uint32_t serial = w->serial;
    waiter_end(w);
    peer_refuse(p, serial, err, NULL);
}

void waiters_forget_peer(struct peer *p)
{
    struct px_list *node;
    while ((node = px_list_pop(&p->waiters)) != NULL)
        waiter_end(px_container_of(node, struct waiter, in_peer));
}
