/* SPDX-License-Identifier: BSD-3-Clause */
/* MPIX_Comm_ispawn and MPIX_Comm_ispawn_multiple: the steps of spawn.h, moved on by progress. */
#include "dpm/ispawn.h"
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "dpm/spawn.h"
#include "request/request.h"
#include "rt/err.h"
#include "rt/info.h"
#include <pvmx/engine/prog.h>
#include <pvmx/engine/req.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct ispawn {
    struct pvmx_hook hook;
    atomic_bool done;
    struct xmpi_spawn s; /* the root's; of the others out alone */
    MPI_Comm *intercomm;
    int *errcodes;
    int tag;
    /* the root: what the caller may free at once */
    struct xmpi_spawn_args args;
    struct xmpi_info **infos;
    MPI_Info *handles;
    int ninfos;
    /* the others */
    char *block;
    struct pvmx_req *receive; /* of the first part, then of the rest */
    bool rest;
    pvmx_err err; /* the root could not be heard */
};

static void ispawn_free(struct ispawn *i)
{
    for (int k = 0; i->infos && k < i->ninfos; k++)
        if (i->infos[k])
            xmpi_info_release(i->infos[k]);
    free(i->infos);
    free(i->handles);
    free(i->block);
    xmpi_spawn_free(&i->s);
    free(i);
}

/* ---- the root ---------------------------------------------------------------------- */

/* Settles and tells. */
static void root_done(struct ispawn *i, int cls)
{
    xmpi_spawn_settle(&i->s, cls);
    xmpi_outcome_send(&i->s.out, i->tag, i->s.comm);
    atomic_store_explicit(&i->done, true, memory_order_release);
}

static unsigned root_progress(struct pvmx_hook *hook)
{
    struct ispawn *i =
        (struct ispawn *)(void *)((char *)hook - offsetof(struct ispawn, hook));
    bool again = false;
    if (!xmpi_spawn_answered(&i->s))
        return 0;
    int cls = xmpi_spawn_next(&i->s, &again);
    if (!again) {
        pvmx_engine_hook_remove(hook);
        root_done(i, cls);
    }
    return 1;
}

/* Info objects may be freed as soon as the call returns. */
static int keep_infos(struct ispawn *i, const struct xmpi_spawn_args *args)
{
    int n = args->count > 0 && args->infos ? args->count : 0;
    i->args = *args;
    i->infos = calloc((size_t)n + 1, sizeof(*i->infos));
    i->handles = calloc((size_t)n + 1, sizeof(*i->handles));
    if (!i->infos || !i->handles)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a spawn request of %d programs", n);
    i->ninfos = n;
    for (int k = 0; k < n; k++) {
        const struct xmpi_info *info = xmpi_info_of(args->infos[k]);
        i->handles[k] = args->infos[k];
        if (!info)
            continue;
        i->infos[k] = xmpi_info_copy(info);
        if (!i->infos[k])
            return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
        i->handles[k] = xmpi_info_handle(i->infos[k]);
    }
    if (args->infos)
        i->args.infos = i->handles;
    return MPI_SUCCESS;
}

/* What fails here is the outcome, which the others hear of, too. */
static void root_begin(struct ispawn *i, const struct xmpi_spawn_args *args)
{
    int cls = keep_infos(i, args);
    if (!cls)
        cls = xmpi_spawn_gather(&i->s, &i->args);
    if (!cls)
        cls = xmpi_spawn_begin(&i->s);
    if (cls) {
        root_done(i, cls);
        return;
    }
    i->hook.fn = root_progress;
    pvmx_engine_hook_add(&i->hook);
}

/* ---- the others -------------------------------------------------------------------- */

static int receive(struct ispawn *i, char *at, size_t len)
{
    struct xmpi_comm *comm = i->s.comm;
    struct pvmx_peer *peer;
    int cls = xmpi_comm_peer(comm, i->s.root, &peer);
    if (cls)
        return cls;
    return xmpi_comm_error(comm, i->s.root,
                           pvmx_engine_irecv(peer, NULL, comm->ctx + 1, i->s.root, i->tag,
                                             at, len, &i->receive));
}

static void leaf_done(struct ispawn *i)
{
    pvmx_engine_hook_remove(&i->hook);
    atomic_store_explicit(&i->done, true, memory_order_release);
}

static unsigned leaf_progress(struct pvmx_hook *hook)
{
    struct ispawn *i =
        (struct ispawn *)(void *)((char *)hook - offsetof(struct ispawn, hook));
    if (!pvmx_engine_req_done(i->receive))
        return 0;
    i->err = pvmx_engine_req_status(i->receive)->error;
    pvmx_engine_req_free(i->receive);
    i->receive = NULL;
    size_t size = i->err ? 0 : xmpi_outcome_size(i->block);
    if (i->rest || size <= XMPI_OUTCOME_FIRST) {
        leaf_done(i);
        return 1;
    }
    char *whole = realloc(i->block, size);
    i->rest = true;
    if (whole)
        i->block = whole;
    else
        i->err = PVMX_ERR_NOMEM;
    if (!whole ||
        receive(i, whole + XMPI_OUTCOME_FIRST, size - XMPI_OUTCOME_FIRST) != MPI_SUCCESS) {
        i->err = i->err ? i->err : PVMX_ERR_PEER_DEAD;
        leaf_done(i);
    }
    return 1;
}

static int leaf_begin(struct ispawn *i)
{
    i->block = malloc(XMPI_OUTCOME_FIRST);
    if (!i->block)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the outcome of a spawn");
    i->hook.fn = leaf_progress;
    pvmx_engine_lock();
    int cls = receive(i, i->block, XMPI_OUTCOME_FIRST);
    if (!cls)
        pvmx_engine_hook_add(&i->hook);
    pvmx_engine_unlock();
    return cls;
}

/* ---- the request ------------------------------------------------------------------- */

static bool ispawn_done(const struct xmpi_request *req)
{
    const struct ispawn *i = req->state;
    return atomic_load_explicit(&i->done, memory_order_acquire);
}

static int ispawn_finish(struct xmpi_request *req)
{
    struct ispawn *i = req->state;
    int cls = MPI_SUCCESS;
    req->status = (struct pvmx_status){.source = MPI_ANY_SOURCE, .tag = MPI_ANY_TAG};
    if (i->err)
        return xmpi_comm_error(req->comm, i->s.root, i->err);
    if (i->block)
        cls = xmpi_outcome_unpack(&i->s.out, i->block);
    return cls ? cls : xmpi_spawn_conclude(&i->s.out, req->comm, i->intercomm, i->errcodes);
}

static void ispawn_destroy(struct xmpi_request *req)
{
    ispawn_free(req->state);
    req->state = NULL;
}

static const struct xmpi_req_ops ispawn_ops = {
    .name = "MPIX_Comm_ispawn",
    .done = ispawn_done,
    .finish = ispawn_finish,
    .destroy = ispawn_destroy,
};

int xmpi_comm_ispawn(const struct xmpi_spawn_args *args, int root, struct xmpi_comm *comm,
                     MPI_Comm *intercomm, int errcodes[], MPI_Request *request)
{
    struct xmpi_request *req;
    int cls = xmpi_spawn_check(comm);
    if (cls)
        return cls;
    struct ispawn *i = calloc(1, sizeof(*i));
    if (!i)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a spawn request");
    i->s.comm = comm;
    i->s.root = root;
    i->intercomm = intercomm;
    i->errcodes = errcodes;
    i->tag = xmpi_outcome_tag(comm);
    *intercomm = MPI_COMM_NULL;
    cls = xmpi_request_new(XMPI_REQ_OTHER, comm, &req);
    if (!cls && comm->rank != root) {
        cls = leaf_begin(i);
        if (cls)
            xmpi_request_release(req);
    }
    if (cls) {
        ispawn_free(i);
        return cls;
    }
    if (comm->rank == root)
        root_begin(i, args);
    req->ops = &ispawn_ops;
    req->state = i;
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}
