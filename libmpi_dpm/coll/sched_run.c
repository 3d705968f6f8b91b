/* SPDX-License-Identifier: BSD-3-Clause */
/* Running schedules: the one execution engine, for blocking calls and for requests. */
#include "coll/sched.h"

#include "abi/handles.h"
#include "coll/watch.h"
#include "request/request.h"
#include "rt/err.h"

#include <string.h>

/* Keeps the first error. */
static void note(struct xmpi_sched *s, const struct xmpi_step *st, int cls, pvmx_err err)
{
    if (s->bad.cls)
        return;
    s->bad.cls = cls;
    s->bad.err = err;
    s->bad.rank = st->rank;
    s->bad.team = st->team;
    s->bad.sent = s->bad.words = s->bad.told = false;
}

static void note_size(struct xmpi_sched *s, const struct xmpi_step *st, int cls,
                      uint64_t got, size_t want)
{
    s->failed |= s->strict;
    if (s->bad.cls)
        return;
    note(s, st, cls, PVMX_OK);
    s->bad.got = got;
    s->bad.want = want;
}

/* From a failure on this process's messages are empty. */
static void note_failure(struct xmpi_sched *s, const struct xmpi_step *st, int cls,
                         pvmx_err err)
{
    s->failed = true;
    note(s, st, cls, err);
}

/* The other process does something else. */
static void note_what(struct xmpi_sched *s, const struct xmpi_step *st, uint32_t its)
{
    s->failed = true;
    if (s->bad.cls)
        return;
    note(s, st, xmpi_what_class(its, s->watch.what), PVMX_OK);
    s->bad.words = true;
    s->bad.got = its;
    s->bad.want = s->watch.what;
}

/* An empty message: why? */
static void note_refusal(struct xmpi_sched *s, const struct xmpi_step *st)
{
    const struct xmpi_team *t = &s->team[st->team];
    struct pvmx_peer *peer;
    struct xmpi_reason why;
    bool told = xmpi_comm_peer(t->comm, st->rank, &peer) == MPI_SUCCESS &&
                xmpi_reason_hear(t->comm, peer, st->rank, t->tag, &why);
    bool first = s->bad.cls == MPI_SUCCESS;
    note_failure(s, st, told ? why.cls : XMPI_ERR_PROC_FAILED, PVMX_OK);
    s->bad.told |= told && first;
    if (told && first)
        s->bad.why = why;
}

/* Says why an empty message comes: before each, so that they make pairs. */
static void tell_reason(const struct xmpi_sched *s, const struct xmpi_team *t,
                        struct pvmx_peer *peer)
{
    struct xmpi_reason why = {.got = s->bad.got,
                              .want = s->bad.want,
                              .cls = s->bad.cls,
                              .rank = s->bad.rank,
                              .finder = t->rank,
                              .words = s->bad.words,
                              .sent = s->bad.sent};
    if (s->bad.err)
        why.cls = XMPI_ERR_PROC_FAILED;
    xmpi_reason_tell(t->comm, peer, t->rank, t->tag, s->bad.told ? &s->bad.why : &why);
}

static void note_engine(struct xmpi_sched *s, const struct xmpi_step *st, pvmx_err err)
{
    bool dead = err == PVMX_ERR_PEER_DEAD || err == PVMX_ERR_DEAD_PENDING;
    if (dead && s->empty)
        return;
    int cls = err == PVMX_ERR_REVOKED ? XMPI_ERR_REVOKED : MPI_ERR_OTHER;
    note_failure(s, st, dead ? XMPI_ERR_PROC_FAILED : cls, err);
}

/* The outcome with its sentence, for the thread that collects it. */
static int outcome(const struct xmpi_sched *s)
{
    if (s->no_mem)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for %s (%zu steps)", s->name, s->nsteps);
    if (s->bad.cls && s->bad.told)
        return xmpi_reason_error(&s->bad.why, s->name,
                                 s->team[XMPI_TEAM_MAIN].comm->inter, s->watch.len);
    if (s->bad.cls && s->bad.words)
        return xmpi_what_differs(s->bad.rank, (uint32_t)s->bad.got, (uint32_t)s->bad.want);
    switch (s->bad.cls) {
    case MPI_SUCCESS:
        return MPI_SUCCESS;
    case MPI_ERR_TRUNCATE:
    case MPI_ERR_COUNT:
        if (s->bad.sent)
            return xmpi_err(
                s->bad.cls,
                "rank %d does not expect the %zu bytes that this process sends it in %s",
                s->bad.rank, s->bad.want, s->name);
        return xmpi_err(s->bad.cls,
                        "rank %d sent %llu bytes where this process expects %zu in %s",
                        s->bad.rank, (unsigned long long)s->bad.got, s->bad.want, s->name);
    default:
        break;
    }
    if (s->bad.err)
        return xmpi_comm_error(s->team[s->bad.team].comm, s->bad.rank, s->bad.err);
    return xmpi_err(s->bad.cls, "rank %d could not do its part of %s because of another process's failure",
                    s->bad.rank, s->name);
}

static struct pvmx_view view_of(const struct xmpi_dtype *type, char *base, size_t len)
{
    return xmpi_dtype_view(type, base, (MPI_Count)(len / type->size));
}

static pvmx_err start_recv(const struct xmpi_team *t, struct xmpi_step *st,
                           struct pvmx_peer *peer)
{
    if (!st->dst_type)
        return pvmx_engine_irecv(peer, NULL, t->comm->ctx + 1, st->rank, t->tag, st->dst,
                                 st->len, &st->req);
    struct pvmx_view view = view_of(st->dst_type, st->dst, st->len);
    return pvmx_engine_irecv_view(peer, NULL, t->comm->ctx + 1, st->rank, t->tag, &view,
                                  &st->req);
}

static pvmx_err start_send(const struct xmpi_team *t, struct xmpi_step *st,
                           struct pvmx_peer *peer, bool failed)
{
    if (!st->src_type || failed)
        return pvmx_engine_isend(peer, t->comm->ctx + 1, t->rank, t->tag, st->src,
                                 failed ? 0 : st->len, PVMX_SEND_STANDARD, &st->req);
    struct pvmx_view view = view_of(st->src_type, st->src, st->len);
    return pvmx_engine_isend_view(peer, t->comm->ctx + 1, t->rank, t->tag, &view,
                                  PVMX_SEND_STANDARD, &st->req);
}

static bool receives(const struct xmpi_step *st)
{
    return st->kind == XMPI_STEP_RECV || st->kind == XMPI_STEP_HEAR;
}

static void start_message(struct xmpi_sched *s, struct xmpi_step *st)
{
    const struct xmpi_team *t = &s->team[st->team];
    struct pvmx_peer *peer;
    st->req = NULL;
    if (s->doomed && receives(st))
        return;
    if (xmpi_comm_peer(t->comm, st->rank, &peer) != MPI_SUCCESS) {
        note_engine(s, st, t->comm->revoked ? PVMX_ERR_REVOKED : PVMX_ERR_PEER_DEAD);
        return;
    }
    bool empty = !receives(st) && (s->failed || st->kind == XMPI_STEP_ALARM);
    if (empty)
        tell_reason(s, t, peer);
    pvmx_err err = receives(st) ? start_recv(t, st, peer) : start_send(t, st, peer, empty);
    if (err)
        note_engine(s, st, err);
}

/* Copies what fits of a message to oneself, which has another length only by mistake. */
static void copy(struct xmpi_sched *s, const struct xmpi_step *st)
{
    if (st->len != st->cap)
        note_size(s, st, st->len > st->cap ? MPI_ERR_TRUNCATE : MPI_ERR_COUNT, st->len,
                  st->cap);
    xmpi_span_copy((struct xmpi_span){st->dst, st->cap, st->dst_type},
                   (struct xmpi_span){st->src, st->len, st->src_type});
}

static void start_step(struct xmpi_sched *s, struct xmpi_step *st)
{
    switch (st->kind) {
    case XMPI_STEP_SEND:
    case XMPI_STEP_RECV:
    case XMPI_STEP_HEAR:
        start_message(s, st);
        break;
    case XMPI_STEP_ALARM:
        st->req = NULL;
        if (s->bad.cls)
            start_message(s, st);
        break;
    case XMPI_STEP_COPY:
        copy(s, st);
        break;
    case XMPI_STEP_REDUCE:
        if (!s->failed) /* a user's function should not see what never arrived */
            xmpi_op_apply(s->op, s->type, st->src, st->dst, (MPI_Count)st->len);
        break;
    default:
        break;
    }
}

static bool is_message(const struct xmpi_step *st)
{
    return st->kind == XMPI_STEP_SEND || st->kind == XMPI_STEP_ALARM || receives(st);
}

/* Has everything of the round that was started ended? Also called with the engine's lock held. */
static bool round_done(void *arg)
{
    struct xmpi_sched *s = arg;
    for (; s->wait < s->next; s->wait++) {
        const struct xmpi_step *st = &s->steps[s->wait];
        if (is_message(st) && st->req && !pvmx_engine_req_done(st->req))
            return false;
    }
    return true;
}

static int wrong_length(uint64_t got, uint64_t want)
{
    return got > want ? MPI_ERR_TRUNCATE : MPI_ERR_COUNT;
}

/* A word, or a message of who has chosen to do without it: its length is that process's. */
static void settle_word(struct xmpi_sched *s, const struct xmpi_step *st, uint64_t got)
{
    const struct xmpi_word *word = (const struct xmpi_word *)st->dst;
    if (got == XMPI_WORD_BYTES && word->magic == XMPI_WORD_MAGIC) {
        got = word->len;
        uint32_t what = word->what[0] | word->what[1] << 8 | (uint32_t)word->what[2] << 16;
        if (what != s->watch.what) {
            note_what(s, st, what);
            return;
        }
        if (got == s->word.len)
            return;
    } else if (got == s->word.len) {
        note_what(s, st, XMPI_WHAT_UNKNOWN);
        return;
    }
    note_size(s, st, wrong_length(got, s->word.len), got, s->word.len);
    s->failed = true;
}

static void settle_step(struct xmpi_sched *s, struct xmpi_step *st)
{
    const struct pvmx_status *got = pvmx_engine_req_status(st->req);
    bool recv = receives(st);
    bool whole = !got->error || got->error == PVMX_ERR_TRUNCATE;
    if (got->cancelled)
        recv = false; /* noted when it was given up */
    else if (st->kind == XMPI_STEP_HEAR && whole && got->length > 0)
        settle_word(s, st, got->length);
    else if (got->error == PVMX_ERR_TRUNCATE)
        note_size(s, st, MPI_ERR_TRUNCATE, got->length, st->len);
    else if (got->error)
        note_engine(s, st, got->error);
    else if (recv && got->length == 0)
        note_refusal(s, st);
    else if (recv && got->length < st->len)
        note_size(s, st, MPI_ERR_COUNT, got->length, st->len);
    pvmx_engine_req_free(st->req);
    st->req = NULL;
}

/* Gives up those messages of the round of which it is sure that the other process never receives or
 * sends them. What is left of the schedule says so to those who wait for this process. */
static void give_up(struct xmpi_sched *s)
{
    pvmx_engine_lock();
    atomic_store_explicit(&s->watch.doubted, false, memory_order_relaxed);
    for (size_t k = s->first; k < s->next; k++) {
        const struct xmpi_step *st = &s->steps[k];
        if (!is_message(st) || !st->req || st->doubt != XMPI_DOUBT_SURE ||
            pvmx_engine_req_done(st->req))
            continue;
        bool sent = !receives(st), first = s->bad.cls == MPI_SUCCESS;
        if (s->watch.told_what)
            note_what(s, st, s->watch.told_what);
        bool lengths = s->watch.told != s->watch.len && s->watch.told > 0;
        uint64_t got = lengths ? s->watch.told : 0;
        size_t want = lengths ? s->watch.len : st->len;
        note_size(s, st, sent && !lengths ? MPI_ERR_TRUNCATE : wrong_length(got, want),
                  got, want);
        if (first && !s->bad.words)
            s->bad.sent = sent && !lengths;
        s->failed = s->doomed = true;
        pvmx_engine_req_cancel(st->req);
    }
    pvmx_engine_unlock();
}

/* The round has ended, or something has been heard that ends it. */
static bool round_stirred(void *arg)
{
    struct xmpi_sched *s = arg;
    return round_done(s) || atomic_load_explicit(&s->watch.doubted, memory_order_relaxed);
}

static void settle_round(struct xmpi_sched *s)
{
    for (size_t k = s->first; k < s->next; k++)
        if (is_message(&s->steps[k]) && s->steps[k].req)
            settle_step(s, &s->steps[k]);
    s->first = s->wait = s->next;
}

static bool is_fence(const struct xmpi_step *st)
{
    return st->kind == XMPI_STEP_FENCE || st->kind == XMPI_STEP_GATE;
}

/* Goes on as far as possible without waiting; true: at the end. */
static bool advance(struct xmpi_sched *s)
{
    for (;;) {
        while (s->next < s->nsteps && !is_fence(&s->steps[s->next]))
            start_step(s, &s->steps[s->next++]);
        if (atomic_load_explicit(&s->watch.doubted, memory_order_acquire))
            give_up(s);
        if (!round_done(s))
            return false;
        settle_round(s);
        bool shut =
            s->bad.cls && s->next < s->nsteps && s->steps[s->next].kind == XMPI_STEP_GATE;
        if (shut || s->next == s->nsteps)
            return true;
        s->next++; /* the fence */
        s->first = s->wait = s->next;
    }
}

int xmpi_sched_run(struct xmpi_sched *s)
{
    xmpi_watch_begin(s, false);
    /* Without memory the steps are not complete and none was started. */
    while (!s->no_mem && !advance(s)) {
        pvmx_err err = xmpi_watch_wait(round_stirred, s, s);
        if (err) /* the requests keep their buffers: the block is lost rather than reused */
            return xmpi_err_engine(err);
    }
    int cls = outcome(s);
    xmpi_sched_put(s);
    return cls;
}

static unsigned progress(struct pvmx_hook *hook)
{
    struct xmpi_sched *s =
        (struct xmpi_sched *)((char *)hook - offsetof(struct xmpi_sched, hook));
    size_t before = s->next;
    bool end = advance(s);
    unsigned moved = end || s->next != before;
    if (end) {
        pvmx_engine_hook_remove(hook);
        xmpi_watch_complete(s);
        atomic_store_explicit(&s->complete, true, memory_order_release);
    } else {
        xmpi_watch_look(s);
    }
    return moved;
}

static bool request_done(const struct xmpi_request *req)
{
    const struct xmpi_sched *s = req->state;
    return atomic_load_explicit(&s->complete, memory_order_acquire);
}

static int request_finish(struct xmpi_request *req)
{
    req->status = (struct pvmx_status){.source = MPI_ANY_SOURCE, .tag = MPI_ANY_TAG};
    return outcome(req->state);
}

static void request_destroy(struct xmpi_request *req)
{
    xmpi_sched_put(req->state);
    req->state = NULL;
}

/* One round of a persistent one, or the only one of another. */
static int request_start(struct xmpi_request *req)
{
    struct xmpi_sched *s = req->state;
    s->first = s->next = s->wait = 0;
    s->failed = s->doomed = false;
    s->bad.cls = MPI_SUCCESS;
    pvmx_engine_lock();
    atomic_store_explicit(&s->complete, false, memory_order_relaxed);
    xmpi_watch_begin(s, true);
    if (advance(s)) {
        xmpi_watch_complete(s);
        atomic_store_explicit(&s->complete, true, memory_order_release);
    } else {
        pvmx_engine_hook_add(&s->hook);
    }
    pvmx_engine_unlock();
    return MPI_SUCCESS;
}

static const struct xmpi_req_ops coll_ops = {
    .done = request_done,
    .finish = request_finish,
    .destroy = request_destroy,
    .start = request_start,
};

int xmpi_sched_start(struct xmpi_sched *s, struct xmpi_form form)
{
    struct xmpi_request *req;
    int cls = s->no_mem
                  ? outcome(s)
                  : xmpi_request_new(form.persistent ? XMPI_REQ_PERSIST_COLL : XMPI_REQ_COLL,
                                     s->team[0].comm, &req);
    if (cls) {
        xmpi_sched_put(s);
        return cls;
    }
    req->ops = &coll_ops;
    req->state = s;
    s->hook.fn = progress;
    if (!form.persistent) {
        xmpi_request_activate(req);
        request_start(req);
    }
    *form.request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}
