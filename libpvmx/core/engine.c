/* SPDX-License-Identifier: BSD-3-Clause */
/* The middleware surface for messages, requests and progress: lock, one call, unlock. */
#include "core/ctx.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/param.h"
#include <pvmx/engine/msg.h>
#include <pvmx/engine/req.h>
#include <pvmx/engine/util.h>

#include <stdarg.h>
#include <stdio.h>

pvmx_err pvmx_engine_peer_get(pvmx_tid tid, struct pvmx_peer **out)
{
    px_lock();
    pvmx_err err = px_peer_get(&px_ctx.ms, tid, out);
    px_unlock();
    return err;
}

void pvmx_engine_peer_put(struct pvmx_peer *peer)
{
    px_lock();
    if (px_ctx.inits > 0)
        px_peer_put(peer);
    px_unlock();
}

pvmx_tid pvmx_engine_peer_tid(const struct pvmx_peer *peer)
{
    return peer->tid;
}

bool pvmx_engine_peer_dead(const struct pvmx_peer *peer)
{
    return peer->dead;
}

pvmx_err pvmx_engine_isend(struct pvmx_peer *to, uint64_t ctx, int32_t source,
                           int32_t tag, const void *buf, size_t len,
                           enum pvmx_send_mode mode, struct pvmx_req **req)
{
    struct px_hdr h = {.ctx = ctx, .source = source, .tag = tag};
    px_lock();
    pvmx_err err = px_send_start(to, &h, buf, len, mode, req);
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_isend_view(struct pvmx_peer *to, uint64_t ctx, int32_t source,
                                int32_t tag, const struct pvmx_view *view,
                                enum pvmx_send_mode mode, struct pvmx_req **req)
{
    struct px_hdr h = {.ctx = ctx, .source = source, .tag = tag};
    px_lock();
    pvmx_err err = px_send_start_view(to, &h, view, mode, req);
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_post(struct pvmx_peer *to, uint64_t ctx, int32_t tag,
                          const void *bytes, size_t len)
{
    struct px_hdr h = {.ctx = ctx, .source = px_ctx.tid, .tag = tag};
    if (len > PVMX_POST_MAX)
        return px_fail(PVMX_ERR_TOOBIG, "%zu bytes are too many to post", len);
    px_lock();
    pvmx_err err = px_chain_post(to, &h, bytes, len);
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_sink(uint64_t ctx, pvmx_sink_fn *fn, void *arg)
{
    if (ctx >= PVMX_SINKS)
        return px_fail(PVMX_ERR_ARG, "context %llu cannot have a sink",
                       (unsigned long long)ctx);
    px_lock();
    px_ctx.ms.sinks[ctx].fn = fn;
    px_ctx.ms.sinks[ctx].arg = arg;
    pvmx_err err = fn ? px_recv_sink(&px_ctx.ms, ctx) : PVMX_OK;
    px_unlock();
    return err;
}

static bool req_done(void *arg)
{
    return px_req_is_done(arg);
}

/* Waits, takes the outcome, gives the request back. */
static pvmx_err collect(struct pvmx_req *req, struct pvmx_status *st)
{
    if (!px_ctx.threads)
        px_messenger_await(&px_ctx.ms, req);
    px_ctx_wait(req_done, req, PX_NEVER);
    px_messenger_await(&px_ctx.ms, NULL);
    px_ctx.ms.pause = false;
    pvmx_err err = req->st.error;
    if (st)
        *st = req->st;
    if (req->kind == PX_REQ_RECV)
        px_recv_unpost(&px_ctx.ms, (struct px_recv *)req);
    px_req_drop(&px_ctx.ms.pool, req);
    return err;
}

/* The sentence for an operation that failed while nobody was in a call that could say it. */
static pvmx_err explain(pvmx_err err, const struct pvmx_status *st,
                        const struct pvmx_peer *peer)
{
    switch (err) {
    case PVMX_OK:
        return err;
    case PVMX_ERR_TRUNCATE:
        return px_fail(err, "a message of %llu bytes is longer than the receive buffer",
                       (unsigned long long)st->length);
    case PVMX_ERR_PEER_DEAD:
        if (peer)
            return px_fail(err, "task t%x has ended", (unsigned)peer->tid);
        return px_fail(err, "the task has ended");
    default:
        return px_fail(err, "%s", pvmx_err_text(err));
    }
}

pvmx_err pvmx_engine_send(struct pvmx_peer *to, uint64_t ctx, int32_t source, int32_t tag,
                          const void *buf, size_t len, enum pvmx_send_mode mode)
{
    struct px_hdr h = {.ctx = ctx, .source = source, .tag = tag};
    struct pvmx_req *req;
    px_lock();
    pvmx_err err = px_send_start(to, &h, buf, len, mode, &req);
    if (!err && req) {
        struct pvmx_status st;
        err = explain(collect(req, &st), &st, to);
    }
    px_unlock();
    return err;
}

static struct px_place place_of(const struct pvmx_view *view)
{
    return (struct px_place){view->base, pvmx_view_size(view), view->layout, view->count};
}

static pvmx_err irecv(struct pvmx_peer *from, struct pvmx_scope *scope,
                      const struct px_key *key, const struct px_place *to,
                      struct pvmx_req **req)
{
    struct px_recv *r;
    px_lock();
    pvmx_err err = px_recv_start(&px_ctx.ms, from, scope, key, to, &r);
    px_unlock();
    if (!err)
        *req = &r->req;
    return err;
}

pvmx_err pvmx_engine_irecv(struct pvmx_peer *from, struct pvmx_scope *scope, uint64_t ctx,
                           int32_t source, int32_t tag, void *buf, size_t cap,
                           struct pvmx_req **req)
{
    struct px_key key = {ctx, source, tag};
    return irecv(from, scope, &key, &(struct px_place){.buf = buf, .cap = cap}, req);
}

pvmx_err pvmx_engine_irecv_view(struct pvmx_peer *from, struct pvmx_scope *scope,
                                uint64_t ctx, int32_t source, int32_t tag,
                                const struct pvmx_view *view, struct pvmx_req **req)
{
    struct px_key key = {ctx, source, tag};
    struct px_place to = place_of(view);
    return irecv(from, scope, &key, &to, req);
}

pvmx_err pvmx_engine_recv(struct pvmx_peer *from, struct pvmx_scope *scope, uint64_t ctx,
                          int32_t source, int32_t tag, void *buf, size_t cap,
                          struct pvmx_status *st)
{
    struct px_key key = {ctx, source, tag};
    struct px_recv *r;
    struct pvmx_status mine;
    struct px_place to = {.buf = buf, .cap = cap};
    px_lock();
    pvmx_err err = px_recv_start(&px_ctx.ms, from, scope, &key, &to, &r);
    if (!err) {
        err = explain(collect(&r->req, &mine), &mine, from);
        if (st)
            *st = mine;
    }
    px_unlock();
    return err;
}

struct probe {
    struct pvmx_peer *from;
    struct pvmx_scope *scope;
    struct px_key key;
    bool take;
    struct px_arrived *found;
    pvmx_err err;
};

static bool probe_once(void *arg)
{
    struct probe *p = arg;
    p->err = px_recv_probe(&px_ctx.ms, p->from, p->scope, &p->key, p->take, &p->found);
    return p->err || p->found;
}

static pvmx_err probe(struct probe *p, bool wait, struct pvmx_status *st)
{
    px_lock();
    if (wait) {
        px_ctx_wait(probe_once, p, PX_NEVER);
    } else if (!probe_once(p)) {
        px_progress(&px_ctx.progress);
        probe_once(p);
    }
    if (p->found && st)
        px_arrived_status(p->found, st);
    px_unlock();
    return p->err;
}

pvmx_err pvmx_engine_iprobe(struct pvmx_peer *from, struct pvmx_scope *scope, uint64_t ctx,
                            int32_t source, int32_t tag, bool *found, struct pvmx_status *st)
{
    struct probe p = {.from = from, .scope = scope, .key = {ctx, source, tag}};
    pvmx_err err = probe(&p, false, st);
    if (!err)
        *found = p.found != NULL;
    return err;
}

pvmx_err pvmx_engine_probe(struct pvmx_peer *from, struct pvmx_scope *scope, uint64_t ctx,
                           int32_t source, int32_t tag, struct pvmx_status *st)
{
    struct probe p = {.from = from, .scope = scope, .key = {ctx, source, tag}};
    return probe(&p, true, st);
}

pvmx_err pvmx_engine_mprobe(struct pvmx_peer *from, struct pvmx_scope *scope,
                            uint64_t ctx, int32_t source, int32_t tag, bool wait,
                            struct pvmx_msg **msg, struct pvmx_status *st)
{
    struct probe p = {.from = from, .scope = scope, .key = {ctx, source, tag}, .take = true};
    pvmx_err err = probe(&p, wait, st);
    if (!err)
        *msg = (struct pvmx_msg *)p.found;
    return err;
}

static pvmx_err imrecv(struct pvmx_msg *msg, const struct px_place *to, struct pvmx_req **req)
{
    struct px_recv *r;
    px_lock();
    pvmx_err err = px_recv_matched(&px_ctx.ms, (struct px_arrived *)msg, to, &r);
    px_unlock();
    if (!err)
        *req = &r->req;
    return err;
}

pvmx_err pvmx_engine_imrecv(struct pvmx_msg *msg, void *buf, size_t cap, struct pvmx_req **req)
{
    return imrecv(msg, &(struct px_place){.buf = buf, .cap = cap}, req);
}

pvmx_err pvmx_engine_imrecv_view(struct pvmx_msg *msg, const struct pvmx_view *view,
                                 struct pvmx_req **req)
{
    struct px_place to = place_of(view);
    return imrecv(msg, &to, req);
}

pvmx_err pvmx_engine_scope_create(const pvmx_tid *tids, size_t n, struct pvmx_scope **out)
{
    px_lock();
    pvmx_err err = px_scope_new(&px_ctx.ms, tids, n, out);
    px_unlock();
    return err;
}

void pvmx_engine_scope_free(struct pvmx_scope *scope)
{
    px_lock();
    px_scope_free(&px_ctx.ms, scope);
    px_unlock();
}

size_t pvmx_engine_scope_dead(struct pvmx_scope *scope, int32_t *index)
{
    px_lock();
    size_t n = px_scope_dead(scope, index);
    px_unlock();
    return n;
}

void pvmx_engine_scope_ack(struct pvmx_scope *scope, size_t n)
{
    px_lock();
    px_scope_ack(scope, n);
    px_recv_scope_acked(&px_ctx.ms, scope);
    px_unlock();
}

pvmx_err pvmx_engine_req_wait(struct pvmx_req *req)
{
    px_lock();
    px_ctx_wait(req_done, req, PX_NEVER);
    pvmx_err err = explain(req->st.error, &req->st, NULL);
    px_unlock();
    return err;
}

void pvmx_engine_req_cancel(struct pvmx_req *req)
{
    px_lock();
    if (req->kind == PX_REQ_RECV) { /* one that a death has stalled is posted and done */
        struct px_recv *r = (struct px_recv *)req;
        if (r->posted.queue) {
            px_match_remove_posted(&px_ctx.ms.match, &r->posted);
            req->st.cancelled = 1;
            px_req_complete(&px_ctx.ms, req, PVMX_OK);
        }
    } else if (!px_req_is_done(req)) {
        px_send_cancel((struct px_send *)req);
    }
    px_unlock();
}

void pvmx_engine_req_free(struct pvmx_req *req)
{
    px_lock();
    if (px_req_is_done(req) && req->kind == PX_REQ_RECV)
        px_recv_unpost(&px_ctx.ms, (struct px_recv *)req);
    if (px_req_is_done(req))
        px_req_drop(&px_ctx.ms.pool, req);
    else
        req->orphan = true;
    px_unlock();
}

unsigned pvmx_engine_progress(void)
{
    px_lock();
    unsigned n = px_progress(&px_ctx.progress);
    px_unlock();
    return n;
}

pvmx_err pvmx_engine_wait_until(bool (*done)(void *arg), void *arg, uint64_t deadline_ns)
{
    px_lock();
    pvmx_err err = px_ctx_wait(done, arg, deadline_ns);
    px_unlock();
    return err;
}

void pvmx_engine_wake(void)
{
    px_lock();
    px_ctx.ms.completed = true;
    px_unlock();
}

unsigned pvmx_engine_failures(void)
{
    return atomic_load_explicit(&px_ctx.ms.failures, memory_order_acquire);
}

void pvmx_engine_hook_add(struct pvmx_hook *hook)
{
    px_lock();
    px_hook_add(&px_ctx.progress, hook);
    px_unlock();
}

void pvmx_engine_hook_remove(struct pvmx_hook *hook)
{
    px_lock();
    px_hook_remove(hook);
    px_unlock();
}

void pvmx_engine_lock_threads(void)
{
    px_lock();
}

void pvmx_engine_unlock_threads(void)
{
    px_unlock();
}

pvmx_err pvmx_engine_fail(pvmx_err err, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return px_fail(err, "%s", text);
}

void pvmx_engine_debug(const char *fmt, ...)
{
    if (!px_log_enabled(PX_LOG_DEBUG))
        return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    px_log(PX_LOG_DEBUG, "APP", "%s", text);
}
