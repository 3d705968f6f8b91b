/* SPDX-License-Identifier: BSD-3-Clause */
/* Communicators: made from their parts, found their peers, freed; the list of all of them. */
#include "comm/comm.h"
#include "coll/coll.h"
#include "ft/ft.h"
#include "pt2pt/pt2pt.h"
#include "request/request.h"
#include "rt/attr.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "rt/info.h"
#include "rt/session.h"
#include "topo/topo.h"
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct xmpi_comm xmpi_world, xmpi_self;
struct xmpi_comm *xmpi_parent;

static struct xmpi_comm *all_comms; /* engine lock */

struct xmpi_comm *xmpi_comm_first(void)
{
    return all_comms;
}

static void list_add(struct xmpi_comm *comm)
{
    pvmx_engine_lock();
    if (pvmx_engine_is_revoked(comm->ctx)) /* by one who had it sooner */
        xmpi_ft_mark(comm);
    comm->next = all_comms;
    comm->pprev = &all_comms;
    if (all_comms)
        all_comms->pprev = &comm->next;
    all_comms = comm;
    pvmx_engine_unlock();
}

static void list_remove(struct xmpi_comm *comm)
{
    pvmx_engine_lock();
    if (comm->pprev) {
        *comm->pprev = comm->next;
        if (comm->next)
            comm->next->pprev = comm->pprev;
        comm->pprev = NULL;
    }
    pvmx_engine_unlock();
}

/* Which side of an intercommunicator is the high one: that whose first member has the larger tid.
 * The groups are disjoint, so both sides come to the same answer. */
static bool side_is_high(const struct xmpi_group *local, const struct xmpi_group *remote)
{
    if (local->size == 0 || remote->size == 0)
        return false;
    return xmpi_tid(local->tids[0]) > xmpi_tid(remote->tids[0]);
}

static int comm_init(struct xmpi_comm *comm, uint64_t ctx, struct xmpi_group *local,
                     struct xmpi_group *remote, struct xmpi_comm *parent)
{
    memset(comm, 0, sizeof(*comm));
    xmpi_obj_init(&comm->obj, XMPI_KIND_COMM);
    comm->inter = remote != NULL;
    if (!remote)
        remote = local;
    comm->peers = calloc((size_t)remote->size + 1, sizeof(comm->peers[0]));
    if (!comm->peers)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a communicator of %d processes",
                        remote->size);
    comm->ctx = ctx;
    comm->rank = local->rank;
    comm->size = local->size;
    comm->high = comm->inter && side_is_high(local, remote);
    comm->local = local;
    comm->remote = remote;
    xmpi_obj_ref(&local->obj);
    xmpi_obj_ref(&remote->obj);
    comm->orphans_tail = &comm->orphans;
    comm->session = xmpi_session_ref(parent ? parent->session : local->session);
    if (parent)
        comm->errhandler = xmpi_errhandler_ref(parent->errhandler);
    if (comm->session) {
        xmpi_group_set_session(local, comm->session);
        xmpi_group_set_session(remote, comm->session);
    }
    return MPI_SUCCESS;
}

/* Gives everything back but the struct itself. */
static void comm_fini(struct xmpi_comm *comm)
{
    list_remove(comm);
    xmpi_coll_comm_gone(comm);
    for (int i = 0; i < comm->remote->size; i++)
        if (comm->peers[i])
            pvmx_engine_peer_put(comm->peers[i]);
    free(comm->peers);
    xmpi_ft_gone(comm);
    if (comm->scope)
        pvmx_engine_scope_free(comm->scope);
    if (comm->local_comm)
        xmpi_comm_release(comm->local_comm);
    xmpi_errhandler_unref(comm->errhandler);
    xmpi_topo_unref(comm->topo);
    if (comm->info)
        xmpi_info_release(comm->info);
    xmpi_group_release(comm->local);
    xmpi_group_release(comm->remote);
    xmpi_session_unref(comm->session);
    comm->session = NULL;
    comm->errhandler = NULL; /* the structs of world and self stay visible */
    comm->obj.kind = XMPI_KIND_FREED;
}

/* Not in the list of communicators yet; the local one of an intercommunicator never is. */
static int comm_new(uint64_t ctx, struct xmpi_group *local, struct xmpi_group *remote,
                    struct xmpi_comm *parent, struct xmpi_comm **out)
{
    struct xmpi_comm *comm = malloc(sizeof(*comm));
    if (!comm)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a communicator");
    int cls = comm_init(comm, ctx, local, remote, parent);
    if (cls) {
        free(comm);
        return cls;
    }
    *out = comm;
    return MPI_SUCCESS;
}

int xmpi_comm_make(uint64_t ctx, struct xmpi_group *local, struct xmpi_group *remote,
                   struct xmpi_comm *parent, struct xmpi_comm **out)
{
    struct xmpi_comm *comm = NULL;
    int cls = comm_new(ctx, local, remote, parent, &comm);
    if (cls)
        return cls;
    if (comm->inter) {
        cls = comm_new(ctx + 2, local, NULL, parent, &comm->local_comm);
        if (cls) {
            xmpi_comm_release(comm);
            return cls;
        }
    }
    list_add(comm);
    *out = comm;
    return MPI_SUCCESS;
}

void xmpi_comm_release(struct xmpi_comm *comm)
{
    if (!xmpi_obj_unref(&comm->obj))
        return;
    comm_fini(comm);
    free(comm);
}

int xmpi_comm_drop(struct xmpi_comm *comm)
{
    int cls = xmpi_attrs_delete_all(comm);
    if (cls)
        return cls;
    xmpi_bsend_drop(comm);
    xmpi_request_reap(comm, UINT32_MAX);
    if (comm == xmpi_parent)
        xmpi_parent = NULL;
    comm->dropped = true;
    xmpi_comm_release(comm);
    return MPI_SUCCESS;
}

/* The world of the birth record; a process that nobody started is a world of its own. */
static int world_start(struct xmpi_group *self)
{
    const struct pvmx_birth *birth = pvmx_engine_birth();
    int cls;
    if (birth) {
        struct xmpi_group *group;
        cls = xmpi_group_make(birth->world, birth->size, &group);
        if (cls)
            return cls;
        cls = comm_init(&xmpi_world, birth->ctx, group, NULL, NULL);
        xmpi_group_release(group);
    } else {
        cls = comm_init(&xmpi_world, XMPI_CTX_LONE_WORLD, self, NULL, NULL);
    }
    if (cls)
        return cls;
    xmpi_world.obj.predef = (uintptr_t)MPI_COMM_WORLD;
    snprintf(xmpi_world.name, sizeof(xmpi_world.name), "MPI_COMM_WORLD");
    list_add(&xmpi_world);
    return MPI_SUCCESS;
}

int xmpi_comm_start(void)
{
    pvmx_engine_on_revoke(xmpi_ft_on_revoke);
    pvmx_tid me = pvmx_engine_self();
    struct xmpi_group *self;
    int cls = xmpi_group_make(&me, 1, &self);
    if (cls)
        return cls;
    cls = comm_init(&xmpi_self, XMPI_CTX_SELF, self, NULL, NULL);
    if (!cls) {
        xmpi_self.obj.predef = (uintptr_t)MPI_COMM_SELF;
        snprintf(xmpi_self.name, sizeof(xmpi_self.name), "MPI_COMM_SELF");
        list_add(&xmpi_self);
        cls = world_start(self);
        if (cls)
            comm_fini(&xmpi_self);
    }
    xmpi_group_release(self);
    return cls;
}

/* Ends one that is left over. */
static void leave_behind(struct xmpi_comm *comm)
{
    xmpi_obj_ref(&comm->obj);
    list_remove(comm);
    xmpi_request_forsake(comm);
    if (comm->obj.predef) {
        comm_fini(comm);
        return;
    }
    if (!comm->dropped)
        xmpi_comm_release(comm);
    xmpi_comm_release(comm);
}

void xmpi_comm_stop(void)
{
    xmpi_parent = NULL;
    while (all_comms)
        leave_behind(all_comms);
}

struct xmpi_comm *xmpi_comm_find(const struct xmpi_session *session,
                                 bool (*wanted)(const struct xmpi_comm *comm))
{
    pvmx_engine_lock();
    struct xmpi_comm *comm = all_comms;
    while (comm && (comm->session != session || !wanted(comm)))
        comm = comm->next;
    if (comm)
        xmpi_obj_ref(&comm->obj);
    pvmx_engine_unlock();
    return comm;
}

static bool is_made(const struct xmpi_comm *comm)
{
    return !comm->obj.predef;
}

void xmpi_comm_stop_of(const struct xmpi_session *session)
{
    struct xmpi_comm *comm;
    if (!session)
        xmpi_parent = NULL;
    while ((comm = xmpi_comm_find(session, is_made)) != NULL) {
        leave_behind(comm);
        xmpi_comm_release(comm);
    }
}

int xmpi_comm_peer(struct xmpi_comm *comm, int rank, struct pvmx_peer **out)
{
    struct pvmx_peer *peer = __atomic_load_n(&comm->peers[rank], __ATOMIC_ACQUIRE);
    if (!peer) {
        if (comm->revoked)
            return xmpi_comm_error(comm, rank, PVMX_ERR_REVOKED);
        pvmx_err err = pvmx_engine_peer_get(comm->remote->tids[rank], &peer);
        if (err)
            return xmpi_comm_error(comm, rank, err);
        struct pvmx_peer *before = NULL;
        if (!__atomic_compare_exchange_n(&comm->peers[rank], &before, peer, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            pvmx_engine_peer_put(peer);
            peer = before;
        }
    }
    *out = peer;
    return MPI_SUCCESS;
}

/* Nobody else is in the group, so nobody's death can concern a receive. */
static bool alone(const struct xmpi_comm *comm)
{
    return !comm->inter && comm->size == 1;
}

int xmpi_comm_scope(struct xmpi_comm *comm, struct pvmx_scope **out)
{
    struct pvmx_scope *scope = __atomic_load_n(&comm->scope, __ATOMIC_ACQUIRE);
    pvmx_err err = PVMX_OK;
    if (!scope && !alone(comm)) {
        pvmx_engine_lock();
        if (!comm->scope)
            err = pvmx_engine_scope_create(comm->remote->tids, (size_t)comm->remote->size,
                                           &comm->scope);
        scope = comm->scope;
        pvmx_engine_unlock();
    }
    *out = scope;
    return err ? xmpi_err_engine(err) : MPI_SUCCESS;
}

/* "killed by signal 9" for one that is known to have ended. */
static void describe_end(pvmx_tid tid, char *text, size_t size)
{
    struct pvmx_end end;
    if (pvmx_engine_end_of(tid, &end) != PVMX_OK)
        snprintf(text, size, "how is not known");
    else if (end.signal)
        snprintf(text, size, "killed by signal %d (%s)", end.signal, strsignal(end.signal));
    else if (end.status < 0 && !end.inited)
        snprintf(text, size, "it did not call MPI_Init in time");
    else if (end.status < 0)
        snprintf(text, size, "how is not known");
    else if (!end.inited)
        snprintf(text, size, "exit status %d, without MPI_Init", end.status);
    else
        snprintf(text, size, "exit status %d", end.status);
}

/* First member whose death the scope holds against wildcard receives; *more: how many others. */
static int first_dead(struct xmpi_comm *comm, size_t *more)
{
    size_t n = comm->scope ? pvmx_engine_scope_dead(comm->scope, NULL) : 0;
    int32_t *index = n ? calloc((size_t)comm->remote->size, sizeof(*index)) : NULL;
    int rank = -1;
    *more = 0;
    if (index) {
        n = pvmx_engine_scope_dead(comm->scope, index);
        rank = n ? index[0] : -1;
        *more = n ? n - 1 : 0;
        free(index);
    }
    return rank;
}

int xmpi_comm_error(struct xmpi_comm *comm, int rank, pvmx_err err)
{
    size_t more = 0;
    char end[96], others[48] = "";
    int cls = XMPI_ERR_PROC_FAILED;
    if (err == PVMX_ERR_REVOKED)
        return xmpi_err(XMPI_ERR_REVOKED, "%s has been revoked",
                        comm->name[0] ? comm->name : "the communicator");
    if (err == PVMX_ERR_DEAD_PENDING) {
        rank = first_dead(comm, &more);
        cls = XMPI_ERR_PROC_FAILED_PENDING;
    } else if (err != PVMX_ERR_PEER_DEAD) {
        return xmpi_err_engine(err);
    }
    if (rank < 0 || rank >= comm->remote->size)
        return xmpi_err_engine(err);
    pvmx_tid tid = xmpi_tid(comm->remote->tids[rank]);
    describe_end(tid, end, sizeof(end));
    if (more)
        snprintf(others, sizeof(others), "; so have %zu others", more);
    return xmpi_err(cls, "rank %d of the %s (t%x) has ended: %s%s", rank,
                    comm->inter ? "remote group" : "group", (unsigned)tid, end, others);
}
