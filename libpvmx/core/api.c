/* SPDX-License-Identifier: BSD-3-Clause */
/* The application's surface: argument checks, then the engine. */
#include "core/ctx.h"

#include "base/clock.h"
#include "base/err.h"
#include <pvmx/engine/msg.h>
#include <pvmx/engine/req.h>
#include <pvmx/pvmx.h>

#include <stdlib.h>

enum { APP_CTX = 1 }; /* one of the fixed contexts; the source is the sender's tid */

pvmx_err pvmx_enrol(void)
{
    pvmx_err err = pvmx_engine_init(true);
    if (err)
        return err;
    err = pvmx_engine_join_vm();
    if (err)
        pvmx_engine_leave();
    return err;
}

void pvmx_leave(void)
{
    pvmx_engine_leave();
}

static pvmx_err enrolled(void)
{
    return px_ctx.tid ? PVMX_OK
                      : px_fail(PVMX_ERR_STATE,
                                "this process is not a task: call pvmx_enrol first");
}

pvmx_tid pvmx_self(void)
{
    return pvmx_engine_self();
}

pvmx_tid pvmx_parent(void)
{
    const struct pvmx_birth *b = pvmx_engine_birth();
    return b && b->root < b->nparents ? b->parents[b->root] : 0;
}

int32_t pvmx_rank(void)
{
    const struct pvmx_birth *b = pvmx_engine_birth();
    return b ? b->rank : 0;
}

int32_t pvmx_size(void)
{
    const struct pvmx_birth *b = pvmx_engine_birth();
    return b ? b->size : 1;
}

int32_t pvmx_siblings(pvmx_tid *tids, int32_t n)
{
    const struct pvmx_birth *b = pvmx_engine_birth();
    for (int32_t i = 0; i < pvmx_size() && i < n; i++)
        tids[i] = b ? b->world[i] : px_ctx.tid;
    return pvmx_size();
}

int32_t pvmx_universe_size(void)
{
    return px_ctx.inits ? pvmx_engine_universe_size() : 0;
}

const char *pvmx_host(void)
{
    return pvmx_engine_host();
}

pvmx_err pvmx_spawn(const char *command, const char *const *argv, int32_t count,
                    pvmx_tid *tids, pvmx_err *errors)
{
    pvmx_err err = enrolled();
    if (err)
        return err;
    struct pvmx_app app = {.command = command, .argv = argv, .count = count};
    pvmx_tid self = px_ctx.tid;
    struct pvmx_spawn_args args = {.size = sizeof args,
                                   .apps = &app,
                                   .napps = 1,
                                   .parents = &self,
                                   .nparents = 1,
                                   .ctx = pvmx_engine_ctx_alloc(8)};
    struct pvmx_spawn_result res;
    err = pvmx_engine_spawn(&args, &res);
    for (int32_t i = 0; i < res.count && res.tids; i++) {
        if (tids)
            tids[i] = res.tids[i];
        if (errors)
            errors[i] = res.errors[i];
    }
    pvmx_engine_spawn_result_free(&res);
    return err;
}

/* The task has ended: the message that was asked for is one to ourselves: its own would
 * not be received any more. */
static void end_message(const struct pvmx_end *end, void *arg)
{
    struct pvmx_peer *self;
    struct pvmx_req *req;
    struct pvmx_task_end m = {end->tid, end->status, end->signal};
    if (px_peer_get(&px_ctx.ms, 0, &self) != PVMX_OK)
        return;
    struct px_hdr h = {.ctx = APP_CTX, .source = px_ctx.tid, .tag = (int32_t)(intptr_t)arg};
    px_send_start(self, &h, &m, sizeof m, PVMX_SEND_BUFFERED, &req);
    px_peer_put(self);
}

pvmx_err pvmx_notify_end(pvmx_tid tid, int32_t tag)
{
    if (tag < 0)
        return px_fail(PVMX_ERR_ARG, "tag %d is negative", tag);
    pvmx_err err = enrolled();
    return err ? err : pvmx_engine_notify_end(tid, end_message, (void *)(intptr_t)tag);
}

pvmx_err pvmx_end_of(pvmx_tid tid, struct pvmx_task_end *out)
{
    struct pvmx_end end;
    pvmx_err err = pvmx_engine_end_of(tid, &end);
    if (!err)
        *out = (struct pvmx_task_end){end.tid, end.status, end.signal};
    return err;
}

pvmx_err pvmx_kill(const pvmx_tid *tids, int32_t n)
{
    if (n < 0 || (n > 0 && !tids))
        return px_fail(PVMX_ERR_ARG, "%d tasks to kill", n);
    pvmx_err err = enrolled();
    return err ? err : pvmx_engine_abort(tids, (size_t)n, 1, NULL);
}

pvmx_err pvmx_isend(pvmx_tid to, int32_t tag, const void *buf, uint64_t len,
                    struct pvmx_req **req)
{
    struct pvmx_peer *peer;
    if (tag < 0)
        return px_fail(PVMX_ERR_ARG, "tag %d is negative", tag);
    pvmx_err err = enrolled();
    if (!err)
        err = pvmx_engine_peer_get(to, &peer);
    if (err)
        return err;
    err = pvmx_engine_isend(peer, APP_CTX, px_ctx.tid, tag, buf, len, PVMX_SEND_STANDARD,
                            req);
    pvmx_engine_peer_put(peer);
    return err;
}

pvmx_err pvmx_irecv(pvmx_tid source, int32_t tag, void *buf, uint64_t cap,
                    struct pvmx_req **req)
{
    struct pvmx_peer *peer = NULL;
    pvmx_err err = enrolled();
    if (!err && source != PVMX_ANY_SOURCE)
        err = pvmx_engine_peer_get(source, &peer);
    if (err)
        return err;
    err = pvmx_engine_irecv(peer, NULL, APP_CTX, source, tag, buf, cap, req);
    if (peer)
        pvmx_engine_peer_put(peer);
    return err;
}

pvmx_err pvmx_send(pvmx_tid to, int32_t tag, const void *buf, uint64_t len)
{
    struct pvmx_req *req;
    pvmx_err err = pvmx_isend(to, tag, buf, len, &req);
    return err ? err : pvmx_wait(&req, NULL);
}

pvmx_err pvmx_recv(pvmx_tid source, int32_t tag, void *buf, uint64_t cap,
                   struct pvmx_status *st)
{
    struct pvmx_req *req;
    pvmx_err err = pvmx_irecv(source, tag, buf, cap, &req);
    return err ? err : pvmx_wait(&req, st);
}

struct probe_wait {
    pvmx_tid source;
    int32_t tag;
    struct pvmx_peer *peer;
    struct px_arrived *found;
    pvmx_err err;
};

static bool probe_done(void *arg)
{
    struct probe_wait *p = arg;
    struct px_key key = {APP_CTX, p->source, p->tag};
    p->err = px_recv_probe(&px_ctx.ms, p->peer, NULL, &key, false, &p->found);
    return p->err || p->found;
}

pvmx_err pvmx_probe(pvmx_tid source, int32_t tag, int32_t timeout_ms, struct pvmx_status *st)
{
    struct probe_wait p = {.source = source, .tag = tag};
    pvmx_err err = enrolled();
    if (!err && source != PVMX_ANY_SOURCE)
        err = pvmx_engine_peer_get(source, &p.peer);
    if (err)
        return err;
    px_lock();
    err = px_ctx_wait(probe_done, &p,
                      timeout_ms < 0 ? PX_NEVER : px_now_ns() + (uint64_t)timeout_ms * PX_MS);
    if (!err)
        err = p.err;
    if (!err && st)
        px_arrived_status(p.found, st);
    px_unlock();
    if (p.peer)
        pvmx_engine_peer_put(p.peer);
    return err;
}

static pvmx_err take(struct pvmx_req **req, struct pvmx_status *st)
{
    const struct pvmx_status *s = pvmx_engine_req_status(*req);
    pvmx_err err = pvmx_engine_req_wait(*req); /* complete already: leaves the sentence */
    if (st)
        *st = *s;
    pvmx_engine_req_free(*req);
    *req = NULL;
    return err;
}

pvmx_err pvmx_wait(struct pvmx_req **req, struct pvmx_status *st)
{
    if (!*req)
        return PVMX_OK;
    pvmx_engine_req_wait(*req);
    return take(req, st);
}

pvmx_err pvmx_test(struct pvmx_req **req, int32_t *done, struct pvmx_status *st)
{
    if (*req && !pvmx_engine_req_done(*req))
        pvmx_engine_progress();
    *done = !*req || pvmx_engine_req_done(*req);
    return *req && *done ? take(req, st) : PVMX_OK;
}

struct any_wait {
    struct pvmx_req **reqs;
    int32_t n, index;
    bool active;
};

static bool any_done(void *arg)
{
    struct any_wait *a = arg;
    a->active = false;
    for (int32_t i = 0; i < a->n; i++) {
        if (!a->reqs[i])
            continue;
        a->active = true;
        if (px_req_is_done(a->reqs[i])) {
            a->index = i;
            return true;
        }
    }
    return !a->active;
}

pvmx_err pvmx_wait_any(struct pvmx_req **reqs, int32_t n, int32_t *index,
                       struct pvmx_status *st)
{
    struct any_wait a = {reqs, n, -1, false};
    pvmx_err err = pvmx_engine_wait_until(any_done, &a, PX_NEVER);
    *index = a.index;
    return err || a.index < 0 ? err : take(&reqs[a.index], st);
}
