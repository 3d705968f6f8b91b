/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends of tasks: what the daemon told, and who asked to be called. */
#include "core/ctx.h"

#include "base/err.h"
#include "proto/messages.h"

#include <stdlib.h>

enum {
    ENDS_KEPT = 1024
}; /* records of ended tasks that nobody asked for; older ones go first */

struct px_end_record {
    struct px_list node;
    struct pvmx_end end;
};

struct watch {
    struct px_list node;
    pvmx_tid tid;
    void (*fn)(const struct pvmx_end *, void *);
    void *arg;
};

/* An end that is told when all that the task had sent has been received. */
struct ending {
    struct px_list node;
    struct pvmx_end end;
    struct pvmx_peer *peer;
};

static struct px_list kept = {&kept, &kept}, endings = {&endings, &endings};
static size_t nkept;

static void forget_oldest(struct px_ctl *ctl)
{
    struct px_end_record *r =
        px_container_of(px_list_pop(&kept), struct px_end_record, node);
    px_map_remove(&ctl->ends, (uint64_t)r->end.tid);
    free(r);
    nkept--;
}

static void keep(struct px_ctl *ctl, const struct pvmx_end *end)
{
    if (px_map_get(&ctl->ends, (uint64_t)end->tid))
        return;
    struct px_end_record *r = malloc(sizeof *r);
    if (!r)
        return;
    r->end = *end;
    if (px_map_put(&ctl->ends, (uint64_t)end->tid, r) != PVMX_OK) {
        free(r);
        return;
    }
    px_list_push_back(&kept, &r->node);
    if (++nkept > ENDS_KEPT)
        forget_oldest(ctl);
}

static void tell(struct px_ctl *ctl, const struct pvmx_end *end)
{
    px_list_foreach(it, &ctl->watches) {
        struct watch *w = px_container_of(it, struct watch, node);
        if (w->tid != end->tid)
            continue;
        px_list_remove(it);
        w->fn(end, w->arg);
        free(w);
    }
}

static bool is_watched(const struct px_ctl *ctl, pvmx_tid tid)
{
    px_list_foreach(it, &ctl->watches)
        if (px_container_of(it, struct watch, node)->tid == tid)
            return true;
    return false;
}

/* A task of this host may have sent something for the first time just before it ended. */
static struct pvmx_peer *sender(pvmx_tid tid)
{
    struct pvmx_peer *p = px_map_get(&px_ctx.ms.peers, (uint64_t)tid);
    if (p)
        p->refs++;
    else if (tid >> 18 == px_ctx.tid >> 18 && px_peer_get(&px_ctx.ms, tid, &p) != PVMX_OK)
        p = NULL;
    return p;
}

static void tell_in_time(struct px_ctl *ctl, const struct pvmx_end *end)
{
    struct pvmx_peer *p = is_watched(ctl, end->tid) ? sender(end->tid) : NULL;
    struct ending *e = p && !p->dead ? malloc(sizeof *e) : NULL;
    if (!e) {
        if (p)
            px_peer_put(p);
        tell(ctl, end);
        return;
    }
    *e = (struct ending){.end = *end, .peer = p};
    px_list_push_back(&endings, &e->node);
}

unsigned px_notify_settle(struct px_ctl *ctl)
{
    unsigned n = 0;
    px_list_foreach(it, &endings) {
        struct ending *e = px_container_of(it, struct ending, node);
        if (!e->peer->dead)
            continue;
        px_list_remove(it);
        px_peer_put(e->peer);
        tell(ctl, &e->end);
        free(e);
        n++;
    }
    return n;
}

void px_notify_ended(const uint8_t *body, size_t len)
{
    struct pxp_ended m;
    struct pxp_zone z = {0};
    if (pxp_ended_decode(body, len, &m, &z) == PVMX_OK)
        for (size_t i = 0; i < m.n_ends; i++) {
            struct pvmx_end end = {.tid = m.ends[i].tid,
                                   .status = m.ends[i].status,
                                   .signal = m.ends[i].signal,
                                   .inited = m.ends[i].inited,
                                   .left = m.ends[i].left};
            keep(&px_ctx.ctl, &end);
            tell_in_time(&px_ctx.ctl, &end);
        }
    pxp_zone_free(&z);
    px_ctx.ms.check_deaths = true; /* the arena says it too */
}

void px_notify_fini(struct px_ctl *ctl)
{
    struct px_list *node;
    while (nkept)
        forget_oldest(ctl);
    while ((node = px_list_pop(&endings)) != NULL)
        free(px_container_of(node, struct ending, node));
    px_map_free(&ctl->ends);
    while ((node = px_list_pop(&ctl->watches)) != NULL)
        free(px_container_of(node, struct watch, node));
}

bool px_notify_end_of(pvmx_tid tid, struct pvmx_end *end)
{
    struct px_end_record *r = px_map_get(&px_ctx.ctl.ends, (uint64_t)tid);
    if (!r)
        return false;
    *end = r->end;
    return true;
}

static pvmx_err end_of(pvmx_tid tid, struct pvmx_end *out)
{
    struct px_end_record *r = px_map_get(&px_ctx.ctl.ends, (uint64_t)tid);
    if (r) {
        *out = r->end;
        return PVMX_OK;
    }
    struct pvmx_peer *p = px_map_get(&px_ctx.ms.peers, (uint64_t)tid);
    if (!p || !p->dead)
        return px_fail(PVMX_ERR_STATE, "the end of t%x is not known here", (unsigned)tid);
    *out = p->end;
    return PVMX_OK;
}

pvmx_err pvmx_engine_end_of(pvmx_tid tid, struct pvmx_end *out)
{
    px_lock();
    pvmx_err err = end_of(tid, out);
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_notify_end(pvmx_tid tid, void (*fn)(const struct pvmx_end *, void *),
                                void *arg)
{
    struct watch *w = malloc(sizeof *w);
    if (!w)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a notice");
    *w = (struct watch){.tid = tid, .fn = fn, .arg = arg};
    px_lock();
    pvmx_err err = px_ctl_check();
    if (!err) {
        px_list_push_back(&px_ctx.ctl.watches, &w->node);
        struct px_ctl_call call;
        struct pxp_watch m = {.tids = &tid, .n_tids = 1};
        err = pxp_watch_encode(&px_ctx.ctl.client.out, px_ctl_serial(&call), &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
        if (err)
            px_list_remove(&w->node);
    }
    px_unlock();
    if (err)
        free(w);
    return err;
}

void px_notify_forget(void)
{
    px_list_init(&kept);
    px_list_init(&endings);
    nkept = 0;
}
