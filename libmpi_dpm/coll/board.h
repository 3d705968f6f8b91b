/* SPDX-License-Identifier: BSD-3-Clause */
/* Short collectives of few processes on one host over a board (<pvmx/engine/board.h>): every process
 * shows its value and reads all others', without messages. Each communicator opens its own board
 * at its first few short collectives. */
#ifndef XMPI_COLL_BOARD_H
#define XMPI_COLL_BOARD_H

#include "coll/algo.h"
#include <pvmx/engine/board.h>

enum { XMPI_BOARD_BYTES = PVMX_BOARD_BYTES - 8 }; /* 8: the length, to find mismatches */

/* Is a board right for so many processes and bytes shown by each? The same answer everywhere. */
static inline bool xmpi_board_fits(const struct xmpi_comm *comm, size_t shown)
{
    return !comm->inter && comm->size > 1 && comm->size <= PVMX_BOARD_MEMBERS &&
           shown <= XMPI_BOARD_BYTES;
}

/* Counts a short collective on comm and opens the board when it is worth while (at once when
 * forced): collective. False: use messages for this one. */
bool xmpi_board_ready(struct xmpi_comm *comm, bool forced);

/* The forms of algorithms that need no schedule: the outcome, or -1: a process has ended and the
 * board is gone, to be done with messages, which find out what is left of the operation. */
int xmpi_board_barrier(const struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_allreduce(const struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_scan(const struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_reduce_scatter(const struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_allgather(const struct xmpi_coll *c, struct xmpi_comm *comm);
int xmpi_board_alltoall(const struct xmpi_coll *c, struct xmpi_comm *comm);

#endif
