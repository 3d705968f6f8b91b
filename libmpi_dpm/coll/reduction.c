/* SPDX-License-Identifier: BSD-3-Clause */
/* What all reductions are made of: operands in temporary memory, and how they are combined. */
#include "coll/algo.h"

struct xmpi_span xmpi_operand(const struct xmpi_sched *s, const void *base, MPI_Count count)
{
    return xmpi_span(base, count, s->type);
}

char *xmpi_part_operand(struct xmpi_sched *s, MPI_Count count)
{
    if (count <= 0)
        return NULL;
    /* The first byte that is touched may be of the last element. */
    ptrdiff_t last = (ptrdiff_t)(count - 1) * s->type->extent, from = s->type->true_lb;
    size_t len = (size_t)s->type->true_extent + (size_t)(last < 0 ? -last : last);
    if (last < 0)
        from += last;
    char *room = xmpi_sched_room(s, len ? len : 1);
    return room ? xmpi_at(room, -from) : NULL;
}

char **xmpi_part_operands(struct xmpi_sched *s, int n, MPI_Count count, int own,
                          const void *mine, char **room)
{
    char **parts = xmpi_sched_room(s, (size_t)n * sizeof *parts);
    *room = xmpi_part_operand(s, n * count);
    if (s->no_mem)
        return NULL;
    for (int k = 0; k < n; k++)
        parts[k] = k == own ? (char *)(uintptr_t)mine : xmpi_operand_at(s, *room, k * count);
    return parts;
}

void xmpi_part_combine(struct xmpi_sched *s, char *const *parts, int n, int own,
                       char *result, MPI_Count count)
{
    char *acc = parts[n - 1];
    if (own == n - 1) {
        xmpi_sched_copy(s, xmpi_operand(s, result, count), xmpi_operand(s, acc, count));
        acc = result;
    }
    for (int k = n - 2; k >= 0; k--)
        xmpi_sched_reduce(s, parts[k], acc, count);
    xmpi_sched_copy(s, xmpi_operand(s, result, count), xmpi_operand(s, acc, count));
}

void xmpi_part_reduce_flat(struct xmpi_sched *s, const struct xmpi_coll *c, int team,
                           int root, const void *mine, void *result)
{
    const struct xmpi_team *t = &s->team[team];
    int p = t->comm->size;
    char *room;
    if (t->rank != root) {
        xmpi_sched_send(s, team, root, xmpi_operand(s, mine, c->count));
        return;
    }
    char **parts = xmpi_part_operands(s, p, c->count, root, mine, &room);
    if (!parts)
        return;
    for (int k = 0; k < p; k++)
        if (k != root)
            xmpi_sched_recv(s, team, k, xmpi_operand(s, parts[k], c->count));
    xmpi_sched_fence(s);
    xmpi_part_combine(s, parts, p, root, result, c->count);
}

/* The children of virtual rank v hold what follows v in order: acc op child, child after child. Two
 * temporary operands take turns; at the top the last one is the result itself when that is free. */
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
            buf[i] = xmpi_part_operand(s, c->count);
    if (s->no_mem)
        return mine;
    const void *acc = mine;
    for (int mask = 1; mask < p && !(v & mask); mask *= 2) {
        if (v + mask >= p)
            continue;
        void *in = buf[k++ % 2];
        xmpi_sched_recv(s, team, (v + mask + top) % p, xmpi_operand(s, in, c->count));
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
    struct xmpi_span out = xmpi_operand(s, acc, c->count);
    if (v != 0)
        xmpi_sched_send(s, team, (v - (v & -v) + top) % p, out);
    else if (top != root)
        xmpi_sched_send(s, team, root, out);
    else
        xmpi_sched_copy(s, xmpi_operand(s, result, c->count), out);
    if (t->rank == root && top != root) {
        xmpi_sched_fence(s); /* in place: the result may be what is being sent */
        xmpi_sched_recv(s, team, top, xmpi_operand(s, result, c->count));
    }
}

struct xmpi_blocks xmpi_part_pieces(struct xmpi_sched *s, const void *base, MPI_Count count)
{
    int p = s->team[XMPI_TEAM_MAIN].comm->size;
    struct xmpi_blocks b = {.base = (char *)(uintptr_t)base, .type = s->type, .vary = true};
    MPI_Count *cuts = xmpi_sched_room(s, 2 * (size_t)p * sizeof *cuts);
    if (!cuts)
        return (struct xmpi_blocks){.type = s->type};
    for (int k = 0; k < p; k++) {
        cuts[k] = xmpi_part_cut(count, p, k);
        cuts[p + k] = xmpi_part_cut(count, p, k + 1) - cuts[k];
    }
    b.displs.c = cuts;
    b.counts.c = cuts + p;
    return b;
}

char **xmpi_part_collect(struct xmpi_sched *s, const struct xmpi_blocks *pieces, bool copy_own)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    MPI_Count n = xmpi_block_count(pieces, t->rank);
    char *room, *own = xmpi_block_at(pieces, t->rank);
    if (s->no_mem)
        return NULL;
    char **parts = xmpi_part_operands(s, t->size, n, copy_own ? -1 : t->rank, own, &room);
    if (!parts)
        return NULL;
    struct xmpi_blocks in = xmpi_blocks_of(room, n, s->type);
    xmpi_part_exchange(s, pieces, &in, false);
    if (copy_own)
        xmpi_part_keep(s, pieces, &in);
    xmpi_sched_fence(s);
    return parts;
}

void xmpi_coll_reduction(struct xmpi_coll *c, const void *sendbuf, void *recvbuf,
                         MPI_Count count, const struct xmpi_dtype *type,
                         const struct xmpi_op *op)
{
    c->in_place = sendbuf == MPI_IN_PLACE;
    c->send = xmpi_blocks_of(c->in_place ? recvbuf : sendbuf, count, type);
    c->recv = xmpi_blocks_of(recvbuf, count, type);
    c->len = c->recv.len;
    c->count = count;
    c->type = type;
    c->op = op;
}
