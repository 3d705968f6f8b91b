/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and end of the messenger. */
#include "msg/msg.h"

#include "base/err.h"
#include "base/fd.h"
#include "transport/shm/seg.h"
#include "transport/tcp/tcp.h"

#include <stdlib.h>

pvmx_err px_messenger_init(struct px_messenger *ms)
{
    *ms = (struct px_messenger){.next_id = 1};
    px_list_init(&ms->blocked);
    px_list_init(&ms->scopes);
    while (px_transports[ms->nifaces])
        ms->transports[ms->nifaces] = px_transports[ms->nifaces], ms->nifaces++;
    return px_match_init(&ms->match);
}

static pvmx_err dial(void *arg, pvmx_tid tid)
{
    return ((struct px_messenger *)arg)->far->dial(tid);
}

int px_messenger_descriptor(void *arg)
{
    const struct px_messenger *ms = arg;
    for (unsigned i = ms->nifaces; i-- > 0;) {
        int fd = ms->ifaces[i] ? ms->transports[i]->descriptor(ms->ifaces[i]) : -1;
        if (fd >= 0)
            return fd;
    }
    return -1;
}

bool px_messenger_unsent(const struct px_messenger *ms)
{
    bool left = ms->nsends > 0;
    for (unsigned i = 0; i < ms->nifaces && !left; i++)
        left = ms->ifaces[i] && ms->transports[i]->unsent(ms->ifaces[i]);
    return left;
}

void px_messenger_arrived(struct px_messenger *ms, pvmx_tid tid, int fd, bool called,
                          pvmx_err err)
{
    for (unsigned i = 0; i < ms->nifaces; i++)
        if (ms->ifaces[i] && ms->transports[i] == &px_transport_tcp) {
            px_tcp_arrived(ms->ifaces[i], tid, fd, called, err);
            return;
        }
    px_fd_close(&fd);
}

pvmx_err px_messenger_open(struct px_messenger *ms, struct px_arena *arena, pvmx_tid tid)
{
    ms->arena = arena;
    ms->tid = tid;
    if (ms->self)
        ms->self->tid = tid;
    struct px_iface_params params = {.arena = arena,
                                     .self = tid,
                                     .deliver = px_deliver,
                                     .contact = px_peer_contact,
                                     .dial = ms->far ? dial : NULL,
                                     .place = px_rndv_place,
                                     .placed = px_rndv_placed,
                                     .pause = &ms->pause,
                                     .look = &ms->look_far,
                                     .sleeping = &ms->sleeping,
                                     .arg = ms};
    for (unsigned i = 0; i < ms->nifaces; i++) {
        if (ms->ifaces[i])
            continue;
        pvmx_err err = ms->transports[i]->open(&params, &ms->ifaces[i]);
        if (err && err != PVMX_ERR_UNSUPPORTED)
            return err;
    }
    return PVMX_OK;
}

static void drop_peer(struct pvmx_peer *p)
{
    struct px_list *node;
    while ((node = px_list_pop(&p->out)) != NULL) {
        struct px_out *out = px_container_of(node, struct px_out, node);
        out->fail(p, out, PVMX_ERR_STATE);
    }
    if (p->ms->chains)
        p->ms->chains->forget(p);
    if (p->ep)
        p->ep->tr->disconnect(p->ep);
    free(p);
}

static void let_go(struct pvmx_req *r)
{
    if (r->kind == PX_REQ_SEND)
        free(((struct px_send *)r)->copy);
    if (r->layout)
        pvmx_engine_layout_put(r->layout);
}

static void let_go_posted(struct px_posted *p, void *arg)
{
    (void)arg;
    let_go(&px_container_of(p, struct px_recv, posted)->req);
}

/* Whoever still holds peers or requests now holds nothing: the last leave says so. */
void px_messenger_fini(struct px_messenger *ms)
{
    struct px_unexp *u;
    while ((u = px_match_any_unexp(&ms->match)) != NULL) {
        px_match_remove_unexp(&ms->match, u);
        free(px_container_of(u, struct px_arrived, unexp));
    }
    size_t pos = 0;
    uint64_t tid;
    void *v;
    while (px_map_next(&ms->peers, &pos, &tid, &v)) {
        px_map_remove(&ms->peers, tid);
        ((struct pvmx_peer *)v)->refs += 1u << 30; /* completions must not free it under us */
        drop_peer(v);
    }
    if (ms->self) {
        ms->self->refs += 1u << 30;
        drop_peer(ms->self);
    }
    for (unsigned i = 0; i < ms->nifaces; i++)
        if (ms->ifaces[i])
            ms->transports[i]->close(ms->ifaces[i]);
    pos = 0;
    while (px_map_next(&ms->ids, &pos, &tid, &v))
        let_go(v);
    px_match_each_posted(&ms->match, let_go_posted, NULL);
    free(ms->bounce);
    px_map_free(&ms->peers);
    px_map_free(&ms->ids);
    px_revoke_fini(ms);
    px_match_fini(&ms->match);
    px_req_pool_fini(&ms->pool);
    *ms = (struct px_messenger){0};
}
