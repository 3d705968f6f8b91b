/* SPDX-License-Identifier: BSD-3-Clause */
/* Which processors a task is bound to. The host is read with hwloc when the first task wants to be
 * bound (2.5 ms). From then on it is known how many tasks are bound to each processor, whatever job
 * they are of, and a new task goes where the fewest are: two jobs that are both bound to cores do not
 * meet on core 0 while others are idle. */
#ifndef BIND_H
#define BIND_H

#include "proto/place.h"
#include <hwloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spawn_req;

/* The processing units of a host, the fast ones of a hybrid one first, else in hwloc's order. */
struct bind_map {
    uint32_t npu;
    struct bind_pu {
        uint32_t os; /* the kernel's number */
        int32_t kind;
        uint32_t logical;
        uint32_t obj[PXP_LEVELS]; /* which object of each level it belongs to */
        uint32_t load;            /* tasks bound to it */
    } * pu;
    uint32_t nobj[PXP_LEVELS];
};

/* What one task is bound to. */
struct bind_place {
    struct bind_place *next; /* of those that are let go */
    size_t mask_size;        /* bytes, as sched_setaffinity takes it */
    unsigned long *mask;     /* by the kernel's numbers */
    char *text;              /* the same as "0-3,8" */
    uint32_t npu;
    uint32_t pu[]; /* indices in the map */
};

/* The counts stand still while a round is placed. Did they not, the end of a task on the processor that
 * the first of two was just given, or another round, could send the second to the same one. */
struct bind {
    pthread_mutex_t round; /* held by the thread that places; never waited for by the daemon's loop */
    pthread_mutex_t lock; /* of the rest; the map is the placing thread's while there is one */
    bool placing;
    struct bind_place *gone; /* let go meanwhile */
    struct bind_map map;     /* npu 0: not read yet */
};

/* Pure functions of a topology: no state but *m. */
pvmx_err bind_map_read(struct bind_map *m, hwloc_topology_t topo);
void bind_map_free(struct bind_map *m);
/* Chooses for one rank and counts it. NULL with the sentence when it cannot be. */
struct bind_place *bind_choose(struct bind_map *m, const struct pxp_place *want,
                               uint32_t rank);
/* Counts it out and frees. */
void bind_unchoose(struct bind_map *m, struct bind_place *place);

void bind_init(struct bind *b);
void bind_fini(struct bind *b);
/* On a spawner thread, when ranks are known: places every task of the round that wants it. */
void bind_round(struct spawn_req *r);
/* The thread places from here to bind_end(). */
void bind_begin(struct bind *b);
void bind_end(struct bind *b);
/* From any thread. NULL: nothing. */
void bind_release(struct bind *b, struct bind_place *place);
const char *bind_text(const struct bind_place *place); /* NULL: not bound */

#endif
