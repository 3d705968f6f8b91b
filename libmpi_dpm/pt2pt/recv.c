/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive, blocking and nonblocking. */
#include "abi/handles.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "xmpi.h"
#include <assert.h>

const struct pvmx_status xmpi_proc_null_status = {.source = MPI_PROC_NULL,
                                                  .tag = MPI_ANY_TAG};

static_assert((int)MPI_ANY_SOURCE == (int)PVMX_ANY_SOURCE,
              "sources are passed on as they are");

int xmpi_recv_outcome(struct xmpi_comm *comm, int rank, int tag, size_t len,
                      struct pvmx_status *st)
{
    if (st->error == PVMX_OK)
        return MPI_SUCCESS;
    if (st->error == PVMX_ERR_TRUNCATE)
        return xmpi_err(
            MPI_ERR_TRUNCATE,
            "a message of %llu bytes from rank %d with tag %d does not fit the receive "
            "buffer of %zu bytes",
            (unsigned long long)st->length, st->source, st->tag, len);
    st->source = rank;
    st->tag = tag;
    st->length = 0;
    return xmpi_comm_error(comm, rank, st->error);
}

static pvmx_err __attribute__((noinline))
recv_view(const struct xmpi_data *data, struct pvmx_peer *from, struct pvmx_scope *scope,
          uint64_t ctx, int source, int tag, struct pvmx_status *st)
{
    struct pvmx_req *req;
    pvmx_err err =
        xmpi_data_irecv(data, from, scope, ctx, source, xmpi_pt2pt_tag(tag), &req);
    if (err)
        return err;
    err = pvmx_engine_req_wait(req);
    *st = *pvmx_engine_req_status(req);
    pvmx_engine_req_free(req);
    return err;
}

int xmpi_recv(void *buf, MPI_Count count, struct xmpi_dtype *type, int source, int tag,
              struct xmpi_comm *comm, MPI_Status *status)
{
    struct xmpi_data data;
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    struct pvmx_status st = {0};
    if (source == MPI_PROC_NULL) {
        xmpi_status_set_proc_null(status);
        return MPI_SUCCESS;
    }
    int cls = xmpi_data_init(&data, buf, count, type);
    if (!cls)
        cls = xmpi_recv_address(comm, source, &from, &scope);
    if (cls)
        return cls;
    pvmx_err err;
    if (__builtin_expect(data.type != NULL, 0))
        err = recv_view(&data, from, scope, comm->ctx, source, tag, &st);
    else
        err = pvmx_engine_recv(from, scope, comm->ctx, source, xmpi_pt2pt_tag(tag),
                               data.buf, data.len, &st);
    if (err) {
        st.error = err;
        cls = xmpi_recv_outcome(comm, source, tag, data.len, &st);
    }
    xmpi_status_set(status, &st);
    return cls;
}

static inline int begin(struct xmpi_request *req)
{
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    if (req->rank == MPI_PROC_NULL) {
        req->status = xmpi_proc_null_status;
        return MPI_SUCCESS;
    }
    int cls = xmpi_recv_address(req->comm, req->rank, &from, &scope);
    if (cls)
        return cls;
    pvmx_err err = xmpi_data_irecv(&req->data, from, scope, req->comm->ctx, req->rank,
                                   xmpi_pt2pt_tag(req->tag), &req->engine);
    /* A dead sender is an outcome of the operation, not a failure to start it. */
    if (err == PVMX_ERR_PEER_DEAD || err == PVMX_ERR_DEAD_PENDING) {
        xmpi_request_lost++;
        req->status.error = err;
        return MPI_SUCCESS;
    }
    return err ? xmpi_comm_error(req->comm, req->rank, err) : MPI_SUCCESS;
}

int xmpi_recv_begin(struct xmpi_request *req)
{
    return begin(req);
}

int xmpi_irecv(void *buf, MPI_Count count, struct xmpi_dtype *type, int source, int tag,
               struct xmpi_comm *comm, MPI_Request *request)
{
    struct xmpi_request *req;
    struct xmpi_data data;
    int cls = xmpi_data_init(&data, buf, count, type);
    if (!cls)
        cls = xmpi_request_new_pt2pt(XMPI_REQ_RECV, &data, source, tag, comm, &req);
    if (cls)
        return cls;
    cls = begin(req);
    if (cls) {
        xmpi_request_release(req);
        return cls;
    }
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}
