/* SPDX-License-Identifier: BSD-3-Clause */
/* Lock-free single-producer single-consumer ring; C11 atomics only. */
#include "transport/shm/ring.h"

#include <string.h>

enum {
    WINDOW = 8 * 1024,
    HEADER = 24, /* the most frequent length of a slice */
};

void px_ring_reset(struct px_ring *r)
{
    atomic_store_explicit(px_ring_word(r, 0), 0, memory_order_relaxed);
    atomic_store_explicit(&r->want_space, 0, memory_order_relaxed);
    atomic_store_explicit(&r->head, 0, memory_order_release);
}

void px_ring_attach_producer(struct px_ring_end *end, struct px_ring *ring)
{
    *end = (struct px_ring_end){.ring = ring, .look = WINDOW, .limit = PX_RING_DATA};
}

void px_ring_attach_consumer(struct px_ring_end *end, struct px_ring *ring)
{
    *end = (struct px_ring_end){.ring = ring, .limit = PX_RING_DATA / 4};
}

/* Is there room for `need` bytes from end->pos on? Looks at the consumer's head only when the last
 * value seen is not enough. */
static bool has_room(struct px_ring_end *e, uint64_t need)
{
    if (e->pos + need <= e->limit)
        return true;
    e->limit = atomic_load_explicit(&e->ring->head, memory_order_acquire) + PX_RING_DATA;
    return e->pos + need <= e->limit;
}

static void clear_word(struct px_ring_end *e, uint32_t off)
{
    atomic_store_explicit(px_ring_word(e->ring, off), 0, memory_order_relaxed);
}

/* Clears the words of the next two lines, as far as the consumer is known to have left them. */
static void clear_ahead(struct px_ring_end *e)
{
    uint64_t to = e->pos + 2 * PX_RING_LINE;
    uint32_t off = e->off + PX_RING_LINE;
    if (to + PX_RING_LINE > e->limit)
        return;
    off = off == PX_RING_DATA ? 0 : off;
    clear_word(e, off);
    e->clean = to;
}

/* Is it time to begin again at the start of the ring? A ring that is read as fast as it is filled
 * then lives in WINDOW bytes, which stay in the first-level caches of both sides. Only when it is
 * empty, so no room is lost; the consumer's position (a cache miss) is looked at once in a window. */
static bool begin_again(struct px_ring_end *e, uint32_t size)
{
    if (e->pos < e->look || e->off < size + 2 * PX_RING_LINE)
        return false;
    uint64_t head = atomic_load_explicit(&e->ring->head, memory_order_acquire);
    e->limit = head + PX_RING_DATA;
    e->look = e->pos + WINDOW + (head == e->pos ? PX_RING_DATA - e->off : 0);
    return head == e->pos;
}

/* Writes the slices, the record's first line last: the consumer polls that line, and would take it
 * away again while the others are still on their way. */
static inline void fill(uint8_t *p, const struct px_slice *v, unsigned n, size_t total)
{
    enum { FIRST = PX_RING_LINE - sizeof(uint64_t) };
    uint8_t *at = p + total;
    for (unsigned i = n; i-- > 0;) {
        const uint8_t *from = v[i].data;
        size_t len = v[i].len, before = 0;
        at -= len;
        if (len == HEADER) { /* without a call */
            memcpy(at, from, HEADER);
            continue;
        }
        if (at < p + FIRST && at + len > p + FIRST) {
            before = (size_t)(p + FIRST - at);
            memcpy(at + before, from + before, len - before);
            len = before;
        }
        if (len)
            memcpy(at, from, len);
    }
}

/* At most 32 bytes, without a call. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t len)
{
    if (len >= 16) {
        memcpy(to + len - 16, from + len - 16, 16);
        memcpy(to, from, 16);
    } else if (len >= 8) {
        memcpy(to + len - 8, from + len - 8, 8);
        memcpy(to, from, 8);
    } else if (len >= 4) {
        memcpy(to + len - 4, from + len - 4, 4);
        memcpy(to, from, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = from[i];
    }
}

/* The record is written with bytes of room left. One line more than the record: the next word must be
 * free to be zeroed. A record that fits exactly to the end has its next word at the start. */
static inline bool push(struct px_ring_end *e, const struct px_slice *v, unsigned n,
                        size_t total, uint32_t left)
{
    uint32_t size = px_ring_record_size(total), tail = PX_RING_DATA - e->off;
    bool skip = size > tail || begin_again(e, size);
    if (left && skip && size <= tail &&
        !has_room(e, (uint64_t)size + tail + PX_RING_LINE + left))
        skip = false;
    if (!has_room(e, (uint64_t)size + (skip ? tail : 0) + PX_RING_LINE + left))
        return false;
    uint32_t off = skip ? 0 : e->off;
    uint32_t next = off + size == PX_RING_DATA ? 0 : off + size;
    uint8_t *p = e->ring->data + off + sizeof(uint64_t);
    if (skip || e->pos + size >= e->clean)
        clear_word(e, next);
    fill(p, v, n, total);
    if (skip) {
        atomic_store_explicit(px_ring_word(e->ring, 0), total + 1, memory_order_relaxed);
        atomic_store_explicit(px_ring_word(e->ring, e->off), PX_RING_SKIP,
                              memory_order_release);
        e->pos += tail;
    } else {
        atomic_store_explicit(px_ring_word(e->ring, off), total + 1, memory_order_release);
    }
    e->pos += size;
    e->off = next;
    clear_ahead(e);
    return true;
}

/* Up to which position records of one line are published without any of the questions above: there is room,
 * the next word is 0, nothing is skipped, and the word that clear_ahead clears is not beyond the end. */
static uint64_t quick_limit(const struct px_ring_end *e)
{
    uint64_t limit = e->pos + (PX_RING_DATA - e->off);
    if (e->clean < e->pos + 2 * PX_RING_LINE || e->limit < 4 * PX_RING_LINE ||
        limit < 4 * PX_RING_LINE)
        return 0;
    limit = e->limit < limit ? e->limit : limit;
    limit -= 4 * PX_RING_LINE;
    return e->look < limit ? e->look : limit;
}

bool px_ring_push(struct px_ring_end *e, const struct px_slice *v, unsigned n, size_t total)
{
    enum { SHORT = PX_RING_LINE - sizeof(uint64_t) };
    if (__builtin_expect(e->pos < e->quick && total <= SHORT && v[0].len == HEADER && n <= 2,
                         1)) {
        uint8_t *p = e->ring->data + e->off + sizeof(uint64_t);
        if (n == 2)
            copy_short(p + HEADER, v[1].data, total - HEADER);
        memcpy(p, v[0].data, HEADER);
        atomic_store_explicit(px_ring_word(e->ring, e->off), total + 1, memory_order_release);
        e->pos += PX_RING_LINE;
        e->off += PX_RING_LINE;
        clear_word(e, e->off + PX_RING_LINE);
        e->clean = e->pos + 2 * PX_RING_LINE;
        return true;
    }
    bool done = push(e, v, n, total, 0);
    e->quick = quick_limit(e);
    return done;
}

bool px_ring_push_spare(struct px_ring_end *e, const struct px_slice *v, unsigned n,
                        size_t total)
{
    /* The short record, and as much again if it does not fit to the end of the ring. */
    bool done = push(e, v, n, total, 2 * px_ring_record_size(PX_SPARE) + PX_RING_LINE);
    e->quick = quick_limit(e);
    return done;
}

/* A producer sleeps only when less than twice a record's maximum is free (the record and what is
 * skipped at the end), that is when about half of the ring or more is unread. Looking at want_space
 * (which takes a full fence) each time another quarter has been consumed is therefore often enough,
 * and short messages never pay for it. */
bool px_ring_release(struct px_ring_end *e)
{
    atomic_store_explicit(&e->ring->head, e->pos, memory_order_release);
    if (e->pos < e->limit)
        return false;
    e->limit = e->pos + PX_RING_DATA / 4;
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(&e->ring->want_space, memory_order_relaxed) &&
           atomic_exchange(&e->ring->want_space, 0);
}
