/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Alltoall, MPI_Alltoallv and MPI_Alltoallw. */
#include "coll/algo.h"
#include "xmpi.h"

/* The blocks to send; with MPI_IN_PLACE copies of them, since what comes in overwrites them. */
static struct xmpi_blocks outgoing(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (!c->in_place)
        return c->send;
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    MPI_Count *counts = xmpi_sched_room(s, (size_t)t->size * sizeof *counts);
    MPI_Count *displs = xmpi_sched_room(s, (size_t)t->size * sizeof *displs), all = 0;
    if (s->no_mem)
        return c->recv;
    for (int k = 0; k < t->size; k++) {
        counts[k] = k == t->rank ? 0 : (MPI_Count)xmpi_block(&c->recv, k).len;
        displs[k] = all;
        all += counts[k];
    }
    struct xmpi_blocks copies = {.base = xmpi_sched_room(s, (size_t)all),
                                 .vary = true,
                                 .counts = {.c = counts},
                                 .displs = {.c = displs}};
    for (int k = 0; k < t->size && !s->no_mem; k++)
        if (k != t->rank)
            xmpi_sched_copy(s, xmpi_block(&copies, k), xmpi_block(&c->recv, k));
    return copies;
}

static void exchange(struct xmpi_sched *s, const struct xmpi_coll *c, bool paired)
{
    struct xmpi_blocks out = outgoing(s, c);
    if (s->no_mem)
        return;
    if (!c->in_place)
        xmpi_part_keep(s, &c->send, &c->recv);
    xmpi_part_exchange(s, &out, &c->recv, paired);
}

/* 1 message on the path, p(p-1) in all, in progress at once. */
void xmpi_alltoall_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    exchange(s, c, false);
}

/* p-1 messages on the path; with many processes no receiver is flooded. */
void xmpi_alltoall_pairwise(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    exchange(s, c, true);
}

/* Copies the blocks whose number has the bit between their places and one packed message. */
static size_t pack_bit(struct xmpi_sched *s, char *blocks, char *packed, int p, int bit,
                       size_t len, bool pack)
{
    size_t n = 0;
    for (int k = bit; k < p; k++) {
        if (!(k & bit))
            continue;
        struct xmpi_span block = xmpi_bytes(blocks + (size_t)k * len, len);
        struct xmpi_span place = xmpi_bytes(packed + n, len);
        xmpi_sched_copy(s, pack ? place : block, pack ? block : place);
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
    size_t len = c->len;
    char *blocks = xmpi_sched_room(s, (size_t)p * len);
    char *out = xmpi_sched_room(s, (size_t)p * len),
         *in = xmpi_sched_room(s, (size_t)p * len);
    if (s->no_mem)
        return;
    for (int k = 0; k < p; k++)
        xmpi_sched_copy(s, xmpi_bytes(blocks + (size_t)k * len, len),
                        xmpi_block(from, (r + k) % p));
    for (int bit = 1; bit < p; bit *= 2) {
        size_t n = pack_bit(s, blocks, out, p, bit, len, true);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (r - bit + p) % p, xmpi_bytes(in, n));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r + bit) % p, xmpi_bytes(out, n));
        xmpi_sched_fence(s);
        pack_bit(s, blocks, in, p, bit, len, false);
    }
    for (int k = 0; k < p; k++)
        xmpi_sched_copy(s, xmpi_block(&c->recv, (r - k + p) % p),
                        xmpi_bytes(blocks + (size_t)k * len, len));
}

int xmpi_alltoall(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                  void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                  struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLTOALL, .in_place = sendbuf == MPI_IN_PLACE};
    if (!c.in_place)
        c.send = xmpi_blocks_of(sendbuf, sendcount, sendtype);
    c.recv = xmpi_blocks_of(recvbuf, recvcount, recvtype);
    c.len = c.recv.len;
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_alltoallv(const void *sendbuf, struct xmpi_cvec sendcounts,
                   struct xmpi_cvec sdispls, struct xmpi_dtype *sendtype, void *recvbuf,
                   struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                   struct xmpi_dtype *recvtype, struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLTOALLV,
                          .in_place = sendbuf == MPI_IN_PLACE && !comm->inter};
    if (!c.in_place)
        c.send = xmpi_blocks_v(sendbuf, sendcounts, sdispls, sendtype);
    c.recv = xmpi_blocks_v(recvbuf, recvcounts, rdispls, recvtype);
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_alltoallw(const void *sendbuf, struct xmpi_cvec sendcounts,
                   struct xmpi_cvec sdispls, const MPI_Datatype sendtypes[],
                   void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                   const MPI_Datatype recvtypes[], struct xmpi_comm *comm,
                   struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLTOALLW,
                          .in_place = sendbuf == MPI_IN_PLACE && !comm->inter};
    if (!c.in_place)
        c.send = xmpi_blocks_w(sendbuf, sendcounts, sdispls, sendtypes);
    c.recv = xmpi_blocks_w(recvbuf, recvcounts, rdispls, recvtypes);
    return xmpi_coll_do(&c, comm, form);
}
