/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices of ends. */
#include "notify.h"
#include "agree.h"
#include "base/err.h"
#include "base/log.h"
#include "events.h"
#include "far.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include <stdlib.h>
#include <string.h>

enum {
    RECORDS_MAX = 1024, /* ended tasks that can still be asked for; older ones are "ended, not known how" */
};

static void record_unref(struct end_record *r)
{
    if (--r->refs == 0)
        free(r);
}

static void record_forget_oldest(struct server *sv)
{
    struct end_record *r =
        px_container_of(px_list_pop(&sv->records), struct end_record, node);
    px_map_remove(&sv->ended, (uint64_t)r->end.tid);
    sv->nrecords--;
    record_unref(r);
}

static void record_keep(struct server *sv, struct end_record *r)
{
    if (px_map_put(&sv->ended, (uint64_t)r->end.tid, r) != PVMX_OK)
        return;
    r->refs++;
    px_list_push_back(&sv->records, &r->node);
    if (++sv->nrecords > RECORDS_MAX)
        record_forget_oldest(sv);
}

static struct end_record *record_new(const struct pxp_task_end *end)
{
    size_t len = strlen(end->program) + 1;
    struct end_record *r = malloc(sizeof *r + len);
    if (r == NULL)
        return NULL;
    memcpy(r->program, end->program, len);
    r->refs = 1;
    px_list_init(&r->node);
    r->end = *end;
    r->end.program = r->program;
    return r;
}

static void tell(struct peer *p, struct end_record *r)
{
    struct ends *e = &p->ends;
    if (p->closed)
        return;
    if (e->n == e->cap) {
        size_t cap = e->cap > 0 ? e->cap * 2 : 8;
        struct end_record **items = realloc(e->items, cap * sizeof *items);
        if (items == NULL) {
            px_log(PX_LOG_ERROR, "NOTIFY-NOMEM", "no memory for a notice");
            peer_close(p); /* its client knows then that it knows nothing */
            return;
        }
        e->items = items;
        e->cap = cap;
    }
    e->items[e->n++] = r;
    r->refs++;
    peer_out(p);
}

static void watch_free(struct watch *w)
{
    px_list_remove(&w->in_peer);
    px_list_remove(&w->in_task);
    free(w);
}

void notify_end(struct server *sv, const struct pxp_task_end *end, struct peer *spawner,
                struct peer *session, struct px_list *watches)
{
    struct end_record *r = record_new(end);
    if (r == NULL) {
        px_log(PX_LOG_ERROR, "NOTIFY-NOMEM", "no memory for the end of t%x",
               (unsigned)end->tid);
        while (!px_list_empty(watches))
            notify_drop_watch(watches->next);
        return;
    }
    px_log(PX_LOG_INFO, "TASK-END",
           "t%x (%s, process %u) has ended: status %d signal %d%s", (unsigned)end->tid,
           r->program, end->pid, end->status, end->signal, end->left ? ", had left" : "");
    record_keep(sv, r);
    if (spawner != NULL)
        tell(spawner, r);
    if (session != NULL && session != spawner)
        tell(session, r);
    px_list_foreach(it, watches) {
        struct watch *w = px_container_of(it, struct watch, in_task);
        struct peer *p = w->peer;
        watch_free(w);
        if (p != spawner && p != session)
            tell(p, r);
    }
    record_unref(r);
}

void notify_ended(struct server *sv, struct task *t, int status, int signal, bool inited)
{
    const struct job *j = t->job;
    struct pxp_task_end end = {.tid = t->tid,
                               .status = status,
                               .signal = signal,
                               .inited = inited,
                               .left = t->left,
                               .job = j != NULL ? j->id : 0,
                               .rank = t->rank,
                               .program = task_program(t),
                               .pid = (uint32_t)t->pid};
    t->told = true;
    agree_forget_task(t);
    events_note(sv, t,
                (struct pxp_event){.kind = PXP_EVENT_TASK_END,
                                   .status = status,
                                   .signal = signal});
    notify_end(sv, &end, j != NULL ? j->owner_peer : NULL, j != NULL ? j->session : NULL,
               &t->watches);
    far_tell(t, &end);
}

bool notify_add_watch(struct peer *p, struct px_list *watches)
{
    px_list_foreach(it, watches)
        if (px_container_of(it, struct watch, in_task)->peer == p)
            return true;
    struct watch *w = malloc(sizeof *w);
    if (w == NULL)
        return false;
    w->peer = p;
    px_list_push_back(&p->watches, &w->in_peer);
    px_list_push_back(watches, &w->in_task);
    return true;
}

void notify_drop_watch(struct px_list *in_task)
{
    watch_free(px_container_of(in_task, struct watch, in_task));
}

void notify_known(struct server *sv, int32_t tid, struct pxp_task_end *end)
{
    const struct end_record *r = px_map_get(&sv->ended, (uint64_t)tid);
    /* Long ago: how it ended is forgotten, that it ended is not. */
    *end =
        r != NULL
            ? r->end
            : (struct pxp_task_end){.tid = tid, .status = -1, .inited = true, .program = ""};
}

void notify_encode(struct peer *p)
{
    struct ends *e = &p->ends;
    if (e->n == 0)
        return;
    struct pxp_task_end *ends = calloc(e->n, sizeof *ends);
    if (ends == NULL) {
        peer_close(p);
        return;
    }
    for (size_t i = 0; i < e->n; i++)
        ends[i] = e->items[i]->end;
    struct pxp_ended m = {.ends = ends, .n_ends = e->n};
    pvmx_err err = pxp_ended_encode(&p->out, 0, &m);
    free(ends);
    for (size_t i = 0; i < e->n; i++)
        record_unref(e->items[i]);
    e->n = 0;
    if (e->cap > 64) { /* a burst need not be kept for ever */
        free(e->items);
        *e = (struct ends){0};
    }
    if (err != PVMX_OK)
        peer_close(p);
}

/* One tid of a watch request. */
static pvmx_err watch_one(struct server *sv, struct peer *p, int32_t tid)
{
    struct task *t = task_find(sv, tid);
    struct pxp_task_end end;
    if (t != NULL && !t->told)
        return notify_add_watch(p, &t->watches)
                   ? PVMX_OK
                   : px_fail(PVMX_ERR_NOMEM, "no memory for a notice");
    if (far_host(tid) != sv->hosts.self && px_map_get(&sv->ended, (uint64_t)tid) == NULL) {
        pvmx_err err = far_watch(sv, p, tid);
        if (err != PVMX_ERR_NOENT) /* else its host has gone, and so has the task */
            return err;
    }
    notify_known(sv, tid, &end);
    struct end_record *r = record_new(&end);
    if (r == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a notice");
    tell(p, r);
    record_unref(r);
    return PVMX_OK;
}

/* There is such a task, or was. */
static bool ever(const struct server *sv, int32_t tid)
{
    if (tid > 0 && far_host(tid) != sv->hosts.self)
        return far_host(tid) != 0 && far_host(tid) <= sv->hosts.last_index;
    return arena_ever(&sv->arena, tid);
}

pvmx_err notify_watch(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_watch m;
    pvmx_err err = pxp_watch_decode(body, len, &m, &zone);
    for (size_t i = 0; err == PVMX_OK && i < m.n_tids; i++)
        if (!ever(sv, m.tids[i]))
            err = px_fail(PVMX_ERR_NOTASK, "there never was a task t%x", (unsigned)m.tids[i]);
    for (size_t i = 0; err == PVMX_OK && !p->closed && i < m.n_tids; i++)
        err = watch_one(sv, p, m.tids[i]);
    if (err == PVMX_OK && serial != 0 && !p->closed) {
        notify_encode(p); /* what is known already comes before the answer */
        struct pxp_done done = {.count = (uint32_t)m.n_tids};
        err = pxp_done_encode(peer_out(p), serial, &done);
    }
    pxp_zone_free(&zone);
    return err;
}

void notify_forget_peer(struct peer *p)
{
    px_list_foreach(it, &p->watches)
        watch_free(px_container_of(it, struct watch, in_peer));
    for (size_t i = 0; i < p->ends.n; i++)
        record_unref(p->ends.items[i]);
    p->ends.n = 0;
}

void notify_forget_task(struct task *t)
{
    px_list_foreach(it, &t->watches)
        watch_free(px_container_of(it, struct watch, in_task));
}

void notify_fini(struct server *sv)
{
    while (sv->nrecords > 0)
        record_forget_oldest(sv);
    px_map_free(&sv->ended);
}
