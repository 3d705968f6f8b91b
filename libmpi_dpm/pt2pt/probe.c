/* SPDX-License-Identifier: BSD-3-Clause */
/* Probe, and matched probe: a message taken out of matching is an object of its own until it is
 * received. */
#include "abi/handles.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "xmpi.h"
#include <pvmx/engine/req.h>
#include <stdlib.h>

struct xmpi_message {
    struct xmpi_obj obj;
    struct pvmx_msg *engine;
    struct xmpi_comm *comm;
    int source, tag;
};

static int32_t engine_tag(int tag)
{
    return tag == MPI_ANY_TAG ? PVMX_ANY_TAG : tag;
}

/* The class for a probe's error. */
static int probe_error(struct xmpi_comm *comm, int source, int tag, pvmx_err err,
                       MPI_Status *status)
{
    struct pvmx_status st = {.source = source, .tag = tag, .error = err};
    xmpi_status_set(status, &st);
    return xmpi_comm_error(comm, source, err);
}

int xmpi_probe(int source, int tag, struct xmpi_comm *comm, MPI_Status *status)
{
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    struct pvmx_status st;
    if (source == MPI_PROC_NULL) {
        xmpi_status_set_proc_null(status);
        return MPI_SUCCESS;
    }
    int cls = xmpi_recv_address(comm, source, &from, &scope);
    if (cls)
        return cls;
    pvmx_err err = pvmx_engine_probe(from, scope, comm->ctx, source, engine_tag(tag), &st);
    if (err)
        return probe_error(comm, source, tag, err, status);
    xmpi_status_set(status, &st);
    return MPI_SUCCESS;
}

int xmpi_iprobe(int source, int tag, struct xmpi_comm *comm, int *flag, MPI_Status *status)
{
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    struct pvmx_status st;
    bool found = false;
    if (source == MPI_PROC_NULL) {
        *flag = 1;
        xmpi_status_set_proc_null(status);
        return MPI_SUCCESS;
    }
    int cls = xmpi_recv_address(comm, source, &from, &scope);
    if (cls)
        return cls;
    pvmx_err err =
        pvmx_engine_iprobe(from, scope, comm->ctx, source, engine_tag(tag), &found, &st);
    if (err)
        return probe_error(comm, source, tag, err, status);
    *flag = found;
    if (found)
        xmpi_status_set(status, &st);
    return MPI_SUCCESS;
}

static int give_message(struct pvmx_msg *engine, struct xmpi_comm *comm,
                        const struct pvmx_status *st, MPI_Message *message)
{
    struct xmpi_message *m = malloc(sizeof(*m));
    if (!m) {
        struct pvmx_req *req; /* receiving nothing is the way to give the message up */
        if (pvmx_engine_imrecv(engine, NULL, 0, &req) == PVMX_OK)
            pvmx_engine_req_free(req);
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a message handle");
    }
    xmpi_obj_init(&m->obj, XMPI_KIND_MESSAGE);
    m->engine = engine;
    m->comm = comm;
    m->source = st->source;
    m->tag = st->tag;
    xmpi_obj_ref(&comm->obj);
    *message = (MPI_Message)(void *)m;
    return MPI_SUCCESS;
}

static int mprobe(int source, int tag, struct xmpi_comm *comm, bool wait, int *flag,
                  MPI_Message *message, MPI_Status *status)
{
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    struct pvmx_status st;
    struct pvmx_msg *engine = NULL;
    if (source == MPI_PROC_NULL) {
        *flag = 1;
        *message = MPI_MESSAGE_NO_PROC;
        xmpi_status_set_proc_null(status);
        return MPI_SUCCESS;
    }
    int cls = xmpi_recv_address(comm, source, &from, &scope);
    if (cls)
        return cls;
    pvmx_err err = pvmx_engine_mprobe(from, scope, comm->ctx, source, engine_tag(tag),
                                      wait, &engine, &st);
    if (err)
        return probe_error(comm, source, tag, err, status);
    *flag = engine != NULL;
    if (!engine)
        return MPI_SUCCESS;
    xmpi_status_set(status, &st);
    return give_message(engine, comm, &st, message);
}

int xmpi_mprobe(int source, int tag, struct xmpi_comm *comm, MPI_Message *message,
                MPI_Status *status)
{
    int flag;
    return mprobe(source, tag, comm, true, &flag, message, status);
}

int xmpi_improbe(int source, int tag, struct xmpi_comm *comm, int *flag,
                 MPI_Message *message, MPI_Status *status)
{
    return mprobe(source, tag, comm, false, flag, message, status);
}

/* Begins to receive a message and ends its handle; the request has no place in a list yet. */
static int receive(void *buf, MPI_Count count, const struct xmpi_dtype *type,
                   MPI_Message *message, struct xmpi_request **out)
{
    size_t len;
    struct xmpi_request *req;
    struct xmpi_message *m = xmpi_message_of(*message);
    bool no_proc = *message == MPI_MESSAGE_NO_PROC;
    if (!m && !no_proc)
        return xmpi_err(MPI_ERR_REQUEST, "not a message handle");
    if (xmpi_pt2pt_bytes(count, type, &len))
        return xmpi_pt2pt_toobig(count, type);
    int cls = xmpi_request_new(XMPI_REQ_RECV, no_proc ? &xmpi_self : m->comm, &req);
    if (cls)
        return cls;
    req->len = len;
    req->rank = no_proc ? MPI_PROC_NULL : m->source;
    req->tag = no_proc ? MPI_ANY_TAG : m->tag;
    req->status = xmpi_proc_null_status;
    if (!no_proc) {
        pvmx_err err = pvmx_engine_imrecv(m->engine, buf, len, &req->engine);
        if (err) {
            cls = xmpi_comm_error(m->comm, m->source, err);
            xmpi_err_from(m->comm);
            xmpi_request_release(req);
            return cls;
        }
        xmpi_comm_release(m->comm);
        m->obj.kind = XMPI_KIND_FREED;
        free(m);
    }
    *message = MPI_MESSAGE_NULL;
    *out = req;
    return MPI_SUCCESS;
}

int xmpi_imrecv(void *buf, MPI_Count count, struct xmpi_dtype *type, MPI_Message *message,
                MPI_Request *request)
{
    struct xmpi_request *req;
    int cls = receive(buf, count, type, message, &req);
    if (cls)
        return cls;
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_mrecv(void *buf, MPI_Count count, struct xmpi_dtype *type, MPI_Message *message,
               MPI_Status *status)
{
    struct xmpi_request *req;
    int cls = receive(buf, count, type, message, &req);
    if (cls)
        return cls;
    req->active = true;
    if (req->engine)
        pvmx_engine_req_wait(req->engine);
    return xmpi_request_collect(req, status);
}
