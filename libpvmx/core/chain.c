/* SPDX-License-Identifier: BSD-3-Clause */
/* Posts that find no room in the receiver's ring. A post never waits and arrives although its sender has
 * ended, so it cannot wait in the sender's own memory: it goes into a chain of blocks of the sender's
 * heap, which stay for the receiver. The ring has kept room for one short record that names the chain.
 * When the receiver comes to it, it reads the chain to its end and closes it; from then on posts go
 * through the ring again. So nothing overtakes anything.
 *
 * A record is a word, then its bytes. The word is 0 where nothing is yet; the sender changes it to what
 * follows, the receiver to "closed", each by compare-and-swap, so that one of the two is first. */
#include "core/ctx.h"

#include "base/err.h"
#include "base/log.h"
#include "transport/shm/shm.h"
#include <pvmx/engine/post.h>

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 64 * 1024,
    RECORD = 0, /* kinds of words, in their two lowest bits; above them the length of a record */
    CLOSED = 1,
    NEXT = 2, /* followed by struct pvmx_loan: goes on in another block */
    KIND = 3,
    WORD = sizeof(uint64_t),
    LINK = WORD + sizeof(struct pvmx_loan), /* kept free at the end of each block */
    BATCH = 64,                             /* records before others get their turn */
};

struct px_chain_out {
    struct pvmx_block *block; /* NULL: none yet */
    struct pvmx_loan loan;
    size_t off;
    bool open; /* the receiver has been told of it and had not closed it */
};

struct px_chain_in {
    struct pvmx_lent lent;
    size_t off;
    bool open;
};

static size_t padded(size_t n)
{
    return (n + WORD - 1) & ~(size_t)(WORD - 1);
}

static _Atomic uint64_t *word_at(const void *base, size_t off)
{
    return (_Atomic uint64_t *)(void *)((char *)(uintptr_t)base + off);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static void drop(struct px_chain_out *c)
{
    if (c->block)
        pvmx_engine_block_free(c->block);
    *c = (struct px_chain_out){0};
}

static pvmx_err fresh(struct pvmx_peer *to, struct px_chain_out *c)
{
    *c = (struct px_chain_out){0};
    pvmx_err err = pvmx_engine_block_new(BLOCK, &c->block);
    if (!err)
        err = pvmx_engine_block_lend(c->block, to, &c->loan);
    if (err)
        drop(c);
    else
        atomic_store_explicit(word_at(c->block->data, 0), 0, memory_order_relaxed);
    return err;
}

static bool publish(struct px_chain_out *c, uint64_t word)
{
    uint64_t nothing = 0;
    return atomic_compare_exchange_strong(word_at(c->block->data, c->off), &nothing, word);
}

/* Goes on in a new block. PVMX_ERR_CLOSED: the receiver was quicker; the new block is for the next
 * chain. */
static pvmx_err grow(struct pvmx_peer *to, struct px_chain_out *c)
{
    struct px_chain_out next;
    pvmx_err err = fresh(to, &next);
    if (err)
        return err;
    memcpy((char *)c->block->data + c->off + WORD, &next.loan, sizeof next.loan);
    next.open = publish(c, NEXT);
    drop(c); /* the receiver gives it back */
    *c = next;
    return next.open ? PVMX_OK : PVMX_ERR_CLOSED;
}

static pvmx_err append(struct pvmx_peer *to, struct px_chain_out *c,
                       const struct px_hdr *hdr, const void *bytes, size_t len)
{
    size_t total = sizeof *hdr + len, need = WORD + padded(total);
    pvmx_err err = PVMX_OK;
    if (c->off + need + LINK > BLOCK)
        err = grow(to, c);
    if (err)
        return err;
    char *at = (char *)c->block->data + c->off + WORD;
    memcpy(at, hdr, sizeof *hdr);
    if (len)
        memcpy(at + sizeof *hdr, bytes, len);
    atomic_store_explicit(word_at(c->block->data, c->off + need), 0, memory_order_relaxed);
    if (!publish(c, (uint64_t)total << 2 | RECORD)) {
        drop(c);
        return PVMX_ERR_CLOSED;
    }
    c->off += need;
    return PVMX_OK;
}

/* The record is the first of a chain. */
static bool begin(struct pvmx_peer *to, const struct px_hdr *hdr, const void *bytes,
                  size_t len)
{
    if (to->ep->tr != &px_transport_shm)
        return false;
    if (!to->chain_out)
        to->chain_out = calloc(1, sizeof *to->chain_out);
    struct px_chain_out *c = to->chain_out;
    if (!c || (!c->block && fresh(to, c)))
        return false;
    const struct px_hdr name = {.ctx = hdr->ctx, .am = PX_AM_CHAIN};
    static_assert(sizeof name + sizeof c->loan <= PX_SPARE, "the ring has room for it");
    c->open = append(to, c, hdr, bytes, len) == PVMX_OK &&
              px_send_now(to, &name, &c->loan, sizeof c->loan, false);
    if (!c->open) { /* nobody knows of it */
        c->off = 0;
        atomic_store_explicit(word_at(c->block->data, 0), 0, memory_order_relaxed);
    }
    return c->open;
}

pvmx_err px_chain_post(struct pvmx_peer *to, const struct px_hdr *hdr, const void *bytes,
                       size_t len)
{
    pvmx_err err = to->ep ? PVMX_OK : px_peer_connect(to);
    if (err)
        return err;
    struct px_hdr h = *hdr;
    h.am = PX_AM_EAGER;
    struct px_chain_out *c = to->chain_out;
    if (c && c->open) {
        err = append(to, c, &h, bytes, len);
        if (!err)
            return PVMX_OK;
        if (err != PVMX_ERR_CLOSED) /* no memory: what follows stands behind the chain's name */
            drop(c);
        c->open = false;
    }
    if (px_list_empty(&to->out) &&
        (px_send_now(to, &h, bytes, len, true) || begin(to, &h, bytes, len)))
        return PVMX_OK;
    return px_send_post(to, &h, bytes, len);
}

/* ---- receiving -------------------------------------------------------------------------------- */

static pvmx_err open_block(struct pvmx_peer *from, const void *place, struct px_chain_in *c)
{
    struct pvmx_loan loan;
    struct pvmx_lent lent;
    memcpy(&loan, place, sizeof loan);
    pvmx_err err = pvmx_engine_block_open(from->tid, &loan, BLOCK, &lent);
    if (err)
        return err;
    if (c->open)
        pvmx_engine_block_close(&c->lent);
    *c = (struct px_chain_in){.lent = lent, .open = true};
    return PVMX_OK;
}

static pvmx_err shut(struct px_chain_in *c)
{
    pvmx_engine_block_close(&c->lent);
    c->open = false;
    return PVMX_OK;
}

static pvmx_err take(struct px_messenger *ms, struct pvmx_peer *from,
                     struct px_chain_in *c, uint64_t word)
{
    size_t total = word >> 2;
    if ((word & KIND) != RECORD || total > BLOCK - LINK - c->off) {
        px_log(PX_LOG_ERROR, "MSG-GARBAGE", "task t%x has left a chain that is none",
               (unsigned)from->tid);
        return shut(c);
    }
    struct px_origin origin = {from->tid, from};
    pvmx_err err =
        px_deliver(ms, &origin, (const uint8_t *)c->lent.data + c->off + WORD, total);
    if (err)
        return err;
    c->off += WORD + padded(total);
    ms->chained++;
    return PVMX_OK;
}

/* Reads on where it was; PVMX_ERR_AGAIN after a batch. */
static pvmx_err read_on(struct px_messenger *ms, struct pvmx_peer *from,
                        struct px_chain_in *c)
{
    pvmx_err err = PVMX_OK;
    for (unsigned n = 0; !err && c->open; n++) {
        if (n == BATCH && !from->ended)
            return PVMX_ERR_AGAIN;
        uint64_t word = 0;
        if (atomic_compare_exchange_strong(word_at(c->lent.data, c->off), &word, CLOSED))
            return shut(c);
        if (word == NEXT)
            err = open_block(from, (const char *)c->lent.data + c->off + WORD, c);
        else
            err = take(ms, from, c, word);
    }
    return err;
}

static pvmx_err arrived(struct px_messenger *ms, struct pvmx_peer *from,
                        const uint8_t *body, size_t len)
{
    if (len != sizeof(struct pvmx_loan))
        return PVMX_ERR_PROTO;
    if (!from->chain_in)
        from->chain_in = calloc(1, sizeof *from->chain_in);
    struct px_chain_in *c = from->chain_in;
    if (!c)
        return PVMX_ERR_NOMEM;
    pvmx_err err = c->open ? PVMX_OK : open_block(from, body, c);
    return err ? err : read_on(ms, from, c);
}

static void forget(struct pvmx_peer *peer)
{
    if (peer->chain_out)
        drop(peer->chain_out);
    if (peer->chain_in && peer->chain_in->open)
        shut(peer->chain_in);
    free(peer->chain_out);
    free(peer->chain_in);
    peer->chain_out = NULL;
    peer->chain_in = NULL;
}

const struct px_chains px_chains = {.arrived = arrived, .forget = forget};
