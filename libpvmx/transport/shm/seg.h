/* SPDX-License-Identifier: BSD-3-Clause */
/* A task's view of the arena: the mapped header, its own slot, and slots of peers on demand. */
#ifndef PX_SHM_SEG_H
#define PX_SHM_SEG_H

#include "proto/arena.h"
#include <stdbool.h>

struct px_arena {
    int fd; /* -1: a lone process; head and slot are private memory */
    struct px_arena_head *head;
    struct px_slot *slot; /* own */
    uint32_t index;       /* of the own slot */
};

/* Takes over fd (closed on failure too) and maps header and own slot; checks that it is an arena
 * of this version and that the slot belongs to tid. */
pvmx_err px_arena_attach(struct px_arena *a, int fd, pvmx_tid tid);
/* Private stand-in of a process without a VM, so that waiting has one text. */
pvmx_err px_arena_private(struct px_arena *a);
void px_arena_detach(struct px_arena *a);

struct px_ring;

/* Maps the control block of another task's slot, whoever owns it now; NULL with a sentence. The rest of
 * a slot is half a gigabyte of addresses, of which a task with `ulimit -v` has few. */
struct px_slot *px_arena_map_slot(const struct px_arena *a, uint32_t index);
/* One of its rings, which goes with it. The addresses are there already. */
struct px_ring *px_arena_map_ring(const struct px_arena *a, struct px_slot *slot,
                                  uint32_t index, uint32_t ring);
void px_arena_unmap_slot(struct px_slot *slot);

/* Takes the next piece of a shared message, see px_slot.share. */
static inline bool px_share_claim(_Atomic uint64_t *share, uint32_t gen, uint32_t limit,
                                  uint32_t *piece)
{
    uint64_t v = atomic_load(share);
    while (v >> 32 == gen && (uint32_t)v < limit)
        if (atomic_compare_exchange_weak(share, &v, v + 1)) {
            *piece = (uint32_t)v;
            return true;
        }
    return false;
}

static inline void *px_slot_at(struct px_slot *slot, size_t offset)
{
    return (char *)slot + offset;
}

#endif
