/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn requests over several hosts: the daemon that carries the request. */
#include "span.h"
#include "base/err.h"
#include "base/log.h"
#include "dial.h"
#include "drain.h"
#include "far.h"
#include "feed.h"
#include "hosts.h"
#include "inherit.h"
#include "link.h"
#include "peer.h"
#include "place.h"
#include "post.h"
#include "proto/hello.h"
#include "server.h"
#include "spread.h"
#include "streams.h"
#include "table.h"
#include "tasks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one other host has to do with it. */
struct part {
    struct spawn_req *req;
    uint32_t host, count;
    struct link *link; /* of the question that is open; NULL: none */
    uint32_t ask;
    bool started; /* its tasks run */
};

struct early {
    struct px_list node;
    struct pxp_task_end end;
    bool lost;   /* with its host */
    char host[]; /* lost: its name */
};

struct span {
    struct px_list node; /* in server.spans */
    unsigned waiting;    /* for answers, and for the launch here */
    bool refused;        /* a host could not reserve */
    struct px_list early;
    size_t nparts;
    struct part parts[];
};

/* ---- choosing hosts --------------------------------------------------------------------------- */

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const struct place_host *)a)->index,
             y = ((const struct place_host *)b)->index;
    return (x > y) - (x < y);
}

/* The hosts that are up, this one first. */
static struct place_host *candidates(struct spawn_req *r, size_t *n)
{
    struct server *sv = r->sv;
    uint64_t key;
    void *value;
    struct place_host *list =
        pxp_zone_alloc(&r->zone, (sv->hosts.table.count + 1) * sizeof *list);
    *n = 0;
    if (list == NULL)
        return NULL;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        const struct host *h = value;
        bool self = h->index == sv->hosts.self;
        if (h->state == PXP_HOST_UP && !h->parting)
            list[(*n)++] = (struct place_host){.index = self ? 0 : h->index,
                                               .slots = h->slots,
                                               .speed = h->speed,
                                               .used = self ? sv->arena.nlive : h->tasks};
    }
    qsort(list, *n, sizeof *list, by_index); /* 0: this one comes first */
    return list;
}

/* The spread of one program as indices of hosts; 0: here. */
static pvmx_err spread_app(struct spawn_req *r, struct pxp_app *app, uint32_t **out)
{
    struct server *sv = r->sv;
    struct spread_vm vm = {0};
    size_t n = 0;
    uint32_t *at = NULL;
    struct pxp_host_entry *all = table_list(&sv->hosts, false, &r->zone, &n);
    struct spread_host *hosts = pxp_zone_alloc(&r->zone, (n + 1) * sizeof *hosts);
    uint32_t *index = pxp_zone_alloc(&r->zone, (n + 1) * sizeof *index);
    if (all == NULL || hosts == NULL || index == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a spawn request");
    for (size_t i = 0; i < n; i++) {
        if (all[i].state != PXP_HOST_UP)
            continue;
        if (all[i].index == sv->hosts.self)
            vm.here = vm.n;
        index[vm.n] = all[i].index == sv->hosts.self ? 0 : all[i].index;
        hosts[vm.n++] = (struct spread_host){.name = all[i].name,
                                             .arch = all[i].arch,
                                             .addresses = all[i].addresses,
                                             .naddresses = all[i].n_addresses,
                                             .cpus = all[i].slots};
    }
    vm.hosts = hosts;
    pvmx_err err = spread_tasks(&vm, app->where, &app->count, &at);
    if (err == PVMX_OK && sv->hosts.table.count > 1) {
        *out = pxp_zone_alloc(&r->zone, ((size_t)app->count + 1) * sizeof **out);
        for (uint32_t i = 0; *out != NULL && i < app->count; i++)
            (*out)[i] = index[at[i]];
        if (*out == NULL)
            err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for %u tasks",
                          app->count);
    }
    free(at);
    return err;
}

pvmx_err span_choose(struct spawn_req *r, uint32_t a)
{
    struct pxp_app *app = &r->m.apps[a];
    bool counts = app->count <= (uint32_t)PX_NSLOTS * HOSTS_MAX || app->count == SPREAD_EACH;
    if (*app->where == '\0' || !counts)
        return PVMX_OK;
    if (r->chosen == NULL)
        r->chosen = pxp_zone_alloc(&r->zone, r->m.n_apps * sizeof *r->chosen);
    return r->chosen != NULL
               ? spread_app(r, app, &r->chosen[a])
               : px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a spawn request");
}

static pvmx_err idle_slots(const struct spawn_req *r, const struct place_host *list, size_t n)
{
    uint32_t idle = 0, slots = 0;
    for (size_t i = 0; i < n; i++) {
        slots += list[i].slots;
        idle += list[i].slots > list[i].used ? list[i].slots - list[i].used : 0;
    }
    if ((r->m.flags & PVMX_SPAWN_NO_OVERSUBSCRIBE) == 0 ||
        (r->m.flags & PVMX_SPAWN_SOFT) != 0 || r->total <= idle)
        return PVMX_OK;
    return px_fail(
        PVMX_ERR_LIMIT,
        "%u tasks were asked for without oversubscription, but of the %u slots of the "
        "virtual machine %u are free",
        r->total, slots, idle);
}

static void place_apps(struct spawn_req *r, struct place_host *list, size_t n)
{
    uint32_t at = 0;
    for (uint32_t a = 0; a < r->nplans; a++) {
        const uint32_t *chosen = r->chosen != NULL ? r->chosen[a] : NULL;
        uint32_t count = r->m.apps[a].count;
        for (uint32_t k = 0; chosen != NULL && k < count; k++)
            r->ones[at++].host = chosen[k];
        if (chosen != NULL)
            continue;
        place_tasks(list, n, count);
        for (size_t i = 0; i < n; i++)
            for (uint32_t k = 0; k < list[i].count; k++)
                r->ones[at++].host = list[i].index;
    }
}

static uint32_t count_on(const struct spawn_req *r, uint32_t host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->total; i++)
        n += r->ones[i].host == host;
    return n;
}

pvmx_err span_place(struct spawn_req *r)
{
    struct server *sv = r->sv;
    size_t n = 0, nparts = 0;
    if (sv->hosts.table.count <= 1)
        return PVMX_OK;
    struct place_host *list = candidates(r, &n);
    if (list == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for %u tasks", r->total);
    pvmx_err err = n > 1 ? idle_slots(r, list, n) : PVMX_OK;
    if (err != PVMX_OK)
        return err;
    place_apps(r, list, n);
    for (size_t i = 0; i < n; i++)
        nparts += list[i].index != 0 && count_on(r, list[i].index) > 0;
    if (nparts == 0)
        return PVMX_OK;
    struct span *s = calloc(1, sizeof *s + nparts * sizeof s->parts[0]);
    if (s == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for %u tasks", r->total);
    px_list_init(&s->early);
    for (size_t i = 0; i < n; i++) {
        uint32_t count = list[i].index != 0 ? count_on(r, list[i].index) : 0;
        if (count > 0)
            s->parts[s->nparts++] =
                (struct part){.req = r, .host = list[i].index, .count = count};
    }
    px_list_push_back(&sv->spans, &s->node);
    r->span = s;
    return PVMX_OK;
}

/* ---- numbers ---------------------------------------------------------------------------------- */

/* The number means no task any more; nothing waits for its output, which would keep the spawner's pipes
 * open. */
static void drop_tid(struct spawn_req *r, struct spawn_one *one)
{
    if (one->tid != 0)
        drain_forget(r->sv, one->tid);
    one->tid = 0;
}

static void fail_part(struct part *p, pvmx_err err)
{
    struct spawn_req *r = p->req;
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->host == p->host && one->err == PVMX_OK)
            launch_failed(r, i, err);
        if (one->host == p->host)
            drop_tid(r, one);
    }
}

static bool take_tids(struct part *p, const struct pxp_reserved *m)
{
    struct spawn_req *r = p->req;
    uint32_t at = 0;
    for (size_t k = 0; k < m->n_tids; k++)
        for (uint32_t j = 0; j < m->tids[k].count; j++) {
            int32_t tid = m->tids[k].first + (int32_t)j;
            while (at < r->total &&
                   (r->ones[at].host != p->host || r->ones[at].err != PVMX_OK))
                at++;
            if (at == r->total || far_host(tid) != p->host)
                return false;
            r->ones[at++].tid = tid;
        }
    while (at < r->total && (r->ones[at].host != p->host || r->ones[at].err != PVMX_OK))
        at++;
    return at == r->total;
}

static void start_all(struct spawn_req *r);

/* The last answer to a round of questions has come. */
static void reserved_all(struct spawn_req *r)
{
    if (!r->span->refused && !r->withdrawn) {
        start_all(r);
        return;
    }
    span_undo(r);
    if ((r->m.flags & PVMX_SPAWN_SOFT) != 0)
        spawn_again(r);
    else
        spawn_lost(r);
}

static void on_reserved(struct server *sv, void *arg, uint32_t number,
                        const uint8_t *body, size_t len)
{
    struct part *p = arg;
    struct pxp_zone zone = {0};
    struct pxp_reserved m;
    (void)sv;
    p->link = NULL;
    pvmx_err err = number == PXP_RESERVED ? pxp_reserved_decode(body, len, &m, &zone)
                                          : link_why_not(p->host, number, body, len);
    if (err == PVMX_OK && !take_tids(p, &m))
        err = px_fail(PVMX_ERR_PROTO, "host %u reserves other tasks than were asked for",
                      p->host);
    if (err != PVMX_OK) {
        p->req->span->refused = true;
        fail_part(p, err);
    }
    pxp_zone_free(&zone);
    if (--p->req->span->waiting == 0)
        reserved_all(p->req);
}

static struct link *ask(struct part *p, link_answer_fn *fn)
{
    struct host *h = hosts_find(p->req->sv, p->host);
    struct link *l = h != NULL && h->state == PXP_HOST_UP ? hosts_link(p->req->sv, h) : NULL;
    p->ask = l != NULL ? link_ask(l, fn, p) : 0;
    p->link = p->ask != 0 ? l : NULL;
    if (p->link == NULL)
        px_fail(PVMX_ERR_CLOSED, "host number %u is not in the virtual machine any more",
                p->host);
    return p->link;
}

static uint32_t wanted(const struct spawn_req *r, uint32_t host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->total; i++)
        n += r->ones[i].host == host && r->ones[i].err == PVMX_OK;
    return n;
}

void span_reserve(struct spawn_req *r)
{
    struct span *s = r->span;
    s->refused = false;
    s->waiting = 1; /* us, so that no answer is the last while we ask */
    for (size_t i = 0; i < s->nparts; i++) {
        struct part *p = &s->parts[i];
        struct pxp_reserve m = {.count = wanted(r, p->host)};
        p->started = false;
        if (m.count == 0)
            continue;
        struct link *l = ask(p, on_reserved);
        if (l == NULL || pxp_reserve_encode(link_out(l), p->ask, &m) != PVMX_OK) {
            s->refused = true;
            fail_part(p, PVMX_ERR_CLOSED);
            if (l != NULL)
                link_unask(l, p->ask);
            continue;
        }
        s->waiting++;
    }
    if (--s->waiting == 0)
        reserved_all(r);
}

/* ---- starting --------------------------------------------------------------------------------- */

static void take_outcome(struct part *p, const struct pxp_started *m)
{
    struct spawn_req *r = p->req;
    struct host *h = hosts_find(r->sv, p->host);
    uint32_t k = 0;
    p->started = m->error == PVMX_OK;
    if (m->error != PVMX_OK)
        px_fail(m->error, "%.500s", m->text);
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->host != p->host || one->err != PVMX_OK)
            continue;
        pvmx_err err = k < m->n_errors ? m->errors[k] : PVMX_OK;
        one->started = p->started;
        one->pid = k < m->n_pids ? (pid_t)m->pids[k] : 0;
        k++;
        if (err != PVMX_OK && err != PVMX_ERR_CANCELLED)
            launch_failed(r, i, err);
        if (!one->started)
            drop_tid(r, one);
    }
    if (!p->started && (r->m.flags & PVMX_SPAWN_SOFT) == 0)
        fail_part(p, m->error);
    else if (p->started && h != NULL)
        h->tasks += k; /* until its next heart-beat */
}

static void on_started(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                       size_t len)
{
    struct part *p = arg;
    struct pxp_zone zone = {0};
    struct pxp_started m;
    p->link = NULL;
    pvmx_err err = number == PXP_STARTED ? pxp_started_decode(body, len, &m, &zone)
                                         : link_why_not(p->host, number, body, len);
    if (err == PVMX_OK)
        take_outcome(p, &m);
    else
        fail_part(p, err);
    pxp_zone_free(&zone);
    if (span_done(p->req)) {
        spawn_finish(p->req);
        span_settled(sv);
    }
}

static pvmx_err start_part(struct spawn_req *r, struct part *p)
{
    struct pxp_start m = {.job = r->job_id,
                          .parent = r->parent,
                          .ctx = r->ctx,
                          .size = r->size,
                          .world = r->world,
                          .n_world = r->nworld,
                          .request = r->body,
                          .request_len = r->body_len,
                          .slots = r->m.slots,
                          .place = r->place != NULL ? r->place : "",
                          .forward = true};
    inherit_write(r, &m);
    m.tasks = pxp_zone_alloc(&r->zone, (p->count + 1) * sizeof *m.tasks);
    if (m.tasks == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for %u tasks", p->count);
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->host != p->host || one->err != PVMX_OK)
            continue;
        one->fed = feed_wanted(r, one->rank);
        m.tasks[m.n_tasks++] = (struct pxp_start_task){.tid = one->tid,
                                                       .app = one->app,
                                                       .rank = one->rank,
                                                       .input = one->fed};
    }
    if (m.n_tasks == 0)
        return PVMX_OK;
    struct link *l = ask(p, on_started);
    if (l == NULL)
        return PVMX_ERR_CLOSED;
    r->span->waiting++;
    pvmx_err err = pxp_start_encode(link_out(l), p->ask, &m);
    if (err != PVMX_OK) {
        link_unask(l, p->ask);
        p->link = NULL;
        r->span->waiting--;
    }
    return err;
}

static void start_all(struct spawn_req *r)
{
    struct span *s = r->span;
    launch_number(r);
    s->waiting = 1; /* the launch here */
    for (uint32_t i = 0; i < r->total; i++)
        if (r->ones[i].host != 0 && r->ones[i].err == PVMX_OK)
            drain_expect(r, &r->ones[i]);
    for (size_t i = 0; i < s->nparts; i++) {
        pvmx_err err = start_part(r, &s->parts[i]);
        if (err != PVMX_OK)
            fail_part(&s->parts[i], err);
    }
    launch_round(r);
}

bool span_done(struct spawn_req *r)
{
    return --r->span->waiting == 0;
}

/* ---- the end of a round ----------------------------------------------------------------------- */

void span_undo(struct spawn_req *r)
{
    for (size_t i = 0; i < r->span->nparts; i++) {
        struct part *p = &r->span->parts[i];
        struct post *to = post_to(r->sv, p->host);
        struct pxp_undo m = {.job = r->job_id,
                             .tids =
                                 pxp_zone_alloc(&r->zone, (p->count + 1) * sizeof *m.tids)};
        for (uint32_t k = 0; k < r->total; k++) {
            struct spawn_one *one = &r->ones[k];
            if (one->host != p->host)
                continue;
            if (one->tid != 0 && m.tids != NULL)
                m.tids[m.n_tids++] = (struct pxp_range){.first = one->tid, .count = 1};
            drop_tid(r, one);
            streams_close(one->ends);
            one->started = false;
        }
        if (to != NULL && m.n_tids > 0)
            post_sent(to, pxp_undo_encode(&to->kept, post_number(to), &m));
    }
}

void span_commit(struct spawn_req *r, struct job *j)
{
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->host == 0 || !one->started)
            continue;
        if (one->fed)
            feed_start(r, one);
        struct far *f = far_add(r->sv, one->tid, j, one->rank, (uint32_t)one->pid);
        if (f == NULL)
            px_log(PX_LOG_ERROR, "SPAN-NOMEM",
                   "no memory for t%x: its end will not be told", (unsigned)one->tid);
        else
            j->size++;
    }
}

bool span_early_end(struct server *sv, const struct pxp_task_end *end)
{
    px_list_foreach(it, &sv->spans) {
        struct span *s = px_container_of(it, struct span, node);
        const struct spawn_req *r = s->parts[0].req;
        for (uint32_t i = 0; i < r->total; i++) {
            struct early *e = r->ones[i].tid == end->tid ? malloc(sizeof *e) : NULL;
            if (e == NULL)
                continue;
            e->end = *end;
            e->end.program = "";
            e->lost = false;
            px_list_push_back(&s->early, &e->node);
            return true;
        }
    }
    return false;
}

static void add_lost(struct span *s, int32_t tid, const char *name)
{
    size_t len = strlen(name) + 1;
    struct early *e = malloc(sizeof *e + len);
    if (e == NULL)
        return;
    e->end = (struct pxp_task_end){.tid = tid};
    e->lost = true;
    memcpy(e->host, name, len);
    px_list_push_back(&s->early, &e->node);
}

void span_tasks_lost(struct server *sv, uint32_t index, const char *name)
{
    px_list_foreach(it, &sv->spans) {
        struct span *s = px_container_of(it, struct span, node);
        const struct spawn_req *r = s->parts[0].req;
        for (uint32_t i = 0; i < r->total; i++)
            if (r->ones[i].host == index && r->ones[i].started)
                add_lost(s, r->ones[i].tid, name);
    }
}

void span_free(struct spawn_req *r)
{
    struct span *s = r->span;
    struct server *sv = r->sv;
    if (s == NULL)
        return;
    struct px_list *node, early;
    px_list_remove(&s->node); /* from now on no end is early */
    px_list_init(&early);
    while ((node = px_list_pop(&s->early)) != NULL)
        px_list_push_back(&early, node);
    for (size_t i = 0; i < s->nparts; i++)
        if (s->parts[i].link != NULL)
            link_unask(s->parts[i].link, s->parts[i].ask);
    free(s);
    r->span = NULL;
    while ((node = px_list_pop(&early)) != NULL) {
        struct early *e = px_container_of(node, struct early, node);
        if (e->lost)
            far_lost(sv, e->end.tid, e->host);
        else
            far_end(sv, &e->end);
        free(e);
    }
}
