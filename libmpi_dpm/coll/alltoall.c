/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Alltoall and the algorithms that it shares with MPI_Alltoallv and MPI_Alltoallw. */
#include "coll/algo.h"
#include "xmpi.h"

/* Where the blocks to send lie: with MPI_IN_PLACE in a copy, since what comes in overwrites them. */
struct outgoing {
    const struct xmpi_blocks *blocks;
    char **copies; /* NULL: not in place */
};

static struct outgoing outgoing(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    struct outgoing o = {.blocks = c->in_place ? &c->recv : &c->send};
    if (!c->in_place)
        return o;
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    size_t all = 0;
    for (int k = 0; k < t->size; k++)
        all += k == t->rank ? 0 : xmpi_block_len(&c->recv, k);
    o.copies = xmpi_sched_room(s, (size_t)t->size * sizeof *o.copies);
    char *room = xmpi_sched_room(s, all);
    if (s->no_mem)
        return o;
    for (int k = 0; k < t->size; k++) {
        if (k == t->rank)
            continue;
        size_t len = xmpi_block_len(&c->recv, k);
        o.copies[k] = room;
        xmpi_sched_copy(s, room, xmpi_block_at(&c->recv, k), len);
        room = len ? room + len : room;
    }
    return o;
}

static void send_block(struct xmpi_sched *s, const struct outgoing *o, int k)
{
    xmpi_sched_send(s, XMPI_TEAM_MAIN, k,
                    o->copies ? o->copies[k] : xmpi_block_at(o->blocks, k),
                    xmpi_block_len(o->blocks, k));
}

static void recv_block(struct xmpi_sched *s, const struct xmpi_coll *c, int k)
{
    xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->recv, k),
                    xmpi_block_len(&c->recv, k));
}

static void keep_own(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int r = s->team[XMPI_TEAM_MAIN].rank;
    if (!c->in_place)
        xmpi_sched_deliver(s, xmpi_block_at(&c->recv, r), xmpi_block_len(&c->recv, r),
                           xmpi_block_at(&c->send, r), xmpi_block_len(&c->send, r));
}

/* 1 message on the path, p(p-1) in all, in progress at once. */
void xmpi_alltoall_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int p = s->team[XMPI_TEAM_MAIN].size, r = s->team[XMPI_TEAM_MAIN].rank;
    struct outgoing o = outgoing(s, c);
    if (s->no_mem)
        return;
    for (int i = 1; i < p; i++)
        recv_block(s, c, (r - i + p) % p);
    for (int i = 1; i < p; i++)
        send_block(s, &o, (r + i) % p);
    keep_own(s, c);
}

/* p-1 messages on the path; with many processes no receiver is flooded. */
void xmpi_alltoall_pairwise(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int p = s->team[XMPI_TEAM_MAIN].size, r = s->team[XMPI_TEAM_MAIN].rank;
    struct outgoing o = outgoing(s, c);
    if (s->no_mem)
        return;
    keep_own(s, c);
    for (int i = 1; i < p; i++) {
        recv_block(s, c, (r - i + p) % p);
        send_block(s, &o, (r + i) % p);
        xmpi_sched_fence(s);
    }
}

/* Copies the blocks whose number has the bit between their places and one packed message. */
static size_t pack_bit(struct xmpi_sched *s, char *blocks, char *packed, int p, int bit,
                       size_t len, bool pack)
{
    size_t n = 0;
    for (int k = bit; k < p; k++) {
        if (!(k & bit))
            continue;
        char *block = blocks + (size_t)k * len, *place = packed + n;
        xmpi_sched_copy(s, pack ? place : block, pack ? block : place, len);
        n += len;
    }
    return n;
}

/* log2 p messages of n p/2 on the path, p log2 p in all; each block is copied up to log2 p times.
 * Block k on rank r is the one for rank r + k; in the round of a bit it moves by that many ranks. */
void xmpi_alltoall_bruck(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    int p = s->team[XMPI_TEAM_MAIN].size, r = s->team[XMPI_TEAM_MAIN].rank;
    const struct xmpi_blocks *from = c->in_place ? &c->recv : &c->send;
    size_t len = c->recv.len;
    char *blocks = xmpi_sched_room(s, (size_t)p * len);
    char *out = xmpi_sched_room(s, (size_t)p * len),
         *in = xmpi_sched_room(s, (size_t)p * len);
    if (s->no_mem)
        return;
    for (int k = 0; k < p; k++)
        xmpi_sched_copy(s, blocks + (size_t)k * len, xmpi_block_at(from, (r + k) % p), len);
    for (int bit = 1; bit < p; bit *= 2) {
        size_t n = pack_bit(s, blocks, out, p, bit, len, true);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (r - bit + p) % p, in, n);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r + bit) % p, out, n);
        xmpi_sched_fence(s);
        pack_bit(s, blocks, in, p, bit, len, false);
    }
    for (int k = 0; k < p; k++)
        xmpi_sched_copy(s, xmpi_block_at(&c->recv, (r - k + p) % p),
                        blocks + (size_t)k * len, len);
}

static int alltoall(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                    void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                    struct xmpi_comm *comm, MPI_Request *request)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLTOALL};
    c.in_place = sendbuf == MPI_IN_PLACE;
    c.recv =
        (struct xmpi_blocks){.base = recvbuf, .len = (size_t)recvcount * recvtype->extent};
    c.send.base = (char *)(uintptr_t)sendbuf;
    if (sendtype && !c.in_place)
        c.send.len = (size_t)sendcount * sendtype->extent;
    c.len = c.recv.len;
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_alltoall(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                  void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                  struct xmpi_comm *comm)
{
    return alltoall(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, comm, NULL);
}

int xmpi_ialltoall(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                   void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                   struct xmpi_comm *comm, MPI_Request *request)
{
    return alltoall(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, comm,
                    request);
}
