/* SPDX-License-Identifier: BSD-3-Clause */
/* User-Level Failure Mitigation: who has failed, revoking, agreeing, shrinking. The functions behind
 * the entry points of mpix_pvmx.h; classes and sentences as everywhere. */
#ifndef XMPI_FT_H
#define XMPI_FT_H

#include "comm/comm.h"

/* Members of a communicator: the local group, then the remote one of an intercommunicator. */
struct xmpi_ft {
    int n;
    int nfailed, nacked; /* acknowledged: the first of failed */
    int *failed;         /* in the order in which they were noticed */
    bool *seen;
};

/* Frees comm->ft and what a revocation has set aside; when the communicator goes. */
void xmpi_ft_gone(struct xmpi_comm *comm);
/* Makes comm revoked as far as this library is concerned. Engine lock held. */
void xmpi_ft_mark(struct xmpi_comm *comm);
/* Another process has revoked the communicator with this context. */
void xmpi_ft_on_revoke(uint64_t ctx);
/* Tids of all members, malloc'ed. */
int xmpi_ft_tids(const struct xmpi_comm *comm, pvmx_tid **tids, int *n);
/* True when a member is known to have failed. One that has finalized MPI has not: it may have done its
 * part of an operation which others still have before them. */
bool xmpi_ft_any(struct xmpi_comm *comm);

int xmpi_ft_revoke(struct xmpi_comm *comm);
int xmpi_ft_get_failed(struct xmpi_comm *comm, MPI_Group *group);
int xmpi_ft_ack_failed(struct xmpi_comm *comm, int num_to_ack, int *num_acked);
int xmpi_ft_get_acked(struct xmpi_comm *comm, MPI_Group *group);
int xmpi_ft_agree(struct xmpi_comm *comm, int *flag);
int xmpi_ft_shrink(struct xmpi_comm *comm, MPI_Comm *newcomm);
int xmpi_ft_iagree(struct xmpi_comm *comm, int *flag, MPI_Request *request);
int xmpi_ft_ishrink(struct xmpi_comm *comm, MPI_Comm *newcomm, MPI_Request *request);

#endif
