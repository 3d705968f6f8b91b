/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawning without waiting. */
#ifndef XMPI_ISPAWN_H
#define XMPI_ISPAWN_H

#include "dpm/spawn.h"

/* args: significant at the root only; but for the info objects, what they point to stays the
 * caller's until completion. */
int xmpi_comm_ispawn(const struct xmpi_spawn_args *args, int root, struct xmpi_comm *comm,
                     MPI_Comm *intercomm, int errcodes[], MPI_Request *request);

#endif
