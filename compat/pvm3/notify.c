/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_notify. */
#include "notify.h"

#include "msg.h"
#include "pack.h"

#include <stdlib.h>

/* One message that was asked for. */
struct notice {
    struct px_list node;
    int what, tid, tag, ctx;
    bool told;      /* to be made a message */
    bool forgotten; /* cancelled or left: the engine still knows of it */
};

static struct px_list notices = {&notices, &notices};
static struct px_list forgotten = {&forgotten, &forgotten};
static int ntold;

bool p3_notify_pending(void)
{
    return ntold > 0;
}

/* From progress. */
static void on_end(const struct pvmx_end *end, void *arg)
{
    struct notice *n = arg;
    (void)end;
    if (n->forgotten) {
        px_list_remove(&n->node);
        free(n);
        return;
    }
    n->told = true;
    ntold++;
}

static void deliver(const struct notice *n)
{
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    if (!b || p3_pack_ints(b, &n->tid, 1) != PvmOk) {
        if (b)
            p3_buf_free(b);
        return;
    }
    b->src = P3_DAEMON;
    b->dst = pvmmytid;
    b->tag = n->tag;
    b->ctx = n->ctx;
    p3_msg_arrived(b);
}

void p3_notify_deliver(void)
{
    if (!ntold)
        return;
    pvmx_engine_progress(); /* the last messages of the ended tasks come first */
    px_list_foreach(it, &notices) {
        struct notice *n = px_container_of(it, struct notice, node);
        if (!n->told)
            continue;
        px_list_remove(&n->node);
        deliver(n);
        free(n);
    }
    ntold = 0;
}

static int ask(int what, int tag, int tid)
{
    struct notice *n = malloc(sizeof *n);
    if (!n)
        return PvmNoMem;
    *n = (struct notice){.what = what, .tid = tid, .tag = tag, .ctx = pvmmyctx};
    px_list_push_back(&notices, &n->node);
    if (what != PvmTaskExit) /* this host is the only one, and ends with this task */
        return PvmOk;
    pvmx_err err = pvmx_engine_notify_end(tid, on_end, n);
    if (err == PVMX_ERR_NOTASK) { /* there never was one: as if it had ended */
        n->told = true;
        ntold++;
        return PvmOk;
    }
    if (err) {
        px_list_remove(&n->node);
        free(n);
    }
    return p3_error(err);
}

/* The engine may still call for it. */
static void forget(struct notice *n)
{
    px_list_remove(&n->node);
    n->forgotten = n->what == PvmTaskExit && !n->told;
    if (n->forgotten)
        px_list_push_back(&forgotten, &n->node);
    else
        free(n);
}

/* The first that was asked for with the same arguments is told now. */
static void cancel(int what, int tag, int tid)
{
    px_list_foreach(it, &notices) {
        struct notice *n = px_container_of(it, struct notice, node);
        if (n->what != what || n->tag != tag || n->tid != tid || n->told)
            continue;
        deliver(n);
        forget(n);
        return;
    }
}

static int check(int what, int tag, int n, const int *tids)
{
    if (tag < 0 && !p3.opt[PvmResvTids])
        return PvmBadParam;
    switch (what) {
    case PvmHostAdd:
    case PvmRouteAdd:
        return PvmOk;
    case PvmTaskExit:
    case PvmRouteDelete:
    case PvmHostDelete:
        break;
    default:
        return PvmBadParam;
    }
    if (n < 1 || !tids)
        return PvmBadParam;
    for (int i = 0; i < n; i++) {
        bool ok = what == PvmHostDelete
                      ? tids[i] > 0 && (tids[i] & ~P3_HOST_MASK & ~P3_LOCAL_MASK) == 0
                      : p3_is_task(tids[i]);
        if (!ok)
            return PvmBadParam;
    }
    return PvmOk;
}

static int notify(int what, int tag, int n, const int *tids)
{
    bool off = what & PvmNotifyCancel;
    what &= ~PvmNotifyCancel;
    int cc = check(what, tag, n, tids);
    if (cc || what == PvmHostAdd || what == PvmRouteAdd || what == PvmRouteDelete)
        return cc; /* no host can be added, and there are no routes to open */
    for (int i = 0; !cc && i < n; i++) {
        int tid = what == PvmHostDelete ? tids[i] & P3_HOST_MASK : tids[i];
        if (off)
            cancel(what, tag, tid);
        else
            cc = ask(what, tag, tid);
    }
    return cc;
}

P3_PUBLIC int pvm_notify(int what, int tag, int n, int *tids)
{
    int cc = p3_enter();
    return p3_leave("pvm_notify", cc ? cc : notify(what, tag, n, tids));
}

void p3_notify_end(void)
{
    px_list_foreach(it, &notices)
        forget(px_container_of(it, struct notice, node));
    ntold = 0;
}
