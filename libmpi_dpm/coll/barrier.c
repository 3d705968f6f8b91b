/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Barrier. */
#include "coll/algo.h"
#include "xmpi.h"

enum { FANOUT = 8 };

void xmpi_part_gather_signals(struct xmpi_sched *s, int team)
{
    const struct xmpi_team *t = &s->team[team];
    if (t->rank != 0) {
        xmpi_sched_signal(s, team, 0);
        return;
    }
    for (int k = 1; k < t->comm->size; k++)
        xmpi_sched_await(s, team, k);
    xmpi_sched_fence(s);
}

void xmpi_part_release(struct xmpi_sched *s, int team)
{
    const struct xmpi_team *t = &s->team[team];
    if (t->rank != 0) {
        xmpi_sched_await(s, team, 0);
        return;
    }
    for (int k = 1; k < t->comm->size; k++)
        xmpi_sched_signal(s, team, k);
}

/* Two messages on the path, 2(p-1) in all: with more processes than processors every process is
 * scheduled once, which is the least that a barrier can do. */
void xmpi_barrier_flat(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    (void)c;
    xmpi_part_gather_signals(s, XMPI_TEAM_MAIN);
    xmpi_part_release(s, XMPI_TEAM_MAIN);
}

/* 2 log8 p messages on the path, 2(p-1) in all; no process serves more than 8. */
void xmpi_barrier_tree(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    (void)c;
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    int from = t->rank * FANOUT + 1, to = from + FANOUT < t->size ? from + FANOUT : t->size;
    for (int k = from; k < to; k++)
        xmpi_sched_await(s, XMPI_TEAM_MAIN, k);
    xmpi_sched_fence(s);
    if (t->rank != 0) {
        xmpi_sched_signal(s, XMPI_TEAM_MAIN, (t->rank - 1) / FANOUT);
        xmpi_sched_await(s, XMPI_TEAM_MAIN, (t->rank - 1) / FANOUT);
        xmpi_sched_fence(s);
    }
    for (int k = from; k < to; k++)
        xmpi_sched_signal(s, XMPI_TEAM_MAIN, k);
}

/* log2 p messages on the path, p log2 p in all: the shortest when every process has a processor. */
void xmpi_barrier_dissemination(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    (void)c;
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    for (int d = 1; d < t->size; d *= 2) {
        xmpi_sched_await(s, XMPI_TEAM_MAIN, (t->rank - d + t->size) % t->size);
        xmpi_sched_signal(s, XMPI_TEAM_MAIN, (t->rank + d) % t->size);
        xmpi_sched_fence(s);
    }
}

int xmpi_barrier(struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_BARRIER};
    return xmpi_coll_do(&c, comm, form);
}
