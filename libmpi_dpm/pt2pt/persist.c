/* SPDX-License-Identifier: BSD-3-Clause */
/* Persistent sends and receives: arguments kept in a request that is started again and again. */
#include "abi/handles.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "xmpi.h"

static int init(enum xmpi_req_type type, const void *buf, MPI_Count count,
                struct xmpi_dtype *dtype, int rank, int tag, struct xmpi_comm *comm,
                enum pvmx_send_mode mode, MPI_Request *request)
{
    struct xmpi_data data;
    struct xmpi_request *req;
    int cls = xmpi_data_init(&data, buf, count, dtype);
    if (!cls)
        cls = xmpi_request_new_pt2pt(type, &data, rank, tag, comm, &req);
    if (cls)
        return cls;
    req->mode = mode;
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_send_init(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                   int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return init(XMPI_REQ_PERSIST_SEND, buf, count, type, dest, tag, comm,
                PVMX_SEND_STANDARD, request);
}

int xmpi_ssend_init(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                    int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return init(XMPI_REQ_PERSIST_SEND, buf, count, type, dest, tag, comm, PVMX_SEND_SYNC,
                request);
}

int xmpi_rsend_init(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                    int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return init(XMPI_REQ_PERSIST_SEND, buf, count, type, dest, tag, comm, PVMX_SEND_READY,
                request);
}

int xmpi_bsend_init(const void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                    int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return init(XMPI_REQ_PERSIST_SEND, buf, count, type, dest, tag, comm,
                PVMX_SEND_BUFFERED, request);
}

int xmpi_recv_init(void *buf, MPI_Count count, struct xmpi_dtype *type, int source,
                   int tag, struct xmpi_comm *comm, MPI_Request *request)
{
    return init(XMPI_REQ_PERSIST_RECV, buf, count, type, source, tag, comm,
                PVMX_SEND_STANDARD, request);
}

static int start(struct xmpi_request *req)
{
    int cls;
    if (!req)
        return xmpi_err(MPI_ERR_REQUEST, "MPI_REQUEST_NULL cannot be started");
    switch (req->active ? XMPI_REQ_OTHER : req->type) {
    case XMPI_REQ_PERSIST_SEND:
        cls = xmpi_send_begin(req);
        break;
    case XMPI_REQ_PERSIST_RECV:
        cls = xmpi_recv_begin(req);
        break;
    case XMPI_REQ_PERSIST_COLL:
    case XMPI_REQ_PERSIST_PART:
        cls = req->ops->start(req);
        break;
    default:
        cls = xmpi_err(MPI_ERR_REQUEST,
                       xmpi_request_is_persistent(req)
                           ? "the request has been started already and has not been "
                             "waited for"
                           : "only persistent requests can be started");
    }
    if (cls) {
        xmpi_err_from(req->comm);
        return cls;
    }
    xmpi_request_activate(req);
    return MPI_SUCCESS;
}

int xmpi_start(MPI_Request *request)
{
    return start(xmpi_request_of(*request));
}

int xmpi_startall(int count, MPI_Request requests[])
{
    int rc = MPI_SUCCESS;
    for (int i = 0; i < count && !rc; i++)
        rc = start(xmpi_request_of(requests[i]));
    return rc;
}
