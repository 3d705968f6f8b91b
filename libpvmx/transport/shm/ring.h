/* SPDX-License-Identifier: BSD-3-Clause */
/* Single-producer single-consumer ring of records in shared memory.
 *
 * A record is a word, then its bytes, padded to whole cache lines. The word is stored last, with
 * release order: a producer that dies before has published nothing. The consumer polls the word
 * itself, so that a short message crosses between processors as one line. Before a record is
 * published the word after it is 0, so stale bytes are never taken for a record; for the next short
 * one that is done ahead of time, since taking another line from the consumer's cache would stand
 * between the message and its publication. */
#ifndef PX_SHM_RING_H
#define PX_SHM_RING_H

#include "proto/arena.h"
#include "transport/transport.h"

enum {
    PX_RING_LINE = 64,
    PX_RING_HEAD = 128,
    PX_RING_DATA = PX_RING_SIZE - PX_RING_HEAD,
    PX_RING_RECORD_MAX = 16 * 1024 + 256, /* bytes of one record: a quarter of the ring */
};

struct px_ring {
    _Alignas(64) _Atomic uint64_t head; /* consumer: position up to which all is consumed  */
    _Alignas(64) _Atomic uint32_t want_space; /* producer sleeps until there is room             */
    uint8_t data[PX_RING_DATA];
};
static_assert(sizeof(struct px_ring) == PX_RING_SIZE, "ring layout");

/* Each side's own place in a ring; private memory. Positions count bytes, skipped ones included. */
struct px_ring_end {
    struct px_ring *ring;
    uint64_t pos;
    uint64_t clean; /* producer: the words of all lines from pos up to here, excluded, are 0 */
    uint64_t quick; /* producer: up to here a short record needs no look at anything */
    uint64_t look;  /* producer: position from which on it may begin again at the start */
    uint64_t limit; /* producer: pos may grow to this (last head seen + PX_RING_DATA);
                     * consumer: next position at which want_space is looked at       */
    uint32_t off;   /* pos's place in data */
};

/* Called by the consumer before a producer may claim the ring: empty, at position 0. */
void px_ring_reset(struct px_ring *ring);
void px_ring_attach_producer(struct px_ring_end *end, struct px_ring *ring);
void px_ring_attach_consumer(struct px_ring_end *end, struct px_ring *ring);

/* Publishes a record; false: no room. total = sum of the slices' lengths, <= PX_RING_RECORD_MAX. */
bool px_ring_push(struct px_ring_end *end, const struct px_slice *v, unsigned n,
                  size_t total);
/* The same, but only when a record of PX_SPARE bytes could be published after it. */
bool px_ring_push_spare(struct px_ring_end *end, const struct px_slice *v, unsigned n,
                        size_t total);
/* A record's word: 0 nothing yet; else length of the record's bytes + 1, or SKIP to the ring's start. */
#define PX_RING_SKIP UINT64_MAX

static inline _Atomic uint64_t *px_ring_word(struct px_ring *r, uint32_t off)
{
    return (_Atomic uint64_t *)(void *)(r->data + off);
}

static inline uint32_t px_ring_record_size(size_t len)
{
    return (uint32_t)((sizeof(uint64_t) + len + PX_RING_LINE - 1) &
                      ~(size_t)(PX_RING_LINE - 1));
}

/* The next record's bytes and length, or NULL. Valid until px_ring_pop. */
static inline const uint8_t *px_ring_peek(struct px_ring_end *e, size_t *len)
{
    uint64_t w = atomic_load_explicit(px_ring_word(e->ring, e->off), memory_order_acquire);
    if (w == 0)
        return NULL;
    if (__builtin_expect(w == PX_RING_SKIP, 0)) {
        e->pos += PX_RING_DATA - e->off;
        e->off = 0;
        w = atomic_load_explicit(px_ring_word(e->ring, 0), memory_order_relaxed);
    }
    *len = w - 1 <= PX_RING_RECORD_MAX ? (size_t)(w - 1) : 0;
    return e->ring->data + e->off + sizeof(uint64_t);
}

/* Drops the record peeked at. */
static inline void px_ring_pop(struct px_ring_end *e, size_t len)
{
    uint32_t size = px_ring_record_size(len);
    e->pos += size;
    e->off += size;
    if (e->off >= PX_RING_DATA)
        e->off = 0;
}

/* Gives the space of all popped records back; true: the producer wants to be woken. */
bool px_ring_release(struct px_ring_end *end);

#endif
