/* SPDX-License-Identifier: BSD-3-Clause */
/* Building schedules, and the cache of schedule blocks: the steady state allocates nothing. */
#include "coll/sched.h"

#include "coll/coll.h"

#include <stdlib.h>
#include <string.h>

/* Blocks kept for the next collective: a few in progress at a time is what programs do. */
enum { CACHE_MAX = 8 };

static struct xmpi_sched *cache; /* engine lock */
static unsigned cached;

static void team_init(struct xmpi_team *t, struct xmpi_comm *comm)
{
    t->comm = comm;
    t->rank = comm->rank;
    t->size = comm->remote->size;
    t->tag = (int32_t)(atomic_fetch_add_explicit(&comm->coll_seq, 1, memory_order_relaxed) &
                       XMPI_TAG_COLL_MASK);
}

struct xmpi_sched *xmpi_sched_get(struct xmpi_comm *comm, const char *name)
{
    pvmx_engine_lock();
    struct xmpi_sched *s = cache;
    if (s) {
        cache = s->cached;
        cached--;
    }
    pvmx_engine_unlock();
    if (!s) {
        if (posix_memalign((void **)&s, 64, sizeof *s) != 0)
            return NULL;
        s->steps = s->own_steps;
        s->cap = XMPI_SCHED_STEPS;
    }
    s->name = name;
    s->op = NULL;
    s->type = NULL;
    s->nsteps = s->first = s->next = s->wait = 0;
    s->no_mem = s->failed = false;
    s->bad.cls = MPI_SUCCESS;
    s->more = NULL;
    s->room_used = 0;
    atomic_init(&s->complete, false);
    team_init(&s->team[XMPI_TEAM_MAIN], comm);
    s->team[XMPI_TEAM_LOCAL].comm = NULL;
    if (comm->inter)
        team_init(&s->team[XMPI_TEAM_LOCAL], comm->local_comm);
    return s;
}

static void destroy(struct xmpi_sched *s)
{
    if (s->steps != s->own_steps)
        free(s->steps);
    free(s);
}

void xmpi_sched_put(struct xmpi_sched *s)
{
    while (s->more) {
        struct xmpi_sched_more *m = s->more;
        s->more = m->next;
        free(m);
    }
    if (s->op)
        xmpi_op_release(s->op);
    pvmx_engine_lock();
    if (cached < CACHE_MAX) {
        s->cached = cache;
        cache = s;
        cached++;
        s = NULL;
    }
    pvmx_engine_unlock();
    if (s)
        destroy(s);
}

void xmpi_coll_stop(void)
{
    pvmx_engine_lock();
    while (cache) {
        struct xmpi_sched *s = cache;
        cache = s->cached;
        destroy(s);
    }
    cached = 0;
    pvmx_engine_unlock();
}

static bool grow(struct xmpi_sched *s)
{
    size_t cap = 4 * s->cap;
    struct xmpi_step *steps = malloc(cap * sizeof *steps);
    if (!steps) {
        s->no_mem = true;
        return false;
    }
    memcpy(steps, s->steps, s->nsteps * sizeof *steps);
    if (s->steps != s->own_steps)
        free(s->steps);
    s->steps = steps;
    s->cap = cap;
    return true;
}

static void add(struct xmpi_sched *s, struct xmpi_step step)
{
    if (s->nsteps < s->cap || grow(s))
        s->steps[s->nsteps++] = step;
}

void xmpi_sched_send(struct xmpi_sched *s, int team, int rank, const void *buf, size_t len)
{
    if (len > 0)
        add(s, (struct xmpi_step){.kind = XMPI_STEP_SEND,
                                  .team = (uint8_t)team,
                                  .rank = rank,
                                  .src = buf,
                                  .len = len});
}

void xmpi_sched_recv(struct xmpi_sched *s, int team, int rank, void *buf, size_t len)
{
    if (len > 0)
        add(s, (struct xmpi_step){.kind = XMPI_STEP_RECV,
                                  .team = (uint8_t)team,
                                  .rank = rank,
                                  .dst = buf,
                                  .len = len});
}

void xmpi_sched_copy(struct xmpi_sched *s, void *dst, const void *src, size_t len)
{
    if (len > 0 && dst != src)
        add(s, (struct xmpi_step){.kind = XMPI_STEP_COPY, .src = src, .dst = dst, .len = len});
}

void xmpi_sched_deliver(struct xmpi_sched *s, void *dst, size_t cap, const void *src,
                        size_t len)
{
    if (len > cap && !s->bad.cls) {
        s->bad.cls = MPI_ERR_TRUNCATE;
        s->bad.rank = s->team[0].rank;
        s->bad.got = len;
        s->bad.want = cap;
    }
    xmpi_sched_copy(s, dst, src, len < cap ? len : cap);
}

void xmpi_sched_reduce(struct xmpi_sched *s, const void *in, void *inout, MPI_Count count)
{
    if (count > 0)
        add(s, (struct xmpi_step){.kind = XMPI_STEP_REDUCE,
                                  .src = in,
                                  .dst = inout,
                                  .len = (size_t)count});
}

void xmpi_sched_fence(struct xmpi_sched *s)
{
    add(s, (struct xmpi_step){.kind = XMPI_STEP_FENCE});
}

void *xmpi_sched_room(struct xmpi_sched *s, size_t len)
{
    if (len == 0)
        return NULL;
    size_t padded = (len + 63) & ~(size_t)63;
    if (padded <= XMPI_SCHED_ROOM - s->room_used) {
        void *p = s->room + s->room_used;
        s->room_used += padded;
        return p;
    }
    struct xmpi_sched_more *m = NULL;
    if (len > SIZE_MAX / 2 || posix_memalign((void **)&m, 64, sizeof *m + padded) != 0) {
        s->no_mem = true;
        return NULL;
    }
    m->next = s->more;
    s->more = m;
    return m->bytes;
}

/* One byte, since an empty message means failure. */
static const char token = 1;

void xmpi_sched_signal(struct xmpi_sched *s, int team, int rank)
{
    xmpi_sched_send(s, team, rank, &token, 1);
}

void xmpi_sched_await(struct xmpi_sched *s, int team, int rank)
{
    xmpi_sched_recv(s, team, rank, &s->sink, 1);
}
