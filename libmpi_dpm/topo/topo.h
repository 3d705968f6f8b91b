/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual topologies (MPI 5.0 chapter 8). A communicator has at most one. It is immutable, so a
 * communicator and its duplicates share it. Ranks are never reordered: processes of one job are
 * numbered as they are placed, so the identity is as good as what a topology could tell. */
#ifndef XMPI_TOPO_H
#define XMPI_TOPO_H

#include "comm/comm.h"

struct xmpi_topo {
    _Atomic int refs;
    int kind; /* MPI_CART, MPI_GRAPH, MPI_DIST_GRAPH */
    /* This process's neighbours in the order of neighbourhood collectives (MPI 5.0 §8.6): block k of
     * the receive buffer comes from in[k], block k of the send buffer goes to out[k]. Cartesian: 2
     * for each dimension, MPI_PROC_NULL where there is none. A rank may appear several times. */
    int nin, nout;
    int *in, *out;
    int *in_weights, *out_weights; /* MPI_DIST_GRAPH with weights, else NULL */
    bool weighted;
    int ndims; /* MPI_CART */
    int *dims, *periods, *coords;
    int nnodes, nedges; /* MPI_GRAPH */
    int *index, *edges;
    size_t taken; /* of pool, where all arrays stand */
    int pool[];
};

/* A new topology with one reference and room for n numbers; NULL (with a sentence) without memory. */
struct xmpi_topo *xmpi_topo_new(int kind, size_t n);
/* The next n numbers of the room, filled from `from` unless that is NULL. */
int *xmpi_topo_take(struct xmpi_topo *topo, int n, const int *from);
/* NULL is allowed. */
struct xmpi_topo *xmpi_topo_ref(struct xmpi_topo *topo);
void xmpi_topo_unref(struct xmpi_topo *topo);

/* MPI_SUCCESS when comm has a topology of this kind, else MPI_ERR_TOPOLOGY with a sentence. */
int xmpi_topo_is(const struct xmpi_comm *comm, int kind);
/* MPI_ERR_COMM for an intercommunicator, which can have no topology. */
int xmpi_topo_may(const struct xmpi_comm *comm);

/* Makes an intracommunicator of `group` in the context ctx (of xmpi_cid_make(old)), with the topology,
 * whose reference is taken in every case. */
int xmpi_topo_comm(struct xmpi_comm *old, uint64_t ctx, struct xmpi_group *group,
                   struct xmpi_topo *topo, struct xmpi_comm **out);
/* The same with the first n processes of old; not for the others. */
int xmpi_topo_comm_first(struct xmpi_comm *old, uint64_t ctx, int n,
                         struct xmpi_topo *topo, MPI_Comm *newcomm);

#endif
