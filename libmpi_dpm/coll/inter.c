/* SPDX-License-Identifier: BSD-3-Clause */
/* The collectives on intercommunicators. p processes on this side, q on the other. In rooted ones
 * the root gives MPI_ROOT, its own group's others MPI_PROC_NULL (they do nothing), the other
 * group the root's rank. Steps of XMPI_TEAM_MAIN go to the other side, of XMPI_TEAM_LOCAL to the
 * own one; its rank 0 is the leader where one is needed. */
#include "coll/algo.h"

enum { FLAT = 16 }; /* processes that a leader serves without a tree */

static void local_bcast(struct xmpi_sched *s, struct xmpi_span buf)
{
    if (s->team[XMPI_TEAM_LOCAL].comm->size <= FLAT)
        xmpi_part_bcast_flat(s, XMPI_TEAM_LOCAL, 0, buf);
    else
        xmpi_part_bcast_binomial(s, XMPI_TEAM_LOCAL, 0, buf);
}

void xmpi_part_local_reduce(struct xmpi_sched *s, const struct xmpi_coll *c, void *result)
{
    if (s->team[XMPI_TEAM_LOCAL].comm->size <= FLAT)
        xmpi_part_reduce_flat(s, c, XMPI_TEAM_LOCAL, 0, c->send.base, result);
    else
        xmpi_part_reduce_binomial(s, c, XMPI_TEAM_LOCAL, 0, c->send.base, result);
}

/* The same into temporary memory. */
static void *local_reduce(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    void *result = s->team[XMPI_TEAM_LOCAL].rank == 0 ? xmpi_part_operand(s, c->count) : NULL;
    xmpi_part_local_reduce(s, c, result);
    return result;
}

/* 3 messages on the path, 2(p+q)-2 in all. */
void xmpi_inter_barrier(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    (void)c;
    xmpi_part_gather_signals(s, XMPI_TEAM_LOCAL);
    if (s->team[XMPI_TEAM_LOCAL].rank == 0) {
        xmpi_sched_await(s, XMPI_TEAM_MAIN, 0);
        xmpi_sched_signal(s, XMPI_TEAM_MAIN, 0);
        xmpi_sched_fence(s);
    }
    xmpi_part_release(s, XMPI_TEAM_LOCAL);
}

/* 1 message of n on the path, q from the root. */
void xmpi_inter_bcast_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    struct xmpi_span buf = xmpi_block(&c->recv, 0);
    if (c->root >= 0)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, buf);
    if (c->root != MPI_ROOT)
        return;
    buf = xmpi_sched_packed(s, buf);
    for (int k = 0; k < s->team[XMPI_TEAM_MAIN].size; k++)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, k, buf);
}

/* 1 + log2 q messages of n on the path. */
void xmpi_inter_bcast_leader(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    struct xmpi_span buf = xmpi_block(&c->recv, 0);
    if (c->root == MPI_ROOT)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, buf);
    if (c->root < 0)
        return;
    if (s->team[XMPI_TEAM_LOCAL].rank == 0) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, buf);
        xmpi_sched_fence(s);
    }
    local_bcast(s, buf);
}

/* 1 message of n on the path; the root receives q and combines them in rank order. */
void xmpi_inter_reduce_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    char *room;
    if (c->root >= 0)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, xmpi_block(&c->send, 0));
    if (c->root != MPI_ROOT)
        return;
    int q = s->team[XMPI_TEAM_MAIN].size;
    char **parts = xmpi_part_operands(s, q, c->count, -1, NULL, &room);
    if (!parts)
        return;
    for (int k = 0; k < q; k++)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_operand(s, parts[k], c->count));
    xmpi_sched_fence(s);
    xmpi_part_combine(s, parts, q, -1, c->recv.base, c->count);
}

/* log2 q + 1 messages of n on the path. */
void xmpi_inter_reduce_leader(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root == MPI_ROOT)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, xmpi_block(&c->recv, 0));
    if (c->root < 0)
        return;
    void *result = local_reduce(s, c);
    if (s->team[XMPI_TEAM_LOCAL].rank == 0)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, xmpi_operand(s, result, c->count));
}

/* 3 messages of n on the path: to the leader, to the other leader, to everyone there. */
void xmpi_inter_allreduce(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    void *result = local_reduce(s, c);
    if (s->team[XMPI_TEAM_LOCAL].rank == 0) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, xmpi_block(&c->recv, 0));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, xmpi_operand(s, result, c->count));
        xmpi_sched_fence(s);
    }
    local_bcast(s, xmpi_block(&c->recv, 0));
}

/* 1 message on the path; the root receives q. Also MPI_Gatherv. */
void xmpi_inter_gather(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root >= 0)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, xmpi_block(&c->send, 0));
    else if (c->root == MPI_ROOT)
        for (int k = 0; k < s->team[XMPI_TEAM_MAIN].size; k++)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block(&c->recv, k));
}

/* 1 message on the path; the root sends q. Also MPI_Scatterv. */
void xmpi_inter_scatter(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root >= 0)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, xmpi_block(&c->recv, 0));
    else if (c->root == MPI_ROOT)
        for (int k = 0; k < s->team[XMPI_TEAM_MAIN].size; k++)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, k, xmpi_block(&c->send, k));
}

/* n to the leader, p n to the other leader, p n to everyone there: 3 messages on the path,
 * 2(p+q)-2 in all. */
void xmpi_inter_allgather_leader(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *local = &s->team[XMPI_TEAM_LOCAL];
    struct xmpi_span mine = xmpi_block(&c->send, 0);
    struct xmpi_span theirs = xmpi_block_range(&c->recv, 0, s->team[XMPI_TEAM_MAIN].size);
    size_t len = mine.len, p = (size_t)local->comm->size;
    if (local->rank != 0) {
        xmpi_sched_send(s, XMPI_TEAM_LOCAL, 0, mine);
    } else {
        char *ours = xmpi_sched_room(s, len * p);
        if (s->no_mem)
            return;
        for (int k = 1; k < (int)p; k++)
            xmpi_sched_recv(s, XMPI_TEAM_LOCAL, k, xmpi_bytes(ours + (size_t)k * len, len));
        xmpi_sched_copy(s, xmpi_bytes(ours, len), mine);
        xmpi_sched_fence(s);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, theirs);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, xmpi_bytes(ours, len * p));
        xmpi_sched_fence(s);
    }
    local_bcast(s, theirs);
}

/* 1 message on the path, 2 p q in all. Also MPI_Allgather(v) (a side does not know how much its own
 * members send there), MPI_Alltoallv and MPI_Alltoallw. */
void xmpi_inter_alltoall(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    xmpi_part_exchange(s, &c->send, &c->recv, false);
}
