/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Reduce_scatter_block and MPI_Reduce_scatter: everyone gets its piece of the result. n is the
 * length of all pieces together. */
#include "coll/algo.h"
#include "rt/err.h"
#include "xmpi.h"

struct xmpi_blocks xmpi_part_shares(struct xmpi_sched *s, const struct xmpi_coll *c,
                                    const void *base)
{
    if (!c->recv.vary)
        return xmpi_blocks_of(base, c->recv.count, c->type);
    int p = s->team[XMPI_TEAM_MAIN].comm->size;
    struct xmpi_blocks b = {.base = (char *)(uintptr_t)base,
                            .type = c->type,
                            .vary = true,
                            .counts = c->recv.counts};
    MPI_Count *displs = xmpi_sched_room(s, (size_t)(p + 1) * sizeof *displs);
    if (!displs)
        return xmpi_blocks_of(base, 0, c->type);
    displs[0] = 0;
    for (int k = 1; k <= p; k++) /* one more: the end */
        displs[k] = displs[k - 1] + xmpi_cvec_at(b.counts, k - 1);
    b.displs.c = displs;
    return b;
}

void xmpi_part_deal(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                    const struct xmpi_blocks *shares)
{
    const struct xmpi_team *t = &s->team[team];
    struct xmpi_span own = xmpi_operand(s, c->recv.base, xmpi_block_count(shares, t->rank));
    if (t->rank != 0) {
        xmpi_sched_recv(s, team, 0, own);
        return;
    }
    for (int k = 1; k < t->comm->size; k++)
        xmpi_sched_send(s, team, k, xmpi_block(shares, k));
    xmpi_sched_copy(s, own, xmpi_block(shares, 0));
}

/* 1 message of n and 1 of a piece on the path, 2(p-1) in all, through rank 0: the fewest. */
void xmpi_rscat_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int r = s->team[XMPI_TEAM_MAIN].rank;
    char *result = r == 0 ? xmpi_part_operand(s, c->count) : NULL;
    struct xmpi_blocks shares = xmpi_part_shares(s, c, result);
    if (s->no_mem)
        return;
    xmpi_part_reduce_flat(s, c, XMPI_TEAM_MAIN, 0, c->send.base, result);
    if (c->in_place)
        xmpi_sched_fence(s); /* the buffer that is being sent receives the result */
    xmpi_part_deal(s, c, XMPI_TEAM_MAIN, &shares);
}

/* 1 message of a piece on the path, p(p-1) in all, at once; room for p pieces. */
void xmpi_rscat_direct(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    struct xmpi_blocks shares = xmpi_part_shares(s, c, c->send.base);
    /* In place the result may overlap the own piece. */
    char **parts = xmpi_part_collect(s, &shares, c->in_place);
    if (parts)
        xmpi_part_combine(s, parts, t->size, c->in_place ? -1 : t->rank, c->recv.base,
                          xmpi_block_count(&shares, t->rank));
}

/* p-1 messages of a piece on the path, one partner at a time; room for two pieces. */
void xmpi_rscat_pairwise(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    struct xmpi_blocks shares = xmpi_part_shares(s, c, c->send.base);
    if (s->no_mem)
        return;
    MPI_Count n = xmpi_block_count(&shares, r);
    char *acc = xmpi_part_operand(s, n), *in = xmpi_part_operand(s, n);
    if (s->no_mem)
        return;
    xmpi_sched_copy(s, xmpi_operand(s, acc, n), xmpi_block(&shares, r));
    for (int i = 1; i < p; i++) {
        int from = (r - i + p) % p, to = (r + i) % p;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, from, xmpi_operand(s, in, n));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, to, xmpi_block(&shares, to));
        xmpi_sched_fence(s);
        xmpi_sched_reduce(s, in, acc, n);
    }
    xmpi_sched_copy(s, xmpi_operand(s, c->recv.base, n), xmpi_operand(s, acc, n));
}

/* Recursive halving: pow2 processes are left after `extra` of them have taken in a neighbour each;
 * the first `extra` stand for two pieces, the others for one. v: number among those left. */
struct halving {
    struct xmpi_sched *s;
    const struct xmpi_blocks *shares;
    int pow2, extra;
};

static int process_of(const struct halving *h, int v)
{
    return v < h->extra ? 2 * v + 1 : v + h->extra;
}

/* Elements before the pieces of v. */
static MPI_Count before(const struct halving *h, int v)
{
    int k = v < h->extra ? 2 * v : v + h->extra;
    return h->shares->vary ? xmpi_cvec_at(h->shares->displs, k) : k * h->shares->count;
}

static char *place(const struct halving *h, const char *operand, int v)
{
    return xmpi_operand_at(h->s, operand, before(h, v));
}

static struct xmpi_span pieces(const struct halving *h, const char *operand, int from, int to)
{
    return xmpi_operand(h->s, place(h, operand, from), before(h, to) - before(h, from));
}

/* Halves what v is responsible for until only its own pieces are left in acc. */
static void halve(const struct halving *h, int v, const char *acc, const char *in)
{
    struct xmpi_sched *s = h->s;
    int low = 0, high = h->pow2;
    for (int mask = h->pow2 / 2; mask > 0; mask /= 2) {
        int partner = process_of(h, v ^ mask), middle = low + mask;
        bool upper = v & mask;
        if (upper) {
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, partner, pieces(h, in, middle, high));
            xmpi_sched_send(s, XMPI_TEAM_MAIN, partner, pieces(h, acc, low, middle));
            low = middle;
        } else {
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, partner, pieces(h, in, low, middle));
            xmpi_sched_send(s, XMPI_TEAM_MAIN, partner, pieces(h, acc, middle, high));
            high = middle;
        }
        xmpi_sched_fence(s);
        xmpi_sched_reduce(s, place(h, in, low), place(h, acc, low),
                          before(h, high) - before(h, low));
    }
}

/* log2 p messages of n/2, n/4.. on the path (2 more when p is no power of two). */
void xmpi_rscat_recursive_halving(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    struct xmpi_blocks shares = xmpi_part_shares(s, c, NULL);
    struct halving h = {.s = s, .shares = &shares, .pow2 = 1};
    while (h.pow2 * 2 <= p)
        h.pow2 *= 2;
    h.extra = p - h.pow2;
    struct xmpi_span result = xmpi_operand(s, c->recv.base, xmpi_block_count(&shares, r));
    if (r < 2 * h.extra && r % 2 == 0) { /* the next process does this one's part */
        xmpi_sched_send(s, XMPI_TEAM_MAIN, r + 1, xmpi_operand(s, c->send.base, c->count));
        xmpi_sched_fence(s);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, r + 1, result);
        return;
    }
    char *acc = xmpi_part_operand(s, c->count), *in = xmpi_part_operand(s, c->count);
    if (s->no_mem)
        return;
    xmpi_sched_copy(s, xmpi_operand(s, acc, c->count),
                    xmpi_operand(s, c->send.base, c->count));
    if (r < 2 * h.extra) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, r - 1, xmpi_operand(s, in, c->count));
        xmpi_sched_fence(s);
        xmpi_sched_reduce(s, in, acc, c->count);
    }
    halve(&h, r < 2 * h.extra ? r / 2 : r - h.extra, acc, in);
    shares.base = acc;
    if (r < 2 * h.extra)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, r - 1, xmpi_block(&shares, r - 1));
    xmpi_sched_copy(s, result, xmpi_block(&shares, r));
}

/* The own side's result goes to the other leader, which deals it out: 4 messages on the path. */
void xmpi_inter_rscat_leader(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    bool leader = s->team[XMPI_TEAM_LOCAL].rank == 0;
    char *ours = leader ? xmpi_part_operand(s, c->count) : NULL;
    char *theirs = leader ? xmpi_part_operand(s, c->count) : NULL;
    struct xmpi_blocks shares = xmpi_part_shares(s, c, theirs);
    if (s->no_mem)
        return;
    xmpi_part_local_reduce(s, c, ours);
    if (leader) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, xmpi_operand(s, theirs, c->count));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, xmpi_operand(s, ours, c->count));
        xmpi_sched_fence(s);
    }
    xmpi_part_deal(s, c, XMPI_TEAM_LOCAL, &shares);
}

int xmpi_reduce_scatter_block(const void *sendbuf, void *recvbuf, MPI_Count recvcount,
                              struct xmpi_dtype *datatype, struct xmpi_op *op,
                              struct xmpi_comm *comm, struct xmpi_form form)
{
    MPI_Count all;
    struct xmpi_coll c = {.kind = XMPI_COLL_REDUCE_SCATTER_BLOCK};
    if (__builtin_mul_overflow(recvcount, comm->size, &all))
        return xmpi_err(MPI_ERR_COUNT, "recvcount is %lld for each of %d processes: too many",
                        (long long)recvcount, comm->size);
    xmpi_coll_reduction(&c, sendbuf, recvbuf, all, datatype, op);
    c.recv = xmpi_blocks_of(recvbuf, recvcount, datatype);
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_reduce_scatter(const void *sendbuf, void *recvbuf, struct xmpi_cvec recvcounts,
                        struct xmpi_dtype *datatype, struct xmpi_op *op,
                        struct xmpi_comm *comm, struct xmpi_form form)
{
    uint64_t all = 0; /* what does not fit is found by the checks of each count */
    struct xmpi_coll c = {.kind = XMPI_COLL_REDUCE_SCATTER};
    if (recvcounts.i || recvcounts.c)
        for (int k = 0; k < comm->size; k++) {
            MPI_Count count = xmpi_cvec_at(recvcounts, k);
            if (count < 0)
                return xmpi_err(MPI_ERR_COUNT,
                                "recvcounts[%d] is %lld; it must not be negative", k,
                                (long long)count);
            all += (uint64_t)count;
        }
    xmpi_coll_reduction(&c, sendbuf, recvbuf, (MPI_Count)all, datatype, op);
    c.recv = xmpi_blocks_v(recvbuf, recvcounts, (struct xmpi_cvec){NULL, NULL}, datatype);
    return xmpi_coll_do(&c, comm, form);
}
