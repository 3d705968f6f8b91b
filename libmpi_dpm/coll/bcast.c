/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Bcast. */
#include "coll/algo.h"
#include "xmpi.h"

void xmpi_part_bcast_flat(struct xmpi_sched *s, int team, int root, void *buf, size_t len)
{
    const struct xmpi_team *t = &s->team[team];
    if (t->rank != root) {
        xmpi_sched_recv(s, team, root, buf, len);
        return;
    }
    for (int k = 1; k < t->comm->size; k++)
        xmpi_sched_send(s, team, (root + k) % t->comm->size, buf, len);
}

void xmpi_part_bcast_binomial(struct xmpi_sched *s, int team, int root, void *buf, size_t len)
{
    const struct xmpi_team *t = &s->team[team];
    int p = t->comm->size, v = (t->rank - root + p) % p, mask = 1;
    while (mask < p && !(v & mask))
        mask *= 2;
    if (v != 0) {
        xmpi_sched_recv(s, team, (v - mask + root) % p, buf, len);
        xmpi_sched_fence(s);
    }
    for (mask /= 2; mask > 0; mask /= 2)
        if (v + mask < p)
            xmpi_sched_send(s, team, (v + mask + root) % p, buf, len);
}

/* 1 message of n on the path, p-1 from the root. A long one is copied by each receiver itself out
 * of the root's memory, on all processors at once. */
void xmpi_bcast_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    xmpi_part_bcast_flat(s, XMPI_TEAM_MAIN, c->root, c->recv.base, c->len);
}

/* log2 p messages of n on the path, p-1 in all, none sends more than log2 p. */
void xmpi_bcast_binomial(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    xmpi_part_bcast_binomial(s, XMPI_TEAM_MAIN, c->root, c->recv.base, c->len);
}

/* p messages of n/p on the path; about 2 n sent and received by each process: the root's link is
 * not the bottleneck. */
void xmpi_bcast_scatter_allgather(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank, left = (r - 1 + p) % p, right = (r + 1) % p;
    MPI_Count n = (MPI_Count)c->len;
    char *buf = c->recv.base;
    for (int k = 0; k < p; k++) {
        size_t from = (size_t)xmpi_part_cut(n, p, k);
        size_t len = (size_t)xmpi_part_cut(n, p, k + 1) - from;
        if (r == c->root && k != r)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, k, buf + from, len);
        else if (r != c->root && k == r)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, buf + from, len);
    }
    xmpi_sched_fence(s);
    for (int i = 0; i < p - 1; i++) {
        int out = (r - i + p) % p, in = (r - i - 1 + 2 * p) % p;
        size_t from = (size_t)xmpi_part_cut(n, p, in), at = (size_t)xmpi_part_cut(n, p, out);
        if (r != c->root && in != r)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, left, buf + from,
                            (size_t)xmpi_part_cut(n, p, in + 1) - from);
        if (right != c->root)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, right, buf + at,
                            (size_t)xmpi_part_cut(n, p, out + 1) - at);
        xmpi_sched_fence(s);
    }
}

static int bcast(void *buffer, MPI_Count count, struct xmpi_dtype *type, int root,
                 struct xmpi_comm *comm, MPI_Request *request)
{
    int cls = xmpi_coll_check_root(comm, root);
    if (cls)
        return cls;
    size_t len = type ? (size_t)count * type->extent : 0;
    struct xmpi_coll c = {.kind = XMPI_COLL_BCAST,
                          .root = root,
                          .recv = {.base = buffer, .len = len},
                          .len = len};
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_bcast(void *buffer, MPI_Count count, struct xmpi_dtype *datatype, int root,
               struct xmpi_comm *comm)
{
    return bcast(buffer, count, datatype, root, comm, NULL);
}

int xmpi_ibcast(void *buffer, MPI_Count count, struct xmpi_dtype *datatype, int root,
                struct xmpi_comm *comm, MPI_Request *request)
{
    return bcast(buffer, count, datatype, root, comm, request);
}
