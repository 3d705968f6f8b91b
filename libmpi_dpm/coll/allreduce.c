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
    xmpi_part_bcast_flat(s, XMPI_TEAM_MAIN, 0, c->recv.base, c->len);
}

/* With the partner's whole contribution in `in`: combines in rank order. The accumulator and the
 * temporary buffer change places when the own one is the left operand. */
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
    char *acc = c->recv.base, *in = xmpi_sched_room(s, c->len);
    xmpi_sched_copy(s, acc, c->send.base, c->len);
    if (r < 2 * extra && r % 2 == 0) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, r + 1, acc, c->len);
        xmpi_sched_fence(s);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, r + 1, acc, c->len);
        return;
    }
    if (r < 2 * extra) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, r - 1, in, c->len);
        xmpi_sched_fence(s);
        combine_pair(s, true, &acc, &in, c->count);
    }
    int v = r < 2 * extra ? r / 2 : r - extra;
    for (int mask = 1; mask < pow2; mask *= 2) {
        int w = v ^ mask, partner = w < extra ? 2 * w + 1 : w + extra;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, partner, in, c->len);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, partner, acc, c->len);
        xmpi_sched_fence(s);
        combine_pair(s, w < v, &acc, &in, c->count);
    }
    if (r < 2 * extra)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, r - 1, acc, c->len);
    xmpi_sched_copy(s, c->recv.base, acc, c->len);
}

/* 2 messages of n/p on the path, 2p(p-1) in all. Each process reduces its piece of all
 * contributions and sends it to everyone: n sent and received twice, reduced once. */
void xmpi_allreduce_scatter_allgather(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    size_t ext = c->type->extent;
    MPI_Count from = xmpi_part_cut(c->count, p, r),
              n = xmpi_part_cut(c->count, p, r + 1) - from;
    size_t at = (size_t)from * ext, len = (size_t)n * ext;
    char **parts = xmpi_part_room(s, p, len, r, c->send.base + at);
    if (!parts)
        return;
    for (int i = 1; i < p; i++) {
        int src = (r - i + p) % p, dst = (r + i) % p;
        MPI_Count cut = xmpi_part_cut(c->count, p, dst);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, src, parts[src], len);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, dst, c->send.base + (size_t)cut * ext,
                        (size_t)(xmpi_part_cut(c->count, p, dst + 1) - cut) * ext);
    }
    xmpi_sched_fence(s);
    xmpi_part_combine(s, parts, p, r, c->recv.base + at, n, len);
    for (int i = 1; i < p; i++) {
        int src = (r - i + p) % p, dst = (r + i) % p;
        MPI_Count cut = xmpi_part_cut(c->count, p, src);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, src, c->recv.base + (size_t)cut * ext,
                        (size_t)(xmpi_part_cut(c->count, p, src + 1) - cut) * ext);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, dst, c->recv.base + at, len);
    }
}

/* 2(p-1) messages of n/p on the path, each to the right neighbour; n(p-1)/p reduced. For commutative
 * operations: piece k is combined starting with rank k. */
void xmpi_allreduce_ring(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank, left = (r - 1 + p) % p, right = (r + 1) % p;
    size_t ext = c->type->extent;
    char *buf = c->recv.base, *in = xmpi_sched_room(s, (size_t)(c->count / p + 1) * ext);
    xmpi_sched_copy(s, buf, c->send.base, c->len);
    for (int i = 0; i < 2 * (p - 1); i++) {
        bool reducing = i < p - 1;
        int out = (r - i + 2 * p) % p, get = (out - 1 + p) % p;
        MPI_Count of = xmpi_part_cut(c->count, p, out), gf = xmpi_part_cut(c->count, p, get);
        MPI_Count n = xmpi_part_cut(c->count, p, get + 1) - gf;
        char *place = buf + (size_t)gf * ext;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, left, reducing ? in : place, (size_t)n * ext);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, right, buf + (size_t)of * ext,
                        (size_t)(xmpi_part_cut(c->count, p, out + 1) - of) * ext);
        xmpi_sched_fence(s);
        if (reducing)
            xmpi_sched_reduce(s, in, place, n);
    }
}

static int allreduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                     struct xmpi_dtype *type, struct xmpi_op *op, struct xmpi_comm *comm,
                     MPI_Request *request)
{
    int cls = xmpi_op_check(op, type);
    size_t len = (size_t)count * type->extent;
    if (!cls)
        cls = xmpi_coll_check_buffers(sendbuf, recvbuf, len);
    if (cls)
        return cls;
    bool in_place = sendbuf == MPI_IN_PLACE;
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLREDUCE,
                          .in_place = in_place,
                          .send = {.base = in_place ? recvbuf : (char *)(uintptr_t)sendbuf,
                                   .len = len},
                          .recv = {.base = recvbuf, .len = len},
                          .len = len,
                          .count = count,
                          .type = type,
                          .op = op};
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_allreduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                   struct xmpi_dtype *datatype, struct xmpi_op *op, struct xmpi_comm *comm)
{
    return allreduce(sendbuf, recvbuf, count, datatype, op, comm, NULL);
}

int xmpi_iallreduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                    struct xmpi_dtype *datatype, struct xmpi_op *op,
                    struct xmpi_comm *comm, MPI_Request *request)
{
    return allreduce(sendbuf, recvbuf, count, datatype, op, comm, request);
}
