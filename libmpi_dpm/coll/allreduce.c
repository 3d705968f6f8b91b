/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Allreduce. Within one algorithm all processes get the same bits; only ring combines in
 * another order than that of ranks. */
#include "coll/algo.h"
#include "xmpi.h"

/* 2 messages of n on the path, 2(p-1) in all; rank 0 receives p-1, reduces, sends p-1. As in
 * barrier_flat each process is scheduled once. */
void xmpi_allreduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    xmpi_part_reduce_flat(s, c, XMPI_TEAM_MAIN, 0, c->send.base, c->recv.base);
    if (c->in_place)
        xmpi_sched_fence(s); /* the buffer that is being sent receives the result */
    xmpi_part_bcast_flat(s, XMPI_TEAM_MAIN, 0, xmpi_block(&c->recv, 0));
}

/* With the partner's whole contribution in `in`: combines in rank order. The accumulator and the
 * temporary operand change places when the own one is the left operand. */
static void combine_pair(struct xmpi_sched *s, bool partner_is_lower, char **acc,
                         char **in, MPI_Count count)
{
    if (partner_is_lower || s->op->commutative) {
        xmpi_sched_reduce(s, *in, *acc, count);
        return;
    }
    xmpi_sched_reduce(s, *acc, *in, count);
    char *swap = *acc;
    *acc = *in;
    *in = swap;
}

/* log2 p messages of n on the path (2 more when p is no power of two), p log2 p in all. */
void xmpi_allreduce_recursive_doubling(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank, pow2 = 1;
    while (pow2 * 2 <= p)
        pow2 *= 2;
    int extra = p - pow2; /* pairs (0,1), (2,3)... of which one stands for both */
    MPI_Count n = c->count;
    char *acc = c->recv.base, *in = xmpi_part_operand(s, n);
    xmpi_sched_copy(s, xmpi_operand(s, acc, n), xmpi_operand(s, c->send.base, n));
    if (r < 2 * extra && r % 2 == 0) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, r + 1, xmpi_operand(s, acc, n));
        xmpi_sched_fence(s);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, r + 1, xmpi_operand(s, acc, n));
        return;
    }
    if (r < 2 * extra) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, r - 1, xmpi_operand(s, in, n));
        xmpi_sched_fence(s);
        combine_pair(s, true, &acc, &in, n);
    }
    int v = r < 2 * extra ? r / 2 : r - extra;
    for (int mask = 1; mask < pow2; mask *= 2) {
        int w = v ^ mask, partner = w < extra ? 2 * w + 1 : w + extra;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, partner, xmpi_operand(s, in, n));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, partner, xmpi_operand(s, acc, n));
        xmpi_sched_fence(s);
        combine_pair(s, w < v, &acc, &in, n);
    }
    if (r < 2 * extra)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, r - 1, xmpi_operand(s, acc, n));
    xmpi_sched_copy(s, xmpi_operand(s, c->recv.base, n), xmpi_operand(s, acc, n));
}

/* 2 messages of n/p on the path, 2p(p-1) in all. Each process reduces its piece of all
 * contributions and sends it to everyone: n sent and received twice, reduced once. */
void xmpi_allreduce_scatter_allgather(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int p = s->team[XMPI_TEAM_MAIN].size, r = s->team[XMPI_TEAM_MAIN].rank;
    struct xmpi_blocks from = xmpi_part_pieces(s, c->send.base, c->count), to = from;
    char **parts = xmpi_part_collect(s, &from, false);
    if (!parts)
        return;
    to.base = c->recv.base;
    struct xmpi_blocks own =
        xmpi_blocks_of(xmpi_block_at(&to, r), xmpi_block_count(&to, r), c->type);
    own.same = true;
    xmpi_part_combine(s, parts, p, r, own.base, own.count);
    xmpi_part_exchange(s, &own, &to, false);
}

/* 2(p-1) messages of n/p on the path, each to the right neighbour; n(p-1)/p reduced. For commutative
 * operations: piece k is combined starting with rank k. */
void xmpi_allreduce_ring(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank, left = (r - 1 + p) % p, right = (r + 1) % p;
    struct xmpi_blocks pieces = xmpi_part_pieces(s, c->recv.base, c->count);
    char *in = xmpi_part_operand(s, c->count / p + 1);
    if (s->no_mem)
        return;
    xmpi_sched_copy(s, xmpi_block(&c->recv, 0), xmpi_block(&c->send, 0));
    for (int i = 0; i < 2 * (p - 1); i++) {
        bool reducing = i < p - 1;
        int out = (r - i + 2 * p) % p, get = (out - 1 + p) % p;
        MPI_Count n = xmpi_block_count(&pieces, get);
        char *place = xmpi_block_at(&pieces, get);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, left, xmpi_operand(s, reducing ? in : place, n));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, right, xmpi_block(&pieces, out));
        xmpi_sched_fence(s);
        if (reducing)
            xmpi_sched_reduce(s, in, place, n);
    }
}

int xmpi_allreduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                   struct xmpi_dtype *datatype, struct xmpi_op *op,
                   struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLREDUCE};
    xmpi_coll_reduction(&c, sendbuf, recvbuf, count, datatype, op);
    return xmpi_coll_do(&c, comm, form);
}
