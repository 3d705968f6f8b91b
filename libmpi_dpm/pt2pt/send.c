/* SPDX-License-Identifier: BSD-3-Clause */
/* Send in all modes, blocking and nonblocking. A blocking send makes no request object, and a
 * nonblocking one that leaves at once shares one (xmpi_request_sent). */
#include "abi/handles.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "xmpi.h"

/* A message that is not one run of memory, to the end. */
static int __attribute__((noinline))
send_view(const struct xmpi_data *data, struct pvmx_peer *peer, int dest, int tag,
          struct xmpi_comm *comm, enum pvmx_send_mode mode)
{
    struct pvmx_req *req;
    pvmx_err err = xmpi_data_isend(data, peer, comm->ctx, comm->rank, tag, mode, &req);
    if (!err && req) {
        err = pvmx_engine_req_wait(req);
        pvmx_engine_req_free(req);
    }
    return err ? xmpi_comm_error(comm, dest, err) : MPI_SUCCESS;
}

static int send_now(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                    int tag, struct xmpi_comm *comm, enum pvmx_send_mode mode)
{
    struct xmpi_data data;
    struct pvmx_peer *peer;
    if (dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    int cls = xmpi_data_init(&data, buf, count, type);
    if (cls)
        return cls;
    cls = xmpi_pt2pt_peer(comm, dest, &peer);
    if (cls)
        return cls;
    if (__builtin_expect(data.type != NULL, 0))
        return send_view(&data, peer, dest, tag, comm, mode);
    pvmx_err err =
        pvmx_engine_send(peer, comm->ctx, comm->rank, tag, data.buf, data.len, mode);
    return err ? xmpi_comm_error(comm, dest, err) : MPI_SUCCESS;
}

int xmpi_send(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
              int tag, struct xmpi_comm *comm)
{
    return send_now(buf, count, type, dest, tag, comm, PVMX_SEND_STANDARD);
}

int xmpi_ssend(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
               int tag, struct xmpi_comm *comm)
{
    return send_now(buf, count, type, dest, tag, comm, PVMX_SEND_SYNC);
}

int xmpi_rsend(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
               int tag, struct xmpi_comm *comm)
{
    return send_now(buf, count, type, dest, tag, comm, PVMX_SEND_READY);
}

int xmpi_bsend(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
               int tag, struct xmpi_comm *comm)
{
    struct xmpi_data data;
    if (dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    int cls = xmpi_data_init(&data, buf, count, type);
    return cls ? cls : xmpi_bsend_begin(comm, dest, tag, &data);
}

/* Starts a send; *engine NULL: it is complete. A dead receiver is an outcome of the operation, not
 * a failure to start it, so it is left in *outcome for who waits. */
static int start(const struct xmpi_data *data, int dest, int tag, struct xmpi_comm *comm,
                 enum pvmx_send_mode mode, struct pvmx_req **engine, pvmx_err *outcome)
{
    struct pvmx_peer *peer;
    *engine = NULL;
    *outcome = PVMX_OK;
    if (dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    if (mode == PVMX_SEND_BUFFERED)
        return xmpi_bsend_begin(comm, dest, tag, data);
    int cls = xmpi_pt2pt_peer(comm, dest, &peer);
    if (cls)
        return cls;
    pvmx_err err = xmpi_data_isend(data, peer, comm->ctx, comm->rank, tag, mode, engine);
    if (err == PVMX_ERR_PEER_DEAD) {
        xmpi_request_lost++;
        *outcome = err;
    } else if (err) {
        return xmpi_comm_error(comm, dest, err);
    }
    return MPI_SUCCESS;
}

static int send_later(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                      int tag, struct xmpi_comm *comm, enum pvmx_send_mode mode,
                      MPI_Request *request)
{
    struct xmpi_data data;
    struct pvmx_req *engine;
    pvmx_err outcome;
    struct xmpi_request *req;
    int cls = xmpi_data_init(&data, buf, count, type);
    if (!cls)
        cls = start(&data, dest, tag, comm, mode, &engine, &outcome);
    if (cls)
        return cls;
    if (!engine && !outcome) {
        *request = xmpi_request_handle(&xmpi_request_sent);
        return MPI_SUCCESS;
    }
    cls = xmpi_request_new_pt2pt(XMPI_REQ_SEND, &data, dest, tag, comm, &req);
    if (cls) {
        if (engine)
            pvmx_engine_req_free(engine);
        return cls;
    }
    req->engine = engine;
    req->status.error = outcome;
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_send_begin(struct xmpi_request *req)
{
    pvmx_err outcome;
    int cls = start(&req->data, req->rank, req->tag, req->comm,
                    (enum pvmx_send_mode)req->mode, &req->engine, &outcome);
    req->status = (struct pvmx_status){.error = outcome};
    return cls;
}

int xmpi_isend(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
               int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return send_later(buf, count, type, dest, tag, comm, PVMX_SEND_STANDARD, request);
}

int xmpi_issend(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return send_later(buf, count, type, dest, tag, comm, PVMX_SEND_SYNC, request);
}

int xmpi_irsend(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return send_later(buf, count, type, dest, tag, comm, PVMX_SEND_READY, request);
}

int xmpi_ibsend(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return send_later(buf, count, type, dest, tag, comm, PVMX_SEND_BUFFERED, request);
}
