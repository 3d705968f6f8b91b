/* SPDX-License-Identifier: BSD-3-Clause */
/* Stand-ins for tasks of other hosts. */
#include "guest.h"
#include "base/err.h"
#include "dispatch.h"
#include "far.h"
#include "forward.h"
#include "hosts.h"
#include "link.h"
#include "peer.h"
#include "ports.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "server.h"
#include "status.h"
#include "tasks.h"
#include <stdlib.h>

struct guest {
    struct peer peer; /* first: peer.c frees it */
    struct task task;
    struct link *link;
};

static const struct carried handlers[] = {
    {PXP_MEET, ports_meet},
    {PXP_STATUS, server_on_status},
    {PXP_CLOCK, status_clock},
};

static const struct carried *find(const uint8_t *frame, size_t len)
{
    return carried_find(handlers, sizeof handlers / sizeof handlers[0], frame, len,
                        "another host");
}

pvmx_err guest_ask(struct server *sv, struct peer *p, uint32_t serial, uint32_t host,
                   const uint8_t *body, size_t len)
{
    struct pxp_guest m = {.tid = p->task != NULL ? p->task->tid : 0,
                          .frame = body,
                          .frame_len = len};
    struct link *l = NULL;
    uint32_t ask = forward_ask(sv, p, serial, host, &l);
    return ask != 0 ? pxp_guest_encode(link_out(l), ask, &m) : PVMX_ERR_NOENT;
}

pvmx_err guest_on_ask(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_ask m;
    pvmx_err err = pxp_ask_decode(body, len, &m, &zone);
    const struct carried *h = err == PVMX_OK ? find(m.frame, m.frame_len) : NULL;
    if (err == PVMX_OK && h == NULL)
        err = PVMX_ERR_UNSUPPORTED;
    if (err == PVMX_OK)
        err = m.host == sv->hosts.self
                  ? h->fn(sv, p, serial, m.frame, m.frame_len)
                  : guest_ask(sv, p, serial, m.host, m.frame, m.frame_len);
    pxp_zone_free(&zone);
    return err;
}

/* ---- here ------------------------------------------------------------------------------------- */

/* One for each task, and one for each daemon whose other clients ask. */
static uint64_t key_of(const struct link *l, int32_t tid)
{
    return tid != 0 ? (uint64_t)tid : (uint64_t)l->host << 32;
}

static struct guest *guest_of(struct server *sv, struct link *l, int32_t tid)
{
    struct guest *g = px_map_get(&sv->guests, key_of(l, tid));
    if (g != NULL && g->link == l)
        return g;
    if (g != NULL) /* its daemon has another connection now */
        guest_end(sv, tid);
    g = calloc(1, sizeof *g);
    if (g == NULL || px_map_put(&sv->guests, key_of(l, tid), g) != PVMX_OK) {
        free(g);
        return NULL;
    }
    g->link = l;
    task_stand_in(&g->task, sv, tid, &g->peer);
    peer_init(&g->peer, sv, -1, 0);
    g->peer.role = PXP_ROLE_TASK;
    g->peer.guest = g;
    g->peer.task = tid != 0 ? &g->task : NULL;
    if (tid != 0)
        far_know(sv, tid); /* its end is the guest's */
    return g;
}

void guest_flush(struct peer *p)
{
    const uint8_t *body;
    size_t len;
    uint32_t number, serial;
    while (!p->closed && pxp_frame_next(&p->out, SIZE_MAX, &body, &len) == PVMX_OK) {
        if (pxp_frame_head(body, len, &number, &serial) == PVMX_OK && serial != 0)
            pxp_reframe(link_out(p->guest->link), serial | LINK_REPLY, body, len);
        pxp_frame_drop(&p->out);
    }
}

static void drop(struct server *sv, struct guest *g)
{
    px_map_remove(&sv->guests, key_of(g->link, g->task.tid));
    ports_forget_task(&g->task);
    peer_close(&g->peer);
}

void guest_end(struct server *sv, int32_t tid)
{
    struct guest *g = px_map_get(&sv->guests, (uint64_t)tid);
    if (g != NULL)
        drop(sv, g);
}

void guest_link_closed(struct link *l)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&l->sv->guests, &pos, &key, &value);)
        if (((struct guest *)value)->link == l)
            drop(l->sv, value);
}

pvmx_err guest_on_request(struct server *sv, struct link *l, uint32_t serial,
                          const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_guest m;
    pvmx_err err = pxp_guest_decode(body, len, &m, &zone);
    const struct carried *h = NULL;
    if (err == PVMX_OK && m.tid != 0 && far_host(m.tid) != l->host)
        err = px_fail(PVMX_ERR_PROTO, "host %s asks for another host's task", l->name);
    if (err == PVMX_OK && (h = find(m.frame, m.frame_len)) == NULL)
        err = PVMX_ERR_UNSUPPORTED;
    struct guest *g = err == PVMX_OK ? guest_of(sv, l, m.tid) : NULL;
    if (err == PVMX_OK && g == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "host %s has no memory for a request", sv->host);
    if (err == PVMX_OK)
        err = h->fn(sv, &g->peer, serial, m.frame, m.frame_len);
    pxp_zone_free(&zone);
    return err;
}
