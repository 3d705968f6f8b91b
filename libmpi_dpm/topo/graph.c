/* SPDX-License-Identifier: BSD-3-Clause */
/* Graphs that every process knows whole: index[i] is the number of neighbours of nodes 0..i. */
#include "abi/handles.h"
#include "rt/err.h"
#include "topo/topo.h"
#include "xmpi.h"
#include <string.h>

static int first_edge(const int index[], int node)
{
    return node > 0 ? index[node - 1] : 0;
}

static int check_graph(const struct xmpi_comm *comm, int nnodes, const int indx[],
                       const int edges[])
{
    if (nnodes > comm->size)
        return xmpi_err(MPI_ERR_ARG, "nnodes is %d but the communicator has %d processes",
                        nnodes, comm->size);
    for (int i = 0; i < nnodes; i++)
        if (indx[i] < first_edge(indx, i))
            return xmpi_err(MPI_ERR_ARG, "indx[%d] is %d, less than the number before it, %d",
                            i, indx[i], first_edge(indx, i));
    int nedges = first_edge(indx, nnodes);
    if (nedges > 0 && !edges)
        return xmpi_err(MPI_ERR_ARG, "edges is a null pointer but there are %d edges",
                        nedges);
    for (int i = 0; i < nedges; i++)
        if (edges[i] < 0 || edges[i] >= nnodes)
            return xmpi_err(MPI_ERR_RANK, "edges[%d] is %d but the graph has nodes 0 to %d",
                            i, edges[i], nnodes - 1);
    return MPI_SUCCESS;
}

static struct xmpi_topo *graph_new(int nnodes, const int indx[], const int edges[], int rank)
{
    int nedges = first_edge(indx, nnodes);
    struct xmpi_topo *t = xmpi_topo_new(MPI_GRAPH, (size_t)nnodes + (size_t)nedges);
    if (!t)
        return NULL;
    t->nnodes = nnodes;
    t->nedges = nedges;
    t->index = xmpi_topo_take(t, nnodes, indx);
    t->edges = xmpi_topo_take(t, nedges, edges);
    t->nin = t->nout = indx[rank] - first_edge(indx, rank);
    t->in = t->out = t->edges + first_edge(indx, rank);
    return t;
}

int xmpi_graph_create(struct xmpi_comm *comm, int nnodes, const int indx[],
                      const int edges[], int reorder, MPI_Comm *newcomm)
{
    uint64_t ctx;
    (void)reorder;
    *newcomm = MPI_COMM_NULL;
    int cls = xmpi_topo_may(comm);
    if (!cls)
        cls = xmpi_cid_make(comm, xmpi_cid_count(false), &ctx);
    if (!cls)
        cls = check_graph(comm, nnodes, indx, edges);
    if (cls || comm->rank >= nnodes)
        return cls;
    struct xmpi_topo *topo = graph_new(nnodes, indx, edges, comm->rank);
    return topo ? xmpi_topo_comm_first(comm, ctx, nnodes, topo, newcomm) : MPI_ERR_NO_MEM;
}

int xmpi_graph_map(struct xmpi_comm *comm, int nnodes, const int indx[],
                   const int edges[], int *newrank)
{
    int cls = xmpi_topo_may(comm);
    if (!cls)
        cls = check_graph(comm, nnodes, indx, edges);
    if (!cls)
        *newrank = comm->rank < nnodes ? comm->rank : MPI_UNDEFINED;
    return cls;
}

int xmpi_graphdims_get(struct xmpi_comm *comm, int *nnodes, int *nedges)
{
    int cls = xmpi_topo_is(comm, MPI_GRAPH);
    if (cls)
        return cls;
    *nnodes = comm->topo->nnodes;
    *nedges = comm->topo->nedges;
    return MPI_SUCCESS;
}

/* As many of n numbers as there is room for. */
static void copy_some(int *to, int room, const int *from, int n)
{
    if (room > n)
        room = n;
    if (room > 0)
        memcpy(to, from, (size_t)room * sizeof(*to));
}

int xmpi_graph_get(struct xmpi_comm *comm, int maxindex, int maxedges, int indx[],
                   int edges[])
{
    int cls = xmpi_topo_is(comm, MPI_GRAPH);
    if (cls)
        return cls;
    copy_some(indx, maxindex, comm->topo->index, comm->topo->nnodes);
    copy_some(edges, maxedges, comm->topo->edges, comm->topo->nedges);
    return MPI_SUCCESS;
}

static int check_node(const struct xmpi_comm *comm, int rank)
{
    int cls = xmpi_topo_is(comm, MPI_GRAPH);
    if (!cls && (rank < 0 || rank >= comm->size))
        cls = xmpi_err(MPI_ERR_RANK, "rank is %d but the graph has nodes 0 to %d", rank,
                       comm->size - 1);
    return cls;
}

int xmpi_graph_neighbors_count(struct xmpi_comm *comm, int rank, int *nneighbors)
{
    int cls = check_node(comm, rank);
    if (!cls)
        *nneighbors = comm->topo->index[rank] - first_edge(comm->topo->index, rank);
    return cls;
}

int xmpi_graph_neighbors(struct xmpi_comm *comm, int rank, int maxneighbors, int neighbors[])
{
    int n = 0, cls = xmpi_graph_neighbors_count(comm, rank, &n);
    if (!cls)
        copy_some(neighbors, maxneighbors,
                  comm->topo->edges + first_edge(comm->topo->index, rank), n);
    return cls;
}
