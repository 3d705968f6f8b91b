/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions about messages of collectives that do not come: see watch.h. */
#include "coll/watch.h"

#include "coll/algo.h"

#include <pvmx/engine/board.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/post.h>
#include <pvmx/engine/req.h>
#include <string.h>
#include <time.h>

enum {
    WATCH_CTX = 4, /* the engine's context whose posts come here */
    LOOKS = 4096,  /* rounds of progress between two looks at the clock */
    GONE = 64,     /* communicators that are remembered after they have been freed */
    DOUBLINGS_PATIENT = 5 /* the time between two questions grows 32-fold */
};
#define MS UINT64_C(1000000)

uint64_t xmpi_watch_first = 200 * MS;

enum state { STATE_NOT_YET, STATE_RUNNING, STATE_ENDED };

struct talk {
    uint64_t ctx; /* with tag: which collective */
    int32_t tag;
    uint32_t round;
    int32_t asker, asked; /* ranks, each in its local group */
    uint32_t answer;      /* 0: a question */
    /* Of the one who says this: */
    uint32_t state, what;
    uint32_t sends, recvs; /* steps of its schedule with the other one */
    uint64_t len;
};

static struct xmpi_sched *all; /* this and the following: engine lock */
static uint64_t gone[GONE];
static unsigned ngone;
static _Atomic unsigned hooked;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

/* ---- which schedules there are ----------------------------------------------------- */

void xmpi_watch_add(struct xmpi_sched *s)
{
    atomic_init(&s->watch.round, 0);
    atomic_init(&s->watch.doubted, false);
    s->watch.hooked = s->watch.marked = false;
    s->watch.next = all;
    s->watch.pprev = &all;
    if (all)
        all->watch.pprev = &s->watch.next;
    all = s;
}

void xmpi_watch_remove(struct xmpi_sched *s)
{
    *s->watch.pprev = s->watch.next;
    if (s->watch.next)
        s->watch.next->watch.pprev = s->watch.pprev;
}

void xmpi_watch_begin(struct xmpi_sched *s, bool is_hooked)
{
    s->watch.due = 0;
    s->watch.looks = 0;
    s->watch.told_what = 0;
    s->watch.hooked = is_hooked;
    if (is_hooked)
        atomic_fetch_add_explicit(&hooked, 1, memory_order_relaxed);
    for (size_t k = 0; s->watch.marked && k < s->nsteps; k++)
        s->steps[k].doubt = XMPI_DOUBT_NONE;
    s->watch.marked = false;
    atomic_store_explicit(&s->watch.doubted, false, memory_order_relaxed);
    uint32_t round = atomic_load_explicit(&s->watch.round, memory_order_relaxed);
    atomic_store_explicit(&s->watch.round, round + 1, memory_order_release);
}

void xmpi_watch_complete(struct xmpi_sched *s)
{
    s->watch.hooked = false;
    atomic_fetch_sub_explicit(&hooked, 1, memory_order_relaxed);
}

void xmpi_watch_gone(const struct xmpi_comm *comm)
{
    pvmx_engine_lock();
    gone[ngone++ % GONE] = comm->ctx;
    pvmx_engine_unlock();
}

/* *team: which of its two it is. */
static struct xmpi_sched *find(const struct talk *m, int *team)
{
    for (struct xmpi_sched *s = all; s; s = s->watch.next)
        for (*team = 0; *team < 2; ++*team) {
            const struct xmpi_team *t = &s->team[*team];
            if (t->comm && t->comm->ctx == m->ctx && t->tag == m->tag)
                return s;
        }
    return NULL;
}

static struct xmpi_comm *find_comm(uint64_t ctx)
{
    for (struct xmpi_comm *c = xmpi_comm_first(); c; c = c->next) {
        if (c->ctx == ctx)
            return c;
        if (c->local_comm && c->local_comm->ctx == ctx)
            return c->local_comm;
    }
    return NULL;
}

static bool is_persistent(int32_t tag)
{
    return tag >> 28 == XMPI_TAG_PERSIST >> 28;
}

static uint32_t number_of(int32_t tag)
{
    return (uint32_t)tag & XMPI_TAG_COLL_MASK;
}

/* Of what opens a board, or is left to messages by one. */
static bool has_board(int32_t tag)
{
    return !is_persistent(tag) && (tag & (XMPI_TAG_OPEN | XMPI_TAG_LEFT));
}

/* How many collectives have been begun from the one on that has this tag; 0: not even that. */
static uint32_t begun_since(const struct xmpi_comm *c, int32_t tag)
{
    bool persist = is_persistent(tag);
    uint32_t mask = persist ? XMPI_TAG_USER_MASK : XMPI_TAG_COLL_MASK;
    uint32_t next = atomic_load_explicit(persist ? &c->persist_seq : &c->coll_seq,
                                         memory_order_relaxed);
    if (c->board && !persist)
        next += (uint32_t)pvmx_engine_board_count(c->board);
    uint32_t since = (next - (uint32_t)tag) & mask;
    return since <= mask / 2 ? since : 0;
}

/* What this process does or did in the collective of a number that has been taken: known when it goes
 * over the board here, while the one who asks waits for a message, or went by messages. 0: not known. */
static uint32_t what_was(const struct xmpi_comm *c, int32_t tag, uint32_t since)
{
    if (!c->board || is_persistent(tag))
        return XMPI_WHAT_UNKNOWN;
    uint64_t count = pvmx_engine_board_count(c->board);
    if (since > count || since > PVMX_BOARD_DEPTH)
        return XMPI_WHAT_UNKNOWN;
    uint32_t what = pvmx_engine_board_skipped(c->board, c->rank, count - since + 1);
    bool over_board = !what && !has_board(tag);
    return over_board ? XMPI_WHAT_ANOTHER : what;
}

static bool is_opening(int32_t tag)
{
    return !is_persistent(tag) && (tag & XMPI_TAG_OPEN);
}

/* Does this process open the board for the collective with the number of this tag? */
static bool opens(const struct xmpi_comm *c, int32_t tag)
{
    uint32_t next = atomic_load_explicit(&c->coll_seq, memory_order_relaxed);
    return c->opening && !is_persistent(tag) &&
           number_of(tag) == (next & XMPI_TAG_COLL_MASK);
}

/* Has the collective, which has no schedule, begun? m->what and *what: what the other process does, and
 * this one, as what_was. */
static bool has_been(const struct talk *m, uint32_t *what)
{
    const struct xmpi_comm *c = find_comm(m->ctx);
    if (c && opens(c, m->tag)) { /* who does the same and needs no board will find out */
        bool unlike = !has_board(m->tag) && m->what != c->opening;
        *what = c->opening;
        return unlike;
    }
    for (int k = 0; !c && k < GONE; k++)
        if (gone[k] == m->ctx)
            return true;
    uint32_t since = c ? begun_since(c, m->tag) : 0;
    if (!since)
        return false;
    *what = what_was(c, m->tag, since);
    /* The board's part of it may yet lead to messages. */
    return since > 1 || !has_board(m->tag) || c->by_messages == number_of(m->tag) + 1;
}

/* ---- steps ------------------------------------------------------------------------- */

static bool is_recv(const struct xmpi_step *st)
{
    return st->kind == XMPI_STEP_RECV || st->kind == XMPI_STEP_HEAR;
}

static bool is_with(const struct xmpi_step *st, int team, int rank)
{
    bool message = is_recv(st) || st->kind == XMPI_STEP_SEND || st->kind == XMPI_STEP_ALARM;
    return message && st->team == team && st->rank == rank;
}

/* alarms: count messages too that are sent in case of an error only. */
static void count(const struct xmpi_sched *s, int team, int rank, bool alarms,
                  uint32_t *sends, uint32_t *recvs)
{
    *sends = *recvs = 0;
    for (size_t k = 0; k < s->nsteps; k++) {
        const struct xmpi_step *st = &s->steps[k];
        if (!is_with(st, team, rank) || (st->kind == XMPI_STEP_ALARM && !alarms))
            continue;
        ++*(is_recv(st) ? recvs : sends);
    }
}

/* Has each process of this collective the same length? */
static bool one_length(const struct xmpi_sched *s)
{
    switch (s->watch.kind) {
    case XMPI_COLL_BCAST:
    case XMPI_COLL_REDUCE:
    case XMPI_COLL_ALLREDUCE:
    case XMPI_COLL_REDUCE_SCATTER_BLOCK:
    case XMPI_COLL_REDUCE_SCATTER:
    case XMPI_COLL_SCAN:
    case XMPI_COLL_EXSCAN:
    case XMPI_COLL_GATHER:
    case XMPI_COLL_SCATTER:
    case XMPI_COLL_ALLGATHER:
    case XMPI_COLL_ALLTOALL:
        return !s->team[XMPI_TEAM_LOCAL].comm;
    default:
        return false;
    }
}

/* ---- answers ----------------------------------------------------------------------- */

/* What an answer says about a message of the own schedule. other: what is done, or its length, differs. */
static enum xmpi_doubt doubt_of(const struct xmpi_step *st, const struct talk *m,
                                bool other, uint32_t sends, uint32_t recvs)
{
    if (other)
        return XMPI_DOUBT_SURE;
    if (m->state == STATE_ENDED)
        return st->doubt == XMPI_DOUBT_NONE ? XMPI_DOUBT_ENDED : XMPI_DOUBT_SURE;
    if (is_recv(st) ? recvs > m->sends : sends > m->recvs)
        return XMPI_DOUBT_SURE;
    return (enum xmpi_doubt)st->doubt;
}

/* Who has left the collective behind, without the board as it seems, never opens it. */
static void hear_of_opening(const struct talk *m)
{
    struct xmpi_comm *c = find_comm(m->ctx);
    if (c && m->state == STATE_ENDED && is_opening(m->tag) && opens(c, m->tag))
        c->opening_in_vain = true;
}

/* What process `whose` says of itself. */
static void hear(const struct talk *m, int whose)
{
    int team;
    uint32_t sends, recvs;
    struct xmpi_sched *s = find(m, &team);
    if (!s)
        hear_of_opening(m);
    if (!s || m->state == STATE_NOT_YET ||
        atomic_load_explicit(&s->watch.round, memory_order_acquire) != m->round ||
        atomic_load_explicit(&s->complete, memory_order_relaxed))
        return;
    bool running = m->state == STATE_RUNNING;
    bool unlike = (running || m->what) && m->what != s->watch.what;
    bool other = unlike || (running && one_length(s) && m->len != s->watch.len);
    count(s, team, whose, false, &sends, &recvs);
    bool sure = false;
    for (size_t k = 0; k < s->nsteps; k++) {
        struct xmpi_step *st = &s->steps[k];
        if (!is_with(st, team, whose))
            continue;
        st->doubt = (uint8_t)doubt_of(st, m, other, sends, recvs);
        sure |= st->doubt == XMPI_DOUBT_SURE;
    }
    s->watch.marked = true;
    if (!sure)
        return;
    s->watch.told = other ? m->len : 0;
    s->watch.told_what = unlike ? m->what : 0;
    atomic_store_explicit(&s->watch.doubted, true, memory_order_release);
}

static void answer(pvmx_tid from, const struct talk *question)
{
    struct talk m = *question;
    struct pvmx_peer *peer;
    int team;
    const struct xmpi_sched *s = find(&m, &team);
    m.answer = 1;
    m.state = STATE_NOT_YET;
    if (s) {
        uint32_t round = atomic_load_explicit(&s->watch.round, memory_order_acquire);
        bool over = atomic_load_explicit(&s->complete, memory_order_relaxed);
        if (round == m.round && !over) {
            m.state = STATE_RUNNING;
            m.what = s->watch.what;
            m.len = s->watch.len;
            count(s, team, m.asker, true, &m.sends, &m.recvs);
        } else if (round >= m.round) {
            m.state = STATE_ENDED;
        }
    } else {
        m.what = XMPI_WHAT_UNKNOWN;
        if (has_been(question, &m.what))
            m.state = STATE_ENDED;
    }
    if (pvmx_engine_peer_get(from, &peer) != PVMX_OK)
        return;
    pvmx_engine_post(peer, WATCH_CTX, 0, &m, sizeof m); /* else it is asked again */
    pvmx_engine_peer_put(peer);
    if (m.state == STATE_RUNNING) /* else this one would hear that the asker has ended */
        hear(question, question->asker);
}

static pvmx_err listen(void *arg, pvmx_tid from, int32_t tag, const void *bytes, size_t len)
{
    struct talk m;
    (void)arg;
    (void)tag;
    if (len != sizeof m)
        return PVMX_OK;
    memcpy(&m, bytes, sizeof m);
    /* Meetings of one name have one context, one after the other: it is not known which one is meant. */
    if (m.ctx & XMPI_CTX_MEETING)
        return PVMX_OK;
    if (m.answer)
        hear(&m, m.asked);
    else if (!pvmx_engine_is_revoked(m.ctx)) /* the asker hears of that, and nothing else is to be said */
        answer(from, &m);
    return PVMX_OK;
}

void xmpi_watch_start(void)
{
    pvmx_engine_sink(WATCH_CTX, listen, NULL);
}

void xmpi_watch_stop(void)
{
    pvmx_engine_sink(WATCH_CTX, NULL, NULL);
}

/* ---- questions --------------------------------------------------------------------- */

static bool is_pending(const struct xmpi_step *st)
{
    return (is_recv(st) || st->kind == XMPI_STEP_SEND || st->kind == XMPI_STEP_ALARM) &&
           st->req && !pvmx_engine_req_done(st->req);
}

static bool asked_before(const struct xmpi_sched *s, size_t n)
{
    const struct xmpi_step *st = &s->steps[n];
    for (size_t k = s->first; k < n; k++)
        if (is_with(&s->steps[k], st->team, st->rank) && is_pending(&s->steps[k]))
            return true;
    return false;
}

/* By the thread that runs it. */
static void ask(const struct xmpi_sched *s)
{
    for (size_t k = s->first; k < s->next; k++) {
        const struct xmpi_step *st = &s->steps[k];
        struct pvmx_peer *peer;
        if (!is_pending(st) || asked_before(s, k))
            continue;
        const struct xmpi_team *t = &s->team[st->team];
        if (xmpi_comm_peer(t->comm, st->rank, &peer) != MPI_SUCCESS)
            continue;
        struct talk m = {
            .ctx = t->comm->ctx,
            .tag = t->tag,
            .round = atomic_load_explicit(&s->watch.round, memory_order_relaxed),
            .asker = t->rank,
            .asked = st->rank,
            .state = STATE_RUNNING,
            .what = s->watch.what,
            .len = s->watch.len,
        };
        count(s, st->team, st->rank, true, &m.sends, &m.recvs);
        pvmx_engine_post(peer, WATCH_CTX, 0, &m, sizeof m);
    }
}

bool xmpi_watch_opening(struct xmpi_comm *comm, const struct pvmx_board *board)
{
    pvmx_engine_lock();
    bool in_vain = comm->opening_in_vain || comm->revoked;
    struct pvmx_peer *peer;
    struct talk m = {
        .ctx = comm->ctx,
        .tag = (int32_t)(XMPI_TAG_OPEN | (atomic_load(&comm->coll_seq) & XMPI_TAG_COLL_MASK)),
        .round = 1,
        .asker = comm->rank,
        .state = STATE_NOT_YET, /* about messages it says nothing */
        .what = comm->opening,
    };
    for (m.asked = 0; !in_vain && m.asked < comm->size; m.asked++)
        if (!pvmx_engine_board_has(board, m.asked, false) &&
            xmpi_comm_peer(comm, m.asked, &peer) == MPI_SUCCESS)
            pvmx_engine_post(peer, WATCH_CTX, 0, &m, sizeof m);
    pvmx_engine_unlock();
    return in_vain;
}

/* waited: long enough for a first question. */
static void look(struct xmpi_sched *s, bool waited)
{
    uint64_t t = now();
    if (s->watch.due == 0) {
        s->watch.patience = xmpi_watch_first;
        s->watch.due = waited ? t : t + xmpi_watch_first;
    }
    if (t < s->watch.due)
        return;
    ask(s);
    s->watch.due = t + s->watch.patience;
    if (s->watch.patience < xmpi_watch_first << DOUBLINGS_PATIENT)
        s->watch.patience *= 2;
}

void xmpi_watch_look(struct xmpi_sched *s)
{
    if (__builtin_expect(++s->watch.looks % LOOKS == 0, 0))
        look(s, false);
}

pvmx_err xmpi_watch_wait(bool (*done)(void *arg), void *arg, struct xmpi_sched *own)
{
    if (!own && atomic_load_explicit(&hooked, memory_order_relaxed) == 0)
        return pvmx_engine_wait_until(done, arg, UINT64_MAX);
    for (uint64_t patience = xmpi_watch_first;;) {
        pvmx_err err = pvmx_engine_wait_until(done, arg, now() + patience);
        if (err != PVMX_ERR_TIMEDOUT)
            return err;
        if (own)
            look(own, true);
        pvmx_engine_lock();
        for (struct xmpi_sched *s = all; s; s = s->watch.next)
            if (s->watch.hooked)
                look(s, true);
        pvmx_engine_unlock();
        if (patience < xmpi_watch_first << DOUBLINGS_PATIENT)
            patience += patience / 2;
    }
}
