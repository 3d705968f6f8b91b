/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Gather and the algorithms that it shares with MPI_Gatherv. */
#include "coll/algo.h"
#include "xmpi.h"

/* 1 message on the path; the root receives p-1, straight into their places. */
void xmpi_gather_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    if (t->rank != c->root) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, c->send.base, c->send.len);
        return;
    }
    for (int k = 0; k < t->size; k++)
        if (k != c->root)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->recv, k),
                            xmpi_block_len(&c->recv, k));
    if (!c->in_place)
        xmpi_sched_deliver(s, xmpi_block_at(&c->recv, c->root),
                           xmpi_block_len(&c->recv, c->root), c->send.base, c->send.len);
}

/* Blocks below virtual rank v in the binomial tree, its own one included. */
static int subtree(int v, int p)
{
    int n = v ? (v & -v) : p;
    return n < p - v ? n : p - v;
}

/* log2 p messages on the path, p-1 in all; the root receives log2 p. Blocks travel in the order of
 * virtual ranks (root first), so a root that is not rank 0 copies all once more. */
void xmpi_gather_binomial(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, v = (t->rank - c->root + p) % p, n = subtree(v, p);
    size_t len = v ? c->send.len : c->recv.len;
    int parent = (v - (v & -v) + c->root) % p;
    if (v && n == 1) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, parent, c->send.base, len);
        return;
    }
    bool straight = v == 0 && c->root == 0;
    char *room = straight ? c->recv.base : xmpi_sched_room(s, (size_t)n * len);
    if (s->no_mem)
        return;
    for (int mask = 1; mask < p && !(v & mask); mask *= 2)
        if (v + mask < p)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, (v + mask + c->root) % p,
                            room + (size_t)mask * len, (size_t)subtree(v + mask, p) * len);
    if (v) {
        xmpi_sched_copy(s, room, c->send.base, len);
        xmpi_sched_fence(s);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, parent, room, (size_t)n * len);
        return;
    }
    if (!c->in_place)
        xmpi_sched_deliver(s, xmpi_block_at(&c->recv, c->root), len, c->send.base,
                           c->send.len);
    if (straight)
        return;
    xmpi_sched_fence(s);
    for (int k = 1; k < p; k++)
        xmpi_sched_copy(s, xmpi_block_at(&c->recv, (k + c->root) % p),
                        room + (size_t)k * len, len);
}

static int gather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                  void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                  int root, struct xmpi_comm *comm, MPI_Request *request)
{
    int cls = xmpi_coll_check_root(comm, root);
    if (cls)
        return cls;
    struct xmpi_coll c = {.kind = XMPI_COLL_GATHER, .root = root};
    bool at_root = comm->inter ? root == MPI_ROOT : root == comm->rank;
    c.in_place = sendbuf == MPI_IN_PLACE;
    c.send.base = (char *)(uintptr_t)sendbuf;
    if (sendtype && !c.in_place)
        c.send.len = (size_t)sendcount * sendtype->extent;
    if (at_root && recvtype)
        c.recv = (struct xmpi_blocks){.base = recvbuf,
                                      .len = (size_t)recvcount * recvtype->extent};
    c.len = at_root ? c.recv.len : c.send.len;
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_gather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype, int root,
                struct xmpi_comm *comm)
{
    return gather(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root, comm,
                  NULL);
}

int xmpi_igather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                 void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                 int root, struct xmpi_comm *comm, MPI_Request *request)
{
    return gather(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root, comm,
                  request);
}
