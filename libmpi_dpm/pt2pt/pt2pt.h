/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of point-to-point communication share. */
#ifndef XMPI_PT2PT_H
#define XMPI_PT2PT_H

#include "comm/comm.h"
#include "datatype/dtype.h"
#include "request/request.h"

/* MPI_ERR_COUNT with its sentence, for when xmpi_dtype_bytes says that it does not fit. */
int xmpi_pt2pt_toobig(MPI_Count count, const struct xmpi_dtype *type) __attribute__((cold));

/* Describes count elements of type at buf. */
static inline int xmpi_data_init(struct xmpi_data *d, const void *buf, MPI_Count count,
                                 struct xmpi_dtype *type)
{
    if (__builtin_expect(xmpi_dtype_bytes(type, count, &d->len), 0))
        return xmpi_pt2pt_toobig(count, type);
    d->count = count;
    d->type = type->dense ? NULL : type;
    d->buf = (char *)(uintptr_t)buf + (type->dense ? type->true_lb : 0);
    return MPI_SUCCESS;
}

static inline struct pvmx_view xmpi_data_view(const struct xmpi_data *d)
{
    return xmpi_dtype_view(d->type, d->buf, d->count);
}

/* The engine's isend, irecv and imrecv for data of either kind. */
pvmx_err xmpi_data_isend_view(const struct xmpi_data *d, struct pvmx_peer *to,
                              uint64_t ctx, int32_t source, int32_t tag,
                              enum pvmx_send_mode mode, struct pvmx_req **req);
static inline pvmx_err xmpi_data_isend(const struct xmpi_data *d, struct pvmx_peer *to,
                                       uint64_t ctx, int32_t source, int32_t tag,
                                       enum pvmx_send_mode mode, struct pvmx_req **req)
{
    return d->type ? xmpi_data_isend_view(d, to, ctx, source, tag, mode, req)
                   : pvmx_engine_isend(to, ctx, source, tag, d->buf, d->len, mode, req);
}

pvmx_err xmpi_data_irecv_view(const struct xmpi_data *d, struct pvmx_peer *from,
                              struct pvmx_scope *scope, uint64_t ctx, int32_t source,
                              int32_t tag, struct pvmx_req **req);
static inline pvmx_err xmpi_data_irecv(const struct xmpi_data *d, struct pvmx_peer *from,
                                       struct pvmx_scope *scope, uint64_t ctx,
                                       int32_t source, int32_t tag, struct pvmx_req **req)
{
    return d->type ? xmpi_data_irecv_view(d, from, scope, ctx, source, tag, req)
                   : pvmx_engine_irecv(from, scope, ctx, source, tag, d->buf, d->len, req);
}

pvmx_err xmpi_data_imrecv(const struct xmpi_data *d, struct pvmx_msg *msg,
                          struct pvmx_req **req);
/* Copies all bytes to out in packed form. */
void xmpi_data_pack(const struct xmpi_data *d, void *out);

/* The engine's wildcard for a tag that may be MPI's. */
static inline int32_t xmpi_pt2pt_tag(int tag)
{
    return tag == MPI_ANY_TAG ? PVMX_ANY_TAG : tag;
}

/* The peer for a rank, without a call when it is known. */
static inline int xmpi_pt2pt_peer(struct xmpi_comm *comm, int rank, struct pvmx_peer **out)
{
    *out = __atomic_load_n(&comm->peers[rank], __ATOMIC_ACQUIRE);
    return __builtin_expect(*out != NULL, 1) ? MPI_SUCCESS : xmpi_comm_peer(comm, rank, out);
}

/* Begins the receive described by req (data, rank, tag, comm): sets req->engine, or leaves it
 * NULL with req->status filled for MPI_PROC_NULL. */
int xmpi_recv_begin(struct xmpi_request *req);
/* The same for a send; engine stays NULL when it is complete. */
int xmpi_send_begin(struct xmpi_request *req);
/* The address to receive from: *from for a rank, *scope for MPI_ANY_SOURCE. */
static inline int xmpi_recv_address(struct xmpi_comm *comm, int source,
                                    struct pvmx_peer **from, struct pvmx_scope **scope)
{
    *from = NULL;
    *scope = NULL;
    return source == MPI_ANY_SOURCE ? xmpi_comm_scope(comm, scope)
                                    : xmpi_pt2pt_peer(comm, source, from);
}
/* The class for the outcome of a receive of len bytes from rank; completes st->source and tag where
 * the engine could not know them. */
int xmpi_recv_outcome(struct xmpi_comm *comm, int rank, int tag, size_t len,
                      struct pvmx_status *st);
/* What a receive from MPI_PROC_NULL leaves. */
extern const struct pvmx_status xmpi_proc_null_status;

/* Buffered mode: copies the message into the attached buffer of comm, else of the process, and
 * sends it from there. MPI_ERR_BUFFER when there is no room. */
int xmpi_bsend_begin(struct xmpi_comm *comm, int dest, int tag, const struct xmpi_data *data);
/* The communicator goes: waits until what lies in its attached buffer has left, and detaches. */
void xmpi_bsend_drop(struct xmpi_comm *comm);

/* At the end of a session (NULL: of the world model): waits for buffered sends and detaches the
 * buffers of it (of the process) and of its communicators. */
struct xmpi_session;
void xmpi_bsend_stop(struct xmpi_session *session);

#endif
