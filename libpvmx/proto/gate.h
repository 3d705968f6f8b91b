/* SPDX-License-Identifier: BSD-3-Clause */
/* Gates: where the members of a group meet in shared memory, without the daemon, as long as all of
 * them are tasks of its host.
 *
 * The daemon opens a gate for a group, writes down which slots the members have, and tells them its
 * place and epoch. A member that arrives counts itself in `state` by compare-and-swap; the last one
 * begins a new round and wakes the others. As soon as something else happens (a member of another
 * host, the end of one that may be waiting, differing counts) the daemon closes the gate, wakes all
 * members, and who has waited in vain asks the daemon instead. A gate that was closed before waiting
 * members is opened again only when all members have asked the daemon since, so who sees another epoch
 * than his knows from `closed` whether his round was complete. */
#ifndef PX_GATE_H
#define PX_GATE_H

#include "proto/arena.h"
#include <stdbool.h>

enum {
    PX_GATES = 240,
    PX_GATE_SIZE = 256,
    PX_GATES_OFF = 64 * 1024, /* in the arena's head */
    PX_GATE_MEMBERS = 96,     /* that can meet there: places from 0 on */
};

struct px_gate {
    _Atomic uint64_t state;  /* see below */
    _Atomic uint64_t closed; /* the state that the last closing has ended */
    _Atomic uint32_t nmembers;
    _Atomic uint16_t members[PX_GATE_MEMBERS]; /* by place in the group: slot + 1; 0: nobody (daemon) */
};

static_assert(sizeof(struct px_gate) <= PX_GATE_SIZE, "gate layout");
static_assert(PX_GATES_OFF + PX_GATES * PX_GATE_SIZE <= PX_ARENA_HEAD, "gates fit");
static_assert(sizeof(struct px_arena_head) <= PX_GATES_OFF, "header before gates");

/* state: arrived (8 bits), count (8), round (16), epoch (31), open (1). */
#define PX_GATE_OPEN (1ull << 63)

static inline uint32_t px_gate_arrived(uint64_t state)
{
    return state & 0xff;
}

static inline uint32_t px_gate_count(uint64_t state)
{
    return state >> 8 & 0xff;
}

static inline uint32_t px_gate_round(uint64_t state)
{
    return state >> 16 & 0xffff;
}

static inline uint32_t px_gate_epoch(uint64_t state)
{
    return state >> 32 & 0x7fffffff;
}

static inline uint64_t px_gate_state(uint32_t epoch, uint32_t round, uint32_t count,
                                     uint32_t arrived)
{
    return (uint64_t)(epoch & 0x7fffffff) << 32 | (uint64_t)(round & 0xffff) << 16 |
           count << 8 | arrived;
}

static inline struct px_gate *px_gate_at(struct px_arena_head *head, uint32_t index)
{
    return (struct px_gate *)((char *)head + PX_GATES_OFF + (uint64_t)index * PX_GATE_SIZE);
}

#endif
