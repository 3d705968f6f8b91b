/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocking collectives of few processes on one host over a board (<pvmx/engine/board.h>). What is short
 * is shown there; of what is long the address is, and the processes read and write each other's memory.
 * Every process shows its length first, so that all find a mismatch and nobody waits for one who goes
 * another way. A communicator opens its board at its first collective that can be mismatched. */
#ifndef XMPI_COLL_BOARD_H
#define XMPI_COLL_BOARD_H

#include "coll/algo.h"
#include <pvmx/engine/board.h>

/* May a board be right for so many processes? The same answer everywhere. */
static inline bool xmpi_board_fits(const struct xmpi_comm *comm)
{
    return !comm->inter && comm->size > 1 && comm->size <= PVMX_BOARD_MEMBERS;
}

/* Opens the board when it is worth while (at once when it is wanted), for what is done next: collective.
 * False: use messages for this one. */
bool xmpi_board_ready(struct xmpi_comm *comm, bool wanted, uint32_t what);

/* The forms of algorithms that need no schedule: the outcome, or -1: the processes have found that
 * this one is to be done with messages. */
int xmpi_board_barrier(struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_bcast(struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_reduce(struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_allreduce(struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_scan(struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_reduce_scatter(struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_allgather(struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_alltoall(struct xmpi_coll *c, struct xmpi_comm *comm);

/* ---- what they are made of: board.c */

/* How a process gives what it gives, the best one first. All go the way of the worst. */
enum xmpi_way {
    XMPI_WAY_ENTRY,    /* in its entry                                  */
    XMPI_WAY_BULK,     /* in its bulk                                   */
    XMPI_WAY_MEMORY,   /* it lies in one run at `from`                  */
    XMPI_WAY_MESSAGES, /* it does not, or memory cannot be read         */
};

enum { XMPI_SHOWN_BYTES = PVMX_BOARD_BYTES - 32 };

struct xmpi_shown {
    uint64_t len;      /* bytes that this process gives, or expects from each */
    uint32_t way;      /* enum xmpi_way; in steps: error class of this process so far */
    uint32_t what;     /* coll/what.h */
    uint64_t from, to; /* addresses of what it gives and of its result */
    char bytes[XMPI_SHOWN_BYTES];
};

enum xmpi_way xmpi_board_way(const struct xmpi_comm *comm, struct xmpi_span mine);
/* Begins. An error class. */
int xmpi_board_look(struct xmpi_comm *comm);                         /* only looks */
int xmpi_board_begin(struct xmpi_comm *comm, struct xmpi_span mine); /* gives this  */
/* Writes what this process gives, and where its result is to be, for the others to look at: note leaves
 * out the bytes, which the caller writes to xmpi_board_place (NULL: they stay where they are). show:
 * and shows it, as pvmx_engine_board_show. */
void xmpi_board_note(struct xmpi_comm *comm, struct xmpi_span mine, const void *to);
char *xmpi_board_place(struct xmpi_comm *comm);
void xmpi_board_put(struct xmpi_comm *comm, struct xmpi_span mine, const void *to);
void xmpi_board_show(struct xmpi_comm *comm, struct xmpi_span mine, const void *to,
                     int giver, int reader);
/* An error class; as pvmx_engine_board_await. */
int xmpi_board_await(struct xmpi_comm *comm, int giver, bool patient);
/* Everyone shows to all what it has put; *way: the way that all go. An error when lengths differ. */
int xmpi_board_meet(struct xmpi_comm *comm, size_t len, enum xmpi_way *way);
/* Begins, puts `mine` and meets. */
int xmpi_board_exchange(struct xmpi_comm *comm, struct xmpi_span mine, const void *to,
                        enum xmpi_way *way);
/* A step in which all wait for all: everyone's part of the work so far is done. cls: what this process
 * has met; returns it, or the error that another has. */
int xmpi_board_sync(struct xmpi_comm *comm, int cls);
/* Ends; returns cls. */
int xmpi_board_end(struct xmpi_comm *comm, int cls);
/* The error when a process gives another length than expected here. */
int xmpi_board_check(int rank, uint64_t got, size_t want);
static inline const struct xmpi_shown *xmpi_shown(const struct xmpi_comm *comm, int k)
{
    return pvmx_engine_board_part(comm->board, k);
}

/* The same for what process k has shown, v, which may also be of something else than this one does. Before
 * anything else is done with it. */
int xmpi_board_unlike(struct xmpi_comm *comm, int k, const struct xmpi_shown *v, size_t want);
static inline int xmpi_board_agree(struct xmpi_comm *comm, int k,
                                   const struct xmpi_shown *v, size_t want)
{
    bool like = v->what == comm->doing && v->len == want;
    return __builtin_expect(like, 1) ? MPI_SUCCESS : xmpi_board_unlike(comm, k, v, want);
}

/* What a process gives in its entry or bulk, packed. */
static inline const char *xmpi_shown_bytes(const struct xmpi_comm *comm, int k)
{
    const struct xmpi_shown *v = xmpi_shown(comm, k);
    return v->way == XMPI_WAY_ENTRY ? v->bytes : pvmx_engine_board_bulk(comm->board, k);
}

/* Copies bytes at `addr` of process k to where the span says. An error class. */
int xmpi_board_fetch(struct xmpi_comm *comm, int k, uint64_t addr, struct xmpi_span to);

/* ---- far.c: reductions of what lies in the processes' own memory */

/* Elements from.. of all contributions, n of them, combined in rank order into `out`, which is at
 * this address of process `whose`. An error class. Between exchange and end. */
int xmpi_far_combine(const struct xmpi_coll *c, struct xmpi_comm *comm, MPI_Count from,
                     MPI_Count n, int whose, uint64_t out);

/* ---- pair.c: long operands of two processes */

/* The same answer in both, once they have shown what they give. */
bool xmpi_pair_fits(const struct xmpi_coll *c, struct xmpi_comm *comm);
/* By the root, in its answer before it is shown. */
void xmpi_pair_prepare(struct xmpi_shown *answer);
/* After the answer; ends with a sync. An error class. */
int xmpi_pair_reduce(const struct xmpi_coll *c, struct xmpi_comm *comm);

#endif
