/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of point-to-point communication share. */
#ifndef XMPI_PT2PT_H
#define XMPI_PT2PT_H

#include "comm/comm.h"
#include "datatype/dtype.h"
#include "request/request.h"

/* Bytes of count elements: whole extents, for all types are contiguous but for the padding of pair
 * types, which is moved with them. */
static inline int xmpi_pt2pt_bytes(MPI_Count count, const struct xmpi_dtype *type,
                                   size_t *bytes)
{
    return __builtin_mul_overflow((size_t)count, (size_t)type->extent, bytes);
}
/* MPI_ERR_COUNT with its sentence, for when xmpi_pt2pt_bytes says that it does not fit. */
int xmpi_pt2pt_toobig(MPI_Count count, const struct xmpi_dtype *type);

/* The peer for a rank, without a call when it is known. */
static inline int xmpi_pt2pt_peer(struct xmpi_comm *comm, int rank, struct pvmx_peer **out)
{
    *out = __atomic_load_n(&comm->peers[rank], __ATOMIC_ACQUIRE);
    return __builtin_expect(*out != NULL, 1) ? MPI_SUCCESS : xmpi_comm_peer(comm, rank, out);
}

/* Begins the receive described by req (buf, len, rank, tag, comm): sets req->engine, or leaves it
 * NULL with req->status filled for MPI_PROC_NULL. */
int xmpi_recv_begin(struct xmpi_request *req);
/* The same for a send; engine stays NULL when it is complete. */
int xmpi_send_begin(struct xmpi_request *req);
/* The address to receive from: *from for a rank, *scope for MPI_ANY_SOURCE. */
int xmpi_recv_address(struct xmpi_comm *comm, int source, struct pvmx_peer **from,
                      struct pvmx_scope **scope);
/* The class for the outcome of a receive of len bytes from rank; completes st->source and tag where
 * the engine could not know them. */
int xmpi_recv_outcome(struct xmpi_comm *comm, int rank, int tag, size_t len,
                      struct pvmx_status *st);
/* What a receive from MPI_PROC_NULL leaves. */
extern const struct pvmx_status xmpi_proc_null_status;

/* Buffered mode: copies the message into the attached buffer of comm, else of the process, and
 * sends it from there. MPI_ERR_BUFFER when there is no room. */
int xmpi_bsend_begin(struct xmpi_comm *comm, int dest, int tag, const void *buf, size_t len);
/* The communicator goes: waits until what lies in its attached buffer has left, and detaches. */
void xmpi_bsend_drop(struct xmpi_comm *comm);

/* At the begin of finalize: waits for buffered sends and detaches the process's buffer. */
void xmpi_pt2pt_stop(void);

#endif
