/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual topologies (MPI 5.0 chapter 8). A communicator owns at most one; it is immutable. */
#ifndef XMPI_TOPO_H
#define XMPI_TOPO_H

#include "comm/comm.h"

struct xmpi_topo {
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
};

/* A deep copy, for MPI_Comm_dup; NULL without memory. */
struct xmpi_topo *xmpi_topo_copy(const struct xmpi_topo *topo);
void xmpi_topo_free(struct xmpi_topo *topo);

#endif
