/* SPDX-License-Identifier: BSD-3-Clause */
/* Building schedules, and the cache of schedule blocks: the steady state allocates nothing. */
#include "coll/sched.h"

#include "coll/coll.h"
#include "coll/watch.h"

#include <pvmx/engine/board.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Blocks kept for the next collective: a few in progress at a time is what programs do. */
    CACHE_MAX = 8,
    /* Longer spans are streamed for each message: staging them would cost memory and cache. */
    PACKED_MAX = 64 * 1024,
};

static struct xmpi_sched *cache; /* engine lock */
static unsigned cached;

/* Every collective has a number, over a board or not, so that processes that do different things
 * count alike. */
static uint32_t take_number(struct xmpi_comm *comm, uint32_t what, enum xmpi_turn turn)
{
    if (!comm->board)
        return atomic_fetch_add_explicit(&comm->coll_seq, 1, memory_order_relaxed);
    uint64_t begun = turn == XMPI_TURN_PRESENT ? pvmx_engine_board_count(comm->board)
                                               : pvmx_engine_board_skip(comm->board, what);
    return atomic_load_explicit(&comm->coll_seq, memory_order_relaxed) + (uint32_t)begun - 1;
}

static uint32_t next_tag(struct xmpi_comm *comm, uint32_t what, enum xmpi_turn turn)
{
    if (turn == XMPI_TURN_PERSISTENT)
        return XMPI_TAG_PERSIST |
               (atomic_fetch_add_explicit(&comm->persist_seq, 1, memory_order_relaxed) &
                XMPI_TAG_USER_MASK);
    if (comm->opening)
        return XMPI_TAG_OPEN | (atomic_load_explicit(&comm->coll_seq, memory_order_relaxed) &
                                XMPI_TAG_COLL_MASK);
    uint32_t number = take_number(comm, what, turn) & XMPI_TAG_COLL_MASK;
    comm->by_messages = number + 1;
    return number | (turn == XMPI_TURN_PRESENT ? XMPI_TAG_LEFT : 0);
}

static void team_init(struct xmpi_team *t, struct xmpi_comm *comm, uint32_t what,
                      enum xmpi_turn turn)
{
    t->comm = comm;
    t->rank = comm->rank;
    t->size = comm->remote->size;
    t->tag = (int32_t)next_tag(comm, what, turn);
}

/* From the cache or new; NULL without memory. Leaves with the engine's lock held. */
static struct xmpi_sched *block_locked(void)
{
    pvmx_engine_lock();
    struct xmpi_sched *s = cache;
    if (s) {
        cache = s->cached;
        cached--;
        return s;
    }
    pvmx_engine_unlock();
    if (posix_memalign((void **)&s, 64, sizeof *s) != 0)
        s = NULL;
    if (s) {
        s->steps = s->own_steps;
        s->cap = XMPI_SCHED_STEPS;
    }
    pvmx_engine_lock();
    return s;
}

struct xmpi_sched *xmpi_sched_get(struct xmpi_comm *comm, const char *name, uint32_t what,
                                  enum xmpi_turn turn)
{
    struct xmpi_sched *s = block_locked();
    if (s) {
        /* Who asks finds the schedule from the moment on when its number is taken. */
        team_init(&s->team[XMPI_TEAM_MAIN], comm, what, turn);
        s->team[XMPI_TEAM_LOCAL].comm = NULL;
        if (comm->inter)
            team_init(&s->team[XMPI_TEAM_LOCAL], comm->local_comm, what, turn);
        s->watch.what = what;
        xmpi_watch_add(s);
    }
    pvmx_engine_unlock();
    if (!s)
        return NULL;
    s->name = name;
    s->op = NULL;
    s->type = NULL;
    s->nsteps = s->first = s->next = s->wait = 0;
    s->no_mem = s->failed = s->strict = s->empty = s->doomed = false;
    s->word = (struct xmpi_word){.magic = 0};
    s->bad.cls = MPI_SUCCESS;
    s->more = NULL;
    s->held = NULL;
    s->room_used = 0;
    atomic_store_explicit(&s->complete, false, memory_order_relaxed);
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
    for (struct xmpi_sched_held *h = s->held; h; h = h->next)
        xmpi_dtype_release(h->type);
    while (s->more) {
        struct xmpi_sched_more *m = s->more;
        s->more = m->next;
        free(m);
    }
    if (s->op)
        xmpi_op_release(s->op);
    pvmx_engine_lock();
    xmpi_watch_remove(s);
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

void xmpi_coll_start(void)
{
    xmpi_watch_start();
}

void xmpi_coll_stop(void)
{
    xmpi_watch_stop();
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

void xmpi_sched_send(struct xmpi_sched *s, int team, int rank, struct xmpi_span from)
{
    if (from.len > 0)
        add(s, (struct xmpi_step){.kind = XMPI_STEP_SEND,
                                  .team = (uint8_t)team,
                                  .rank = rank,
                                  .src = from.base,
                                  .src_type = from.type,
                                  .len = from.len});
}

void xmpi_sched_recv(struct xmpi_sched *s, int team, int rank, struct xmpi_span to)
{
    if (to.len > 0)
        add(s, (struct xmpi_step){.kind = XMPI_STEP_RECV,
                                  .team = (uint8_t)team,
                                  .rank = rank,
                                  .dst = to.base,
                                  .dst_type = to.type,
                                  .len = to.len});
}

void xmpi_sched_copy(struct xmpi_sched *s, struct xmpi_span to, struct xmpi_span from)
{
    if (to.len != from.len || (from.len > 0 && to.base != from.base))
        add(s, (struct xmpi_step){.kind = XMPI_STEP_COPY,
                                  .rank = s->team[XMPI_TEAM_MAIN].rank,
                                  .src = from.base,
                                  .src_type = from.type,
                                  .dst = to.base,
                                  .dst_type = to.type,
                                  .len = from.len,
                                  .cap = to.len});
}

void xmpi_sched_reduce(struct xmpi_sched *s, const void *in, void *inout, MPI_Count count)
{
    if (count > 0)
        add(s, (struct xmpi_step){.kind = XMPI_STEP_REDUCE,
                                  .src = (char *)(uintptr_t)in,
                                  .dst = inout,
                                  .len = (size_t)count});
}

void xmpi_sched_fence(struct xmpi_sched *s)
{
    add(s, (struct xmpi_step){.kind = XMPI_STEP_FENCE});
}

void xmpi_sched_hear(struct xmpi_sched *s, int rank, struct xmpi_word *room)
{
    add(s, (struct xmpi_step){.kind = XMPI_STEP_HEAR,
                              .rank = rank,
                              .dst = (char *)room,
                              .len = XMPI_WORD_BYTES});
}

void xmpi_sched_alarm(struct xmpi_sched *s, int rank)
{
    add(s, (struct xmpi_step){.kind = XMPI_STEP_ALARM, .rank = rank});
}

void xmpi_sched_gate(struct xmpi_sched *s)
{
    add(s, (struct xmpi_step){.kind = XMPI_STEP_GATE});
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

struct xmpi_span xmpi_sched_packed(struct xmpi_sched *s, struct xmpi_span from)
{
    if (!from.type || from.len > PACKED_MAX)
        return from;
    struct xmpi_span packed = xmpi_bytes(xmpi_sched_room(s, from.len), from.len);
    if (s->no_mem)
        return from;
    xmpi_sched_copy(s, packed, from);
    return packed;
}

void xmpi_sched_hold(struct xmpi_sched *s, const struct xmpi_dtype *type)
{
    if (!type || type->obj.predef)
        return;
    struct xmpi_sched_held *h = xmpi_sched_room(s, sizeof *h);
    if (!h)
        return;
    h->type = (struct xmpi_dtype *)(uintptr_t)type;
    xmpi_dtype_hold(h->type);
    h->next = s->held;
    s->held = h;
}

/* One byte, since an empty message means failure. */
static const char token = 1;

void xmpi_sched_signal(struct xmpi_sched *s, int team, int rank)
{
    xmpi_sched_send(s, team, rank, xmpi_bytes(&token, 1));
}

void xmpi_sched_await(struct xmpi_sched *s, int team, int rank)
{
    xmpi_sched_recv(s, team, rank, xmpi_bytes(&s->sink, 1));
}
