/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Scan and MPI_Exscan: everyone gets what the processes up to it (before it) contribute, combined
 * in rank order. */
#include "coll/algo.h"
#include "rt/err.h"
#include "xmpi.h"

static bool exclusive(const struct xmpi_coll *c)
{
    return c->kind == XMPI_COLL_EXSCAN;
}

/* parts[k] becomes parts[0] op ... op parts[k]; parts[0] is only read. */
static void accumulate(struct xmpi_sched *s, char *const *parts, int n, MPI_Count count)
{
    for (int k = 1; k < n; k++)
        xmpi_sched_reduce(s, parts[k - 1], parts[k], count);
}

/* 2 messages of n on the path, 2(p-1) in all; rank 0 receives p-1, reduces, sends p-1. As in
 * barrier_flat each process is scheduled once. */
void xmpi_scan_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, back = exclusive(c);
    MPI_Count n = c->count;
    char *room;
    if (t->rank != 0) {
        xmpi_sched_send(s, XMPI_TEAM_MAIN, 0, xmpi_operand(s, c->send.base, n));
        if (c->in_place)
            xmpi_sched_fence(s); /* the buffer that is being sent receives the result */
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, 0, xmpi_operand(s, c->recv.base, n));
        return;
    }
    char **parts = xmpi_part_operands(s, p, n, 0, c->send.base, &room);
    if (!parts)
        return;
    for (int k = 1; k < p; k++)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_operand(s, parts[k], n));
    xmpi_sched_fence(s);
    accumulate(s, parts, p - back, n);
    for (int k = 1; k < p; k++)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, k, xmpi_operand(s, parts[k - back], n));
    if (!back)
        xmpi_sched_copy(s, xmpi_operand(s, c->recv.base, n), xmpi_operand(s, parts[0], n));
}

/* p-1 messages of n on the path and in all: the least work, the longest way. */
void xmpi_scan_linear(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    MPI_Count n = c->count;
    bool first = t->rank == 0, last = t->rank == t->size - 1, copy = exclusive(c) && !first;
    char *in = exclusive(c) ? c->recv.base : xmpi_part_operand(s, n);
    /* What goes to the next: the scan's result, or that of the next one for exscan. */
    char *out = copy           ? xmpi_part_operand(s, n)
                : exclusive(c) ? c->send.base
                               : c->recv.base;
    if (s->no_mem)
        return;
    if (out != c->send.base)
        xmpi_sched_copy(s, xmpi_operand(s, out, n), xmpi_operand(s, c->send.base, n));
    if (!first) {
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, t->rank - 1, xmpi_operand(s, in, n));
        xmpi_sched_fence(s);
        if (!exclusive(c) || !last)
            xmpi_sched_reduce(s, in, out, n);
    }
    if (!last)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, t->rank + 1, xmpi_operand(s, out, n));
}

/* The scan of what ranks from `first` on have in acc, into acc: in each round everyone takes in what
 * the process twice as far away as before has. */
static void double_up(struct xmpi_sched *s, int first, char *acc, MPI_Count n)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    char *in = xmpi_part_operand(s, n);
    if (s->no_mem)
        return;
    for (int d = 1; d < t->size - first; d *= 2) {
        bool get = t->rank - d >= first;
        if (get)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, t->rank - d, xmpi_operand(s, in, n));
        if (t->rank + d < t->size)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, t->rank + d, xmpi_operand(s, acc, n));
        xmpi_sched_fence(s);
        if (get)
            xmpi_sched_reduce(s, in, acc, n);
    }
}

/* log2 p messages of n on the path, p log2 p in all; exscan: one more, since it is the scan of what
 * each has from the process before it. */
void xmpi_scan_doubling(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    MPI_Count n = c->count;
    struct xmpi_span mine = xmpi_operand(s, c->send.base, n),
                     result = xmpi_operand(s, c->recv.base, n);
    if (!exclusive(c)) {
        xmpi_sched_copy(s, result, mine);
        double_up(s, 0, c->recv.base, n);
        return;
    }
    if (c->in_place && t->rank != 0) { /* the result comes where it lies */
        char *copy = xmpi_part_operand(s, n);
        if (s->no_mem)
            return;
        xmpi_sched_copy(s, xmpi_operand(s, copy, n), mine);
        mine = xmpi_operand(s, copy, n);
    }
    if (t->rank > 0)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, t->rank - 1, result);
    if (t->rank + 1 < t->size)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, t->rank + 1, mine);
    xmpi_sched_fence(s);
    if (t->rank > 0)
        double_up(s, 1, c->recv.base, n);
}

/* 2 messages of n/p on the path, 2p(p-1) in all. Each process does the scan of its piece for
 * everyone: the work is shared by all processors. */
void xmpi_scan_pieces(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int p = t->size, r = t->rank, back = exclusive(c);
    struct xmpi_blocks from = xmpi_part_pieces(s, c->send.base, c->count), to = from;
    char **parts = xmpi_part_collect(s, &from, true);
    if (!parts)
        return;
    to.base = c->recv.base;
    MPI_Count n = xmpi_block_count(&from, r);
    accumulate(s, parts, p - back, n);
    for (int i = 1; i < p; i++) {
        int k = (r - i + p) % p, j = (r + i) % p;
        if (r >= back)
            xmpi_sched_recv(s, XMPI_TEAM_MAIN, k, xmpi_block(&to, k));
        if (j >= back)
            xmpi_sched_send(s, XMPI_TEAM_MAIN, j, xmpi_operand(s, parts[j - back], n));
    }
    if (r >= back)
        xmpi_sched_copy(s, xmpi_block(&to, r), xmpi_operand(s, parts[r - back], n));
}

static int scan(enum xmpi_coll_kind kind, const void *sendbuf, void *recvbuf,
                MPI_Count count, const struct xmpi_dtype *type, const struct xmpi_op *op,
                struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = kind};
    if (comm->inter)
        return xmpi_err(MPI_ERR_COMM,
                        "comm is an intercommunicator, on which %s is not defined",
                        xmpi_algo_lists[kind].mpi_name);
    xmpi_coll_reduction(&c, sendbuf, recvbuf, count, type, op);
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_scan(const void *sendbuf, void *recvbuf, MPI_Count count,
              struct xmpi_dtype *datatype, struct xmpi_op *op, struct xmpi_comm *comm,
              struct xmpi_form form)
{
    return scan(XMPI_COLL_SCAN, sendbuf, recvbuf, count, datatype, op, comm, form);
}

int xmpi_exscan(const void *sendbuf, void *recvbuf, MPI_Count count,
                struct xmpi_dtype *datatype, struct xmpi_op *op, struct xmpi_comm *comm,
                struct xmpi_form form)
{
    return scan(XMPI_COLL_EXSCAN, sendbuf, recvbuf, count, datatype, op, comm, form);
}
