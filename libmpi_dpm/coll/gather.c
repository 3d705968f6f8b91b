/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Gather and MPI_Gatherv. */
#include "coll/algo.h"
#include "pmpi/check.h"
#include "xmpi.h"

/* 1 message on the path; the root receives p-1, straight into their places. */
void xmpi_gather_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    if (t->rank != c->root) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, c->root, xmpi_block(&c->send, 0));
        return;
    }
    for (int k = 0; k < t->size; k++)
        if (k != c->root)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block(&c->recv, k));
    if (!c->in_place)
        xmpi_part_keep(s, &c->send, &c->recv);
}

/* Blocks below virtual rank v in the binomial tree, its own one included. */
static int subtree(int v, int p)
{
    int n = v ? (v & -v) : p;
    return n < p - v ? n : p - v;
}

/* The root's part when blocks arrive in packed form in `room`, in the order of virtual ranks. */
static void sort_blocks(struct xmpi_sched *s, const struct xmpi_coll *c, const char *room)
{
    int p = s->team[XMPI_TEAM_MAIN].size;
    xmpi_sched_fence(s);
    for (int k = 1; k < p; k++)
        xmpi_sched_copy(s, xmpi_block(&c->recv, (k + c->root) % p),
                        xmpi_bytes(room + (size_t)k * c->len, c->len));
}

/* log2 p messages on the path, p-1 in all; the root receives log2 p. Blocks travel in the order of
 * virtual ranks (root first), so a root that is not rank 0 copies all once more. */
void xmpi_gather_binomial(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, v = (t->rank - c->root + p) % p, n = subtree(v, p);
    int parent = (v - (v & -v) + c->root) % p;
    if (v && n == 1) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, parent, xmpi_block(&c->send, 0));
        return;
    }
    bool straight = v == 0 && c->root == 0;
    char *room = straight ? NULL : xmpi_sched_room(s, (size_t)n * c->len);
    if (s->no_mem)
        return;
    for (int mask = 1; mask < p && !(v & mask); mask *= 2) {
        if (v + mask >= p)
            continue;
        int below = subtree(v + mask, p);
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, (v + mask + c->root) % p,
                        straight ? xmpi_block_range(&c->recv, mask, below)
                                 : xmpi_bytes(room + (size_t)mask * c->len,
                                              (size_t)below * c->len));
    }
    if (v) {
        xmpi_sched_copy(s, xmpi_bytes(room, c->len), xmpi_block(&c->send, 0));
        xmpi_sched_fence(s);
        xmpi_sched_send(s, XMPI_TEAM_MAIN, parent, xmpi_bytes(room, (size_t)n * c->len));
        return;
    }
    if (!c->in_place)
        xmpi_part_keep(s, &c->send, &c->recv);
    if (!straight)
        sort_blocks(s, c, room);
}

/* The send side; arguments that do not count here come with a type of NULL. */
static struct xmpi_coll begin(enum xmpi_coll_kind kind, const void *sendbuf,
                              MPI_Count sendcount, const struct xmpi_dtype *sendtype,
                              int root)
{
    struct xmpi_coll c = {.kind = kind, .root = root, .in_place = sendbuf == MPI_IN_PLACE};
    if (!c.in_place)
        c.send = xmpi_blocks_of(sendbuf, sendcount, sendtype);
    c.send.same = true;
    return c;
}

int xmpi_gather(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                void *recvbuf, MPI_Count recvcount, struct xmpi_dtype *recvtype, int root,
                struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = begin(XMPI_COLL_GATHER, sendbuf, sendcount, sendtype, root);
    bool at_root = xmpi_at_root(comm, root);
    if (at_root)
        c.recv = xmpi_blocks_of(recvbuf, recvcount, recvtype);
    c.len = at_root ? c.recv.len : c.send.len;
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_gatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                 void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                 struct xmpi_dtype *recvtype, int root, struct xmpi_comm *comm,
                 struct xmpi_form form)
{
    struct xmpi_coll c = begin(XMPI_COLL_GATHERV, sendbuf, sendcount, sendtype, root);
    if (xmpi_at_root(comm, root))
        c.recv = xmpi_blocks_v(recvbuf, recvcounts, displs, recvtype);
    return xmpi_coll_do(&c, comm, form);
}
