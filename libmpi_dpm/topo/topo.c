/* SPDX-License-Identifier: BSD-3-Clause */
/* What all topologies have in common. */
#include "topo/topo.h"
#include "abi/handles.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdlib.h>
#include <string.h>

struct xmpi_topo *xmpi_topo_new(int kind, size_t n)
{
    struct xmpi_topo *topo = calloc(1, sizeof(*topo) + n * sizeof(topo->pool[0]));
    if (!topo) {
        xmpi_err(MPI_ERR_NO_MEM, "no memory for a topology of %zu numbers", n);
        return NULL;
    }
    atomic_init(&topo->refs, 1);
    topo->kind = kind;
    return topo;
}

int *xmpi_topo_take(struct xmpi_topo *topo, int n, const int *from)
{
    int *at = topo->pool + topo->taken;
    if (from && n > 0)
        memcpy(at, from, (size_t)n * sizeof(*at));
    topo->taken += (size_t)n;
    return at;
}

struct xmpi_topo *xmpi_topo_ref(struct xmpi_topo *topo)
{
    if (topo)
        atomic_fetch_add_explicit(&topo->refs, 1, memory_order_relaxed);
    return topo;
}

void xmpi_topo_unref(struct xmpi_topo *topo)
{
    if (topo && atomic_fetch_sub_explicit(&topo->refs, 1, memory_order_acq_rel) == 1)
        free(topo);
}

static const char *kind_name(int kind)
{
    return kind == MPI_CART    ? "Cartesian"
           : kind == MPI_GRAPH ? "graph"
                               : "distributed graph";
}

int xmpi_topo_is(const struct xmpi_comm *comm, int kind)
{
    if (!comm->topo)
        return xmpi_err(MPI_ERR_TOPOLOGY,
                        "the communicator has no topology; a %s one is wanted",
                        kind_name(kind));
    if (comm->topo->kind != kind)
        return xmpi_err(MPI_ERR_TOPOLOGY, "the communicator has a %s topology, not a %s one",
                        kind_name(comm->topo->kind), kind_name(kind));
    return MPI_SUCCESS;
}

int xmpi_topo_may(const struct xmpi_comm *comm)
{
    if (comm->inter)
        return xmpi_err(MPI_ERR_COMM, "an intercommunicator can have no topology");
    return MPI_SUCCESS;
}

int xmpi_topo_comm(struct xmpi_comm *old, uint64_t ctx, struct xmpi_group *group,
                   struct xmpi_topo *topo, struct xmpi_comm **out)
{
    int cls = xmpi_comm_make(ctx, group, NULL, old, out);
    if (cls)
        xmpi_topo_unref(topo);
    else
        (*out)->topo = topo;
    return cls;
}

int xmpi_topo_comm_first(struct xmpi_comm *old, uint64_t ctx, int n,
                         struct xmpi_topo *topo, MPI_Comm *newcomm)
{
    struct xmpi_group *group = old->local;
    struct xmpi_comm *made;
    int cls = MPI_SUCCESS;
    if (n < old->size)
        cls = xmpi_group_make(old->local->tids, n, &group);
    if (cls) {
        xmpi_topo_unref(topo);
        return cls;
    }
    cls = xmpi_topo_comm(old, ctx, group, topo, &made);
    if (n < old->size)
        xmpi_group_release(group);
    if (!cls)
        *newcomm = xmpi_comm_handle(made);
    return cls;
}

int xmpi_topo_test(struct xmpi_comm *comm, int *status)
{
    *status = comm->topo ? comm->topo->kind : MPI_UNDEFINED;
    return MPI_SUCCESS;
}
