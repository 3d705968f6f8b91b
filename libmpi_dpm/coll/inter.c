/* SPDX-License-Identifier: BSD-3-Clause */
/* The collectives on intercommunicators. p processes on this side, q on the other. In rooted ones
 * the root gives MPI_ROOT, its own group's others MPI_PROC_NULL (they do nothing), the other
 * group the root's rank. Steps of XMPI_TEAM_MAIN go to the other side, of XMPI_TEAM_LOCAL to the
 * own one; its rank 0 is the leader where one is needed. */
#include "coll/algo.h"

enum { FLAT = 16 }; /* processes that a leader serves without a tree */

static void local_bcast(struct xmpi_sched *s, void *buf, size_t len)
{
    if (s->team[XMPI_TEAM_LOCAL].comm->size <= FLAT)
        xmpi_part_bcast_flat(s, XMPI_TEAM_LOCAL, 0, buf, len);
    else
        xmpi_part_bcast_binomial(s, XMPI_TEAM_LOCAL, 0, buf, len);
}

/* Reduces the own side's contributions to its leader, into temporary memory. */
static void *local_reduce(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *local = &s->team[XMPI_TEAM_LOCAL];
    void *result = local->rank == 0 ? xmpi_sched_room(s, c->len) : NULL;
    if (local->comm->size <= FLAT)
        xmpi_part_reduce_flat(s, c, XMPI_TEAM_LOCAL, 0, c->send.base, result);
    else
        xmpi_part_reduce_binomial(s, c, XMPI_TEAM_LOCAL, 0, c->send.base, result);
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
    if (c->root == MPI_ROOT)
        for (int k = 0; k < s->team[XMPI_TEAM_MAIN].size; k++)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, k, c->recv.base, c->len);
    else if (c->root >= 0)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, c->recv.base, c->len);
}

/* 1 + log2 q messages of n on the path. */
void xmpi_inter_bcast_leader(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root == MPI_ROOT)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, c->recv.base, c->len);
    if (c->root < 0)
        return;
    if (s->team[XMPI_TEAM_LOCAL].rank == 0) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, c->recv.base, c->len);
        xmpi_sched_fence(s);
    }
    local_bcast(s, c->recv.base, c->len);
}

/* 1 message of n on the path; the root receives q and combines them in rank order. */
void xmpi_inter_reduce_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root >= 0)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, c->send.base, c->len);
    if (c->root != MPI_ROOT)
        return;
    int q = s->team[XMPI_TEAM_MAIN].size;
    char **parts = xmpi_part_room(s, q, c->len, -1, NULL);
    if (!parts)
        return;
    for (int k = 0; k < q; k++)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, parts[k], c->len);
    xmpi_sched_fence(s);
    xmpi_part_combine(s, parts, q, -1, c->recv.base, c->count, c->len);
}

/* log2 q + 1 messages of n on the path. */
void xmpi_inter_reduce_leader(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root == MPI_ROOT)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, c->recv.base, c->len);
    if (c->root < 0)
        return;
    void *result = local_reduce(s, c);
    if (s->team[XMPI_TEAM_LOCAL].rank == 0)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, result, c->len);
}

/* 3 messages of n on the path: to the leader, to the other leader, to everyone there. */
void xmpi_inter_allreduce(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    void *result = local_reduce(s, c);
    if (s->team[XMPI_TEAM_LOCAL].rank == 0) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, c->recv.base, c->len);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, result, c->len);
        xmpi_sched_fence(s);
    }
    local_bcast(s, c->recv.base, c->len);
}

/* 1 message on the path; the root receives q. Also MPI_Gatherv. */
void xmpi_inter_gather(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root >= 0)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, c->send.base, c->send.len);
    else if (c->root == MPI_ROOT)
        for (int k = 0; k < s->team[XMPI_TEAM_MAIN].size; k++)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->recv, k),
                            xmpi_block_len(&c->recv, k));
}

/* 1 message on the path; the root sends q. Also MPI_Scatterv. */
void xmpi_inter_scatter(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (c->root >= 0)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, c->recv.base, c->recv.len);
    else if (c->root == MPI_ROOT)
        for (int k = 0; k < s->team[XMPI_TEAM_MAIN].size; k++)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->send, k),
                            xmpi_block_len(&c->send, k));
}

/* 1 message on the path, 2 p q in all. Also MPI_Allgatherv, where a side does not know how much its
 * own members send. */
void xmpi_inter_allgather_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int q = s->team[XMPI_TEAM_MAIN].size, r = s->team[XMPI_TEAM_MAIN].rank;
    for (int i = 0; i < q; i++) {
        int k = (r + i) % q;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->recv, k),
                        xmpi_block_len(&c->recv, k));
    }
    for (int i = 0; i < q; i++)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r + i) % q, c->send.base, c->send.len);
}

/* n to the leader, p n to the other leader, p n to everyone there: 3 messages on the path,
 * 2(p+q)-2 in all. */
void xmpi_inter_allgather_leader(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *local = &s->team[XMPI_TEAM_LOCAL];
    size_t theirs = c->recv.len * (size_t)s->team[XMPI_TEAM_MAIN].size, len = c->send.len;
    if (local->rank != 0) {
        xmpi_sched_send(s, XMPI_TEAM_LOCAL, 0, c->send.base, len);
    } else {
        char *ours = xmpi_sched_room(s, len * (size_t)local->comm->size);
        if (s->no_mem)
            return;
        for (int k = 1; k < local->comm->size; k++)
            xmpi_sched_recv(s, XMPI_TEAM_LOCAL, k, ours + (size_t)k * len, len);
        xmpi_sched_copy(s, ours, c->send.base, len);
        xmpi_sched_fence(s);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, c->recv.base, theirs);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, ours, len * (size_t)local->comm->size);
        xmpi_sched_fence(s);
    }
    local_bcast(s, c->recv.base, theirs);
}

/* 1 message on the path, 2 p q in all. Also MPI_Alltoallv and MPI_Alltoallw. */
void xmpi_inter_alltoall(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int q = s->team[XMPI_TEAM_MAIN].size, r = s->team[XMPI_TEAM_MAIN].rank;
    for (int i = 0; i < q; i++) {
        int k = (r + i) % q;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->recv, k),
                        xmpi_block_len(&c->recv, k));
    }
    for (int i = 0; i < q; i++) {
        int k = (r + i) % q;
        xmpi_sched_send(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->send, k),
                        xmpi_block_len(&c->send, k));
    }
}
