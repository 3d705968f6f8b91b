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

/* What a probe is asked for. */
struct probe {
    int source, tag;
    struct xmpi_comm *comm;
    bool wait, take;
};

static pvmx_err ask_engine(const struct probe *p, struct pvmx_peer *from,
                           struct pvmx_scope *scope, bool *found, struct pvmx_msg **msg,
                           struct pvmx_status *st)
{
    uint64_t ctx = p->comm->ctx;
    int32_t tag = xmpi_pt2pt_tag(p->tag);
    pvmx_err err;
    if (p->take) {
        err = pvmx_engine_mprobe(from, scope, ctx, p->source, tag, p->wait, msg, st);
        *found = *msg != NULL;
        return err;
    }
    if (!p->wait)
        return pvmx_engine_iprobe(from, scope, ctx, p->source, tag, found, st);
    *found = true;
    return pvmx_engine_probe(from, scope, ctx, p->source, tag, st);
}

/* Looks for the message, and takes it when asked to: *msg stays NULL for MPI_PROC_NULL. */
static int find(const struct probe *p, int *flag, struct pvmx_msg **msg,
                struct pvmx_status *st)
{
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    bool found = false;
    *msg = NULL;
    *st = xmpi_proc_null_status;
    if (p->source == MPI_PROC_NULL) {
        *flag = 1;
        return MPI_SUCCESS;
    }
    int cls = xmpi_recv_address(p->comm, p->source, &from, &scope);
    if (cls)
        return cls;
    pvmx_err err = ask_engine(p, from, scope, &found, msg, st);
    *flag = found;
    if (!err)
        return MPI_SUCCESS;
    *st = (struct pvmx_status){.source = p->source, .tag = p->tag, .error = err};
    return xmpi_comm_error(p->comm, p->source, err);
}

/* A probe that leaves the message where it is. */
static int only_look(const struct probe *p, int *flag, MPI_Status *status)
{
    struct pvmx_msg *none;
    struct pvmx_status st;
    int cls = find(p, flag, &none, &st);
    if (cls || *flag)
        xmpi_status_set(status, &st);
    return cls;
}

int xmpi_probe(int source, int tag, struct xmpi_comm *comm, MPI_Status *status)
{
    int flag;
    return only_look(&(struct probe){source, tag, comm, true, false}, &flag, status);
}

int xmpi_iprobe(int source, int tag, struct xmpi_comm *comm, int *flag, MPI_Status *status)
{
    return only_look(&(struct probe){source, tag, comm, false, false}, flag, status);
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
    struct pvmx_msg *engine;
    struct pvmx_status st;
    int cls = find(&(struct probe){source, tag, comm, wait, true}, flag, &engine, &st);
    if (cls || *flag)
        xmpi_status_set(status, &st);
    if (cls || !*flag)
        return cls;
    if (engine)
        return give_message(engine, comm, &st, message);
    *message = MPI_MESSAGE_NO_PROC;
    return MPI_SUCCESS;
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
static int receive(void *buf, MPI_Count count, struct xmpi_dtype *type,
                   MPI_Message *message, struct xmpi_request **out)
{
    struct xmpi_data data;
    struct xmpi_request *req;
    struct xmpi_message nobody = {.comm = &xmpi_self,
                                  .source = MPI_PROC_NULL,
                                  .tag = MPI_ANY_TAG};
    struct xmpi_message *m =
        *message == MPI_MESSAGE_NO_PROC ? &nobody : xmpi_message_of(*message);
    if (!m)
        return xmpi_err(MPI_ERR_REQUEST, "message is %s",
                        *message == MPI_MESSAGE_NULL ? "MPI_MESSAGE_NULL"
                                                     : "not a message handle");
    int cls = xmpi_data_init(&data, buf, count, type);
    if (!cls)
        cls = xmpi_request_new_pt2pt(XMPI_REQ_RECV, &data, m->source, m->tag, m->comm, &req);
    if (cls) {
        xmpi_err_from(m->comm);
        return cls;
    }
    req->status = xmpi_proc_null_status;
    if (m != &nobody) {
        pvmx_err err = xmpi_data_imrecv(&data, m->engine, &req->engine);
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
    return xmpi_request_collect(req, status, NULL);
}
