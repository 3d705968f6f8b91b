/* SPDX-License-Identifier: BSD-3-Clause */
/* Send and receive in one call: the receive is posted first, so that two processes that exchange
 * never wait for each other's buffers. */
#include "abi/handles.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "xmpi.h"
#include <pvmx/engine/req.h>
#include <stdlib.h>
#include <string.h>

/* One direction, as the caller named it. */
struct half {
    struct xmpi_data data;
    int rank, tag;
};

static int half_init(struct half *h, const void *buf, MPI_Count count,
                     struct xmpi_dtype *type, int rank, int tag)
{
    h->rank = rank;
    h->tag = tag;
    return xmpi_data_init(&h->data, buf, count, type);
}

/* *engine stays NULL for MPI_PROC_NULL. */
static int post_recv(struct xmpi_comm *comm, const struct half *r, struct pvmx_req **engine)
{
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    *engine = NULL;
    if (r->rank == MPI_PROC_NULL)
        return MPI_SUCCESS;
    int cls = xmpi_recv_address(comm, r->rank, &from, &scope);
    if (cls)
        return cls;
    pvmx_err err = xmpi_data_irecv(&r->data, from, scope, comm->ctx, r->rank,
                                   xmpi_pt2pt_tag(r->tag), engine);
    return err ? xmpi_comm_error(comm, r->rank, err) : MPI_SUCCESS;
}

/* *engine stays NULL when nothing is left to wait for. */
static int post_send(struct xmpi_comm *comm, const struct half *s, struct pvmx_req **engine)
{
    struct pvmx_peer *peer;
    *engine = NULL;
    if (s->rank == MPI_PROC_NULL)
        return MPI_SUCCESS;
    int cls = xmpi_pt2pt_peer(comm, s->rank, &peer);
    if (cls)
        return cls;
    pvmx_err err = xmpi_data_isend(&s->data, peer, comm->ctx, comm->rank, s->tag,
                                   PVMX_SEND_STANDARD, engine);
    return err ? xmpi_comm_error(comm, s->rank, err) : MPI_SUCCESS;
}

/* The end of a receive that was posted: waits, cancelling it first when it is of no use. */
static int end_recv(struct xmpi_comm *comm, const struct half *r, struct pvmx_req *engine,
                    bool cancel, MPI_Status *status)
{
    struct pvmx_status st = xmpi_proc_null_status;
    if (engine) {
        if (cancel)
            pvmx_engine_req_cancel(engine);
        pvmx_engine_req_wait(engine);
        st = *pvmx_engine_req_status(engine);
        pvmx_engine_req_free(engine);
    }
    if (cancel)
        return MPI_SUCCESS;
    int cls = xmpi_recv_outcome(comm, r->rank, r->tag, r->data.len, &st);
    xmpi_status_set(status, &st);
    return cls;
}

static int exchange(struct xmpi_comm *comm, const struct half *s, const struct half *r,
                    MPI_Status *status)
{
    struct pvmx_req *sending = NULL, *receiving;
    int cls = post_recv(comm, r, &receiving);
    if (cls)
        return cls;
    cls = post_send(comm, s, &sending);
    if (sending) {
        cls = xmpi_comm_error(comm, s->rank, pvmx_engine_req_wait(sending));
        pvmx_engine_req_free(sending);
    }
    int got = end_recv(comm, r, receiving, cls != MPI_SUCCESS, status);
    return cls ? cls : got;
}

int xmpi_sendrecv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                  int dest, int sendtag, void *recvbuf, MPI_Count recvcount,
                  struct xmpi_dtype *recvtype, int source, int recvtag,
                  struct xmpi_comm *comm, MPI_Status *status)
{
    struct half s, r;
    int cls = half_init(&s, sendbuf, sendcount, sendtype, dest, sendtag);
    if (!cls)
        cls = half_init(&r, recvbuf, recvcount, recvtype, source, recvtag);
    return cls ? cls : exchange(comm, &s, &r, status);
}

/* Packs data into memory of its own. */
static int copy_of(const struct xmpi_data *data, void **copy)
{
    *copy = malloc(data->len + 1);
    if (!*copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a copy of %zu bytes", data->len);
    xmpi_data_pack(data, *copy);
    return MPI_SUCCESS;
}

int xmpi_sendrecv_replace(void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                          int sendtag, int source, int recvtag, struct xmpi_comm *comm,
                          MPI_Status *status)
{
    struct half s, r;
    char small[1024]; /* most exchanged values are a few; larger ones are worth an allocation */
    void *copy = small;
    int cls = half_init(&r, buf, count, type, source, recvtag);
    if (cls)
        return cls;
    if (r.data.len > sizeof(small)) {
        cls = copy_of(&r.data, &copy);
        if (cls)
            return cls;
    } else {
        xmpi_data_pack(&r.data, small);
    }
    s = (struct half){{.buf = copy, .len = r.data.len}, dest, sendtag};
    cls = exchange(comm, &s, &r, status);
    if (copy != small)
        free(copy);
    return cls;
}

/* ---- nonblocking ------------------------------------------------------------------- */

struct both {
    struct half s, r;
    struct pvmx_req *sending, *receiving; /* NULL: that half is complete */
    void *copy;                           /* replace: what is sent       */
};

static bool both_done(const struct xmpi_request *req)
{
    const struct both *b = req->state;
    return (!b->sending || pvmx_engine_req_done(b->sending)) &&
           (!b->receiving || pvmx_engine_req_done(b->receiving));
}

static int both_finish(struct xmpi_request *req)
{
    struct both *b = req->state;
    int cls = MPI_SUCCESS;
    if (b->sending)
        cls = xmpi_comm_error(req->comm, b->s.rank,
                              pvmx_engine_req_status(b->sending)->error);
    req->status =
        b->receiving ? *pvmx_engine_req_status(b->receiving) : xmpi_proc_null_status;
    int got = xmpi_recv_outcome(req->comm, b->r.rank, b->r.tag, b->r.data.len, &req->status);
    return cls ? cls : got;
}

static void both_destroy(struct xmpi_request *req)
{
    struct both *b = req->state;
    if (b->sending)
        pvmx_engine_req_free(b->sending);
    if (b->receiving)
        pvmx_engine_req_free(b->receiving);
    free(b->copy);
    free(b);
}

static const struct xmpi_req_ops both_ops = {
    .done = both_done,
    .finish = both_finish,
    .destroy = both_destroy,
};

/* Takes over copy in any case. */
static int both_begin(struct xmpi_comm *comm, const struct half *s, const struct half *r,
                      void *copy, MPI_Request *request)
{
    struct xmpi_request *req;
    struct both *b = calloc(1, sizeof(*b));
    int cls = b ? xmpi_request_new(XMPI_REQ_OTHER, comm, &req)
                : xmpi_err(MPI_ERR_NO_MEM, "no memory for a request");
    if (cls) {
        free(b);
        free(copy);
        return cls;
    }
    *b = (struct both){.s = *s, .r = *r, .copy = copy};
    req->ops = &both_ops;
    req->state = b;
    cls = post_recv(comm, r, &b->receiving);
    if (!cls) {
        cls = post_send(comm, s, &b->sending);
        if (cls) {
            end_recv(comm, r, b->receiving, true, MPI_STATUS_IGNORE);
            b->receiving = NULL;
        }
    }
    if (cls) {
        both_destroy(req);
        xmpi_request_release(req);
        return cls;
    }
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_isendrecv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                   int dest, int sendtag, void *recvbuf, MPI_Count recvcount,
                   struct xmpi_dtype *recvtype, int source, int recvtag,
                   struct xmpi_comm *comm, MPI_Request *request)
{
    struct half s, r;
    int cls = half_init(&s, sendbuf, sendcount, sendtype, dest, sendtag);
    if (!cls)
        cls = half_init(&r, recvbuf, recvcount, recvtype, source, recvtag);
    return cls ? cls : both_begin(comm, &s, &r, NULL, request);
}

int xmpi_isendrecv_replace(void *buf, MPI_Count count, struct xmpi_dtype *type, int dest,
                           int sendtag, int source, int recvtag, struct xmpi_comm *comm,
                           MPI_Request *request)
{
    struct half s, r;
    int cls = half_init(&r, buf, count, type, source, recvtag);
    if (cls)
        return cls;
    void *copy;
    cls = copy_of(&r.data, &copy);
    if (cls)
        return cls;
    s = (struct half){{.buf = copy, .len = r.data.len}, dest, sendtag};
    return both_begin(comm, &s, &r, copy, request);
}
