/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes cached on communicators. The callbacks are the application's: none is called with a
 * lock held. */
#ifndef XMPI_ATTR_H
#define XMPI_ATTR_H

#include "mpi.h"

struct xmpi_comm;
struct xmpi_attrs;

/* For MPI_Comm_dup and its kin: calls the copy functions of old's attributes and sets the results on
 * new. On error nothing is set on new, and the copy function's code is returned. */
int xmpi_attrs_copy(struct xmpi_comm *old, struct xmpi_comm *to);
/* For MPI_Comm_free and disconnect, before anything is released: calls the delete functions, last
 * set first. On error the attribute that refused and those not yet deleted stay. */
int xmpi_attrs_delete_all(struct xmpi_comm *comm);

#endif
