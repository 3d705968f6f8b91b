/* SPDX-License-Identifier: BSD-3-Clause */
/* Send in all modes, blocking and nonblocking. A blocking send makes no request object, and a
 * nonblocking one that leaves at once shares one (xmpi_request_sent). */
#include "abi/handles.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "xmpi.h"

int xmpi_pt2pt_toobig(MPI_Count count, const struct xmpi_dtype *type)
{
    return xmpi_err(MPI_ERR_COUNT, "%lld elements of %s are more than memory can hold",
                    (long long)count, type->name);
}

static int send_now(const void *buf, MPI_Count count, const struct xmpi_dtype *type,
                    int dest, int tag, struct xmpi_comm *comm, enum pvmx_send_mode mode)
{
    size_t len;
    struct pvmx_peer *peer;
    if (dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    if (xmpi_pt2pt_bytes(count, type, &len))
        return xmpi_pt2pt_toobig(count, type);
    int cls = xmpi_pt2pt_peer(comm, dest, &peer);
    if (cls)
        return cls;
    pvmx_err err = pvmx_engine_send(peer, comm->ctx, comm->rank, tag, buf, len, mode);
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
    size_t len;
    if (dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    if (xmpi_pt2pt_bytes(count, type, &len))
        return xmpi_pt2pt_toobig(count, type);
    return xmpi_bsend_begin(comm, dest, tag, buf, len);
}

/* Starts a send; *engine NULL: it is complete. A dead receiver is an outcome of the operation, not
 * a failure to start it, so it is left in *outcome for who waits. */
static int start(const void *buf, size_t len, int dest, int tag, struct xmpi_comm *comm,
                 enum pvmx_send_mode mode, struct pvmx_req **engine, pvmx_err *outcome)
{
    struct pvmx_peer *peer;
    *engine = NULL;
    *outcome = PVMX_OK;
    if (dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    if (mode == PVMX_SEND_BUFFERED)
        return xmpi_bsend_begin(comm, dest, tag, buf, len);
    int cls = xmpi_pt2pt_peer(comm, dest, &peer);
    if (cls)
        return cls;
    pvmx_err err =
        pvmx_engine_isend(peer, comm->ctx, comm->rank, tag, buf, len, mode, engine);
    if (err == PVMX_ERR_PEER_DEAD) {
        xmpi_request_lost++;
        *outcome = err;
    } else if (err) {
        return xmpi_comm_error(comm, dest, err);
    }
    return MPI_SUCCESS;
}

static int send_later(const void *buf, MPI_Count count, const struct xmpi_dtype *type,
                      int dest, int tag, struct xmpi_comm *comm, enum pvmx_send_mode mode,
                      MPI_Request *request)
{
    size_t len;
    struct pvmx_req *engine;
    pvmx_err outcome;
    struct xmpi_request *req;
    if (xmpi_pt2pt_bytes(count, type, &len))
        return xmpi_pt2pt_toobig(count, type);
    int cls = start(buf, len, dest, tag, comm, mode, &engine, &outcome);
    if (cls)
        return cls;
    if (!engine && !outcome) {
        *request = xmpi_request_handle(&xmpi_request_sent);
        return MPI_SUCCESS;
    }
    cls = xmpi_request_new(XMPI_REQ_SEND, comm, &req);
    if (cls) {
        if (engine)
            pvmx_engine_req_free(engine);
        return cls;
    }
    req->engine = engine;
    req->status.error = outcome;
    req->rank = dest;
    req->tag = tag;
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_send_begin(struct xmpi_request *req)
{
    pvmx_err outcome;
    int cls = start(req->buf, req->len, req->rank, req->tag, req->comm,
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
