/* SPDX-License-Identifier: BSD-3-Clause */
/* What MPI programs ask of communicators that needs no communication, and duplicates. */
#include "abi/handles.h"
#include "comm/comm.h"
#include "dpm/dpm.h"
#include "request/request.h"
#include "rt/attr.h"
#include "rt/err.h"
#include "rt/info.h"
#include "rt/memkinds.h"
#include "rt/session.h"
#include "topo/topo.h"
#include "xmpi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int xmpi_comm_size(struct xmpi_comm *comm, int *size)
{
    *size = comm->size;
    return MPI_SUCCESS;
}

int xmpi_comm_rank(struct xmpi_comm *comm, int *rank)
{
    *rank = comm->rank;
    return MPI_SUCCESS;
}

int xmpi_comm_remote_size(struct xmpi_comm *comm, int *size)
{
    if (!comm->inter)
        return xmpi_err(MPI_ERR_COMM, "an intracommunicator has no remote group");
    *size = comm->remote->size;
    return MPI_SUCCESS;
}

int xmpi_comm_test_inter(struct xmpi_comm *comm, int *flag)
{
    *flag = comm->inter;
    return MPI_SUCCESS;
}

static int give_group(struct xmpi_group *group, MPI_Group *out)
{
    if (group->size == 0) {
        *out = MPI_GROUP_EMPTY;
        return MPI_SUCCESS;
    }
    xmpi_obj_ref(&group->obj);
    *out = xmpi_group_handle(group);
    return MPI_SUCCESS;
}

int xmpi_comm_group(struct xmpi_comm *comm, MPI_Group *group)
{
    return give_group(comm->local, group);
}

int xmpi_comm_remote_group(struct xmpi_comm *comm, MPI_Group *group)
{
    if (!comm->inter)
        return xmpi_err(MPI_ERR_COMM, "an intracommunicator has no remote group");
    return give_group(comm->remote, group);
}

int xmpi_comm_compare(struct xmpi_comm *comm1, struct xmpi_comm *comm2, int *result)
{
    int local, remote;
    if (comm1 == comm2) {
        *result = MPI_IDENT;
        return MPI_SUCCESS;
    }
    if (comm1->inter != comm2->inter) {
        *result = MPI_UNEQUAL;
        return MPI_SUCCESS;
    }
    int cls = xmpi_group_compare(comm1->local, comm2->local, &local);
    if (cls)
        return cls;
    cls = xmpi_group_compare(comm1->remote, comm2->remote, &remote);
    if (cls)
        return cls;
    if (local == MPI_UNEQUAL || remote == MPI_UNEQUAL)
        *result = MPI_UNEQUAL;
    else if (local == MPI_SIMILAR || remote == MPI_SIMILAR)
        *result = MPI_SIMILAR;
    else
        *result = MPI_CONGRUENT;
    return MPI_SUCCESS;
}

int xmpi_comm_set_name(struct xmpi_comm *comm, const char *name)
{
    snprintf(comm->name, sizeof(comm->name), "%s", name);
    return MPI_SUCCESS;
}

int xmpi_comm_get_name(struct xmpi_comm *comm, char *name, int *length)
{
    memcpy(name, comm->name, sizeof(comm->name));
    *length = (int)strlen(name);
    return MPI_SUCCESS;
}

/* All pairs are kept, also those that mean nothing here: MPI lets get_info return them. */
int xmpi_comm_set_info(struct xmpi_comm *comm, struct xmpi_info *info)
{
    int cls = MPI_SUCCESS;
    struct xmpi_info *copy = xmpi_info_copy(comm->info);
    if (!copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a copy of the info object");
    for (int i = 0; info && i < info->n && !cls; i++)
        cls = xmpi_info_put(copy, info->pairs[i].key, info->pairs[i].value);
    if (cls) {
        xmpi_info_release(copy);
        return cls;
    }
    if (comm->info)
        xmpi_info_release(comm->info);
    comm->info = copy;
    return MPI_SUCCESS;
}

/* The kinds of memory that the program may use are told of every communicator. */
int xmpi_comm_get_info(struct xmpi_comm *comm, MPI_Info *info)
{
    char initial[MPI_MAX_INFO_VAL];
    const char *kinds = initial;
    struct xmpi_info *copy = xmpi_info_copy(comm->info);
    if (!copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a copy of the info object");
    if (comm->session)
        kinds = xmpi_info_value(comm->session->info, XMPI_MEMKINDS_KEY);
    else
        xmpi_memkinds_initial(initial, sizeof(initial));
    int cls = xmpi_info_put(copy, XMPI_MEMKINDS_KEY, kinds);
    if (cls)
        xmpi_info_release(copy);
    else
        *info = xmpi_info_handle(copy);
    return cls;
}

int xmpi_comm_free(MPI_Comm *handle)
{
    struct xmpi_comm *comm = xmpi_comm_of(*handle);
    if (!comm)
        return xmpi_err(MPI_ERR_COMM, "not a communicator");
    if (comm->obj.predef)
        return xmpi_err(MPI_ERR_COMM, "%s cannot be freed", comm->name);
    xmpi_dpm_comm_gone(comm, false);
    int cls = xmpi_comm_drop(comm);
    if (!cls)
        *handle = MPI_COMM_NULL;
    return cls;
}

/* The communicator with comm's groups and what a duplicate takes over besides. */
static int make_dup(struct xmpi_comm *comm, uint64_t ctx, struct xmpi_info *info,
                    struct xmpi_comm **out)
{
    struct xmpi_comm *dup;
    int cls =
        xmpi_comm_make(ctx, comm->local, comm->inter ? comm->remote : NULL, comm, &dup);
    if (cls)
        return cls;
    dup->topo = xmpi_topo_ref(comm->topo);
    if (info)
        cls = xmpi_comm_set_info(dup, info);
    if (!cls)
        cls = xmpi_attrs_copy(comm, dup);
    if (cls) {
        xmpi_comm_release(dup);
        return cls;
    }
    *out = dup;
    return MPI_SUCCESS;
}

/* MPI 4.0 and later: a plain duplicate does not take over the hints of comm. */
int xmpi_comm_dup(struct xmpi_comm *comm, MPI_Comm *newcomm)
{
    return xmpi_comm_dup_with_info(comm, NULL, newcomm);
}

int xmpi_comm_dup_with_info(struct xmpi_comm *comm, struct xmpi_info *info, MPI_Comm *newcomm)
{
    uint64_t ctx;
    struct xmpi_comm *dup;
    int cls = xmpi_cid_make(comm, xmpi_cid_count(comm->inter), &ctx);
    if (!cls)
        cls = make_dup(comm, ctx, info, &dup);
    if (!cls)
        *newcomm = xmpi_comm_handle(dup);
    return cls;
}

/* ---- nonblocking duplicate ---------------------------------------------------------- */

/* The first process of the low side makes the context id and sends it to everyone. */

struct idup {
    struct xmpi_comm *dup;   /* its ctx is set when the request completes */
    struct pvmx_req *engine; /* NULL: ctx is known already                */
    uint64_t ctx;
};

static bool idup_done(const struct xmpi_request *req)
{
    const struct idup *s = req->state;
    return !s->engine || pvmx_engine_req_done(s->engine);
}

static void idup_set_ctx(struct xmpi_comm *dup, uint64_t ctx)
{
    dup->ctx = ctx;
    if (dup->local_comm)
        dup->local_comm->ctx = ctx + 2;
}

static int idup_finish(struct xmpi_request *req)
{
    struct idup *s = req->state;
    pvmx_err err = s->engine ? pvmx_engine_req_status(s->engine)->error : PVMX_OK;
    idup_set_ctx(s->dup, s->ctx);
    return xmpi_comm_error(req->comm, 0, err);
}

static void idup_destroy(struct xmpi_request *req)
{
    struct idup *s = req->state;
    if (s->engine)
        pvmx_engine_req_free(s->engine);
    xmpi_comm_release(s->dup);
    free(s);
}

static const struct xmpi_req_ops idup_ops = {
    .done = idup_done,
    .finish = idup_finish,
    .destroy = idup_destroy,
};

/* Sends ctx to the whole remote group of comm but this process. Small and buffered: never waits.
 * One tag for all: idups of one communicator are called, and so match, in the same order. */
static int idup_tell(struct xmpi_comm *comm, const uint64_t *ctx)
{
    int cls = MPI_SUCCESS;
    for (int i = 0; i < comm->remote->size && !cls; i++) {
        struct pvmx_peer *peer;
        if (!comm->inter && i == comm->rank)
            continue;
        cls = xmpi_comm_peer(comm, i, &peer);
        if (!cls)
            cls = xmpi_comm_error(comm, i,
                                  pvmx_engine_send(peer, comm->ctx + 1, comm->rank,
                                                   XMPI_TAG_IDUP, ctx, sizeof(*ctx),
                                                   PVMX_SEND_BUFFERED));
    }
    return cls;
}

static int idup_ask(struct xmpi_comm *comm, struct idup *s)
{
    struct pvmx_peer *peer;
    int cls = xmpi_comm_peer(comm, 0, &peer);
    if (cls)
        return cls;
    return xmpi_comm_error(comm, 0,
                           pvmx_engine_irecv(peer, NULL, comm->ctx + 1, 0, XMPI_TAG_IDUP,
                                             &s->ctx, sizeof(s->ctx), &s->engine));
}

static int idup_begin(struct xmpi_comm *comm, struct idup *s)
{
    if (comm->rank != 0 || comm->high)
        return idup_ask(comm->inter && !comm->high ? comm->local_comm : comm, s);
    s->ctx = pvmx_engine_ctx_alloc(xmpi_cid_count(comm->inter));
    idup_set_ctx(s->dup, s->ctx);
    int cls = idup_tell(comm, &s->ctx);
    if (!cls && comm->inter)
        cls = idup_tell(comm->local_comm, &s->ctx);
    return cls;
}

int xmpi_comm_idup_with_info(struct xmpi_comm *comm, struct xmpi_info *info,
                             MPI_Comm *newcomm, MPI_Request *request)
{
    struct xmpi_request *req;
    struct idup *s = calloc(1, sizeof(*s));
    if (!s)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a request");
    int cls = make_dup(comm, 0, info, &s->dup);
    if (cls)
        goto undo_state;
    cls = xmpi_request_new(XMPI_REQ_OTHER, comm, &req);
    if (cls)
        goto undo_dup;
    cls = idup_begin(comm, s);
    if (cls)
        goto undo_request;
    xmpi_obj_ref(&s->dup->obj);
    req->ops = &idup_ops;
    req->state = s;
    xmpi_request_activate(req);
    *newcomm = xmpi_comm_handle(s->dup);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;

undo_request:
    xmpi_request_release(req);
undo_dup:
    xmpi_comm_release(s->dup);
undo_state:
    free(s);
    return cls;
}

int xmpi_comm_idup(struct xmpi_comm *comm, MPI_Comm *newcomm, MPI_Request *request)
{
    return xmpi_comm_idup_with_info(comm, NULL, newcomm, request);
}
