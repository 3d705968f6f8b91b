/* SPDX-License-Identifier: BSD-3-Clause */
/* How a board lies in the shared memory of its first member, and what each member keeps of it. */
#ifndef PX_BOARD_H
#define PX_BOARD_H

#include "core/ctx.h"
#include <pvmx/engine/board.h>

enum {
    PX_BOARD_BULK_DEPTH = 8, /* PVMX_BOARD_DEPTH for those with bulks, which are to stay in caches */
    PX_BOARD_NOTE = 4, /* operations between two notes of how far a member has come */
    PX_BOARD_STEP_BITS = 2,
};
static_assert(PVMX_BOARD_STEPS < 1 << PX_BOARD_STEP_BITS,
              "steps are counted in their bits");

struct px_board_entry {
    _Atomic uint64_t number; /* operation << STEP_BITS | step: stored last */
    char value[PVMX_BOARD_BYTES];
};
static_assert(sizeof(struct px_board_entry) == 256, "entries do not share cache lines");

struct px_board_member {
    _Alignas(64) _Atomic uint64_t done; /* operations up to this one have ended: now and then */
    _Atomic uint32_t left; /* will show nothing any more                              */
    _Alignas(64) struct px_board_entry entry[PVMX_BOARD_DEPTH]; /* operation k: k % DEPTH */
    struct px_board_entry step[2];              /* step k: k % 2          */
    _Atomic uint64_t skipped[PVMX_BOARD_DEPTH]; /* operation << WORD_BITS | word: k % DEPTH */
};

struct px_board_area {
    _Atomic int32_t member[PVMX_BOARD_MEMBERS]; /* tid; 0: has closed, or was never one */
    _Alignas(64) _Atomic uint32_t refused; /* a member cannot open it                  */
    _Alignas(64) _Atomic uint32_t waiting; /* members that wait for others' `done`     */
    struct px_board_member of[];           /* then the bulks */
};

/* Bulks lie so that those of one operation do not meet in the same sets of a cache. */
enum { PX_BOARD_BULK_STRIDE = PVMX_BOARD_BULK + 64 };

struct pvmx_board {
    int n, self;
    int seen; /* of what is being awaited: all members before this one have shown it */
    _Atomic bool broken; /* set by whoever hears of it, perhaps another thread */
    bool reads;
    uint64_t op, step; /* other threads may read op */
    uint64_t ended; /* all members are known to have ended the operations up to this one */
    int lost; /* a member found to have ended its life when room was looked for; -1: none */
    struct px_board_area *area;
    char *bulk;
    void *map; /* of the area; NULL: own memory */
    size_t map_size;
    struct {
        struct pvmx_peer *peer; /* referenced; NULL: self */
        struct px_slot *slot;   /* first page; NULL: self */
        int32_t pid;
    } member[];
};

/* Has a member refused? Also ends the wait of opening. */
static inline bool px_board_refused(const struct pvmx_board *b)
{
    return atomic_load_explicit(&b->area->refused, memory_order_relaxed) != 0;
}

#endif
