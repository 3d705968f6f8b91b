/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Scatter and the algorithms that it shares with MPI_Scatterv. */
#include "coll/algo.h"
#include "xmpi.h"

/* 1 message on the path; the root sends p-1, straight from their places. */
void xmpi_scatter_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    if (t->rank != c->root) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, c->recv.base, c->recv.len);
        return;
    }
    for (int i = 1; i < t->size; i++) {
        int k = (c->root + i) % t->size;
        xmpi_sched_send(s, XMPI_TEAM_MAIN, k, xmpi_block_at(&c->send, k),
                        xmpi_block_len(&c->send, k));
    }
    if (!c->in_place)
        xmpi_sched_deliver(s, c->recv.base, c->recv.len, xmpi_block_at(&c->send, c->root),
                           xmpi_block_len(&c->send, c->root));
}

static int subtree(int v, int p)
{
    int n = v ? (v & -v) : p;
    return n < p - v ? n : p - v;
}

/* log2 p messages on the path, p-1 in all; the root sends log2 p. A root that is not rank 0 first
 * copies all into the order of virtual ranks. */
void xmpi_scatter_binomial(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, v = (t->rank - c->root + p) % p, n = subtree(v, p), mask = 1;
    size_t len = v ? c->recv.len : c->send.len;
    bool straight = v ? n == 1 : c->root == 0;
    char *blocks = v ? c->recv.base : c->send.base;
    if (!straight)
        blocks = xmpi_sched_room(s, (size_t)n * len);
    if (s->no_mem)
        return;
    while (mask < p && !(v & mask))
        mask *= 2;
    if (v) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (v - mask + c->root) % p, blocks, (size_t)n * len);
        xmpi_sched_fence(s);
    } else if (!straight) {
        for (int k = 0; k < p; k++)
            xmpi_sched_copy(s, blocks + (size_t)k * len,
                            xmpi_block_at(&c->send, (k + c->root) % p), len);
    }
    for (mask /= 2; mask > 0; mask /= 2)
        if (v + mask < p)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, (v + mask + c->root) % p,
                            blocks + (size_t)mask * len, (size_t)subtree(v + mask, p) * len);
    if (v || !c->in_place)
        xmpi_sched_deliver(s, c->recv.base, c->recv.len, blocks, len);
}

static int scatter(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                   void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                   int root, struct xmpi_comm *comm, MPI_Request *request)
{
    int cls = xmpi_coll_check_root(comm, root);
    if (cls)
        return cls;
    struct xmpi_coll c = {.kind = XMPI_COLL_SCATTER, .root = root};
    bool at_root = comm->inter ? root == MPI_ROOT : root == comm->rank;
    c.in_place = recvbuf == MPI_IN_PLACE;
    c.recv.base = recvbuf;
    if (recvtype && !c.in_place)
        c.recv.len = (size_t)recvcount * recvtype->extent;
    if (at_root && sendtype)
        c.send = (struct xmpi_blocks){.base = (char *)(uintptr_t)sendbuf,
                                      .len = (size_t)sendcount * sendtype->extent};
    c.len = at_root ? c.send.len : c.recv.len;
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_scatter(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                 void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                 int root, struct xmpi_comm *comm)
{
    return scatter(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root, comm,
                   NULL);
}

int xmpi_iscatter(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                  void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                  int root, struct xmpi_comm *comm, MPI_Request *request)
{
    return scatter(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root, comm,
                   request);
}
