/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Scatter and MPI_Scatterv. */
#include "coll/algo.h"
#include "pmpi/check.h"
#include "xmpi.h"

/* 1 message on the path; the root sends p-1, straight from their places. */
void xmpi_scatter_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    if (t->rank != c->root) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, xmpi_block(&c->recv, 0));
        return;
    }
    for (int i = 1; i < t->size; i++) {
        int k = (c->root + i) % t->size;
        xmpi_sched_send(s, XMPI_TEAM_MAIN, k, xmpi_block(&c->send, k));
    }
    if (!c->in_place)
        xmpi_part_keep(s, &c->send, &c->recv);
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
    bool straight = v ? n == 1 : c->root == 0;
    struct xmpi_span own = straight && v ? xmpi_block(&c->recv, 0) : xmpi_bytes(NULL, 0);
    char *room = straight ? NULL : xmpi_sched_room(s, (size_t)n * c->len);
    if (s->no_mem)
        return;
    while (mask < p && !(v & mask))
        mask *= 2;
    if (v) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (v - mask + c->root) % p,
                        straight ? own : xmpi_bytes(room, (size_t)n * c->len));
        xmpi_sched_fence(s);
    }
    for (int k = 0; !v && !straight && k < p; k++)
        xmpi_sched_copy(s, xmpi_bytes(room + (size_t)k * c->len, c->len),
                        xmpi_block(&c->send, (k + c->root) % p));
    for (mask /= 2; mask > 0; mask /= 2) {
        if (v + mask >= p)
            continue;
        int below = subtree(v + mask, p);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, (v + mask + c->root) % p,
                        straight ? xmpi_block_range(&c->send, mask, below)
                                 : xmpi_bytes(room + (size_t)mask * c->len,
                                              (size_t)below * c->len));
    }
    if (v && !straight)
        xmpi_sched_copy(s, xmpi_block(&c->recv, 0), xmpi_bytes(room, c->len));
    else if (!v && !c->in_place)
        xmpi_part_keep(s, &c->send, &c->recv);
}

/* The receive side; arguments that do not count here come with a type of NULL. */
static struct xmpi_coll begin(enum xmpi_coll_kind kind, void *recvbuf, MPI_Count recvcount,
                              const struct xmpi_dtype *recvtype, int root)
{
    struct xmpi_coll c = {.kind = kind, .root = root, .in_place = recvbuf == MPI_IN_PLACE};
    if (!c.in_place)
        c.recv = xmpi_blocks_of(recvbuf, recvcount, recvtype);
    c.recv.same = true;
    return c;
}

int xmpi_scatter(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                 void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype,
                 int root, struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = begin(XMPI_COLL_SCATTER, recvbuf, recvcount, recvtype, root);
    bool at_root = xmpi_at_root(comm, root);
    if (at_root)
        c.send = xmpi_blocks_of(sendbuf, sendcount, sendtype);
    c.len = at_root ? c.send.len : c.recv.len;
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_scatterv(const void *sendbuf, struct xmpi_cvec sendcounts,
                  struct xmpi_cvec displs, struct xmpi_dtype *sendtype, void *recvbuf,
                  MPI_Count recvcount, struct xmpi_dtype *recvtype, int root,
                  struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = begin(XMPI_COLL_SCATTERV, recvbuf, recvcount, recvtype, root);
    if (xmpi_at_root(comm, root))
        c.send = xmpi_blocks_v(sendbuf, sendcounts, displs, sendtype);
    return xmpi_coll_do(&c, comm, form);
}
