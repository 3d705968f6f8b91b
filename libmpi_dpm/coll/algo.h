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
    XMPI_COLL_REDUCE_SCATTER_BLOCK,
    XMPI_COLL_REDUCE_SCATTER,
    XMPI_COLL_SCAN,
    XMPI_COLL_EXSCAN,
    XMPI_COLL_GATHER,
    XMPI_COLL_GATHERV,
    XMPI_COLL_SCATTER,
    XMPI_COLL_SCATTERV,
    XMPI_COLL_ALLGATHER,
    XMPI_COLL_ALLGATHERV,
    XMPI_COLL_ALLTOALL,
    XMPI_COLL_ALLTOALLV,
    XMPI_COLL_ALLTOALLW,
    XMPI_COLL_NEIGHBOR_ALLGATHER,
    XMPI_COLL_NEIGHBOR_ALLGATHERV,
    XMPI_COLL_NEIGHBOR_ALLTOALL,
    XMPI_COLL_NEIGHBOR_ALLTOALLV,
    XMPI_COLL_NEIGHBOR_ALLTOALLW,
    XMPI_COLL_KINDS,
};

/* One block for each process (or neighbour): all of `count` elements, one after the other, or by
 * count and displacement arrays. Displacements are in extents of the type, or bytes when each block
 * has its own type. A single buffer (one block for all) is block 0 without arrays. */
struct xmpi_blocks {
    char *base;
    const struct xmpi_dtype *type; /* NULL: bytes */
    MPI_Count count;
    size_t len; /* packed bytes of a block without arrays */
    bool vary;  /* there are arrays */
    bool same;  /* block 0 stands for all: the send side of allgathers */
    struct xmpi_cvec counts, displs;
    const MPI_Datatype *types;
};

MPI_Count xmpi_block_count(const struct xmpi_blocks *b, int k);
/* Where it begins, as its datatype sees it. */
char *xmpi_block_place(const struct xmpi_blocks *b, int k); /* with arrays */
static inline char *xmpi_block_at(const struct xmpi_blocks *b, int k)
{
    if (b->same)
        return b->base;
    return b->vary ? xmpi_block_place(b, k)
                   : xmpi_at(b->base, k * b->count * (b->type ? b->type->extent : 1));
}

struct xmpi_span xmpi_block_vary(const struct xmpi_blocks *b, int k); /* with arrays */
static inline struct xmpi_span xmpi_block(const struct xmpi_blocks *b, int k)
{
    return b->vary ? xmpi_block_vary(b, k)
                   : xmpi_span(xmpi_block_at(b, k), b->count, b->type);
}
/* n blocks from k on, without arrays. */
struct xmpi_span xmpi_block_range(const struct xmpi_blocks *b, int k, int n);

/* A collective operation, made regular. What differs between processes whose type signatures are
 * the same (types, counts) decides nothing; `len` may. */
struct xmpi_coll {
    enum xmpi_coll_kind kind;
    int root; /* intra: a rank; inter: a rank of the remote group, MPI_ROOT, MPI_PROC_NULL */
    bool in_place; /* the own part lies in its place of the receive buffer already */
    bool internal; /* of the library itself, which makes no mistakes with lengths */
    /* Blocks sent and received; a single buffer is block 0: the send side of gather and allgather,
     * the receive side of scatter, the buffer of bcast (recv). */
    struct xmpi_blocks send, recv;
    /* Packed bytes that the choice of an algorithm goes by: of one block or of the whole buffer. */
    size_t len;
    /* Reductions: send.base is the own contribution (recv.base when in place), recv.base the
     * result; count elements, in reduce_scatter those of all processes, cut by recv's blocks. */
    MPI_Count count;
    const struct xmpi_dtype *type;
    const struct xmpi_op *op;
};

/* Restrictions of an algorithm; one that does not meet them is not used, not even when asked for. */
enum {
    XMPI_ALGO_INTRA = 1, /* intracommunicators                                      */
    XMPI_ALGO_INTER = 2, /* intercommunicators                                      */
    XMPI_ALGO_COMMUTATIVE = 4, /* commutative operations only                             */
    XMPI_ALGO_BOARD = 8,       /* blocking, few processes of one host: coll/board.h */
};

struct xmpi_algo {
    /* Texts are in the row itself: pointers to them would be relocated at each start. */
    char name[24]; /* as in setting coll.<collective> */
    unsigned flags;
    void (*build)(struct xmpi_sched *s, const struct xmpi_coll *c);
    /* Instead of build, see coll/board.h; NULL in all others. */
    int (*direct)(struct xmpi_coll *c, struct xmpi_comm *comm);
    char cost[64]; /* p processes, n bytes (of one block where there are blocks), messages on
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
/* The entry that needs no schedule, which is the last one; NULL: there is none. */
static inline const struct xmpi_algo *xmpi_algo_board(enum xmpi_coll_kind kind)
{
    const struct xmpi_algo_list *l = &xmpi_algo_lists[kind];
    const struct xmpi_algo *a = &l->algos[l->count - 1];
    return a->direct ? a : NULL;
}
/* The forced one if it fits (*by_force), else the best guess from size and shape. */
const struct xmpi_algo *xmpi_algo_select(const struct xmpi_coll *c,
                                         const struct xmpi_comm *comm, bool scheduled,
                                         bool *by_force);
/* Forces an algorithm in this process; NULL: back to the setting. For tests: every process of a
 * communicator must choose the same. */
void xmpi_algo_force(enum xmpi_coll_kind kind, const struct xmpi_algo *a);

/* Checks what is left to check and runs c on comm, starts it or keeps it. */
int xmpi_coll_do(struct xmpi_coll *c, struct xmpi_comm *comm, struct xmpi_form form);

/* meet.c. Few processes choose an algorithm that depends on the length only after all have told theirs
 * to one of them: who has another one finds an error there, not partners who wait for ever. Nothing is
 * told where a message of the algorithm for short lengths does the same; nor by an empty collective to
 * whom nothing else would be sent. Adds this to the schedule; false: that is all there is to do. */
bool xmpi_meet_first(struct xmpi_sched *s, const struct xmpi_coll *c,
                     const struct xmpi_algo *a);
/* After the algorithm's steps: who has found a wrong length tells those who may wait for an answer. */
void xmpi_meet_last(struct xmpi_sched *s, const struct xmpi_coll *c);

/* Algorithms, one file for each collective; those for intercommunicators in inter.c. */
#define XMPI_ALGORITHM(name)                                                             \
    void xmpi_##name(struct xmpi_sched *s, const struct xmpi_coll *c)
XMPI_ALGORITHM(barrier_flat);
XMPI_ALGORITHM(barrier_tree);
XMPI_ALGORITHM(barrier_dissemination);
XMPI_ALGORITHM(bcast_flat);
XMPI_ALGORITHM(bcast_binomial);
XMPI_ALGORITHM(bcast_scatter_allgather);
XMPI_ALGORITHM(reduce_flat);
XMPI_ALGORITHM(reduce_binomial);
XMPI_ALGORITHM(reduce_scatter_gather);
XMPI_ALGORITHM(allreduce_flat);
XMPI_ALGORITHM(allreduce_recursive_doubling);
XMPI_ALGORITHM(allreduce_scatter_allgather);
XMPI_ALGORITHM(allreduce_ring);
XMPI_ALGORITHM(rscat_flat);
XMPI_ALGORITHM(rscat_direct);
XMPI_ALGORITHM(rscat_pairwise);
XMPI_ALGORITHM(rscat_recursive_halving);
XMPI_ALGORITHM(scan_flat);
XMPI_ALGORITHM(scan_linear);
XMPI_ALGORITHM(scan_doubling);
XMPI_ALGORITHM(scan_pieces);
XMPI_ALGORITHM(gather_linear);
XMPI_ALGORITHM(gather_binomial);
XMPI_ALGORITHM(scatter_linear);
XMPI_ALGORITHM(scatter_binomial);
XMPI_ALGORITHM(allgather_flat);
XMPI_ALGORITHM(allgather_bruck);
XMPI_ALGORITHM(allgather_ring);
XMPI_ALGORITHM(allgather_direct);
XMPI_ALGORITHM(alltoall_linear);
XMPI_ALGORITHM(alltoall_pairwise);
XMPI_ALGORITHM(alltoall_bruck);
XMPI_ALGORITHM(neighbor_direct);
XMPI_ALGORITHM(inter_barrier);
XMPI_ALGORITHM(inter_bcast_linear);
XMPI_ALGORITHM(inter_bcast_leader);
XMPI_ALGORITHM(inter_reduce_linear);
XMPI_ALGORITHM(inter_reduce_leader);
XMPI_ALGORITHM(inter_allreduce);
XMPI_ALGORITHM(inter_rscat_leader);
XMPI_ALGORITHM(inter_gather);
XMPI_ALGORITHM(inter_scatter);
XMPI_ALGORITHM(inter_allgather_leader);
XMPI_ALGORITHM(inter_alltoall);

/* Parts that several algorithms are made of; `team` as in coll/sched.h. */

/* Everyone's signal to rank 0 / rank 0's signal to everyone. */
void xmpi_part_gather_signals(struct xmpi_sched *s, int team);
void xmpi_part_release(struct xmpi_sched *s, int team);
/* root's bytes to everyone, one message each / along a binomial tree. */
void xmpi_part_bcast_flat(struct xmpi_sched *s, int team, int root, struct xmpi_span buf);
void xmpi_part_bcast_binomial(struct xmpi_sched *s, int team, int root, struct xmpi_span buf);

/* A message to and one from every other process of the main team, each beginning with the neighbour
 * so that not all turn to the same one. paired: with one partner at a time. */
void xmpi_part_exchange(struct xmpi_sched *s, const struct xmpi_blocks *out,
                        const struct xmpi_blocks *in, bool paired);
/* The own block of an exchange, from place to place. */
void xmpi_part_keep(struct xmpi_sched *s, const struct xmpi_blocks *out,
                    const struct xmpi_blocks *in);

/* Operands of reductions are addressed as the type says: they need not begin at the pointer. */
struct xmpi_span xmpi_operand(const struct xmpi_sched *s, const void *base, MPI_Count count);
/* Element `from` of an operand. */
static inline char *xmpi_operand_at(const struct xmpi_sched *s, const void *base,
                                    MPI_Count from)
{
    return xmpi_at(base, from * s->type->extent);
}
/* Temporary memory for an operand; NULL for 0 elements. */
char *xmpi_part_operand(struct xmpi_sched *s, MPI_Count count);
/* n operands, one after the other from *room on, but parts[own] = mine (own -1: none). NULL without
 * memory. */
char **xmpi_part_operands(struct xmpi_sched *s, int n, MPI_Count count, int own,
                          const void *mine, char **room);
/* All contributions (c->count elements) to rank `root` of the team, combined there in rank order into
 * `result` (elsewhere not used). In place: mine == result. flat: one message each; binomial: a
 * tree. */
void xmpi_part_reduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                           int root, const void *mine, void *result);
void xmpi_part_reduce_binomial(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                               int root, const void *mine, void *result);
/* result = parts[0] op parts[1] op ... op parts[n - 1]. parts[own] is the caller's contribution and
 * only read (it may be `result` itself: in place; own -1: none); the other parts are temporary
 * memory. */
void xmpi_part_combine(struct xmpi_sched *s, char *const *parts, int n, int own,
                       char *result, MPI_Count count);
/* First of the elements that belong to process k when count elements are cut into p pieces. */
static inline MPI_Count xmpi_part_cut(MPI_Count count, int p, int k)
{
    MPI_Count more = count % p;
    return count / p * k + (k < more ? k : more);
}
/* An operand so cut into one piece for each process of the team. */
struct xmpi_blocks xmpi_part_pieces(struct xmpi_sched *s, const void *base, MPI_Count count);
/* Everyone's piece for this process, combined by nobody yet: parts in rank order. The own one is
 * where it lies in `pieces`, or a copy of it. NULL without memory. Ends with a fence. */
char **xmpi_part_collect(struct xmpi_sched *s, const struct xmpi_blocks *pieces,
                         bool copy_own);

/* reduce_scatter: the pieces of the whole result at `base`, with displacements of one more than there
 * are; rank 0 of the team gives everyone its own. */
struct xmpi_blocks xmpi_part_shares(struct xmpi_sched *s, const struct xmpi_coll *c,
                                    const void *base);
void xmpi_part_deal(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                    const struct xmpi_blocks *shares);
/* Inter: the own side's contributions to its leader, into `result` there. */
void xmpi_part_local_reduce(struct xmpi_sched *s, const struct xmpi_coll *c, void *result);

/* Fills in what all reductions have in common; in place from sendbuf. recvbuf NULL: no result here. */
void xmpi_coll_reduction(struct xmpi_coll *c, const void *sendbuf, void *recvbuf,
                         MPI_Count count, const struct xmpi_dtype *type,
                         const struct xmpi_op *op);

/* Blocks from arguments; empty when type is NULL (not significant here). */
static inline struct xmpi_blocks xmpi_blocks_of(const void *base, MPI_Count count,
                                                const struct xmpi_dtype *type)
{
    struct xmpi_blocks b = {.base = (char *)(uintptr_t)base};
    if (!type)
        return b;
    b.type = type;
    b.count = count;
    if (xmpi_dtype_bytes(type, count, &b.len))
        b.len = SIZE_MAX; /* for the check of arguments */
    return b;
}
struct xmpi_blocks xmpi_blocks_v(const void *base, struct xmpi_cvec counts,
                                 struct xmpi_cvec displs, const struct xmpi_dtype *type);
struct xmpi_blocks xmpi_blocks_w(const void *base, struct xmpi_cvec counts,
                                 struct xmpi_cvec displs, const MPI_Datatype *types);

#endif
