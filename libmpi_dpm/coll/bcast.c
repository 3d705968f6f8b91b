/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Bcast. */
#include "coll/algo.h"
#include "xmpi.h"

void xmpi_part_bcast_flat(struct xmpi_sched *s, int team, int root, struct xmpi_span buf)
{
    const struct xmpi_team *t = &s->team[team];
    if (t->rank != root) {
        xmpi_sched_recv(s, team, root, buf);
        return;
    }
    buf = xmpi_sched_packed(s, buf);
    for (int k = 1; k < t->comm->size; k++)
        xmpi_sched_send(s, team, (root + k) % t->comm->size, buf);
}

void xmpi_part_bcast_binomial(struct xmpi_sched *s, int team, int root, struct xmpi_span buf)
{
    const struct xmpi_team *t = &s->team[team];
    int p = t->comm->size, v = (t->rank - root + p) % p, mask = 1;
    while (mask < p && !(v & mask))
        mask *= 2;
    if (v != 0) {
        xmpi_sched_recv(s, team, (v - mask + root) % p, buf);
        xmpi_sched_fence(s);
    }
    if (mask > 1) /* there is someone to send to */
        buf = xmpi_sched_packed(s, buf);
    for (mask /= 2; mask > 0; mask /= 2)
        if (v + mask < p)
            xmpi_sched_send(s, team, (v + mask + root) % p, buf);
}

/* 1 message of n on the path, p-1 from the root. A long one is copied by each receiver itself out
 * of the root's memory, on all processors at once. */
void xmpi_bcast_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    struct xmpi_span buf = xmpi_block(&c->recv, 0);
    if (buf.len == 0 && c->len > 0) /* the root's length, which is an error here */
        xmpi_sched_await(s, XMPI_TEAM_MAIN, c->root);
    else
        xmpi_part_bcast_flat(s, XMPI_TEAM_MAIN, c->root, buf);
}

/* log2 p messages of n on the path, p-1 in all, none sends more than log2 p. */
void xmpi_bcast_binomial(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    xmpi_part_bcast_binomial(s, XMPI_TEAM_MAIN, c->root, xmpi_block(&c->recv, 0));
}

/* Bytes of piece k of n when cut into p. */
static struct xmpi_span piece(char *buf, size_t n, int p, int k)
{
    size_t from = (size_t)xmpi_part_cut((MPI_Count)n, p, k);
    return xmpi_bytes(buf + from, (size_t)xmpi_part_cut((MPI_Count)n, p, k + 1) - from);
}

/* The root's pieces to their owners. */
static void deal(struct xmpi_sched *s, const struct xmpi_coll *c, char *buf)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank;
    if (r != c->root)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, c->root, piece(buf, c->len, p, r));
    for (int k = 0; r == c->root && k < p; k++)
        if (k != r)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, k, piece(buf, c->len, p, k));
    xmpi_sched_fence(s);
}

/* p messages of n/p on the path; about 2 n sent and received by each process: the root's link is
 * not the bottleneck. Bytes are cut, since processes may have them in elements of different
 * types: what does not lie in one run is copied once. */
void xmpi_bcast_scatter_allgather(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank, left = (r - 1 + p) % p, right = (r + 1) % p;
    struct xmpi_span user = xmpi_block(&c->recv, 0), run = user;
    if (user.type)
        run = xmpi_bytes(xmpi_sched_room(s, c->len), c->len);
    if (s->no_mem)
        return;
    if (r == c->root)
        xmpi_sched_copy(s, run, user);
    deal(s, c, run.base);
    for (int i = 0; i < p - 1; i++) {
        int out = (r - i + p) % p, in = (r - i - 1 + 2 * p) % p;
        if (r != c->root && in != r)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, left, piece(run.base, c->len, p, in));
        if (right != c->root)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, right, piece(run.base, c->len, p, out));
        xmpi_sched_fence(s);
    }
    if (r != c->root)
        xmpi_sched_copy(s, user, run);
}

int xmpi_bcast(void *buffer, MPI_Count count, struct xmpi_dtype *datatype, int root,
               struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_BCAST,
                          .root = root,
                          .recv = xmpi_blocks_of(buffer, count, datatype)};
    c.len = c.recv.len;
    return xmpi_coll_do(&c, comm, form);
}
