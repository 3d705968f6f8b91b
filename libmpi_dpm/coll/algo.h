/* SPDX-License-Identifier: BSD-3-Clause */
/* What an algorithm is given, what it is, and the list of all of them. Nothing here communicates:
 * algorithms add steps to a schedule (coll/sched.h). */
#ifndef XMPI_COLL_ALGO_H
#define XMPI_COLL_ALGO_H

#include "abi/handles.h"
#include "coll/coll.h"
#include "coll/sched.h"

enum xmpi_coll_kind {
    XMPI_COLL_BARRIER,
    XMPI_COLL_BCAST,
    XMPI_COLL_REDUCE,
    XMPI_COLL_ALLREDUCE,
    XMPI_COLL_GATHER,
    XMPI_COLL_GATHERV,
    XMPI_COLL_SCATTER,
    XMPI_COLL_SCATTERV,
    XMPI_COLL_ALLGATHER,
    XMPI_COLL_ALLGATHERV,
    XMPI_COLL_ALLTOALL,
    XMPI_COLL_ALLTOALLV,
    XMPI_COLL_ALLTOALLW,
    XMPI_COLL_KINDS,
};

/* One block for each process: all of one length, or by count and displacement arrays (in units of
 * ext, or of each process's own datatype when there are types: then displacements are bytes). */
struct xmpi_blocks {
    char *base;
    size_t len; /* bytes of every block when there are no arrays */
    struct xmpi_cvec counts, displs;
    size_t ext;
    const MPI_Datatype *types;
};

static inline bool xmpi_blocks_vary(const struct xmpi_blocks *b)
{
    return b->counts.i || b->counts.c;
}

static inline size_t xmpi_block_len(const struct xmpi_blocks *b, int k)
{
    if (!xmpi_blocks_vary(b))
        return b->len;
    size_t ext = b->types ? (size_t)xmpi_dtype_of(b->types[k])->extent : b->ext;
    return (size_t)xmpi_cvec_at(b->counts, k) * ext;
}

static inline char *xmpi_block_at(const struct xmpi_blocks *b, int k)
{
    if (!xmpi_blocks_vary(b))
        return b->base + (size_t)k * b->len;
    return b->base + xmpi_cvec_at(b->displs, k) * (MPI_Count)(b->types ? 1 : b->ext);
}

/* A collective operation, made regular: everything in bytes, MPI_IN_PLACE resolved into pointers. */
struct xmpi_coll {
    enum xmpi_coll_kind kind;
    int root; /* intra: a rank; inter: a rank of the remote group, MPI_ROOT, MPI_PROC_NULL */
    bool in_place; /* the own part lies in its place of the receive buffer already */
    /* Blocks sent and received; a single buffer (one block for all) has its bytes in `len`: the send
     * side of gather and allgather, the receive side of scatter, the buffer of bcast (recv). */
    struct xmpi_blocks send, recv;
    /* Reductions: send.base is the own contribution (recv.base when in place), recv.base the
     * result; len bytes are count elements. */
    size_t len;
    MPI_Count count;
    const struct xmpi_dtype *type;
    const struct xmpi_op *op;
};

/* Restrictions of an algorithm; one that does not meet them is not used, not even when asked for. */
enum {
    XMPI_ALGO_INTRA = 1, /* intracommunicators                                      */
    XMPI_ALGO_INTER = 2, /* intercommunicators                                      */
    XMPI_ALGO_COMMUTATIVE = 4, /* commutative operations only                             */
    XMPI_ALGO_BOARD = 8, /* blocking, short, few processes of one host: coll/board.h */
};

struct xmpi_algo {
    const char *name; /* as in setting coll.<collective> */
    unsigned flags;
    void (*build)(struct xmpi_sched *s, const struct xmpi_coll *c);
    /* Instead of build, see coll/board.h; NULL in all others. */
    int (*direct)(const struct xmpi_coll *c, struct xmpi_comm *comm);
    const char *cost; /* p processes, n bytes (of one block where there are blocks), messages on
                       * the longest path x what they carry */
};

struct xmpi_algo_list {
    const char *name;     /* "bcast": the setting is coll.bcast */
    const char *mpi_name; /* "MPI_Bcast"                        */
    const struct xmpi_algo *algos;
    int count;
};

/* All algorithms, by enum xmpi_coll_kind. */
extern const struct xmpi_algo_list xmpi_algo_lists[XMPI_COLL_KINDS];

/* scheduled: for a request, or because the board is not to be had. */
bool xmpi_algo_fits(const struct xmpi_algo *a, const struct xmpi_coll *c,
                    const struct xmpi_comm *comm, bool scheduled);
/* The entry of this name, NULL: there is none. */
const struct xmpi_algo *xmpi_algo_find(enum xmpi_coll_kind kind, const char *name);
/* The forced one if it fits (*by_force), else the best guess from size and shape. */
const struct xmpi_algo *xmpi_algo_select(const struct xmpi_coll *c,
                                         const struct xmpi_comm *comm, bool scheduled,
                                         bool *by_force);
/* Forces an algorithm in this process; NULL: back to the setting. For tests: every process of a
 * communicator must choose the same. */
void xmpi_algo_force(enum xmpi_coll_kind kind, const struct xmpi_algo *a);

/* Runs c on comm: request NULL: to the end; else starts it. */
int xmpi_coll_do(const struct xmpi_coll *c, struct xmpi_comm *comm, MPI_Request *request);

/* Algorithms, one file for each collective; those for intercommunicators in inter.c. */
void xmpi_barrier_flat(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_barrier_tree(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_barrier_dissemination(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_bcast_flat(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_bcast_binomial(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_bcast_scatter_allgather(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_reduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_reduce_binomial(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_reduce_scatter_gather(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allreduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allreduce_recursive_doubling(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allreduce_scatter_allgather(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allreduce_ring(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_gather_linear(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_gather_binomial(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_scatter_linear(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_scatter_binomial(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allgather_flat(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allgather_bruck(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allgather_ring(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_allgather_direct(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_alltoall_linear(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_alltoall_pairwise(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_alltoall_bruck(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_barrier(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_bcast_linear(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_bcast_leader(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_reduce_linear(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_reduce_leader(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_allreduce(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_gather(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_scatter(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_allgather_linear(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_allgather_leader(struct xmpi_sched *s, const struct xmpi_coll *c);
void xmpi_inter_alltoall(struct xmpi_sched *s, const struct xmpi_coll *c);

/* Parts that several algorithms are made of; `team` as in coll/sched.h. */

/* Everyone's signal to rank 0 / rank 0's signal to everyone. */
void xmpi_part_gather_signals(struct xmpi_sched *s, int team);
void xmpi_part_release(struct xmpi_sched *s, int team);
/* root's len bytes to everyone, one message each / along a binomial tree. */
void xmpi_part_bcast_flat(struct xmpi_sched *s, int team, int root, void *buf, size_t len);
void xmpi_part_bcast_binomial(struct xmpi_sched *s, int team, int root, void *buf,
                              size_t len);
/* All contributions (c->count elements of c->len bytes) to rank `root` of the team, combined there
 * in rank order into `result` (elsewhere not used). In place: mine == result. flat: one message
 * each; binomial: a tree. */
void xmpi_part_reduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                           int root, const void *mine, void *result);
void xmpi_part_reduce_binomial(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                               int root, const void *mine, void *result);
/* result = parts[0] op parts[1] op ... op parts[n - 1], each count elements in len bytes. parts[own]
 * is the caller's contribution and only read (it may be `result` itself: in place; own -1: none);
 * the other parts are temporary memory. Needs s->op and s->type. */
void xmpi_part_combine(struct xmpi_sched *s, char *const *parts, int n, int own,
                       char *result, MPI_Count count, size_t len);
/* Temporary memory for n parts of len bytes, parts[own] = mine; NULL without memory. */
char **xmpi_part_room(struct xmpi_sched *s, int n, size_t len, int own, const void *mine);
/* First of the elements that belong to process k when count elements are cut into p pieces. */
static inline MPI_Count xmpi_part_cut(MPI_Count count, int p, int k)
{
    MPI_Count more = count % p;
    return count / p * k + (k < more ? k : more);
}

/* Argument checks of the entry points. */
int xmpi_coll_check_root(const struct xmpi_comm *comm, int root);
/* MPI_ERR_BUFFER when both are the same: MPI_IN_PLACE should have been said. */
int xmpi_coll_check_buffers(const void *sendbuf, const void *recvbuf, size_t len);

#endif
