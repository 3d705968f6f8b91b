/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of all algorithms. The first that fits is the fallback when selection names one that
 * does not, so each list begins with one for every shape. */
#include "coll/algo.h"
#include "coll/board.h"

#include <string.h>

#define INTRA XMPI_ALGO_INTRA
#define INTER XMPI_ALGO_INTER
#define BOARD XMPI_ALGO_BOARD
#define COMMUTE XMPI_ALGO_COMMUTATIVE

/* clang-format off */
static const struct xmpi_algo barrier[] = {
    {"flat", INTRA, xmpi_barrier_flat, NULL, "2 x 1 B; root p-1 in, p-1 out; 2(p-1) in all"},
    {"tree", INTRA, xmpi_barrier_tree, NULL, "2 log8 p x 1 B; 2(p-1) in all"},
    {"dissemination", INTRA, xmpi_barrier_dissemination, NULL, "log2 p x 1 B; p log2 p in all"},
    {"leader", INTER, xmpi_inter_barrier, NULL, "3 x 1 B; 2(p+q)-2 in all"},
    {"board", INTRA | BOARD, NULL, xmpi_board_barrier, "no messages; each process runs once"},
};
static const struct xmpi_algo bcast[] = {
    {"flat", INTRA, xmpi_bcast_flat, NULL, "1 x n; root p-1 out"},
    {"binomial", INTRA, xmpi_bcast_binomial, NULL, "log2 p x n"},
    {"scatter_allgather", INTRA, xmpi_bcast_scatter_allgather, NULL, "p x n/p; 2 n per process"},
    {"linear", INTER, xmpi_inter_bcast_linear, NULL, "1 x n; root q out"},
    {"leader", INTER, xmpi_inter_bcast_leader, NULL, "1 + log2 q x n"},
    {"board", INTRA | BOARD, NULL, xmpi_board_bcast, "no messages; n read by each"},
};
static const struct xmpi_algo reduce[] = {
    {"flat", INTRA, xmpi_reduce_flat, NULL, "1 x n; root p-1 in and (p-1) n reduced; room p n"},
    {"binomial", INTRA, xmpi_reduce_binomial, NULL, "log2 p x n"},
    {"scatter_gather", INTRA, xmpi_reduce_scatter_gather, NULL, "2 x n/p; p(p-1) in all; n reduced each"},
    {"linear", INTER, xmpi_inter_reduce_linear, NULL, "1 x n; root q in; room q n"},
    {"leader", INTER, xmpi_inter_reduce_leader, NULL, "log2 q + 1 x n"},
    {"board", INTRA | BOARD, NULL, xmpi_board_reduce, "no messages; p n reduced by root, long: n by each"},
};
static const struct xmpi_algo allreduce[] = {
    {"flat", INTRA, xmpi_allreduce_flat, NULL, "2 x n; rank 0 p-1 in, p-1 out; 2(p-1) in all"},
    {"recursive_doubling", INTRA, xmpi_allreduce_recursive_doubling, NULL, "log2 p x n; p log2 p in all"},
    {"scatter_allgather", INTRA, xmpi_allreduce_scatter_allgather, NULL, "2 x n/p; 2p(p-1) in all"},
    {"ring", INTRA | COMMUTE, xmpi_allreduce_ring, NULL, "2(p-1) x n/p"},
    {"leader", INTER, xmpi_inter_allreduce, NULL, "3 x n"},
    {"board", INTRA | BOARD, NULL, xmpi_board_allreduce, "no messages; p n reduced by each, long: n"},
};
static const struct xmpi_algo reduce_scatter_block[] = {
    {"flat", INTRA, xmpi_rscat_flat, NULL, "1 x n and 1 x n/p; rank 0 p-1 in, p-1 out; 2(p-1) in all"},
    {"direct", INTRA, xmpi_rscat_direct, NULL, "1 x n/p; p(p-1) in all, all at once; room n"},
    {"pairwise", INTRA | COMMUTE, xmpi_rscat_pairwise, NULL, "p-1 x n/p; one at a time; room 2 n/p"},
    {"recursive_halving", INTRA | COMMUTE, xmpi_rscat_recursive_halving, NULL, "log2 p x n/2, n/4.."},
    {"leader", INTER, xmpi_inter_rscat_leader, NULL, "3 x n and 1 x n/p"},
    {"board", INTRA | BOARD, NULL, xmpi_board_reduce_scatter, "no messages; n read and reduced by each"},
};
static const struct xmpi_algo scan[] = {
    {"flat", INTRA, xmpi_scan_flat, NULL, "2 x n; rank 0 p-1 in, p-1 out; 2(p-1) in all; room p n"},
    {"linear", INTRA, xmpi_scan_linear, NULL, "p-1 x n; p-1 in all"},
    {"doubling", INTRA, xmpi_scan_doubling, NULL, "log2 p x n; p log2 p in all"},
    {"pieces", INTRA, xmpi_scan_pieces, NULL, "2 x n/p; 2p(p-1) in all; n reduced by each"},
    {"board", INTRA | BOARD, NULL, xmpi_board_scan, "no messages; p n read and reduced by each"},
};
static const struct xmpi_algo gather[] = {
    {"linear", INTRA, xmpi_gather_linear, NULL, "1 x n; root p-1 in"},
    {"binomial", INTRA, xmpi_gather_binomial, NULL, "log2 p; p n at the root"},
    {"inter_linear", INTER, xmpi_inter_gather, NULL, "1 x n; root q in"},
};
static const struct xmpi_algo gatherv[] = {
    {"linear", INTRA, xmpi_gather_linear, NULL, "1 x n; root p-1 in"},
    {"inter_linear", INTER, xmpi_inter_gather, NULL, "1 x n; root q in"},
};
static const struct xmpi_algo scatter[] = {
    {"linear", INTRA, xmpi_scatter_linear, NULL, "1 x n; root p-1 out"},
    {"binomial", INTRA, xmpi_scatter_binomial, NULL, "log2 p; p n from the root"},
    {"inter_linear", INTER, xmpi_inter_scatter, NULL, "1 x n; root q out"},
};
static const struct xmpi_algo scatterv[] = {
    {"linear", INTRA, xmpi_scatter_linear, NULL, "1 x n; root p-1 out"},
    {"inter_linear", INTER, xmpi_inter_scatter, NULL, "1 x n; root q out"},
};
static const struct xmpi_algo allgather[] = {
    {"flat", INTRA, xmpi_allgather_flat, NULL, "1 x n and 1 x p n; 2(p-1) in all"},
    {"bruck", INTRA, xmpi_allgather_bruck, NULL, "log2 p; p n per process and a copy of it"},
    {"ring", INTRA, xmpi_allgather_ring, NULL, "p-1 x n"},
    {"direct", INTRA, xmpi_allgather_direct, NULL, "1 x n; p(p-1) in all, all at once"},
    {"linear", INTER, xmpi_inter_alltoall, NULL, "1 x n; 2 p q in all, all at once"},
    {"leader", INTER, xmpi_inter_allgather_leader, NULL, "1 x n, 2 x p n; few messages"},
    {"board", INTRA | BOARD, NULL, xmpi_board_allgather, "no messages"},
};
static const struct xmpi_algo allgatherv[] = {
    {"ring", INTRA, xmpi_allgather_ring, NULL, "p-1 x n"},
    {"direct", INTRA, xmpi_allgather_direct, NULL, "1 x n; p(p-1) in all, all at once"},
    {"linear", INTER, xmpi_inter_alltoall, NULL, "1 x n; 2 p q in all, all at once"},
};
static const struct xmpi_algo alltoall[] = {
    {"linear", INTRA, xmpi_alltoall_linear, NULL, "1 x n; p(p-1) in all, all at once"},
    {"pairwise", INTRA, xmpi_alltoall_pairwise, NULL, "p-1 x n; one partner at a time"},
    {"bruck", INTRA, xmpi_alltoall_bruck, NULL, "log2 p x n p/2, copied twice"},
    {"inter_linear", INTER, xmpi_inter_alltoall, NULL, "1 x n; 2 p q in all, all at once"},
    {"board", INTRA | BOARD, NULL, xmpi_board_alltoall, "no messages"},
};
/* Those of alltoall that take blocks of any size: also for alltoallw. */
static const struct xmpi_algo alltoallv[] = {
    {"linear", INTRA, xmpi_alltoall_linear, NULL, "1 x n; p(p-1) in all, all at once"},
    {"pairwise", INTRA, xmpi_alltoall_pairwise, NULL, "p-1 x n; one partner at a time"},
    {"inter_linear", INTER, xmpi_inter_alltoall, NULL, "1 x n; 2 p q in all, all at once"},
};
static const struct xmpi_algo neighbor[] = {
    {"direct", INTRA, xmpi_neighbor_direct, NULL, "1 x n; one for each edge, all at once"},
};

#define LIST(KIND, name, mpi, table)                                                     \
    [XMPI_COLL_##KIND] = {name, mpi, table, (int)(sizeof table / sizeof *table)}

const struct xmpi_algo_list xmpi_algo_lists[XMPI_COLL_KINDS] = {
    LIST(BARRIER, "barrier", "MPI_Barrier", barrier),
    LIST(BCAST, "bcast", "MPI_Bcast", bcast),
    LIST(REDUCE, "reduce", "MPI_Reduce", reduce),
    LIST(ALLREDUCE, "allreduce", "MPI_Allreduce", allreduce),
    LIST(REDUCE_SCATTER_BLOCK, "reduce_scatter_block", "MPI_Reduce_scatter_block", reduce_scatter_block),
    LIST(REDUCE_SCATTER, "reduce_scatter", "MPI_Reduce_scatter", reduce_scatter_block),
    LIST(SCAN, "scan", "MPI_Scan", scan),
    LIST(EXSCAN, "exscan", "MPI_Exscan", scan),
    LIST(GATHER, "gather", "MPI_Gather", gather),
    LIST(GATHERV, "gatherv", "MPI_Gatherv", gatherv),
    LIST(SCATTER, "scatter", "MPI_Scatter", scatter),
    LIST(SCATTERV, "scatterv", "MPI_Scatterv", scatterv),
    LIST(ALLGATHER, "allgather", "MPI_Allgather", allgather),
    LIST(ALLGATHERV, "allgatherv", "MPI_Allgatherv", allgatherv),
    LIST(ALLTOALL, "alltoall", "MPI_Alltoall", alltoall),
    LIST(ALLTOALLV, "alltoallv", "MPI_Alltoallv", alltoallv),
    LIST(ALLTOALLW, "alltoallw", "MPI_Alltoallw", alltoallv),
    LIST(NEIGHBOR_ALLGATHER, "neighbor_allgather", "MPI_Neighbor_allgather", neighbor),
    LIST(NEIGHBOR_ALLGATHERV, "neighbor_allgatherv", "MPI_Neighbor_allgatherv", neighbor),
    LIST(NEIGHBOR_ALLTOALL, "neighbor_alltoall", "MPI_Neighbor_alltoall", neighbor),
    LIST(NEIGHBOR_ALLTOALLV, "neighbor_alltoallv", "MPI_Neighbor_alltoallv", neighbor),
    LIST(NEIGHBOR_ALLTOALLW, "neighbor_alltoallw", "MPI_Neighbor_alltoallw", neighbor),
};
/* clang-format on */

bool xmpi_algo_fits(const struct xmpi_algo *a, const struct xmpi_coll *c,
                    const struct xmpi_comm *comm, bool scheduled)
{
    if (!(a->flags & (comm->inter ? INTER : INTRA)))
        return false;
    if ((a->flags & BOARD) && (scheduled || !xmpi_board_fits(comm)))
        return false;
    return !(a->flags & COMMUTE) || !c->op || c->op->commutative;
}

const struct xmpi_algo *xmpi_algo_find(enum xmpi_coll_kind kind, const char *name)
{
    const struct xmpi_algo_list *l = &xmpi_algo_lists[kind];
    for (int k = 0; k < l->count; k++)
        if (strcmp(l->algos[k].name, name) == 0)
            return &l->algos[k];
    return NULL;
}
