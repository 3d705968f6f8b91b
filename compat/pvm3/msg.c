/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that have arrived: kept in order, matched by source, tag and context or by the program's own
 * function. */
#include "msg.h"

#include "notify.h"
#include "output.h"
#include "rm.h"
#include "trace.h"
#include "waiting.h"
#include "wire.h"

#include "base/clock.h"
#include <pvmx/engine/req.h>
#include <stdlib.h>
#include <string.h>

/* A message is fresh until a receive comes to it: only then handlers see it, so that one that an earlier
 * message has led to is there in time. Those that it passes over are waiting.c's. */
static struct px_list fresh = {&fresh, &fresh};
static unsigned long arrivals, told;
static bool starved; /* there was no memory for a message, which the engine keeps and will offer again */
static int default_match(int id, int tid, int tag);
static int (*matcher)(int, int, int) = default_match;

static void enqueue(struct p3_buf *b)
{
    b->queued = true;
    px_list_push_back(&fresh, &b->node);
    arrivals++;
}

unsigned long p3_msg_arrivals(void)
{
    return arrivals + told;
}

void p3_msg_news(void)
{
    told++;
}

void p3_msg_arrived(struct p3_buf *b)
{
    enqueue(b);
}

void p3_daemon_says(struct p3_buf *b, int cc, int tag, int wid)
{
    if (cc != PvmOk) {
        if (b)
            p3_buf_free(b);
        return;
    }
    b->src = P3_DAEMON;
    b->dst = pvmmytid;
    b->tag = tag;
    b->wid = wid;
    p3_msg_arrived(b);
}

static pvmx_err take_bytes(struct p3_buf *b, const void *bytes, size_t len)
{
    char *room = p3_buf_room(b, len);
    if (!room)
        return PVMX_ERR_NOMEM;
    memcpy(room, bytes, len);
    b->len = len;
    return PVMX_OK;
}

static pvmx_err take_loan(struct p3_buf *b, pvmx_tid from, const void *bytes, size_t len)
{
    struct p3_loan l;
    if (len != sizeof l)
        return PVMX_ERR_PROTO;
    memcpy(&l, bytes, sizeof l);
    pvmx_err err = pvmx_engine_block_open(from, &l.loan, l.len, &b->lent);
    if (err)
        return err;
    b->data = (char *)(uintptr_t)b->lent.data;
    b->len = b->cap = l.len;
    return PVMX_OK;
}

static pvmx_err take_fetch(struct p3_buf *b, pvmx_tid from, const void *bytes, size_t len)
{
    struct p3_fetch f;
    struct pvmx_peer *peer;
    if (len != sizeof f)
        return PVMX_ERR_PROTO;
    memcpy(&f, bytes, sizeof f);
    char *mem = malloc(sizeof(struct p3_head) + f.len);
    if (!mem)
        return PVMX_ERR_NOMEM;
    free(b->mem);
    b->mem = mem;
    b->data = mem + sizeof(struct p3_head);
    b->cap = f.len;
    pvmx_err err = pvmx_engine_peer_get(from, &peer);
    if (err)
        return err;
    err = pvmx_engine_irecv(peer, NULL, P3_CTX_DATA, from, f.number, b->data, f.len,
                            &b->fetch);
    pvmx_engine_peer_put(peer);
    b->len = f.len;
    return err;
}

pvmx_err p3_msg_sink(void *arg, pvmx_tid from, int32_t tag, const void *bytes, size_t len)
{
    struct p3_head h;
    (void)arg;
    if (len < sizeof h)
        return PVMX_ERR_PROTO;
    memcpy(&h, bytes, sizeof h);
    struct p3_buf *b = p3_buf_new(h.form == P3_XDR ? PvmDataDefault : PvmDataRaw);
    if (!b) {
        starved = true;
        return PVMX_ERR_NOMEM;
    }
    b->ctx = h.ctx;
    b->wid = h.wid;
    b->src = from;
    b->tag = tag;
    b->dst = pvmmytid;
    bytes = (const char *)bytes + sizeof h;
    len -= sizeof h;
    pvmx_err err = h.kind == P3_KIND_BYTES   ? take_bytes(b, bytes, len)
                   : h.kind == P3_KIND_LOAN  ? take_loan(b, from, bytes, len)
                   : h.kind == P3_KIND_FETCH ? take_fetch(b, from, bytes, len)
                                             : PVMX_ERR_PROTO;
    if (err) {
        starved = starved || err == PVMX_ERR_NOMEM;
        p3_buf_free(b);
        return err;
    }
    if (h.flags & P3_AS_DAEMON)
        b->src = P3_DAEMON;
    if (h.flags & P3_NEWTASK)
        b->newtask = from;
    if (!p3_rm_answer(b) && !p3_output_told(b))
        enqueue(b);
    if (h.flags & P3_DIRECT && p3.opt[PvmRoute] != PvmDontRoute)
        p3_notify_route(from);
    return PVMX_OK;
}

/* The next one that no handler takes, on no list; NULL: there is none. */
static struct p3_buf *next_fresh(void)
{
    struct px_list *node;
    while ((node = px_list_pop(&fresh)) != NULL) {
        struct p3_buf *b = px_container_of(node, struct p3_buf, node);
        if (p3_handlers() && p3_handler_take(b))
            continue;
        if (b->src == P3_DAEMON)
            p3_rm_seen(b);
        if (b->newtask)
            p3_trace_seen(b);
        return b;
    }
    return NULL;
}

/* ---- matching */

static inline bool fits(const struct p3_buf *b, int tid, int tag)
{
    return b->ctx == pvmmyctx && (tid == -1 || b->src == tid) &&
           (tag == -1 || b->tag == tag);
}

/* What pvm_recvf returns before any other was set. */
static int default_match(int id, int tid, int tag)
{
    const struct p3_buf *b = p3_buf_find(id);
    return b && fits(b, tid, tag);
}

/* By the program's function: the first with 1, else the best of those above; < 0 ends the search. */
static struct p3_buf *match_user(int tid, int tag, int *err)
{
    struct p3_buf *best = NULL;
    int high = 0;
    px_list_foreach(it, p3_waiting_all()) {
        struct p3_buf *b = px_container_of(it, struct p3_buf, node);
        int pending = p3_trace_suspend(-1, NULL, 0);
        int id = p3_buf_name(b), v = id < 0 ? id : matcher(id, tid, tag);
        p3_trace_resume(pending);
        if (v < 0) {
            *err = v;
            return NULL;
        }
        if (v == 1)
            return b;
        if (v > high) {
            high = v;
            best = b;
        }
    }
    return best;
}

static struct p3_buf *match(int tid, int tag, int *err)
{
    struct p3_buf *b;
    if (p3_notify_pending())
        p3_notify_deliver();
    if (matcher != default_match) {
        while ((b = next_fresh()) != NULL)
            p3_waiting_add(b);
        return match_user(tid, tag, err);
    }
    b = p3_waiting_find(pvmmyctx, tid, tag);
    if (b)
        return b;
    while ((b = next_fresh()) != NULL && !fits(b, tid, tag))
        p3_waiting_add(b);
    return b;
}

static bool news(void *arg)
{
    return arrivals != *(unsigned long *)arg || p3_notify_pending() || starved;
}

struct p3_buf *p3_msg_await(int tid, int tag, uint64_t deadline_ns, int *err)
{
    struct p3_buf *b;
    *err = PvmOk;
    starved = false;
    for (;;) {
        unsigned long seen = arrivals;
        b = match(tid, tag, err);
        if (b || *err)
            return b;
        if (seen != arrivals)
            continue;
        if (starved) { /* what is here has to be received first */
            *err = PvmNoMem;
            return NULL;
        }
        if (deadline_ns == 0) { /* looks once more, behind what is on its way */
            deadline_ns = 1;
            p3_fds_quiet();
            if (pvmx_engine_progress() == 0 && seen == arrivals && !starved)
                return NULL;
        } else if (deadline_ns == 1 ||
                   p3_wait(news, &seen, deadline_ns) == PVMX_ERR_TIMEDOUT) {
            return NULL;
        }
    }
}

static bool fetched(void *arg)
{
    return pvmx_engine_req_done(arg);
}

int p3_msg_take(struct p3_buf *b)
{
    p3_waiting_remove(b);
    px_list_remove(&b->node);
    if (!b->fetch)
        return PvmOk;
    struct pvmx_req *req = b->fetch;
    p3_wait(fetched, req, PX_NEVER);
    pvmx_err err = pvmx_engine_req_status(req)->error;
    pvmx_engine_req_free(req);
    b->fetch = NULL;
    if (!err)
        return PvmOk;
    p3_buf_free(b);
    return PvmNoData;
}

static void drop_all(struct px_list *list)
{
    struct px_list *node;
    while ((node = px_list_pop(list)) != NULL)
        p3_buf_free(px_container_of(node, struct p3_buf, node));
}

void p3_msg_end(void)
{
    drop_all(&fresh);
    drop_all(p3_waiting_all());
    p3_send_end();
}

static void leave_fetching(struct px_list *list)
{
    px_list_foreach(it, list) {
        struct p3_buf *b = px_container_of(it, struct p3_buf, node);
        if (b->fetch)
            b->mem = NULL;
        b->fetch = NULL;
    }
}

void p3_msg_forget(void)
{
    leave_fetching(&fresh);
    leave_fetching(p3_waiting_all());
    p3_msg_end();
}

int p3_msg_check(int tid, int tag)
{
    bool daemon = ((unsigned)tid & 0xc0000000u) == 0x80000000u;
    if ((tid != -1 && tid <= 0 && !daemon) || (tag < -1 && !p3.opt[PvmResvTids]))
        return PvmBadParam;
    return PvmOk;
}

/* ---- the program's calls */

/* A message that was found becomes the active receive buffer. */
static int receive(struct p3_buf *b)
{
    if (p3_buf_name(b) < 0) {
        if (!b->waiting)
            p3_waiting_add(b);
        return PvmNoMem;
    }
    int cc = p3_msg_take(b);
    return cc ? cc : p3_buf_receive(b);
}

/* What was received before goes first, whatever comes; also one that was probed for and made active, which
 * is not to be received once more then. */
static void free_received(void)
{
    struct p3_buf *old = p3_buf_find(p3_rbuf);
    if (old)
        p3_buf_free(old);
}

static int recv_until(int cc, int tid, int tag, uint64_t deadline)
{
    cc = cc ? cc : p3_msg_check(tid, tag);
    if (!cc)
        free_received();
    while (!cc) {
        struct p3_buf *b = p3_msg_await(tid, tag, deadline, &cc);
        if (!b)
            return cc;
        cc = receive(b);
        if (cc != PvmNoData)
            return cc;
        cc = PvmOk; /* its sender ended before the bytes were here: as if it had not been sent */
    }
    return cc;
}

static void trace_receive(int kind, int tid, int tag)
{
    P3_TRACE(kind, {TEV_DID_RST, tid, NULL}, {TEV_DID_RMC, tag, NULL},
             {TEV_DID_RCX, pvmmyctx, NULL});
}

static void trace_trecv(int tid, int tag, const struct timeval *limit)
{
    P3_TRACE(TEV_TRECV, {TEV_DID_RST, tid, NULL}, {TEV_DID_RMC, tag, NULL},
             {TEV_DID_RCX, pvmmyctx, NULL},
             {TEV_DID_MTS, limit ? (int)limit->tv_sec : -1, NULL},
             {TEV_DID_MTU, limit ? (int)limit->tv_usec : -1, NULL});
}

P3_PUBLIC int pvm_recv(int tid, int tag)
{
    int cc = p3_enter();
    trace_receive(TEV_RECV, tid, tag);
    return p3_leave("pvm_recv", recv_until(cc, tid, tag, PX_NEVER));
}

P3_PUBLIC int pvm_nrecv(int tid, int tag)
{
    int cc = p3_enter();
    trace_receive(TEV_NRECV, tid, tag);
    return p3_leave("pvm_nrecv", recv_until(cc, tid, tag, 0));
}

P3_PUBLIC int pvm_trecv(int tid, int tag, struct timeval *limit)
{
    int cc = p3_enter();
    trace_trecv(tid, tag, limit);
    uint64_t deadline = PX_NEVER;
    if (limit && (limit->tv_sec < 0 || limit->tv_usec < 0))
        deadline = 0;
    else if (limit && limit->tv_sec < 1000000000)
        deadline = px_now_ns() + (uint64_t)limit->tv_sec * 1000000000u +
                   (uint64_t)limit->tv_usec * 1000u;
    return p3_leave("pvm_trecv", recv_until(cc, tid, tag, deadline));
}

P3_PUBLIC int pvm_probe(int tid, int tag)
{
    int cc = p3_enter();
    trace_receive(TEV_PROBE, tid, tag);
    if (!cc)
        cc = p3_msg_check(tid, tag);
    struct p3_buf *b = cc ? NULL : p3_msg_await(tid, tag, 0, &cc);
    if (b && !b->waiting)
        p3_waiting_add(b); /* it is to be found again */
    return p3_leave("pvm_probe", b ? p3_buf_name(b) : cc);
}

P3_PUBLIC int (*pvm_recvf(int (*func)(int, int, int)))(int, int, int)
{
    p3_enter_only();
    P3_TRACE_BARE(TEV_RECVF);
    int (*old)(int, int, int) = matcher;
    matcher = func ? func : default_match;
    p3_leave("pvm_recvf", PvmOk);
    return old;
}
