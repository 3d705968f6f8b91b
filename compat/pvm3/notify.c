/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_notify. What was asked for waits in a list; what has happened is marked there by the engine's calls
 * and becomes a message when the program looks for one. */
#include "notify.h"

#include "msg.h"
#include "output.h"
#include "pack.h"
#include "rm.h"
#include "rmcall.h"
#include "trace.h"

#include <pvmx/engine/vm.h>
#include <stdlib.h>
#include <string.h>

enum { NOTICE_OUTPUT = -1 }; /* not for the program */

/* One message that was asked for. */
struct notice {
    struct px_list node;
    int what, tid, tag, ctx;
    bool told;      /* to be made a message */
    bool due;       /* now */
    bool forgotten; /* cancelled or left: the engine still knows of it */
};

static struct px_list notices = {&notices, &notices};
static struct px_list forgotten = {&forgotten, &forgotten};
static int ntold;

/* PvmHostAdd and PvmRouteAdd: one order each, which a later call replaces. left < 0: for ever. */
static struct order {
    int left, tag, ctx;
} host_add, route_add;
struct tids {
    int *tids;
    size_t n, cap;
};
static struct tids came;   /* hosts that are not told yet */
static struct tids routes; /* tasks to which there is one, in order */
static struct tids born;   /* whose output is collected; to be watched */

static void keep(struct tids *list, int tid)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        int *tids = realloc(list->tids, cap * sizeof *tids);
        if (!tids)
            return;
        list->tids = tids;
        list->cap = cap;
    }
    list->tids[list->n++] = tid;
}

static void drop(struct tids *list)
{
    free(list->tids);
    *list = (struct tids){.n = 0};
}

bool p3_notify_pending(void)
{
    return ntold > 0 || came.n > 0 || born.n > 0;
}

static void tell(struct notice *n)
{
    if (n->told)
        return;
    n->told = true;
    ntold++;
    p3_msg_news();
}

/* A task has ended. From progress. */
static void on_end(const struct pvmx_end *end, void *arg)
{
    struct notice *n = arg;
    (void)end;
    if (n->forgotten) {
        px_list_remove(&n->node);
        free(n);
        return;
    }
    tell(n);
}

/* A host has come or gone. From progress. */
static void on_host(uint32_t index, bool up)
{
    int tid = (int)(index << 18);
    px_list_foreach(it, &notices) {
        struct notice *n = px_container_of(it, struct notice, node);
        if (!up && n->what == PvmHostDelete && n->tid == tid)
            tell(n);
    }
    if (!up)
        p3_rm_host_gone(tid);
    if (!up || !host_add.left)
        return;
    keep(&came, tid);
}

/* ---- messages */

static void deliver(int src, const struct order *to, const int *values, int n)
{
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    if (!b || (n && p3_pack_ints(b, values, n) != PvmOk)) {
        if (b)
            p3_buf_free(b);
        return;
    }
    b->src = src;
    b->dst = pvmmytid;
    b->tag = to->tag;
    b->ctx = to->ctx;
    p3_msg_arrived(b);
}

static void deliver_notice(const struct notice *n)
{
    struct order to = {1, n->tag, n->ctx};
    if (n->what == NOTICE_OUTPUT)
        p3_output_ended(n->tid);
    else if (n->what == PvmRouteDelete) /* PVM's library sends these to itself, without a body */
        deliver(pvmmytid, &to, NULL, 0);
    else
        deliver(P3_DAEMON, &to, &n->tid, 1);
}

/* How many, then their tids; one message for all that have come since the last. */
static void deliver_hosts(void)
{
    int *values = malloc((came.n + 1) * sizeof *values);
    if (values && host_add.left) {
        values[0] = (int)came.n;
        for (size_t i = 0; i < came.n; i++)
            values[i + 1] = came.tids[i];
        deliver(P3_DAEMON, &host_add, values, (int)came.n + 1);
        host_add.left -= host_add.left > 0;
    }
    free(values);
    came.n = 0;
}

/* ---- routes: PVM opens a connection when a task with PvmRouteDirect first sends to another. Here there is
 * a way in any case, so this is only what such programs are told. */

static size_t route_place(int tid)
{
    size_t low = 0, high = routes.n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (routes.tids[mid] < tid)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool has_route(int tid)
{
    size_t at = route_place(tid);
    return at < routes.n && routes.tids[at] == tid;
}

void p3_notify_route(int tid)
{
    if (tid == pvmmytid || has_route(tid))
        return;
    size_t at = route_place(tid), n = routes.n;
    keep(&routes, tid);
    if (routes.n == n)
        return;
    memmove(routes.tids + at + 1, routes.tids + at, (n - at) * sizeof tid);
    routes.tids[at] = tid;
    if (!route_add.left)
        return;
    deliver(pvmmytid, &route_add, NULL, 0);
    route_add.left -= route_add.left > 0;
}

/* ---- asking */

int p3_notify_hosts(void)
{
    return p3_error(pvmx_engine_on_host(on_host, NULL));
}

/* Is the host in the machine? From now on changes are told to on_host. */
static int host_is_up(int tid, bool *up)
{
    struct pvmx_hosts hosts;
    int cc = p3_error(pvmx_engine_on_host(on_host, &hosts));
    if (cc)
        return cc;
    *up = false;
    for (size_t i = 0; i < hosts.n; i++)
        *up = *up || (int)(hosts.list[i].index << 18) == tid;
    pvmx_engine_hosts_free(&hosts);
    return PvmOk;
}

static int begin(struct notice *n)
{
    bool up = true;
    if (n->what == PvmHostDelete) {
        int cc = host_is_up(n->tid, &up);
        if (!cc && !up)
            tell(n);
        return cc;
    }
    if (n->what == PvmRouteDelete && !has_route(n->tid)) {
        tell(n);
        return PvmOk;
    }
    pvmx_err err = pvmx_engine_notify_end(n->tid, on_end, n); /* a route ends with its task */
    if (err != PVMX_ERR_NOTASK)
        return p3_error(err);
    tell(n); /* there never was one: as if it had ended */
    return PvmOk;
}

static int ask(int what, int tag, int tid)
{
    struct notice *n = malloc(sizeof *n);
    if (!n)
        return PvmNoMem;
    *n = (struct notice){.what = what, .tid = tid, .tag = tag, .ctx = pvmmyctx};
    px_list_push_back(&notices, &n->node);
    int cc = begin(n);
    if (cc) {
        px_list_remove(&n->node);
        free(n);
    }
    return cc;
}

void p3_notify_output(int tid)
{
    keep(&born, tid);
    p3_msg_news();
}

/* It may take a round trip, in which more are born. */
static void watch_born(void)
{
    for (size_t i = 0; i < born.n; i++)
        ask(NOTICE_OUTPUT, 0, born.tids[i]);
    born.n = 0;
}

void p3_notify_deliver(void)
{
    enum { ROUNDS = 64 };
    if (!p3_notify_pending())
        return;
    watch_born();
    px_list_foreach(it, &notices) {
        struct notice *n = px_container_of(it, struct notice, node);
        n->due = n->told;
    }
    /* The last messages of the ended tasks come first; who ends meanwhile is told the next time. */
    for (int i = 0; i < ROUNDS && pvmx_engine_progress() > 0; i++)
        ;
    px_list_foreach(it, &notices) {
        struct notice *n = px_container_of(it, struct notice, node);
        if (!n->due)
            continue;
        px_list_remove(&n->node);
        ntold--;
        deliver_notice(n);
        free(n);
    }
    if (came.n)
        deliver_hosts();
}

/* The engine may still call for it. */
static void forget(struct notice *n)
{
    px_list_remove(&n->node);
    n->forgotten = n->what != PvmHostDelete && !n->told;
    if (n->forgotten)
        px_list_push_back(&forgotten, &n->node);
    else
        free(n);
}

/* The first that was asked for with the same arguments is told now; of a route it is only forgotten. */
static void cancel(int what, int tag, int tid)
{
    px_list_foreach(it, &notices) {
        struct notice *n = px_container_of(it, struct notice, node);
        if (n->what != what || n->tag != tag || n->tid != tid || n->told)
            continue;
        if (what != PvmRouteDelete)
            deliver_notice(n);
        forget(n);
        return;
    }
}

/* Hosts and routes that come. Cancelling the order for routes is told by a message, as PVM does it. */
static int set_order(int what, int tag, int count, bool off)
{
    struct order *o = what == PvmHostAdd ? &host_add : &route_add;
    if (off) {
        if (what == PvmRouteAdd && o->left)
            deliver(pvmmytid, o, NULL, 0);
        o->left = 0;
        return PvmOk;
    }
    *o = (struct order){count < 0 ? -1 : count, tag, pvmmyctx};
    if (what == PvmRouteAdd || !count)
        return PvmOk;
    return p3_error(pvmx_engine_on_host(on_host, NULL));
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
    if (!cc && !off && what != PvmRouteAdd && what != PvmRouteDelete && p3_rm_rules() &&
        (cc = p3_rm_notify(what, tag, n, tids)) != PvmNoTask)
        return cc;
    if (!cc && (what == PvmHostAdd || what == PvmRouteAdd))
        return set_order(what, tag, n, off);
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
    P3_TRACE(TEV_NOTIFY, {TEV_DID_NE, what, NULL}, {TEV_DID_NMC, tag, NULL},
             {TEV_DID_NTL, n, tids});
    return p3_leave("pvm_notify", cc ? cc : notify(what, tag, n, tids));
}

void p3_notify_end(void)
{
    px_list_foreach(it, &notices)
        forget(px_container_of(it, struct notice, node));
    ntold = 0;
    pvmx_engine_on_host(NULL, NULL);
    host_add.left = route_add.left = 0;
    drop(&came);
    drop(&routes);
    drop(&born);
}
