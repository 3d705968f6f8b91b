/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared memory, the receiving side: which rings there are, which have news, and reading them. */
#include "transport/shm/shm.h"

#include "transport/shm/wake.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    BATCH = 64, /* records read from one ring before the others get their turn           */
    RELEASE_MIN = 4096, /* the room of such a record is given back at once: its sender may wait for it */
    POLL_DIRECTLY = 8, /* with more rings senders are asked to set bits: polling 8 lines costs
                        * about as much as the atomic or that it saves the senders              */
};

static struct px_ring *own_ring(const struct px_shm_iface *s, uint32_t index)
{
    return px_slot_at(s->params.arena->slot, PX_RINGS_OFF + (size_t)index * PX_RING_SIZE);
}

static bool grow(struct px_shm_iface *s, uint32_t nrings)
{
    if (s->ninlets == s->cap) {
        uint32_t cap = s->cap ? 2 * s->cap : 8;
        struct px_shm_inlet *n = realloc(s->inlets, cap * sizeof *n);
        if (!n)
            return false;
        s->inlets = n;
        s->cap = cap;
    }
    if (nrings > s->nby_index) {
        uint32_t *n = realloc(s->by_index, nrings * sizeof *n);
        if (!n)
            return false;
        memset(n + s->nby_index, 0, (nrings - s->nby_index) * sizeof *n);
        s->by_index = n;
        s->nby_index = nrings;
    }
    return true;
}

static void mark_ready(struct px_slot *slot, uint32_t ring)
{
    atomic_fetch_or(&slot->ready[ring / 64], 1ull << (ring % 64));
    atomic_fetch_or(&slot->ready_sum[ring / 4096], 1ull << (ring / 64 % 64));
}

/* Finds rings that were claimed since the last look. Without memory it tries again next time. */
static void discover(struct px_shm_iface *s, uint32_t gen)
{
    struct px_slot *slot = s->params.arena->slot;
    uint32_t n = atomic_load(&slot->nrings);
    for (uint32_t i = 0; i < n; i++) {
        pvmx_tid from = atomic_load(&slot->ring_owner[i]);
        if (from == 0 || (i < s->nby_index && s->by_index[i]))
            continue;
        if (!grow(s, n))
            return;
        struct px_shm_inlet *in = &s->inlets[s->ninlets];
        *in = (struct px_shm_inlet){.from = {.tid = from}, .index = i};
        if (s->params.contact(s->params.arg, &in->from) != PVMX_OK)
            return;
        s->ninlets++;
        px_ring_attach_consumer(&in->end, own_ring(s, i));
        s->by_index[i] = s->ninlets;
        if (s->ready_mode) /* what came before we looked has set no bit that we know of */
            mark_ready(slot, i);
    }
    s->gen_seen = gen;
}

/* Its sender waits for room; it may be asleep. */
static void wake_sender(struct px_shm_iface *s, struct px_shm_inlet *in)
{
    if (!in->sender)
        in->sender = px_arena_map_slot(s->params.arena, px_tid_slot(in->from.tid));
    if (in->sender)
        px_bell_after_publish(in->sender, PX_NRINGS);
}

static void release(struct px_shm_iface *s, struct px_shm_inlet *in)
{
    if (px_ring_release(&in->end))
        wake_sender(s, in);
}

/* Reads a batch of records, or all that there are. */
static unsigned read_inlet(struct px_shm_iface *s, struct px_shm_inlet *in, bool all)
{
    unsigned n = 0;
    size_t len;
    const uint8_t *bytes;
    while ((all || n < BATCH) && (bytes = px_ring_peek(&in->end, &len)) != NULL) {
        if (s->params.deliver(s->params.arg, &in->from, bytes, len) != PVMX_OK)
            break;
        px_ring_pop(&in->end, len);
        n++;
        if (len >= RELEASE_MIN)
            release(s, in);
        if (*s->params.pause && !all)
            break;
    }
    if (n)
        release(s, in);
    return n;
}

static void enter_ready_mode(struct px_shm_iface *s)
{
    struct px_slot *slot = s->params.arena->slot;
    s->ready_mode = true;
    atomic_fetch_or(&slot->rx_flags, PX_RX_READY);
    px_bell_settle(slot);
    for (uint32_t i = 0; i < s->ninlets; i++) {
        struct px_shm_inlet *in = &s->inlets[i];
        size_t len;
        read_inlet(s, in, true);
        if (px_ring_peek(&in->end, &len)) /* was not taken: its sender will not say it again */
            mark_ready(slot, in->index);
    }
}

static unsigned read_ready(struct px_shm_iface *s)
{
    struct px_slot *slot = s->params.arena->slot;
    unsigned total = 0;
    for (uint32_t top = 0; top < PX_NRINGS / 4096; top++) {
        if (!atomic_load_explicit(&slot->ready_sum[top], memory_order_relaxed))
            continue;
        uint64_t sum = atomic_exchange(&slot->ready_sum[top], 0);
        for (; sum; sum &= sum - 1) {
            uint32_t w = top * 64 + (uint32_t)__builtin_ctzll(sum);
            uint64_t bits = atomic_exchange(&slot->ready[w], 0), again = 0;
            for (; bits; bits &= bits - 1) {
                uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(bits);
                uint32_t at = i < s->nby_index ? s->by_index[i] : 0;
                size_t len;
                if (!at)
                    continue; /* not discovered yet; that sets the bit again */
                total += read_inlet(s, &s->inlets[at - 1], false);
                if (px_ring_peek(&s->inlets[at - 1].end, &len))
                    again |= bits & -bits;
            }
            if (again) {
                atomic_fetch_or(&slot->ready[w], again);
                atomic_fetch_or(&slot->ready_sum[top], 1ull << (w % 64));
            }
        }
    }
    return total;
}

unsigned px_shm_progress(struct px_iface *iface)
{
    struct px_shm_iface *s = (struct px_shm_iface *)iface;
    uint32_t gen =
        atomic_load_explicit(&s->params.arena->slot->rings_gen, memory_order_acquire);
    if (__builtin_expect(gen != s->gen_seen, 0))
        discover(s, gen);
    if (s->ready_mode)
        return read_ready(s);
    unsigned n = 0;
    for (uint32_t i = 0; i < s->ninlets && !*s->params.pause; i++)
        n += read_inlet(s, &s->inlets[i], false);
    if (s->ninlets > POLL_DIRECTLY)
        enter_ready_mode(s);
    return n;
}

static struct px_shm_inlet *find(struct px_shm_iface *s, pvmx_tid from)
{
    for (uint32_t i = 0; i < s->ninlets; i++)
        if (s->inlets[i].from.tid == from)
            return &s->inlets[i];
    return NULL;
}

void px_shm_drain(struct px_iface *iface, pvmx_tid from)
{
    struct px_shm_iface *s = (struct px_shm_iface *)iface;
    discover(s, atomic_load_explicit(&s->params.arena->slot->rings_gen, memory_order_acquire));
    struct px_shm_inlet *in = find(s, from);
    if (in)
        read_inlet(s, in, true);
}

void px_shm_forget(struct px_iface *iface, pvmx_tid from)
{
    struct px_shm_iface *s = (struct px_shm_iface *)iface;
    struct px_shm_inlet *in = find(s, from);
    if (!in)
        return;
    px_ring_reset(in->end.ring);
    if (in->sender)
        px_arena_unmap_slot(in->sender);
    s->by_index[in->index] = 0;
    atomic_store(&s->params.arena->slot->ring_owner[in->index], 0);
    *in = s->inlets[--s->ninlets];
    if (s->ninlets > (uint32_t)(in - s->inlets))
        s->by_index[in->index] = (uint32_t)(in - s->inlets) + 1;
}
