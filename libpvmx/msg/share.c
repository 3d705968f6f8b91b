/* SPDX-License-Identifier: BSD-3-Clause */
/* A long message copied by both sides at once. The receiver cuts it into pieces, offers them to
 * the sender and begins; whoever is free takes the next piece. A sender that computes takes none,
 * and the receiver has copied all by itself. On two processors that wait for each other this nearly
 * doubles the bandwidth (see docs/benchmarks.md). */
#include "msg/msg.h"

#include "base/err.h"
#include "transport/shm/seg.h"

enum {
    SHARE_MIN = 32 * 1024, /* below, the offer costs more than the copy it saves */
    PIECE_MIN = 8 * 1024,  /* about 1 us of copying against 0.4 us for the system call */
    PIECE_MAX = 512 * 1024,
    PIECES = 8, /* pieces of a message that allows it: the last one may be waited for */
};

bool px_share_worth(const struct pvmx_peer *sender, size_t len)
{
    const struct px_arena_head *h = sender->ms->arena->head;
    return len >= SHARE_MIN && sender->caps.share &&
           atomic_load_explicit(&h->running, memory_order_relaxed) <= (int32_t)h->ncpus;
}

static uint32_t piece_size(size_t len)
{
    size_t p = len / PIECES;
    p = p < PIECE_MIN ? PIECE_MIN : p > PIECE_MAX ? PIECE_MAX : p;
    return (uint32_t)((p + 4095) & ~(size_t)4095);
}

static uint32_t pieces(size_t len, uint32_t piece)
{
    return (uint32_t)((len + piece - 1) / piece);
}

/* Bytes of piece k. */
static size_t piece_len(size_t len, uint32_t piece, uint32_t k)
{
    size_t from = (size_t)k * piece;
    return len - from < piece ? len - from : piece;
}

static pvmx_err get_piece(struct px_recv *r, struct pvmx_peer *sender, uint32_t k)
{
    size_t from = (size_t)k * r->piece;
    return sender->ep->tr->get(sender->ep, r->buf + from, r->addr + from,
                               piece_len(r->len, r->piece, k));
}

pvmx_err px_share_fetch(struct px_recv *r, struct pvmx_peer *sender, uint64_t id,
                        uint64_t addr, size_t len)
{
    struct px_messenger *ms = sender->ms;
    uint32_t board = ms->share_next++ % PX_SHARES, gen = ++ms->share_gen[board], k;
    _Atomic uint64_t *share = &ms->arena->slot->share[board];
    r->piece = piece_size(len);
    r->addr = addr;
    r->len = len;
    r->want = pieces(len, r->piece);
    r->got = 0;
    /* The first time the first piece shows whether memory is open at all. */
    pvmx_err err = sender->open ? PVMX_OK : get_piece(r, sender, 0);
    if (err || (err = px_rndv_expect(r, sender, id)) != PVMX_OK) {
        r->piece = 0;
        return err;
    }
    r->got = sender->open ? 0 : 1;
    sender->open = true;
    atomic_store(share, (uint64_t)gen << 32 | r->got);
    struct px_share offer = {.id = r->id,
                             .addr = (uint64_t)(uintptr_t)r->buf,
                             .len = len,
                             .board = board,
                             .gen = gen,
                             .piece = r->piece};
    px_send_control(sender, &(struct px_hdr){.ctx = id, .am = PX_AM_SHARE}, &offer,
                    sizeof offer);
    while (!err && px_share_claim(share, gen, (uint32_t)r->want, &k)) {
        err = get_piece(r, sender, k);
        r->got += !err;
    }
    if (err)
        px_recv_fail(r, err);
    else if (r->got == r->want)
        px_rndv_settle(r);
    return PVMX_OK;
}

void px_share_on_offer(struct px_messenger *ms, struct pvmx_peer *from, uint64_t id,
                       const struct px_share *o)
{
    struct px_send *s = px_send_find(ms, id);
    struct px_shared answer = {.failed = -1};
    uint32_t k;
    if (!s || s->req.layout || s->peer != from || o->len > s->len || o->piece == 0 ||
        px_peer_connect(from) != PVMX_OK)
        return;
    while (answer.failed < 0 &&
           from->ep->tr->claim(from->ep, o->board, o->gen, pieces(o->len, o->piece), &k)) {
        size_t at = (size_t)k * o->piece;
        if (from->ep->tr->put(from->ep, o->addr + at, s->buf + at,
                              piece_len(o->len, o->piece, k)))
            answer.failed = (int32_t)k;
        else
            answer.done++;
    }
    if (answer.done || answer.failed >= 0)
        px_send_control(from, &(struct px_hdr){.ctx = o->id, .am = PX_AM_SHARED}, &answer,
                        sizeof answer);
}

void px_share_on_done(struct px_messenger *ms, uint64_t id, const struct px_shared *done)
{
    struct px_recv *r = px_map_get(&ms->ids, id);
    if (!r || r->req.kind != PX_REQ_RECV || !r->piece)
        return;
    r->got += done->done;
    if (done->failed >= 0 && (size_t)done->failed < r->want) {
        pvmx_err err = get_piece(r, r->sender, (uint32_t)done->failed);
        if (err) {
            px_recv_fail(r, err);
            return;
        }
        r->got++;
    }
    if (r->got >= r->want)
        px_rndv_settle(r);
}
