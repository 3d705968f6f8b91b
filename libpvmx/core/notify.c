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

static struct px_list kept = {&kept, &kept};
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
            tell(&px_ctx.ctl, &end);
        }
    pxp_zone_free(&z);
    px_ctx.ms.check_deaths = true; /* the arena says it too */
}

void px_notify_fini(struct px_ctl *ctl)
{
    struct px_list *node;
    while (nkept)
        forget_oldest(ctl);
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
