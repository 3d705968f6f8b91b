/* SPDX-License-Identifier: BSD-3-Clause */
/* Before a collective whose algorithm depends on its length, the processes tell each other the length. */
#include "coll/algo.h"

enum { FEW = 16 }; /* up to so many every short collective goes through one process */

/* Who tells whom: what the algorithm for short ones does with its first messages, so that each
 * process that has chosen that one gets, and gives, what the others await. */
enum shape {
    SHAPE_NONE,
    SHAPE_CENTER, /* all to one, which answers */
    SHAPE_IN,     /* all to one                */
    SHAPE_OUT,    /* one to all                */
    SHAPE_ALL,    /* all to all                */
};

static bool is_scan(const struct xmpi_coll *c)
{
    return c->kind == XMPI_COLL_SCAN || c->kind == XMPI_COLL_EXSCAN;
}

static enum shape shape_of(const struct xmpi_coll *c, int p)
{
    switch (c->kind) {
    case XMPI_COLL_BCAST:
    case XMPI_COLL_SCATTER:
        return SHAPE_OUT;
    case XMPI_COLL_GATHER:
        return SHAPE_IN;
    case XMPI_COLL_ALLTOALL:
        return SHAPE_ALL;
    case XMPI_COLL_SCAN:
    case XMPI_COLL_EXSCAN:
        return p == 2 ? SHAPE_OUT : SHAPE_CENTER;
    case XMPI_COLL_REDUCE:
    case XMPI_COLL_ALLREDUCE:
    case XMPI_COLL_REDUCE_SCATTER_BLOCK:
    case XMPI_COLL_REDUCE_SCATTER:
    case XMPI_COLL_ALLGATHER:
        return SHAPE_CENTER;
    default:
        return SHAPE_NONE;
    }
}

static int center_of(const struct xmpi_coll *c)
{
    bool rooted = c->kind == XMPI_COLL_BCAST || c->kind == XMPI_COLL_SCATTER ||
                  c->kind == XMPI_COLL_GATHER || c->kind == XMPI_COLL_REDUCE;
    return rooted ? c->root : 0;
}

/* Is this the algorithm that does without a meeting? */
static bool is_base(const struct xmpi_algo *a, const struct xmpi_coll *c, int p)
{
    if (p == 2 && c->kind == XMPI_COLL_ALLREDUCE)
        return a == xmpi_algo_find(c->kind, "recursive_doubling");
    if (p == 2 && c->kind != XMPI_COLL_REDUCE)
        return true; /* one algorithm for all lengths */
    return a == xmpi_algo_find(c->kind, "flat");
}

static void tell(struct xmpi_sched *s, int rank)
{
    xmpi_sched_send(s, XMPI_TEAM_MAIN, rank, xmpi_bytes(&s->word, XMPI_WORD_BYTES));
}

static void meet(struct xmpi_sched *s, enum shape shape, int center)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    bool mid = t->rank == center;
    struct xmpi_word *heard = xmpi_sched_room(s, (size_t)t->size * sizeof *heard);
    if (!heard)
        return;
    bool hear = shape == SHAPE_ALL || (mid ? shape != SHAPE_OUT : shape != SHAPE_IN);
    bool say = shape == SHAPE_ALL || (mid ? shape != SHAPE_IN : shape != SHAPE_OUT);
    for (int k = 0; hear && k < t->size; k++)
        if (k != t->rank && (shape == SHAPE_ALL || mid || k == center))
            xmpi_sched_hear(s, k, &heard[k]);
    if (mid && shape == SHAPE_CENTER)
        xmpi_sched_fence(s); /* the answer depends on what was heard */
    for (int k = 0; say && k < t->size; k++)
        if (k != t->rank && (shape == SHAPE_ALL || mid || k == center))
            tell(s, k);
    xmpi_sched_gate(s);
}

bool xmpi_meet_first(struct xmpi_sched *s, const struct xmpi_coll *c,
                     const struct xmpi_algo *a)
{
    int p = s->team[XMPI_TEAM_MAIN].size;
    enum shape shape = shape_of(c, p);
    s->strict = shape == SHAPE_CENTER || shape == SHAPE_ALL || is_scan(c);
    if (s->team[XMPI_TEAM_LOCAL].comm || p < 2 || p > FEW || shape == SHAPE_NONE)
        return true;
    s->word.magic = XMPI_WORD_MAGIC;
    s->word.len = c->len;
    for (unsigned k = 0; k < sizeof s->word.what; k++)
        s->word.what[k] = (uint8_t)(s->watch.what >> 8 * k);
    s->empty = c->len == 0;
    if (s->empty || (shape == SHAPE_CENTER && !is_base(a, c, p)))
        meet(s, shape, center_of(c));
    return !s->empty;
}

void xmpi_meet_last(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_team *t = &s->team[XMPI_TEAM_MAIN];
    /* All others answer anyway. */
    bool silent = c->kind == XMPI_COLL_REDUCE || c->kind == XMPI_COLL_REDUCE_SCATTER;
    if (t->comm->inter || t->size > FEW || !silent || t->rank != center_of(c))
        return;
    xmpi_sched_fence(s);
    for (int k = 0; k < t->size; k++)
        if (k != t->rank)
            xmpi_sched_alarm(s, k);
}
