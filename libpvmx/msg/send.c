/* SPDX-License-Identifier: BSD-3-Clause */
/* Sends: short messages are copied into the transport (eager), long and synchronous ones wait for
 * the receiver. */
#include "msg/msg.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
    FRAGMENT = 16 * 1024, /* bytes of a piece of a stream, at most */
    /* And at least: 0.4 us of packing against 0.1 us for a record. */
    FRAGMENT_MIN = 2 * 1024,
    FRAGMENTS = 4, /* pieces of a message that allows it: one is unpacked while the next is packed */
    /* The same where a run is a few bytes of a line that is in no near cache (5 ns each): a column of
     * 1024 doubles takes 10.8 us in these, 13.4 in those. */
    SPARSE_MIN = 512,
    SPARSE_RUN = 32,
    SPARSE_FRAGMENTS = 16,
};

static void complete(struct px_send *s, pvmx_err err)
{
    struct pvmx_peer *peer = s->peer;
    struct px_messenger *ms = peer->ms;
    if (s->id)
        px_map_remove(&ms->ids, s->id);
    free(s->copy);
    s->copy = NULL;
    s->id = 0;
    ms->nsends--;
    px_req_complete(ms, &s->req, err);
    px_peer_put(peer);
}

void px_send_fail(struct px_send *s, pvmx_err err)
{
    px_list_remove(&s->out.node);
    complete(s, err);
}

void px_send_cancel(struct px_send *s)
{
    if (!s->started) {
        s->req.st.cancelled = 1;
        px_send_fail(s, PVMX_OK);
    } else if (s->id && !s->stream_to) { /* cannot be asked: the receiver's end ends it */
        px_send_control(s->peer, &(struct px_hdr){.ctx = s->id, .am = PX_AM_CANCEL}, NULL, 0);
    }
}

static void fail_out(struct pvmx_peer *peer, struct px_out *out, pvmx_err err)
{
    (void)peer;
    px_send_fail(px_container_of(out, struct px_send, out), err);
}

/* Pushes the one record that starts the send. */
static pvmx_err push_first(struct pvmx_peer *peer, struct px_out *out)
{
    struct px_send *s = px_container_of(out, struct px_send, out);
    struct px_slice v[3] = {{&s->hdr, sizeof s->hdr}};
    struct px_sync sync;
    struct px_rts rts;
    unsigned n = 1;
    s->hdr.am = s->eager ? (s->id ? PX_AM_SYNC : PX_AM_EAGER) : PX_AM_RTS;
    if (!s->eager) {
        rts = (struct px_rts){s->id, s->req.layout ? 0 : (uint64_t)(uintptr_t)s->buf, s->len};
        v[n++] = (struct px_slice){&rts, sizeof rts};
    } else {
        if (s->id) {
            sync = (struct px_sync){s->id};
            v[n++] = (struct px_slice){&sync, sizeof sync};
        }
        v[n++] = (struct px_slice){s->buf, s->len};
    }
    bool waits = s->id != 0;
    s->started = true; /* before the push: a record to ourselves may complete the send */
    pvmx_err err = peer->ep->tr->push(peer->ep, v, n);
    if (err == PVMX_ERR_AGAIN)
        s->started = false;
    if (!err && !waits)
        complete(s, PVMX_OK);
    return err;
}

/* Bytes of a piece. Small ones pay where both sides have a processor, and packing costs more than
 * records do. */
static size_t piece_of(const struct px_send *s, const struct pvmx_view *v)
{
    size_t least = FRAGMENT_MIN, pieces = FRAGMENTS;
    if (v->layout && px_share_worth(s->peer, SIZE_MAX)) {
        struct iovec runs[8];
        uint64_t bytes = 0;
        size_t n = pvmx_engine_view_runs(v, 0, runs, 8, &bytes);
        if (bytes < n * SPARSE_RUN) {
            least = SPARSE_MIN;
            pieces = SPARSE_FRAGMENTS;
        }
    }
    size_t piece = s->stream_len / pieces;
    return piece < least ? least : piece > FRAGMENT ? FRAGMENT : piece;
}

/* Pushes fragments of a stream until it is through or the ring is full. */
static pvmx_err push_stream(struct pvmx_peer *peer, struct px_out *out)
{
    struct px_send *s = px_container_of(out, struct px_send, out);
    size_t max = peer->caps.max_record - sizeof(struct px_hdr) - sizeof(struct px_data);
    struct px_hdr h = {.ctx = s->stream_to, .am = PX_AM_DATA};
    uint8_t packed[FRAGMENT];
    const struct pvmx_view view = {s->req.layout, (void *)(uintptr_t)s->buf, s->count};
    size_t piece = piece_of(s, &view);
    max = max < piece ? max : piece;
    for (bool last = s->stream_len == 0; !last;) {
        size_t off = s->stream_off, left = s->stream_len - off, n = left < max ? left : max;
        const uint8_t *bytes = s->buf + off;
        if (s->req.layout) {
            pvmx_engine_pack(&view, off, packed, n);
            bytes = packed;
        }
        struct px_data d = {off};
        struct px_slice v[3] = {{&h, sizeof h}, {&d, sizeof d}, {bytes, n}};
        last = n == left;
        s->stream_off +=
            n; /* before the push: the last record to ourselves completes the send */
        pvmx_err err = peer->ep->tr->push(peer->ep, v, 3);
        if (err) {
            s->stream_off = off;
            return err;
        }
    }
    return PVMX_OK; /* FIN completes the send */
}

/* The same in records whose bytes nobody copies. */
static pvmx_err push_straight(struct pvmx_peer *peer, struct px_out *out)
{
    struct px_send *s = px_container_of(out, struct px_send, out);
    const size_t most = peer->caps.stream;
    while (s->stream_off < s->stream_len) {
        size_t begin = s->stream_off - s->stream_off % most, done = 0;
        size_t end = s->stream_len - begin < most ? s->stream_len : begin + most;
        struct {
            struct px_hdr h;
            struct px_data d;
        } head = {{.ctx = s->stream_to, .am = PX_AM_DATA}, {begin}};
        pvmx_err err = peer->ep->tr->stream(peer->ep, &head, s->buf + s->stream_off,
                                            end - s->stream_off, &done);
        s->stream_off += done;
        if (err)
            return err;
    }
    return PVMX_OK; /* FIN completes the send */
}

/* limit: up to which length a message goes at once. */
static struct px_send *new_send(struct pvmx_peer *to, const struct px_hdr *hdr,
                                const void *buf, size_t len, size_t limit)
{
    struct px_send *s = px_req_new(&to->ms->pool, PX_REQ_SEND);
    if (!s)
        return NULL;
    px_list_init(&s->out.node);
    s->out.push = push_first;
    s->out.fail = fail_out;
    s->peer = to;
    s->hdr = *hdr;
    s->buf = buf;
    s->len = len;
    s->copy = NULL;
    s->id = s->stream_to = 0;
    s->eager = len <= limit;
    s->started = false;
    s->stream_len = s->stream_off = 0;
    s->req.st = (struct pvmx_status){.source = hdr->source, .tag = hdr->tag, .length = len};
    return s;
}

static pvmx_err prepare(struct px_send *s, enum pvmx_send_mode mode)
{
    struct px_messenger *ms = s->peer->ms;
    if (mode == PVMX_SEND_BUFFERED && !s->copy) {
        s->copy = malloc(s->len ? s->len : 1);
        if (!s->copy)
            return px_fail(PVMX_ERR_NOMEM, "no memory to buffer a message of %zu bytes",
                           s->len);
        if (s->len)
            memcpy(s->copy, s->buf, s->len);
        s->buf = s->copy;
    }
    if (!s->eager || mode == PVMX_SEND_SYNC)
        return px_id_new(ms, s, &s->id);
    return PVMX_OK;
}

static bool push_now(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                     size_t len)
{
    struct px_hdr h = *hdr;
    h.am = PX_AM_EAGER;
    struct px_slice v[2] = {{&h, sizeof h}, {buf, len}};
    return px_list_empty(&to->out) && to->ep->tr->push(to->ep, v, 2) == PVMX_OK;
}

bool px_send_now(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                 size_t len, bool spare)
{
    struct px_slice v[2] = {{hdr, sizeof *hdr}, {buf, len}};
    const struct px_transport *tr = to->ep->tr;
    return (spare ? tr->push_spare : tr->push)(to->ep, v, 2) == PVMX_OK;
}

/* The common short message: nothing waits before it and it needs no answer. */
static bool try_inline(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                       size_t len, size_t limit, enum pvmx_send_mode mode)
{
    return len <= limit && mode != PVMX_SEND_SYNC && push_now(to, hdr, buf, len);
}

static void discard(struct px_send *s)
{
    if (s->req.layout)
        pvmx_engine_layout_put(s->req.layout);
    free(s->copy);
    px_req_drop(&s->peer->ms->pool, s);
}

/* A send that could not leave at once. */
static pvmx_err enqueue(struct px_send *s, enum pvmx_send_mode mode, struct pvmx_req **req)
{
    struct pvmx_peer *to = s->peer;
    pvmx_err err = prepare(s, mode);
    if (err) {
        discard(s);
        return err;
    }
    to->refs++;
    to->ms->nsends++;
    if (mode == PVMX_SEND_BUFFERED) { /* complete for the caller; lives on as an orphan */
        s->req.orphan = true;
        *req = NULL;
    } else {
        *req = &s->req;
    }
    px_peer_post(to, &s->out);
    return PVMX_OK;
}

pvmx_err px_send_start(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                       size_t len, enum pvmx_send_mode mode, struct pvmx_req **req)
{
    pvmx_err err;
    if (!to->ep && (err = px_peer_connect(to)) != PVMX_OK)
        return err;
    if (try_inline(to, hdr, buf, len, to->caps.eager, mode)) {
        *req = NULL;
        return PVMX_OK;
    }
    struct px_send *s = new_send(to, hdr, buf, len, to->caps.eager);
    return s ? enqueue(s, mode, req) : PVMX_ERR_NOMEM;
}

/* What does not lie in one run cannot be fetched but is streamed, which takes one more round trip
 * between the two. It goes at once as long as one record holds it; between two that have a processor
 * each, as long as there is nothing to be gained from packing and unpacking at the same time. */
static size_t view_limit(const struct pvmx_peer *to)
{
    if (px_share_worth(to, SIZE_MAX))
        return FRAGMENT_MIN;
    size_t max = to->caps.max_record - sizeof(struct px_hdr) - sizeof(struct px_sync);
    max = max < FRAGMENT ? max : FRAGMENT;
    return max > to->caps.eager ? max : to->caps.eager;
}

pvmx_err px_send_post(struct pvmx_peer *to, const struct px_hdr *hdr, const void *buf,
                      size_t len)
{
    pvmx_err err;
    if (!to->ep && (err = px_peer_connect(to)) != PVMX_OK)
        return err;
    if (push_now(to, hdr, buf, len))
        return PVMX_OK;
    struct px_send *s = new_send(to, hdr, buf, len, PVMX_POST_MAX);
    if (!s)
        return PVMX_ERR_NOMEM;
    s->copy = malloc(len ? len : 1);
    if (!s->copy) {
        discard(s);
        return px_fail(PVMX_ERR_NOMEM, "no memory to keep a message of %zu bytes", len);
    }
    if (len)
        memcpy(s->copy, buf, len);
    s->buf = s->copy;
    s->req.orphan = true;
    to->refs++;
    to->ms->nsends++;
    px_peer_post(to, &s->out);
    return PVMX_OK;
}

/* Short: packed and sent like any other. Long: streamed out of its places; a copy is only made where
 * the caller may change them (buffered mode). */
pvmx_err px_send_start_view(struct pvmx_peer *to, const struct px_hdr *hdr,
                            const struct pvmx_view *view, enum pvmx_send_mode mode,
                            struct pvmx_req **req)
{
    pvmx_err err;
    uint64_t len = pvmx_view_size(view);
    uint8_t packed[FRAGMENT];
    if (!to->ep && (err = px_peer_connect(to)) != PVMX_OK)
        return err;
    size_t limit = view_limit(to);
    if (len <= limit && len <= sizeof packed) {
        pvmx_engine_pack(view, 0, packed, len);
        if (try_inline(to, hdr, packed, len, limit, mode)) {
            *req = NULL;
            return PVMX_OK;
        }
    }
    struct px_send *s = new_send(to, hdr, view->base, len, limit);
    if (!s)
        return PVMX_ERR_NOMEM;
    if (!s->eager && mode != PVMX_SEND_BUFFERED) {
        s->req.layout = pvmx_engine_layout_get(view->layout);
        s->count = view->count;
        return enqueue(s, mode, req);
    }
    s->buf = s->copy = malloc(len ? len : 1);
    if (!s->copy) {
        discard(s);
        return px_fail(PVMX_ERR_NOMEM, "no memory to pack a message of %llu bytes",
                       (unsigned long long)len);
    }
    pvmx_engine_pack(view, 0, s->copy, len);
    return enqueue(s, mode, req);
}

/* Ends a send that has not left this process if its context is revoked. */
static void revoke_waiting(struct px_messenger *ms, struct pvmx_peer *peer)
{
    px_list_foreach(it, &peer->out) {
        struct px_out *out = px_container_of(it, struct px_out, node);
        struct px_send *s = px_container_of(out, struct px_send, out);
        if (out->push == push_first && !s->started && px_revoked(ms, s->hdr.ctx))
            px_send_fail(s, PVMX_ERR_REVOKED);
    }
}

void px_sends_revoke(struct px_messenger *ms)
{
    size_t pos = 0;
    uint64_t key;
    void *v;
    while (px_map_next(&ms->peers, &pos, &key, &v))
        revoke_waiting(ms, v);
    pos = 0;
    while (px_map_next(&ms->ids, &pos, &key, &v)) {
        struct px_send *s = v;
        if (s->req.kind == PX_REQ_SEND && s->eager && px_revoked(ms, s->hdr.ctx))
            px_send_fail(s, PVMX_ERR_REVOKED);
    }
}

struct px_send *px_send_find(struct px_messenger *ms, uint64_t id)
{
    struct px_send *s = px_map_get(&ms->ids, id);
    return s && s->req.kind == PX_REQ_SEND ? s : NULL;
}

void px_send_on_fin(struct px_messenger *ms, uint64_t id, int32_t tag)
{
    struct px_send *s = px_send_find(ms, id);
    if (!s)
        return;
    if (tag != PX_FIN_REVOKED) {
        s->req.st.cancelled = tag == PX_FIN_CANCELLED;
        complete(s, PVMX_OK);
        return;
    }
    uint64_t ctx = s->hdr.ctx; /* the news itself may still be on its way */
    complete(s, PVMX_ERR_REVOKED);
    if (px_revoke(ms, ctx, 1) && ms->on_revoke)
        ms->on_revoke(ctx);
}

void px_send_on_cts(struct px_messenger *ms, uint64_t id, const struct px_cts *cts)
{
    struct px_send *s = px_send_find(ms, id);
    if (!s || s->stream_to)
        return;
    s->stream_to = cts->id;
    s->stream_len = cts->len < s->len ? cts->len : s->len;
    bool straight = cts->straight && !s->req.layout && s->peer->caps.stream > 0;
    s->out.push = straight && s->stream_len > 0 ? push_straight : push_stream;
    px_peer_post(s->peer, &s->out);
}

struct control {
    struct px_out out;
    struct px_hdr hdr;
    size_t len;
    uint8_t body[sizeof(struct px_share)]; /* the longest of them */
};

static pvmx_err push_control(struct pvmx_peer *peer, struct px_out *out)
{
    struct control *c = px_container_of(out, struct control, out);
    struct px_slice v[2] = {{&c->hdr, sizeof c->hdr}, {c->body, c->len}};
    pvmx_err err = peer->ep->tr->push(peer->ep, v, 2);
    if (err != PVMX_ERR_AGAIN)
        free(c);
    return err == PVMX_ERR_AGAIN ? err : PVMX_OK;
}

static void fail_control(struct pvmx_peer *peer, struct px_out *out, pvmx_err err)
{
    (void)peer, (void)err;
    px_list_remove(&out->node);
    free(px_container_of(out, struct control, out));
}

pvmx_err px_send_control(struct pvmx_peer *to, const struct px_hdr *hdr, const void *body,
                         size_t len)
{
    pvmx_err err = to->dead ? PVMX_ERR_PEER_DEAD : px_peer_connect(to);
    if (err)
        return err;
    struct px_slice v[2] = {{hdr, sizeof *hdr}, {body, len}};
    if (px_list_empty(&to->out) && to->ep->tr->push(to->ep, v, 2) == PVMX_OK)
        return PVMX_OK;
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a control message");
    px_list_init(&c->out.node);
    c->out.push = push_control;
    c->out.fail = fail_control;
    c->hdr = *hdr;
    c->len = len;
    if (len)
        memcpy(c->body, body, len);
    px_peer_post(to, &c->out);
    return PVMX_OK;
}
