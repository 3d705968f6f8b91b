/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Allgather and the algorithms that it shares with MPI_Allgatherv. */
#include "coll/algo.h"
#include "xmpi.h"

/* Puts the own block into its place, from which all but flat's leaves send it on. */
static void place_own(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int r = s->team[XMPI_TEAM_MAIN].rank;
    if (!c->in_place)
        xmpi_sched_deliver(s, xmpi_block_at(&c->recv, r), xmpi_block_len(&c->recv, r),
                           c->send.base, c->send.len);
}

/* 1 message of n and 1 of p n on the path, 2(p-1) in all, through rank 0: the fewest. */
void xmpi_allgather_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    size_t len = c->recv.len, all = len * (size_t)t->size;
    if (t->rank != 0) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0,
                        c->in_place ? xmpi_block_at(&c->recv, t->rank) : c->send.base,
                        c->in_place ? len : c->send.len);
        if (c->in_place)
            xmpi_sched_fence(s); /* the block is sent from where all are received */
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, c->recv.base, all);
        return;
    }
    for (int k = 1; k < t->size; k++)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->recv, k), len);
    place_own(s, c);
    xmpi_sched_fence(s);
    for (int k = 1; k < t->size; k++)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, k, c->recv.base, all);
}

/* log2 p messages on the path, p log2 p in all; each sends (p-1) n, and copies p n at the end. */
void xmpi_allgather_bruck(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    size_t len = c->recv.len;
    char *room = xmpi_sched_room(s, (size_t)p * len);
    if (s->no_mem)
        return;
    place_own(s, c);
    xmpi_sched_copy(s, room, xmpi_block_at(&c->recv, r), len);
    for (int have = 1; have < p; have *= 2) {
        int n = have < p - have ? have : p - have;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (r + have) % p, room + (size_t)have * len,
                        (size_t)n * len);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r - have + p) % p, room, (size_t)n * len);
        xmpi_sched_fence(s);
    }
    for (int k = 1; k < p; k++)
        xmpi_sched_copy(s, xmpi_block_at(&c->recv, (r + k) % p), room + (size_t)k * len, len);
}

/* p-1 messages on the path, always from the left to the right neighbour. */
void xmpi_allgather_ring(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    place_own(s, c);
    for (int i = 0; i < p - 1; i++) {
        int out = (r - i + p) % p, in = (r - i - 1 + p) % p;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (r - 1 + p) % p, xmpi_block_at(&c->recv, in),
                        xmpi_block_len(&c->recv, in));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r + 1) % p, xmpi_block_at(&c->recv, out),
                        xmpi_block_len(&c->recv, out));
        xmpi_sched_fence(s);
    }
}

/* 1 message on the path, p(p-1) in all, in progress at once: long blocks are copied by their
 * receivers straight from their owners. */
void xmpi_allgather_direct(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    for (int i = 1; i < p; i++) {
        int k = (r - i + p) % p;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->recv, k),
                        xmpi_block_len(&c->recv, k));
    }
    place_own(s, c);
    for (int i = 1; i < p; i++)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r + i) % p, xmpi_block_at(&c->recv, r),
                        xmpi_block_len(&c->recv, r));
}

static int allgather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                     void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                     struct xmpi_comm *comm, MPI_Request *request)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLGATHER};
    c.in_place = sendbuf == MPI_IN_PLACE;
    c.send.base = (char *)(uintptr_t)sendbuf;
    if (sendtype && !c.in_place)
        c.send.len = (size_t)sendcount * sendtype->extent;
    c.recv =
        (struct xmpi_blocks){.base = recvbuf, .len = (size_t)recvcount * recvtype->extent};
    c.len = c.recv.len;
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_allgather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                   void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                   struct xmpi_comm *comm)
{
    return allgather(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, comm, NULL);
}

int xmpi_iallgather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                    void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                    struct xmpi_comm *comm, MPI_Request *request)
{
    return allgather(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, comm,
                     request);
}
