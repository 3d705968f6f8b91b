/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has failed, as far as this process knows, and which of that it has acknowledged. */
#include "abi/handles.h"
#include "ft/ft.h"
#include "rt/err.h"
#include <pvmx/engine/prog.h>
#include <stdlib.h>
#include <string.h>

int xmpi_ft_tids(const struct xmpi_comm *comm, pvmx_tid **tids, int *n)
{
    int local = comm->local->size, remote = comm->inter ? comm->remote->size : 0;
    pvmx_tid *all = malloc(((size_t)local + (size_t)remote) * sizeof(*all));
    if (!all)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the tids of %d processes",
                        local + remote);
    for (int i = 0; i < local; i++)
        all[i] = xmpi_tid(comm->local->tids[i]);
    for (int i = 0; i < remote; i++)
        all[local + i] = xmpi_tid(comm->remote->tids[i]);
    *tids = all;
    *n = local + remote;
    return MPI_SUCCESS;
}

void xmpi_ft_gone(struct xmpi_comm *comm)
{
    for (int i = 0; comm->old_peers && i < comm->remote->size; i++)
        if (comm->old_peers[i])
            pvmx_engine_peer_put(comm->old_peers[i]);
    free(comm->old_peers);
    comm->old_peers = NULL;
    if (comm->ft) {
        free(comm->ft->failed);
        free(comm->ft->seen);
        free(comm->ft);
    }
    comm->ft = NULL;
}

static int need_ft(struct xmpi_comm *comm)
{
    int n = comm->local->size + (comm->inter ? comm->remote->size : 0);
    if (comm->ft)
        return MPI_SUCCESS;
    struct xmpi_ft *ft = calloc(1, sizeof(*ft));
    if (ft) {
        ft->n = n;
        ft->failed = calloc((size_t)n, sizeof(*ft->failed));
        ft->seen = calloc((size_t)n, sizeof(*ft->seen));
    }
    comm->ft = ft;
    if (ft && ft->failed && ft->seen)
        return MPI_SUCCESS;
    xmpi_ft_gone(comm);
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for the failures of %d processes", n);
}

/* Adds the failures of one group that were not known yet; first: number of its rank 0. */
static int note_group(struct xmpi_ft *ft, struct xmpi_comm *of, int first)
{
    struct pvmx_scope *scope;
    int cls = xmpi_comm_scope(of, &scope);
    int32_t *index = cls || !scope ? NULL : calloc((size_t)of->remote->size, sizeof(*index));
    if (cls || !scope)
        return cls;
    if (!index)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a list of failures");
    size_t n = pvmx_engine_scope_dead(scope, index);
    for (size_t i = 0; i < n; i++) {
        int k = first + index[i];
        if (ft->seen[k])
            continue;
        ft->seen[k] = true;
        ft->failed[ft->nfailed++] = k;
    }
    free(index);
    return MPI_SUCCESS;
}

/* Brings comm->ft up to date; with the engine's lock. */
static int refresh_locked(struct xmpi_comm *comm)
{
    int cls = need_ft(comm);
    if (!cls && comm->inter)
        cls = note_group(comm->ft, comm->local_comm, 0);
    if (!cls)
        cls = note_group(comm->ft, comm, comm->inter ? comm->local->size : 0);
    return cls;
}

static int refresh(struct xmpi_comm *comm)
{
    struct pvmx_scope *scope;
    int cls = xmpi_comm_scope(comm, &scope); /* from now on we hear of them */
    if (!cls && comm->inter)
        cls = xmpi_comm_scope(comm->local_comm, &scope);
    if (cls)
        return cls;
    pvmx_engine_progress();
    pvmx_engine_lock();
    cls = refresh_locked(comm);
    pvmx_engine_unlock();
    return cls;
}

bool xmpi_ft_any(struct xmpi_comm *comm)
{
    return refresh(comm) == MPI_SUCCESS && comm->ft->nfailed > 0;
}

/* The group of the first n failures. */
static int group_of(struct xmpi_comm *comm, int n, MPI_Group *out)
{
    struct xmpi_group *group;
    pvmx_tid *all, *tids = malloc(((size_t)n + 1) * sizeof(*tids));
    int total;
    if (n == 0 || !tids) {
        free(tids);
        *out = MPI_GROUP_EMPTY;
        return n == 0 ? MPI_SUCCESS : xmpi_err(MPI_ERR_NO_MEM, "no memory for a group");
    }
    int cls = xmpi_ft_tids(comm, &all, &total);
    if (!cls) {
        for (int i = 0; i < n; i++)
            tids[i] = all[comm->ft->failed[i]];
        cls = xmpi_group_make(tids, n, &group);
        free(all);
    }
    if (!cls)
        *out = xmpi_group_handle(group);
    free(tids);
    return cls;
}

int xmpi_ft_get_failed(struct xmpi_comm *comm, MPI_Group *group)
{
    int cls = refresh(comm);
    return cls ? cls : group_of(comm, comm->ft->nfailed, group);
}

int xmpi_ft_get_acked(struct xmpi_comm *comm, MPI_Group *group)
{
    int cls = refresh(comm);
    return cls ? cls : group_of(comm, comm->ft->nacked, group);
}

/* Wildcard receives go on when all failures of the group that they hear are acknowledged. */
static void ack_scope(struct xmpi_comm *comm)
{
    int first = comm->inter ? comm->local->size : 0, remote = 0;
    for (int i = 0; i < comm->ft->nacked; i++)
        remote += comm->ft->failed[i] >= first;
    if (comm->scope)
        pvmx_engine_scope_ack(comm->scope, (size_t)remote);
}

int xmpi_ft_ack_failed(struct xmpi_comm *comm, int num_to_ack, int *num_acked)
{
    if (num_to_ack < 0)
        return xmpi_err(MPI_ERR_ARG, "num_to_ack is %d, less than 0", num_to_ack);
    int cls = refresh(comm);
    if (cls)
        return cls;
    pvmx_engine_lock();
    struct xmpi_ft *ft = comm->ft;
    int most = num_to_ack < ft->nfailed ? num_to_ack : ft->nfailed;
    if (most > ft->nacked) {
        ft->nacked = most;
        ack_scope(comm);
    }
    *num_acked = ft->nacked;
    pvmx_engine_unlock();
    return MPI_SUCCESS;
}
