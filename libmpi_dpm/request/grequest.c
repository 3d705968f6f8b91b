/* SPDX-License-Identifier: BSD-3-Clause */
/* Generalized requests: operations that the program runs itself. The program's functions are called
 * without any lock, since they may call MPI. */
#include "abi/handles.h"
#include "request/request.h"
#include "rt/err.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <stdlib.h>

struct general {
    MPI_Grequest_query_function *query;
    MPI_Grequest_free_function *free;
    MPI_Grequest_cancel_function *cancel;
    void *extra;
    _Atomic bool complete;
    bool abandoned; /* by MPI_Request_free; engine lock, under which complete is set, too */
};

static int callback_class(int code, const char *name)
{
    return code == MPI_SUCCESS
               ? MPI_SUCCESS
               : xmpi_err(code, "the %s function of a generalized request returned %d",
                          name, code);
}

static bool done(const struct xmpi_request *req)
{
    const struct general *g = req->state;
    return atomic_load_explicit(&g->complete, memory_order_acquire);
}

static int finish(struct xmpi_request *req)
{
    const struct general *g = req->state;
    MPI_Status st;
    xmpi_status_set_empty(&st);
    int code = g->query(g->extra, &st);
    xmpi_status_get(&st, &req->status);
    return callback_class(code, "query");
}

static void destroy(struct xmpi_request *req)
{
    free(req->state);
}

static const struct xmpi_req_ops ops = {.done = done, .finish = finish, .destroy = destroy};

static int call_free(const struct general *g)
{
    return callback_class(g->free(g->extra), "free");
}

int xmpi_grequest_end(struct xmpi_request *req, int cls)
{
    int last = call_free(req->state);
    return last ? last : cls;
}

/* The program has given it up and it is complete: whoever does the second of the two ends it. */
static int end_abandoned(struct xmpi_request *req)
{
    int cls = call_free(req->state);
    destroy(req);
    xmpi_request_release(req);
    return cls;
}

int xmpi_grequest_abandon(struct xmpi_request *req)
{
    struct general *g = req->state;
    pvmx_engine_lock();
    bool complete = done(req);
    g->abandoned = true;
    req->given_up = true;
    pvmx_engine_unlock();
    return complete ? end_abandoned(req) : MPI_SUCCESS;
}

int xmpi_grequest_cancel(struct xmpi_request *req)
{
    const struct general *g = req->state;
    return callback_class(g->cancel(g->extra, done(req)), "cancel");
}

int xmpi_grequest_start(MPI_Grequest_query_function *query_fn,
                        MPI_Grequest_free_function *free_fn,
                        MPI_Grequest_cancel_function *cancel_fn, void *extra_state,
                        MPI_Request *request)
{
    struct xmpi_request *req;
    if (!query_fn || !free_fn || !cancel_fn)
        return xmpi_err(MPI_ERR_ARG, "%s is a null pointer",
                        !query_fn  ? "query_fn"
                        : !free_fn ? "free_fn"
                                   : "cancel_fn");
    struct general *g = calloc(1, sizeof(*g));
    if (!g)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a generalized request");
    int cls = xmpi_request_new(XMPI_REQ_GENERAL, NULL, &req);
    if (cls) {
        free(g);
        return cls;
    }
    g->query = query_fn;
    g->free = free_fn;
    g->cancel = cancel_fn;
    g->extra = extra_state;
    req->ops = &ops;
    req->state = g;
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_grequest_complete(struct xmpi_request *req)
{
    if (!req || req->type != XMPI_REQ_GENERAL)
        return xmpi_err(MPI_ERR_REQUEST, "request is %s, not a generalized request",
                        req ? "of another kind" : "MPI_REQUEST_NULL");
    struct general *g = req->state;
    if (done(req))
        return xmpi_err(MPI_ERR_REQUEST, "the generalized request is complete already");
    pvmx_engine_lock();
    bool abandoned = g->abandoned;
    atomic_store_explicit(&g->complete, true, memory_order_release);
    pvmx_engine_unlock();
    if (abandoned)
        return end_abandoned(req);
    pvmx_engine_wake();
    return MPI_SUCCESS;
}
