/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Reduce. Every algorithm combines in the order of ranks, so operations that do not commute
 * are right everywhere; the same numbers give the same sum whatever the root is (but for
 * binomial, whose tree starts at the root when the operation commutes). */
#include "coll/algo.h"
#include "xmpi.h"

char **xmpi_part_room(struct xmpi_sched *s, int n, size_t len, int own, const void *mine)
{
    char **parts = xmpi_sched_room(s, (size_t)n * sizeof *parts);
    size_t step = (len + 63) & ~(size_t)63; /* kernels like aligned operands */
    char *room = len ? xmpi_sched_room(s, (size_t)(n - (own >= 0)) * step) : NULL;
    if (s->no_mem)
        return NULL;
    for (int k = 0, at = 0; k < n; k++)
        parts[k] = k == own ? (char *)(uintptr_t)mine : room + (size_t)at++ * step;
    return parts;
}

void xmpi_part_combine(struct xmpi_sched *s, char *const *parts, int n, int own,
                       char *result, MPI_Count count, size_t len)
{
    char *acc = parts[n - 1];
    if (own == n - 1) {
        xmpi_sched_copy(s, result, acc, len);
        acc = result;
    }
    for (int k = n - 2; k >= 0; k--)
        xmpi_sched_reduce(s, parts[k], acc, count);
    xmpi_sched_copy(s, result, acc, len);
}

void xmpi_part_reduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                           int root, const void *mine, void *result)
{
    const struct xmpi_team *t = &s->team[team];
    int p = t->comm->size;
    if (t->rank != root) {
        xmpi_sched_send(s, team, root, mine, c->len);
        return;
    }
    char **parts = xmpi_part_room(s, p, c->len, root, mine);
    if (!parts)
        return;
    for (int k = 0; k < p; k++)
        if (k != root)
            xmpi_sched_recv(s, team, k, parts[k], c->len);
    xmpi_sched_fence(s);
    xmpi_part_combine(s, parts, p, root, result, c->count, c->len);
}

/* The children of virtual rank v hold what follows v in order: acc op child, child after child. Two
 * temporary buffers take turns; at the top the last one is the result itself when that is free. */
static const void *collect_children(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                                    int top, int v, const void *mine, void *free_result)
{
    int p = s->team[team].comm->size, children = 0, k = 0;
    for (int mask = 1; mask < p && !(v & mask); mask *= 2)
        children += v + mask < p;
    void *buf[2] = {NULL, NULL};
    for (int i = 0; i < children && i < 2; i++)
        if (free_result && i == (children - 1) % 2)
            buf[i] = free_result;
        else
            buf[i] = xmpi_sched_room(s, c->len);
    if (s->no_mem)
        return mine;
    const void *acc = mine;
    for (int mask = 1; mask < p && !(v & mask); mask *= 2) {
        if (v + mask >= p)
            continue;
        void *in = buf[k++ % 2];
        xmpi_sched_recv(s, team, (v + mask + top) % p, in, c->len);
        xmpi_sched_fence(s);
        xmpi_sched_reduce(s, acc, in, c->count);
        acc = in;
    }
    return acc;
}

void xmpi_part_reduce_binomial(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                               int root, const void *mine, void *result)
{
    const struct xmpi_team *t = &s->team[team];
    int p = t->comm->size, top = s->op->commutative ? root : 0, v = (t->rank - top + p) % p;
    bool free_result = t->rank == root && v == 0 && mine != result;
    const void *acc =
        collect_children(s, c, team, top, v, mine, free_result ? result : NULL);
    if (v != 0)
        xmpi_sched_send(s, team, (v - (v & -v) + top) % p, acc, c->len);
    else if (top != root)
        xmpi_sched_send(s, team, root, acc, c->len);
    else
        xmpi_sched_copy(s, result, acc, c->len);
    if (t->rank == root && top != root) {
        xmpi_sched_fence(s); /* in place: the result may be what is being sent */
        xmpi_sched_recv(s, team, top, result, c->len);
    }
}

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
    size_t ext = c->type->extent;
    MPI_Count from = xmpi_part_cut(c->count, p, r),
              n = xmpi_part_cut(c->count, p, r + 1) - from;
    size_t at = (size_t)from * ext, len = (size_t)n * ext;
    char **parts = xmpi_part_room(s, p, len, r, c->send.base + at);
    char *piece = r == c->root ? c->recv.base + at : xmpi_sched_room(s, len);
    if (!parts || s->no_mem)
        return;
    for (int i = 1; i < p; i++) {
        int src = (r - i + p) % p, dst = (r + i) % p;
        MPI_Count cut = xmpi_part_cut(c->count, p, dst);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, src, parts[src], len);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, dst, c->send.base + (size_t)cut * ext,
                        (size_t)(xmpi_part_cut(c->count, p, dst + 1) - cut) * ext);
    }
    xmpi_sched_fence(s);
    xmpi_part_combine(s, parts, p, r, piece, n, len);
    if (r != c->root) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, piece, len);
        return;
    }
    for (int i = 1; i < p; i++) {
        int k = (r + i) % p;
        MPI_Count cut = xmpi_part_cut(c->count, p, k);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, c->recv.base + (size_t)cut * ext,
                        (size_t)(xmpi_part_cut(c->count, p, k + 1) - cut) * ext);
    }
}

static int reduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                  struct xmpi_dtype *type, struct xmpi_op *op, int root,
                  struct xmpi_comm *comm, MPI_Request *request)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_REDUCE, .root = root};
    int cls = xmpi_coll_check_root(comm, root);
    if (cls)
        return cls;
    if (type && op && root != MPI_PROC_NULL) {
        c.len = (size_t)count * type->extent;
        bool at_root = comm->inter ? root == MPI_ROOT : root == comm->rank;
        cls = xmpi_op_check(op, type);
        if (!cls && at_root && !comm->inter)
            cls = xmpi_coll_check_buffers(sendbuf, recvbuf, c.len);
        if (cls)
            return cls;
        c.in_place = sendbuf == MPI_IN_PLACE;
        c.recv = (struct xmpi_blocks){.base = recvbuf, .len = c.len};
        c.send = c.recv;
        if (!c.in_place)
            c.send.base = (char *)(uintptr_t)sendbuf;
        c.count = count;
        c.type = type;
        c.op = op;
    }
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_reduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                struct xmpi_dtype *datatype, struct xmpi_op *op, int root,
                struct xmpi_comm *comm)
{
    return reduce(sendbuf, recvbuf, count, datatype, op, root, comm, NULL);
}

int xmpi_ireduce(const void *sendbuf, void *recvbuf, MPI_Count count,
                 struct xmpi_dtype *datatype, struct xmpi_op *op, int root,
                 struct xmpi_comm *comm, MPI_Request *request)
{
    return reduce(sendbuf, recvbuf, count, datatype, op, root, comm, request);
}
