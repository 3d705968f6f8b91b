/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Reduce. Every algorithm combines in the order of ranks, so operations that do not commute
 * are right everywhere; the same numbers give the same sum whatever the root is (but for
 * binomial, whose tree starts at the root when the operation commutes). */
#include "coll/algo.h"
#include "pmpi/check.h"
#include "xmpi.h"

/* 1 message of n on the path; the root receives p-1 and reduces (p-1) n. */
void xmpi_reduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    xmpi_part_reduce_flat(s, c, XMPI_TEAM_MAIN, c->root, c->send.base, c->recv.base);
}

/* log2 p messages of n on the path and as many reductions of n. */
void xmpi_reduce_binomial(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    xmpi_part_reduce_binomial(s, c, XMPI_TEAM_MAIN, c->root, c->send.base, c->recv.base);
}

/* 2 messages of n/p on the path, p(p-1) + p-1 in all. Each process reduces its piece of all
 * contributions, so the work of reducing is shared by all processors. */
void xmpi_reduce_scatter_gather(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    struct xmpi_blocks from = xmpi_part_pieces(s, c->send.base, c->count);
    char **parts = xmpi_part_collect(s, &from, false);
    if (!parts)
        return;
    struct xmpi_blocks to = from;
    to.base = c->recv.base;
    MPI_Count n = xmpi_block_count(&from, r);
    if (r != c->root) {
        char *piece = xmpi_part_operand(s, n);
        xmpi_part_combine(s, parts, p, r, piece, n);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, xmpi_operand(s, piece, n));
        return;
    }
    xmpi_part_combine(s, parts, p, r, xmpi_block_at(&to, r), n);
    for (int i = 1; i < p; i++)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (r + i) % p, xmpi_block(&to, (r + i) % p));
}

int xmpi_reduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                struct xmpi_dtype *datatype, struct xmpi_op *op, int root,
                struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_REDUCE, .root = root};
    /* What does not count here may be anything. */
    bool gives = root >= 0, gets = xmpi_at_root(comm, root);
    if (gives || gets)
        xmpi_coll_reduction(&c, gives ? sendbuf : NULL, gets ? recvbuf : NULL, count,
                            datatype, op);
    return xmpi_coll_do(&c, comm, form);
}
