/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Allgather and MPI_Allgatherv. */
#include "coll/algo.h"
#include "xmpi.h"

/* The own block: in its place of the receive buffer, or where the send side says. */
static struct xmpi_span own_block(const struct xmpi_sched *s, const struct xmpi_coll *c)
{
    return c->in_place ? xmpi_block(&c->recv, s->team[XMPI_TEAM_MAIN].rank)
                       : xmpi_block(&c->send, 0);
}

static void place_own(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    if (!c->in_place)
        xmpi_part_keep(s, &c->send, &c->recv);
}

/* 1 message of n and 1 of p n on the path, 2(p-1) in all, through rank 0: the fewest. */
void xmpi_allgather_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    struct xmpi_span all = xmpi_block_range(&c->recv, 0, t->size);
    if (t->rank != 0) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, own_block(s, c));
        if (c->in_place)
            xmpi_sched_fence(s); /* the block is sent from where all are received */
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, all);
        return;
    }
    for (int k = 1; k < t->size; k++)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block(&c->recv, k));
    place_own(s, c);
    xmpi_sched_fence(s);
    all = xmpi_sched_packed(s, all);
    for (int k = 1; k < t->size; k++)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, k, all);
}

/* log2 p messages on the path, p log2 p in all; each sends (p-1) n, and copies p n at the end. */
void xmpi_allgather_bruck(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    size_t len = c->len;
    char *room = xmpi_sched_room(s, (size_t)p * len);
    if (s->no_mem)
        return;
    place_own(s, c);
    xmpi_sched_copy(s, xmpi_bytes(room, len), xmpi_block(&c->recv, r));
    for (int have = 1; have < p; have *= 2) {
        size_t n = (size_t)(have < p - have ? have : p - have);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (r + have) % p,
                        xmpi_bytes(room + (size_t)have * len, n * len));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r - have + p) % p, xmpi_bytes(room, n * len));
        xmpi_sched_fence(s);
    }
    for (int k = 1; k < p; k++)
        xmpi_sched_copy(s, xmpi_block(&c->recv, (r + k) % p),
                        xmpi_bytes(room + (size_t)k * len, len));
}

/* p-1 messages on the path, always from the left to the right neighbour. */
void xmpi_allgather_ring(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    place_own(s, c);
    for (int i = 0; i < p - 1; i++) {
        int out = (r - i + p) % p, in = (r - i - 1 + p) % p;
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (r - 1 + p) % p, xmpi_block(&c->recv, in));
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (r + 1) % p, xmpi_block(&c->recv, out));
        xmpi_sched_fence(s);
    }
}

/* 1 message on the path, p(p-1) in all, in progress at once: long blocks are copied by their
 * receivers straight from their owners. */
void xmpi_allgather_direct(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    struct xmpi_span own = xmpi_sched_packed(s, own_block(s, c));
    struct xmpi_blocks out = {.base = own.base, .count = (MPI_Count)own.len, .same = true};
    if (own.type) {
        out.type = own.type;
        out.count = (MPI_Count)(own.len / own.type->size);
    }
    xmpi_part_exchange(s, &out, &c->recv, false);
    place_own(s, c);
}

/* The send side. */
static inline struct xmpi_coll begin(enum xmpi_coll_kind kind, const void *sendbuf,
                                     MPI_Count sendcount, const struct xmpi_dtype *sendtype)
{
    struct xmpi_coll c = {.kind = kind, .in_place = sendbuf == MPI_IN_PLACE};
    if (!c.in_place)
        c.send = xmpi_blocks_of(sendbuf, sendcount, sendtype);
    c.send.same = true;
    return c;
}

int xmpi_allgather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                   void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                   struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = begin(XMPI_COLL_ALLGATHER, sendbuf, sendcount, sendtype);
    c.recv = xmpi_blocks_of(recvbuf, recvcount, recvtype);
    c.len = c.recv.len;
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_allgatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                    void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                    struct xmpi_dtype *recvtype, struct xmpi_comm *comm,
                    struct xmpi_form form)
{
    struct xmpi_coll c = begin(XMPI_COLL_ALLGATHERV, sendbuf, sendcount, sendtype);
    c.recv = xmpi_blocks_v(recvbuf, recvcounts, displs, recvtype);
    return xmpi_coll_do(&c, comm, form);
}
