/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's side of the arena (proto/arena.h): creating it, handing out slots, telling deaths.
 * The loop's thread calls everything; arena_slot, arena_announce, arena_fill and arena_set_pid
 * may be called from a spawner thread for a slot that the loop has given to it. */
#ifndef ARENA_H
#define ARENA_H

#include "proto/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct arena {
    int fd;
    uint64_t inode;
    struct px_arena_head *head;
    uint8_t *window; /* control blocks of all slots, mapped one by one when first used */
    bool mapped[PX_NSLOTS];
    uint8_t use[PX_NSLOTS];          /* enum arena_use */
    bool counted[PX_NSLOTS];         /* in head.running as far as we know */
    uint32_t live[PX_NSLOTS], nlive; /* slots of tasks, in no order  */
    uint32_t live_at[PX_NSLOTS];     /* where in live a slot stands  */
    uint32_t dead[PX_NSLOTS],
        ndead; /* slots whose task is gone but that a peer may still touch */
    uint32_t nfree;
    uint32_t next_local; /* local number to try next */
    bool wrapped;        /* every local number was tried once */
};

/* host: this host's index in the VM. */
pvmx_err arena_open(struct arena *a, uint32_t ncpus, uint32_t host);
void arena_close(struct arena *a);
/* Processors of this host that tasks may use. */
void arena_set_cpus(struct arena *a, uint32_t ncpus);
/* Slots of the VM: what MPI_UNIVERSE_SIZE shows. */
void arena_set_universe(struct arena *a, uint32_t slots);

/* A free slot's next tid, or 0. */
int32_t arena_alloc(struct arena *a);
/* The tid has been given out at some time (since the numbers last wrapped). */
bool arena_ever(const struct arena *a, int32_t tid);
/* The tid has been announced to others, and nothing has ended it. */
bool arena_announced(struct arena *a, int32_t tid);
/* Gives a slot back that no other task has heard of. */
void arena_unalloc(struct arena *a, uint32_t slot);

struct px_slot *arena_slot(struct arena *a, uint32_t slot); /* NULL: no memory (errno) */
/* Puts the tid in: others may talk to it, although it has not been started. */
pvmx_err arena_announce(struct arena *a, int32_t tid);
/* Writes what a task finds at its birth (birth NULL: root task) and counts it as running. */
pvmx_err arena_fill(struct arena *a, int32_t tid, const void *birth, size_t len);
/* Puts the process id in, unless the owner was quicker. */
void arena_set_pid(struct arena *a, uint32_t slot, pid_t pid);
/* After arena_fill, on the loop's thread: from now on its contacts count. */
void arena_enter(struct arena *a, uint32_t slot);

/* Says that the task has left in good order / is dead, and wakes all who have it in contacts. */
void arena_left(struct arena *a, uint32_t slot);
void arena_died(struct arena *a, uint32_t slot, int status, int signal);
/* The same for a task that has not claimed its slot; false: it has. */
bool arena_give_up(struct arena *a, uint32_t slot);
/* The process is gone (or will not touch the arena again): the slot is free after a scan that
 * finds it in nobody's contacts. */
void arena_retire(struct arena *a, uint32_t slot);
/* Frees retired slots that nobody cares for; returns how many are left. */
uint32_t arena_scan(struct arena *a);
/* Tells the owner that there is something on its control socket. */
void arena_ring(struct arena *a, uint32_t slot);

#endif
