/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a request: made, started, complete, collected, given up. The functions with which
 * programs wait and test stand in wait.c. */
#include "request/request.h"
#include "abi/handles.h"
#include "coll/watch.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <stdlib.h>
#include <string.h>

struct xmpi_request xmpi_request_sent = {
    .obj = {.kind = XMPI_KIND_REQUEST, .refs = 1},
    .type = XMPI_REQ_SEND,
    .active = true,
    .finished = true,
    .status = {.source = MPI_ANY_SOURCE, .tag = MPI_ANY_TAG},
};

_Atomic unsigned xmpi_request_lost;

/* Requests come from chunks that stay until finalize, so that the head of a request that was given
 * back can still be read: a stale handle is told from a live one. Engine lock. */
enum { CHUNK = 64 };
struct chunk {
    struct chunk *next;
    struct xmpi_request requests[CHUNK];
};
static struct chunk *chunks;
static struct xmpi_request *unused; /* by next */

static bool more_requests(void)
{
    struct chunk *c = calloc(1, sizeof(*c));
    if (!c)
        return false;
    c->next = chunks;
    chunks = c;
    for (int i = CHUNK - 1; i >= 0; i--) {
        c->requests[i].next = unused;
        unused = &c->requests[i];
    }
    return true;
}

/* Sets all members but those of point-to-point (data, rank, tag, mode), one by one: clearing the request
 * as a whole takes a tenth of the time of an MPI_Irecv. */
static inline int take(enum xmpi_req_type type, struct xmpi_comm *comm,
                       struct xmpi_request **out)
{
    pvmx_engine_lock();
    struct xmpi_request *req = NULL;
    if (unused || more_requests()) {
        req = unused;
        unused = req->next;
        if (comm && comm->requests++ == 0)
            xmpi_obj_ref(&comm->obj);
    }
    pvmx_engine_unlock();
    if (!req)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a request");
    xmpi_obj_init(&req->obj, XMPI_KIND_REQUEST);
    req->type = type;
    req->active = req->finished = req->given_up = false;
    req->cls = MPI_SUCCESS;
    req->ops = NULL;
    req->engine = NULL;
    req->comm = comm;
    req->status = (struct pvmx_status){0};
    req->next = NULL;
    req->pprev = NULL;
    req->state = NULL;
    *out = req;
    return MPI_SUCCESS;
}

int xmpi_request_new(enum xmpi_req_type type, struct xmpi_comm *comm,
                     struct xmpi_request **out)
{
    int cls = take(type, comm, out);
    if (cls)
        return cls;
    (*out)->data = (struct xmpi_data){0};
    (*out)->rank = (*out)->tag = (*out)->mode = 0;
    return MPI_SUCCESS;
}

int xmpi_request_new_pt2pt(enum xmpi_req_type type, const struct xmpi_data *data, int rank,
                           int tag, struct xmpi_comm *comm, struct xmpi_request **out)
{
    int cls = take(type, comm, out);
    if (cls)
        return cls;
    if (__builtin_expect(data->type != NULL, 0))
        xmpi_dtype_hold(data->type);
    (*out)->data = *data;
    (*out)->rank = rank;
    (*out)->tag = tag;
    (*out)->mode = 0;
    return MPI_SUCCESS;
}

static void unlink_locked(struct xmpi_request *req)
{
    if (!req->pprev)
        return;
    *req->pprev = req->next;
    if (req->next)
        req->next->pprev = req->pprev;
    else if (req->comm && req->comm->orphans_tail == &req->next)
        req->comm->orphans_tail = req->pprev;
    req->pprev = NULL;
    req->next = NULL;
}

void xmpi_request_release(struct xmpi_request *req)
{
    struct xmpi_comm *comm = req->comm;
    if (__builtin_expect(req->data.type != NULL, 0))
        xmpi_dtype_release(req->data.type);
    pvmx_engine_lock();
    unlink_locked(req);
    req->obj.kind = XMPI_KIND_FREED;
    req->next = unused;
    unused = req;
    bool last = comm && --comm->requests == 0;
    pvmx_engine_unlock();
    if (last)
        xmpi_comm_release(comm);
}

void xmpi_request_stop(void)
{
    pvmx_engine_lock();
    for (struct chunk *c = chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    chunks = NULL;
    unused = NULL;
    pvmx_engine_unlock();
}

unsigned xmpi_request_leaks(void (*tell)(const char *what, void *arg), void *arg)
{
    unsigned n = 0;
    for (const struct chunk *c = chunks; c; c = c->next)
        for (int i = 0; i < CHUNK; i++) {
            const struct xmpi_request *req = &c->requests[i];
            char text[256];
            if (req->obj.kind != XMPI_KIND_REQUEST || req->given_up)
                continue;
            xmpi_request_describe(req, text, sizeof(text));
            tell(text, arg);
            n++;
        }
    return n;
}

/* A wildcard receive that a failure holds up: it may go on when that has been acknowledged. */
static bool is_held_up(const struct xmpi_request *req)
{
    return req->engine && req->cls == XMPI_ERR_PROC_FAILED_PENDING;
}

/* Takes the outcome out of the engine's request. While it stands in its communicator's list others
 * may look at it. */
static void take_engine(struct xmpi_request *req)
{
    pvmx_engine_lock();
    req->status = *pvmx_engine_req_status(req->engine);
    if (req->status.error != PVMX_ERR_DEAD_PENDING) {
        pvmx_engine_req_free(req->engine);
        req->engine = NULL;
    }
    pvmx_engine_unlock();
}

static int pt2pt_outcome(struct xmpi_request *req)
{
    if (req->engine)
        take_engine(req);
    if (req->status.cancelled)
        return MPI_SUCCESS;
    if (xmpi_request_is_receive(req))
        return xmpi_recv_outcome(req->comm, req->rank, req->tag, req->data.len, &req->status);
    int cls = xmpi_comm_error(req->comm, req->rank, req->status.error);
    /* Of a send's status only the error and `cancelled` mean something. */
    req->status.source = MPI_ANY_SOURCE;
    req->status.tag = MPI_ANY_TAG;
    req->status.length = 0;
    return cls;
}

void xmpi_request_finish(struct xmpi_request *req)
{
    if (req->finished)
        return;
    req->cls = req->ops ? req->ops->finish(req) : pt2pt_outcome(req);
    /* A generalized request's query function is called each time. */
    req->finished = req->type != XMPI_REQ_GENERAL && !is_held_up(req);
}

/* The most frequent outcome, in one go: a receive that is not persistent has got its message. */
static inline bool collect_received(struct xmpi_request *req, MPI_Status *st)
{
    struct pvmx_req *engine = req->engine;
    if (req->type != XMPI_REQ_RECV || !engine || req->finished || engine->st.error ||
        engine->st.cancelled)
        return false;
    xmpi_status_set(st, &engine->st);
    pvmx_engine_lock();
    pvmx_engine_req_free(engine);
    req->engine = NULL;
    xmpi_request_release(req);
    pvmx_engine_unlock();
    return true;
}

static void destroy(struct xmpi_request *req)
{
    if (req->ops && req->ops->destroy)
        req->ops->destroy(req);
    if (req->engine) {
        pvmx_engine_req_free(req->engine);
        req->engine = NULL;
    }
    xmpi_request_release(req);
}

int xmpi_request_collect(struct xmpi_request *req, MPI_Status *st, MPI_Request *handle)
{
    if (!req->active) {
        xmpi_status_set_empty(st);
        return MPI_SUCCESS;
    }
    if (req == &xmpi_request_sent) {
        if (handle)
            *handle = MPI_REQUEST_NULL;
        xmpi_status_set(st, &req->status);
        return MPI_SUCCESS;
    }
    if (collect_received(req, st)) {
        if (handle)
            *handle = MPI_REQUEST_NULL;
        return MPI_SUCCESS;
    }
    xmpi_request_finish(req);
    int cls = req->cls;
    xmpi_status_set(st, &req->status);
    if (req->type == XMPI_REQ_GENERAL)
        cls = xmpi_grequest_end(req, cls);
    if (cls)
        xmpi_err_from(req->comm);
    if (is_held_up(req))
        return cls;
    if (xmpi_request_is_persistent(req)) {
        pvmx_engine_lock();
        unlink_locked(req);
        pvmx_engine_unlock();
        req->active = false;
    } else {
        if (handle)
            *handle = MPI_REQUEST_NULL;
        destroy(req);
    }
    return cls;
}

/* ---- requests that nobody will collect --------------------------------------------- */

int xmpi_request_abandon(struct xmpi_request *req)
{
    struct xmpi_comm *comm = req->comm;
    if (req == &xmpi_request_sent)
        return MPI_SUCCESS;
    if (req->type == XMPI_REQ_GENERAL)
        return xmpi_grequest_abandon(req);
    if (xmpi_request_done(req)) {
        if (req->active)
            xmpi_request_finish(req);
        destroy(req);
        return MPI_SUCCESS;
    }
    pvmx_engine_lock();
    unlink_locked(req);
    req->given_up = true;
    req->next = NULL;
    req->pprev = comm->orphans_tail;
    *comm->orphans_tail = req;
    comm->orphans_tail = &req->next;
    pvmx_engine_unlock();
    /* Looking at a few each time keeps their number near that of the unfinished ones. */
    xmpi_request_reap(comm, 4);
    return MPI_SUCCESS;
}

/* The first abandoned request: taken off when complete (returned), else sent to the end. */
static struct xmpi_request *next_orphan(struct xmpi_comm *comm)
{
    struct xmpi_request *req = comm->orphans;
    if (!req)
        return NULL;
    unlink_locked(req);
    if (xmpi_request_done(req))
        return req;
    req->pprev = comm->orphans_tail;
    *comm->orphans_tail = req;
    comm->orphans_tail = &req->next;
    return NULL;
}

void xmpi_request_reap(struct xmpi_comm *comm, unsigned most)
{
    unsigned left = 0;
    xmpi_obj_ref(&comm->obj); /* the last request may hold the last reference */
    pvmx_engine_lock();
    for (struct xmpi_request *r = comm->orphans; r && left < most; r = r->next)
        left++;
    for (; left > 0; left--) {
        struct xmpi_request *req = next_orphan(comm);
        if (!req)
            continue;
        pvmx_engine_unlock();
        xmpi_request_finish(req);
        destroy(req);
        pvmx_engine_lock();
    }
    pvmx_engine_unlock();
    xmpi_comm_release(comm);
}

static bool all_done(const struct xmpi_request *req)
{
    while (req && xmpi_request_done(req))
        req = req->next;
    return !req;
}

static bool comm_is_quiet(void *arg)
{
    const struct xmpi_comm *comm = arg;
    return all_done(comm->active) && all_done(comm->orphans);
}

void xmpi_request_drain(struct xmpi_comm *comm)
{
    xmpi_watch_wait(comm_is_quiet, comm, NULL);
    xmpi_request_reap(comm, UINT32_MAX);
}

static void forsake_list(struct xmpi_request **list)
{
    while (*list) {
        struct xmpi_request *req = *list;
        if (req->engine) {
            if (xmpi_request_is_receive(req))
                pvmx_engine_req_cancel(req->engine);
            pvmx_engine_req_free(req->engine);
            req->engine = NULL;
        }
        xmpi_request_release(req);
    }
}

void xmpi_request_forsake(struct xmpi_comm *comm)
{
    forsake_list(&comm->active);
    forsake_list(&comm->orphans);
}

/* ---- the MPI functions that look at one request and do not wait -------------------- */

int xmpi_request_free(MPI_Request *request)
{
    struct xmpi_request *req = xmpi_request_of(*request);
    if (!req)
        return xmpi_err(MPI_ERR_REQUEST, "not a request");
    *request = MPI_REQUEST_NULL;
    return xmpi_request_abandon(req);
}

int xmpi_cancel(MPI_Request *request)
{
    struct xmpi_request *req = xmpi_request_of(*request);
    if (!req)
        return xmpi_err(MPI_ERR_REQUEST, "not a request");
    if (req->type == XMPI_REQ_GENERAL)
        return xmpi_grequest_cancel(req);
    if (!req->active || req->finished)
        return MPI_SUCCESS;
    if (req->ops) {
        if (req->ops->cancel)
            req->ops->cancel(req);
    } else if (req->engine) {
        pvmx_engine_req_cancel(req->engine);
    }
    return MPI_SUCCESS;
}
