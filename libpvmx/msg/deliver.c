/* SPDX-License-Identifier: BSD-3-Clause */
/* Records that have arrived: a handler for each kind. */
#include "msg/msg.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* A message that matches nothing yet is kept; the caller's record is gone after deliver. */
static pvmx_err keep(struct px_messenger *ms, const struct px_key *key,
                     struct pvmx_peer *from, const struct px_arrived *head, const void *data)
{
    size_t bytes = head->am == PX_AM_RTS ? 0 : head->len;
    if (px_revoked(ms, key->ctx)) {
        px_arrived_refuse(from, head->am, head->id);
        return PVMX_OK;
    }
    struct px_arrived *m = malloc(sizeof *m + bytes);
    if (!m)
        return PVMX_ERR_NOMEM;
    *m = *head;
    m->unexp.key = *key;
    if (bytes)
        memcpy(m->data, data, bytes);
    pvmx_err err = px_match_add_unexp(&ms->match, &m->unexp);
    if (err) {
        free(m);
        return PVMX_ERR_NOMEM;
    }
    m->from = from;
    from->refs++;
    ms->completed = true; /* another thread may probe for it */
    return PVMX_OK;
}

static pvmx_err sink(struct px_messenger *ms, uint64_t ctx, struct pvmx_peer *from,
                     int32_t tag, const void *bytes, size_t len)
{
    ms->completed = true; /* another thread may wait for it */
    return ms->sinks[ctx].fn(ms->sinks[ctx].arg, from->tid, tag, bytes, len);
}

pvmx_err px_recv_sink(struct px_messenger *ms, uint64_t ctx)
{
    const struct px_key all = {ctx, PVMX_ANY_SOURCE, PVMX_ANY_TAG};
    struct px_unexp *u;
    while ((u = px_match_find_unexp(&ms->match, &all)) != NULL) {
        struct px_arrived *m = px_container_of(u, struct px_arrived, unexp);
        pvmx_err err = sink(ms, ctx, m->from, u->key.tag, m->data, m->len);
        if (err)
            return err;
        px_match_remove_unexp(&ms->match, u);
        px_arrived_free(m);
    }
    return PVMX_OK;
}

/* Copies an eager message to its receive. */
static void copy_in(struct px_messenger *ms, struct px_recv *r, const struct px_key *key,
                    const void *data, size_t len)
{
    size_t n = len < r->cap ? len : r->cap;
    px_recv_put(r, 0, data, n);
    r->req.st.source = key->source;
    r->req.st.tag = key->tag;
    r->req.st.length = len;
    px_req_complete(ms, &r->req, len > r->cap ? PVMX_ERR_TRUNCATE : PVMX_OK);
}

static pvmx_err on_eager(struct px_messenger *ms, struct pvmx_peer *from,
                         const struct px_hdr *h, const uint8_t *body, size_t len)
{
    struct px_key key = {h->ctx, h->source, h->tag};
    if (h->ctx < PVMX_SINKS && ms->sinks[h->ctx].fn)
        return sink(ms, h->ctx, from, h->tag, body, len);
    struct px_posted *p = px_match_arrive(&ms->match, &key);
    if (!p)
        return keep(ms, &key, from, &(struct px_arrived){.am = PX_AM_EAGER, .len = len},
                    body);
    copy_in(ms, px_container_of(p, struct px_recv, posted), &key, body, len);
    return PVMX_OK;
}

static pvmx_err on_sync(struct px_messenger *ms, struct pvmx_peer *from,
                        const struct px_hdr *h, const uint8_t *body, size_t len)
{
    struct px_key key = {h->ctx, h->source, h->tag};
    struct px_sync sync;
    if (len < sizeof sync)
        return PVMX_ERR_PROTO;
    memcpy(&sync, body, sizeof sync);
    body += sizeof sync;
    len -= sizeof sync;
    struct px_posted *p = px_match_arrive(&ms->match, &key);
    if (!p)
        return keep(ms, &key, from,
                    &(struct px_arrived){.am = PX_AM_SYNC, .len = len, .id = sync.id}, body);
    copy_in(ms, px_container_of(p, struct px_recv, posted), &key, body, len);
    px_send_control(from, &(struct px_hdr){.ctx = sync.id, .am = PX_AM_FIN}, NULL, 0);
    return PVMX_OK;
}

static pvmx_err on_rts(struct px_messenger *ms, struct pvmx_peer *from,
                       const struct px_hdr *h, const uint8_t *body, size_t len)
{
    struct px_key key = {h->ctx, h->source, h->tag};
    struct px_rts rts;
    if (len < sizeof rts)
        return PVMX_ERR_PROTO;
    memcpy(&rts, body, sizeof rts);
    struct px_posted *p = px_match_arrive(&ms->match, &key);
    if (!p)
        return keep(ms, &key, from,
                    &(struct px_arrived){
                        .am = PX_AM_RTS, .len = rts.len, .id = rts.id, .addr = rts.addr},
                    NULL);
    struct px_recv *r = px_container_of(p, struct px_recv, posted);
    r->req.st.source = key.source;
    r->req.st.tag = key.tag;
    px_rndv_fetch(r, from, rts.id, rts.addr, rts.len);
    return PVMX_OK;
}

static pvmx_err on_fin(struct px_messenger *ms, struct pvmx_peer *from,
                       const struct px_hdr *h, const uint8_t *body, size_t len)
{
    (void)from, (void)body, (void)len;
    px_send_on_fin(ms, h->ctx, h->tag);
    return PVMX_OK;
}

static pvmx_err on_cts(struct px_messenger *ms, struct pvmx_peer *from,
                       const struct px_hdr *h, const uint8_t *body, size_t len)
{
    (void)from;
    struct px_cts cts;
    if (len < sizeof cts)
        return PVMX_ERR_PROTO;
    memcpy(&cts, body, sizeof cts);
    px_send_on_cts(ms, h->ctx, &cts);
    return PVMX_OK;
}

static pvmx_err on_data(struct px_messenger *ms, struct pvmx_peer *from,
                        const struct px_hdr *h, const uint8_t *body, size_t len)
{
    (void)from;
    px_rndv_on_data(ms, h->ctx, body, len);
    return PVMX_OK;
}

static pvmx_err on_share(struct px_messenger *ms, struct pvmx_peer *from,
                         const struct px_hdr *h, const uint8_t *body, size_t len)
{
    struct px_share share;
    if (len < sizeof share)
        return PVMX_ERR_PROTO;
    memcpy(&share, body, sizeof share);
    px_share_on_offer(ms, from, h->ctx, &share);
    return PVMX_OK;
}

static pvmx_err on_shared(struct px_messenger *ms, struct pvmx_peer *from,
                          const struct px_hdr *h, const uint8_t *body, size_t len)
{
    (void)from;
    struct px_shared shared;
    if (len < sizeof shared)
        return PVMX_ERR_PROTO;
    memcpy(&shared, body, sizeof shared);
    px_share_on_done(ms, h->ctx, &shared);
    return PVMX_OK;
}

static pvmx_err on_cancel(struct px_messenger *ms, struct pvmx_peer *from,
                          const struct px_hdr *h, const uint8_t *body, size_t len)
{
    (void)body, (void)len;
    px_arrived_cancel(ms, from, h->ctx);
    return PVMX_OK;
}

static pvmx_err on_chain(struct px_messenger *ms, struct pvmx_peer *from,
                         const struct px_hdr *h, const uint8_t *body, size_t len)
{
    (void)h;
    return ms->chains ? ms->chains->arrived(ms, from, body, len) : PVMX_ERR_PROTO;
}

typedef pvmx_err handler(struct px_messenger *, struct pvmx_peer *, const struct px_hdr *,
                         const uint8_t *, size_t);

static const struct {
    const char *name;
    handler *fn;
} handlers[PX_AM_COUNT_] = {
    [PX_AM_EAGER] = {"eager", on_eager},    [PX_AM_SYNC] = {"sync", on_sync},
    [PX_AM_RTS] = {"rts", on_rts},          [PX_AM_FIN] = {"fin", on_fin},
    [PX_AM_CTS] = {"cts", on_cts},          [PX_AM_DATA] = {"data", on_data},
    [PX_AM_SHARE] = {"share", on_share},    [PX_AM_SHARED] = {"shared", on_shared},
    [PX_AM_CANCEL] = {"cancel", on_cancel}, [PX_AM_CHAIN] = {"chain", on_chain},
};

pvmx_err px_deliver(void *arg, struct px_origin *from, const uint8_t *bytes, size_t len)
{
    struct px_messenger *ms = arg;
    struct pvmx_peer *peer = from->peer;
    struct px_hdr h;
    pvmx_err err = PVMX_ERR_PROTO;
    if (len >= sizeof h) {
        memcpy(&h, bytes, sizeof h);
        if (h.am < PX_AM_COUNT_)
            err = handlers[h.am].fn(ms, peer, &h, bytes + sizeof h, len - sizeof h);
    }
    if (err == PVMX_ERR_PROTO) {
        px_log(PX_LOG_ERROR, "MSG-GARBAGE",
               "task t%x sent a record that is none (%zu bytes)", (unsigned)peer->tid, len);
        return PVMX_OK; /* dropped */
    }
    return err;
}
