/* SPDX-License-Identifier: BSD-3-Clause */
/* Long messages. The sender has announced where the bytes are (RTS); the receiver copies them
 * straight from the sender's memory and says FIN, or, where memory is closed, asks (CTS) for them to
 * be streamed through the ring in fragments (DATA). */
#include "msg/msg.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
    RUN_MIN = 8 * 1024, /* 1 us of copying against 0.4 us for a system call of its own */
    /* Up to here a sender who waits streams: one copies into the ring while the other copies out of it, and
     * no pages are looked up. 64 KiB take 7 us instead of 16, 512 KiB 31 instead of 44, 1 MiB no less. */
    STREAM_MAX = 512 * 1024,
};

void px_rndv_finish(struct px_recv *r, struct pvmx_peer *sender, uint64_t id)
{
    px_send_control(sender, &(struct px_hdr){.ctx = id, .am = PX_AM_FIN}, NULL, 0);
    px_req_complete(sender->ms, &r->req,
                    r->req.st.length > r->cap ? PVMX_ERR_TRUNCATE : PVMX_OK);
}

pvmx_err px_rndv_expect(struct px_recv *r, struct pvmx_peer *sender, uint64_t id)
{
    pvmx_err err = px_id_new(sender->ms, r, &r->id);
    if (err)
        return err;
    r->sender = sender;
    sender->refs++;
    r->sender_id = id;
    return PVMX_OK;
}

void px_rndv_settle(struct px_recv *r)
{
    struct pvmx_peer *sender = r->sender;
    px_map_remove(&sender->ms->ids, r->id);
    r->id = 0;
    r->sender = NULL;
    px_rndv_finish(r, sender, r->sender_id);
    px_peer_put(sender);
}

/* Asks for a stream of the first `want` bytes. */
static void ask_stream(struct px_recv *r, struct pvmx_peer *sender, uint64_t id, size_t want)
{
    pvmx_err err = px_rndv_expect(r, sender, id);
    if (err) {
        px_req_complete(sender->ms, &r->req, err);
        return;
    }
    r->want = want;
    struct px_cts cts = {.id = r->id, .len = want, .straight = !r->req.layout};
    err = px_send_control(sender, &(struct px_hdr){.ctx = id, .am = PX_AM_CTS}, &cts,
                          sizeof cts);
    if (err)
        px_recv_fail(r, err);
}

/* Copies the sender's bytes to where the layout wants them: long runs straight, others in pieces
 * that stay in the second-level cache. */
static pvmx_err get_scattered(struct px_recv *r, struct pvmx_peer *sender, uint64_t addr,
                              size_t want)
{
    struct px_messenger *ms = sender->ms;
    struct pvmx_view v = {r->req.layout, r->buf, r->count};
    if (!ms->bounce && !(ms->bounce = malloc(PX_BOUNCE)))
        return px_fail(PVMX_ERR_NOMEM, "no memory to receive a message in pieces");
    for (size_t off = 0; off < want;) {
        struct iovec run;
        uint64_t n = 0;
        pvmx_engine_view_runs(&v, off, &run, 1, &n);
        n = n < want - off ? n : want - off;
        bool straight = n >= RUN_MIN;
        if (!straight)
            n = want - off < PX_BOUNCE ? want - off : PX_BOUNCE;
        pvmx_err err =
            sender->ep->tr->get(sender->ep, straight ? run.iov_base : (void *)ms->bounce,
                                addr + off, n);
        if (err)
            return err;
        if (!straight)
            pvmx_engine_unpack(&v, off, ms->bounce, n);
        off += n;
    }
    return PVMX_OK;
}

/* One copy by this process; PVMX_ERR_UNSUPPORTED: the sender has to stream. */
static pvmx_err get_all(struct px_recv *r, struct pvmx_peer *sender, uint64_t addr, size_t want)
{
    if (!want)
        return PVMX_OK;
    if (!addr)
        return PVMX_ERR_UNSUPPORTED;
    return r->req.layout ? get_scattered(r, sender, addr, want)
                         : sender->ep->tr->get(sender->ep, r->buf, addr, want);
}

/* Is the sender there to copy along, and has each of the two a processor? */
static bool stream_worth(const struct pvmx_peer *sender, size_t len)
{
    return len <= STREAM_MAX && px_share_worth(sender, SIZE_MAX) &&
           sender->ep->tr->attends(sender->ep);
}

void px_rndv_fetch(struct px_recv *r, struct pvmx_peer *sender, uint64_t id,
                   uint64_t addr, size_t len)
{
    size_t want = len < r->cap ? len : r->cap;
    r->req.st.length = len;
    pvmx_err err =
        sender->dead && !sender->self ? PVMX_ERR_PEER_DEAD : px_peer_connect(sender);
    if (!err && addr && want && !r->req.layout && stream_worth(sender, want)) {
        err = PVMX_ERR_UNSUPPORTED;
    } else if (!err && addr && !r->req.layout && !sender->ms->nsends &&
               px_share_worth(sender, want)) { /* with sends of ours all are busy copying */
        err = px_share_fetch(r, sender, id, addr, want);
        if (!err)
            return;
    } else if (!err) {
        err = get_all(r, sender, addr, want);
    }
    if (!err)
        px_rndv_finish(r, sender, id);
    else if (err == PVMX_ERR_UNSUPPORTED || err == PVMX_ERR_PERM)
        ask_stream(r, sender, id, want);
    else
        px_req_complete(sender->ms, &r->req, err);
}

/* The receive that a streamed record of len bytes belongs to, and where in it; NULL: none (any more). */
static struct px_recv *streamed(struct px_messenger *ms, const uint8_t *head, size_t len,
                                uint64_t *offset)
{
    struct px_hdr h;
    struct px_data d;
    static_assert(sizeof h + sizeof d == PX_STREAM_HEAD, "the head of a streamed record");
    memcpy(&h, head, sizeof h);
    memcpy(&d, head + sizeof h, sizeof d);
    struct px_recv *r = h.am == PX_AM_DATA ? px_map_get(&ms->ids, h.ctx) : NULL;
    if (!r || r->req.kind != PX_REQ_RECV || r->piece || r->req.layout ||
        d.offset > r->want || len > r->want - d.offset)
        return NULL;
    *offset = d.offset;
    return r;
}

void *px_rndv_place(void *ms, const uint8_t *head, size_t len)
{
    uint64_t offset = 0;
    struct px_recv *r = streamed(ms, head, len, &offset);
    return r ? r->buf + offset : NULL;
}

void px_rndv_placed(void *ms, const uint8_t *head, size_t len)
{
    uint64_t offset = 0;
    struct px_recv *r = streamed(ms, head, len, &offset);
    if (!r)
        return;
    r->got += len;
    if (r->got >= r->want)
        px_rndv_settle(r);
}

void px_rndv_on_data(struct px_messenger *ms, uint64_t id, const uint8_t *bytes, size_t len)
{
    struct px_recv *r = px_map_get(&ms->ids, id);
    struct px_data d;
    if (!r || r->req.kind != PX_REQ_RECV || r->piece || len < sizeof d)
        return;
    memcpy(&d, bytes, sizeof d);
    len -= sizeof d;
    if (d.offset > r->want || len > r->want - d.offset)
        return;
    px_recv_put(r, d.offset, bytes + sizeof d, len);
    r->got += len;
    if (r->got < r->want)
        return;
    px_rndv_settle(r);
}
