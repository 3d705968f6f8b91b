/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives: a schedule is built once and run by one engine, blocking, nonblocking and persistent
 * from the same text. */
#ifndef XMPI_COLL_H
#define XMPI_COLL_H

#include "comm/comm.h"
#include "datatype/dtype.h"
#include "op/op.h"

/* A count or displacement array of either width: exactly one pointer is set (int or large count);
 * both NULL: not significant here. */
struct xmpi_cvec {
    const int *i;
    const MPI_Count *c;
};

static inline MPI_Count xmpi_cvec_at(struct xmpi_cvec v, MPI_Count k)
{
    return v.i ? v.i[k] : v.c[k];
}

/* Which of the three a call is: MPI_X, MPI_Ix or MPI_X_init. */
struct xmpi_form {
    MPI_Request *request; /* NULL: blocking */
    bool persistent;
};

/* For the library's own use on a communicator (bytes, any internal caller); intracommunicators. */
int xmpi_coll_bcast_bytes(void *buf, size_t len, int root, struct xmpi_comm *comm);
int xmpi_coll_barrier(struct xmpi_comm *comm);
/* Everyone contributes len bytes and gets size * len bytes in rank order. */
int xmpi_coll_allgather_bytes(const void *mine, size_t len, void *all,
                              struct xmpi_comm *comm);
/* The communicator is about to be freed: gives back what collectives keep for it. */
void xmpi_coll_comm_gone(struct xmpi_comm *comm);
/* Answers from now on what other processes ask about collectives. */
void xmpi_coll_start(void);
/* Gives cached memory back; at finalize. */
void xmpi_coll_stop(void);

#endif
