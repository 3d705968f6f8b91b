/* SPDX-License-Identifier: BSD-3-Clause */
/* Receives and probes. */
#include "msg/msg.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

void px_arrived_free(struct px_arrived *m)
{
    px_peer_put(m->from);
    free(m);
}

void px_arrived_cancel(struct px_messenger *ms, struct pvmx_peer *from, uint64_t id)
{
    px_list_foreach(it, &ms->match.arrived) {
        struct px_unexp *u = px_container_of(it, struct px_unexp, all);
        struct px_arrived *m = px_container_of(u, struct px_arrived, unexp);
        if (m->from != from || m->am == PX_AM_EAGER || m->id != id)
            continue;
        px_match_remove_unexp(&ms->match, u);
        px_send_control(from,
                        &(struct px_hdr){.ctx = id, .tag = PX_FIN_CANCELLED, .am = PX_AM_FIN},
                        NULL, 0);
        px_arrived_free(m);
        return;
    }
}

void px_arrived_status(const struct px_arrived *m, struct pvmx_status *st)
{
    *st = (struct pvmx_status){.source = m->unexp.key.source,
                               .tag = m->unexp.key.tag,
                               .length = m->len};
}

/* Gives a kept message to a receive and frees it. */
static void consume(struct px_messenger *ms, struct px_recv *r, struct px_arrived *m)
{
    r->req.st.source = m->unexp.key.source;
    r->req.st.tag = m->unexp.key.tag;
    r->req.st.length = m->len;
    if (m->am == PX_AM_RTS) {
        px_rndv_fetch(r, m->from, m->id, m->addr, m->len);
    } else {
        size_t n = m->len < r->cap ? m->len : r->cap;
        px_recv_put(r, 0, m->data, n);
        if (m->am == PX_AM_SYNC)
            px_send_control(m->from, &(struct px_hdr){.ctx = m->id, .am = PX_AM_FIN},
                            NULL, 0);
        px_req_complete(ms, &r->req, m->len > r->cap ? PVMX_ERR_TRUNCATE : PVMX_OK);
    }
    px_arrived_free(m);
}

/* Why a receive that nothing matches must not wait. */
static inline pvmx_err hopeless(const struct px_messenger *ms, const struct pvmx_peer *from,
                                const struct pvmx_scope *scope, const struct px_key *key)
{
    if (px_revoked(ms, key->ctx))
        return px_fail(PVMX_ERR_REVOKED, "the communicator has been revoked");
    if (from && from->dead)
        return px_fail(PVMX_ERR_PEER_DEAD, "task t%x has ended", (unsigned)from->tid);
    if (!from && scope && px_scope_blocked(scope))
        return px_fail(PVMX_ERR_DEAD_PENDING,
                       "a task that could have sent this message has ended");
    return PVMX_OK;
}

static inline struct px_arrived *find(struct px_messenger *ms, const struct px_key *key)
{
    struct px_unexp *u = px_match_find_unexp(&ms->match, key);
    return u ? px_container_of(u, struct px_arrived, unexp) : NULL;
}

static inline struct px_recv *new_recv(struct px_messenger *ms, const struct px_place *to)
{
    struct px_recv *r = px_req_new(&ms->pool, PX_REQ_RECV);
    if (!r)
        return NULL;
    r->posted.queue = NULL;
    r->from = r->sender = NULL;
    r->scope = NULL;
    r->buf = to->buf;
    r->cap = to->cap;
    if (to->layout) {
        r->req.layout = pvmx_engine_layout_get(to->layout);
        r->count = to->count;
    }
    r->id = r->sender_id = 0;
    r->want = r->got = 0;
    r->piece = 0;
    return r;
}

/* A death stands against a wildcard receive: whoever waits for it is told, but it stays posted, to
 * be received after all when the death has been acknowledged or a message has come. */
static void stall(struct px_messenger *ms, struct px_recv *r)
{
    struct pvmx_layout *layout = r->req.layout; /* still to be used */
    r->req.st.source = r->posted.key.source;
    r->req.st.tag = r->posted.key.tag;
    if (r->req.orphan) {
        px_match_remove_posted(&ms->match, &r->posted);
        px_req_complete(ms, &r->req, PVMX_ERR_DEAD_PENDING);
        return;
    }
    r->req.layout = NULL;
    px_req_complete(ms, &r->req, PVMX_ERR_DEAD_PENDING);
    r->req.layout = layout;
}

void px_recv_unpost(struct px_messenger *ms, struct px_recv *r)
{
    if (!r->posted.queue)
        return;
    px_match_remove_posted(&ms->match, &r->posted);
    if (r->req.layout)
        pvmx_engine_layout_put(r->req.layout);
}

static void resume(struct px_posted *p, void *scope)
{
    struct px_recv *r = px_container_of(p, struct px_recv, posted);
    if (r->scope != scope || !px_req_is_done(&r->req))
        return;
    r->req.st.error = PVMX_OK;
    __atomic_store_n(&r->req.done, false, __ATOMIC_RELAXED);
}

void px_recv_scope_acked(struct px_messenger *ms, struct pvmx_scope *scope)
{
    if (!px_scope_blocked(scope))
        px_match_each_posted(&ms->match, resume, scope);
}

pvmx_err px_recv_start(struct px_messenger *ms, struct pvmx_peer *from,
                       struct pvmx_scope *scope, const struct px_key *key,
                       const struct px_place *to, struct px_recv **out)
{
    struct px_recv *r = new_recv(ms, to);
    if (!r)
        return PVMX_ERR_NOMEM;
    r->from = from;
    r->scope = from ? NULL : scope;
    struct px_arrived *m = find(ms, key);
    if (m) {
        px_match_remove_unexp(&ms->match, &m->unexp);
        consume(ms, r, m);
        *out = r;
        return PVMX_OK;
    }
    r->posted.key = *key;
    pvmx_err why = hopeless(ms, from, r->scope, key);
    if (why && why != PVMX_ERR_DEAD_PENDING) {
        r->req.st.source = key->source;
        r->req.st.tag = key->tag;
        px_req_complete(ms, &r->req, why);
        *out = r;
        return PVMX_OK;
    }
    pvmx_err err = px_match_add_posted(&ms->match, &r->posted);
    if (err) {
        if (r->req.layout)
            pvmx_engine_layout_put(r->req.layout);
        px_req_drop(&ms->pool, r);
        return err;
    }
    if (why)
        stall(ms, r);
    *out = r;
    return PVMX_OK;
}

pvmx_err px_recv_probe(struct px_messenger *ms, struct pvmx_peer *from,
                       struct pvmx_scope *scope, const struct px_key *key, bool take,
                       struct px_arrived **found)
{
    struct px_arrived *m = find(ms, key);
    if (!m) {
        pvmx_err err = hopeless(ms, from, scope, key);
        if (!err)
            *found = NULL;
        return err;
    }
    if (take) {
        px_match_remove_unexp(&ms->match, &m->unexp);
        ms->nmsgs++;
    }
    *found = m;
    return PVMX_OK;
}

pvmx_err px_recv_matched(struct px_messenger *ms, struct px_arrived *msg,
                         const struct px_place *to, struct px_recv **out)
{
    struct px_recv *r = new_recv(ms, to);
    if (!r)
        return PVMX_ERR_NOMEM;
    ms->nmsgs--;
    consume(ms, r, msg);
    *out = r;
    return PVMX_OK;
}

void px_recv_fail(struct px_recv *r, pvmx_err err)
{
    struct pvmx_peer *sender = r->sender;
    struct px_messenger *ms = sender->ms;
    if (r->id)
        px_map_remove(&ms->ids, r->id);
    r->id = 0;
    r->sender = NULL;
    px_req_complete(ms, &r->req, err);
    px_peer_put(sender);
}

struct death {
    struct px_messenger *ms;
    struct pvmx_peer *peer;
};

static void fail_posted(struct px_posted *p, void *arg)
{
    struct death *d = arg;
    struct px_recv *r = px_container_of(p, struct px_recv, posted);
    if (!r->from && r->scope && px_scope_blocked(r->scope))
        stall(d->ms, r);
    if (!r->from || r->from != d->peer)
        return;
    px_match_remove_posted(&d->ms->match, p);
    r->req.st.source = p->key.source;
    r->req.st.tag = p->key.tag;
    px_req_complete(d->ms, &r->req, PVMX_ERR_PEER_DEAD);
}

void px_recv_peer_died(struct px_messenger *ms, struct pvmx_peer *peer)
{
    struct death d = {ms, peer};
    px_match_each_posted(&ms->match, fail_posted, &d);
}
