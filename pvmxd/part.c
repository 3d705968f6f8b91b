/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn requests over several hosts: the part of a daemon that another one has asked. */
#include "agree.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "conf.h"
#include "dial.h"
#include "far.h"
#include "hosts.h"
#include "inherit.h"
#include "link.h"
#include "output.h"
#include "proto/hello.h"
#include "server.h"
#include "span.h"
#include "streams.h"
#include "tasks.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { LAUNCHING = 1 << 16 }; /* added to the host: its process is just being started */

struct later {
    struct px_list node; /* in server.laters */
    int32_t tid;
    uint32_t host;
};

/* ---- numbers that were given out -------------------------------------------------------------- */

/* The map's value: for which host, as a pointer that is no pointer. */
static void *host_value(uint32_t host)
{
    return (void *)(uintptr_t)host;
}

bool span_reserved_for(struct server *sv, int32_t tid, uint32_t host)
{
    return px_map_get(&sv->reserved, (uint64_t)tid) == host_value(host);
}

bool span_coming(struct server *sv, int32_t tid)
{
    return px_map_get(&sv->reserved, (uint64_t)tid) != NULL ||
           (task_find(sv, tid) == NULL && arena_announced(&sv->arena, tid));
}

static void unreserve(struct server *sv, int32_t tid)
{
    if (px_map_remove(&sv->reserved, (uint64_t)tid) != NULL)
        arena_unalloc(&sv->arena, px_tid_slot(tid));
}

pvmx_err span_on_reserve(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_reserve q;
    struct pxp_reserved m = {0};
    pvmx_err err = pxp_reserve_decode(body, len, &q, &zone);
    if (err == PVMX_OK && sv->halting)
        err = px_fail(PVMX_ERR_STATE, "host %s is leaving the virtual machine", sv->host);
    if (err == PVMX_OK && sv->arena.nfree < q.count)
        arena_scan(&sv->arena);
    if (err == PVMX_OK && sv->arena.nfree < q.count)
        err = px_fail(
            PVMX_ERR_LIMIT,
            "%u tasks were asked for, but of the %d tasks that host %s can hold at one "
            "time only %u are free",
            q.count, PX_NSLOTS, sv->host, sv->arena.nfree);
    if (err == PVMX_OK)
        m.tids = pxp_zone_alloc(&zone, (q.count + 1) * sizeof *m.tids);
    if (err == PVMX_OK && m.tids == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "host %s has no memory for %u tasks", sv->host,
                      q.count);
    for (uint32_t i = 0; err == PVMX_OK && i < q.count; i++) {
        int32_t tid = arena_alloc(&sv->arena);
        if (px_map_put(&sv->reserved, (uint64_t)tid, host_value(l->host)) != PVMX_OK) {
            arena_unalloc(&sv->arena, px_tid_slot(tid));
            err = px_fail(PVMX_ERR_NOMEM, "host %s has no memory for another task", sv->host);
        } else if (m.n_tids > 0 &&
                   m.tids[m.n_tids - 1].first + (int32_t)m.tids[m.n_tids - 1].count == tid) {
            m.tids[m.n_tids - 1].count++;
        } else {
            m.tids[m.n_tids++] = (struct pxp_range){.first = tid, .count = 1};
        }
    }
    if (err == PVMX_OK)
        err = pxp_reserved_encode(link_out(l), serial | LINK_REPLY, &m);
    for (size_t i = 0; err != PVMX_OK && i < m.n_tids; i++)
        for (uint32_t k = 0; k < m.tids[i].count; k++)
            unreserve(sv, m.tids[i].first + (int32_t)k);
    pxp_zone_free(&zone);
    return err;
}

pvmx_err span_on_undo(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_undo m;
    (void)serial;
    pvmx_err err = pxp_undo_decode(body, len, &m, &zone);
    for (size_t i = 0; err == PVMX_OK && i < m.n_tids; i++)
        for (uint32_t k = 0; k < m.tids[i].count && k < PX_NSLOTS; k++) {
            int32_t tid = m.tids[i].first + (int32_t)k;
            struct task *t = task_find(sv, tid);
            if (span_reserved_for(sv, tid, l->host)) {
                unreserve(sv, tid);
            } else if (t != NULL && t->job != NULL && t->job->id == m.job) {
                t->silent = true;
                task_terminate(t, true);
            }
        }
    pxp_zone_free(&zone);
    span_settled(sv);
    return err;
}

/* ---- starting --------------------------------------------------------------------------------- */

/* Descriptor 0: a pipe for those who are sent something; the spawner's is on another host. */
static pvmx_err fill_input(struct spawn_req *r, const struct pxp_start *s)
{
    r->m.stdin_some = true;
    r->m.n_stdin_ranks = 0;
    r->m.stdin_ranks = pxp_zone_alloc(&r->zone, s->n_tasks * sizeof *r->m.stdin_ranks);
    if (r->m.stdin_ranks == NULL)
        return px_fail(PVMX_ERR_NOMEM, "host %s has no memory for a task", r->sv->host);
    for (size_t i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].input)
            r->m.stdin_ranks[r->m.n_stdin_ranks++] =
                (struct pxp_range){.first = (int32_t)s->tasks[i].rank, .count = 1};
    if (r->m.n_stdin_ranks > 0)
        r->m.streams |= PXP_STREAM_IN;
    return PVMX_OK;
}

/* The request as this host sees it: its own tasks only. */
static pvmx_err fill(struct spawn_req *r, struct server *sv, const struct pxp_start *s)
{
    if (s->n_tasks == 0 || s->n_tasks > PX_NSLOTS || r->m.n_apps == 0)
        return px_fail(PVMX_ERR_PROTO, "a part of a spawn request with %zu tasks",
                       s->n_tasks);
    for (size_t i = 0; i < r->m.n_apps; i++) {
        r->m.apps[i].count = 0;
        if (*r->m.apps[i].place == '\0')
            r->m.apps[i].place = s->place;
    }
    for (size_t i = 0; i < s->n_tasks; i++) {
        uint32_t app = s->tasks[i].app;
        if (app >= r->m.n_apps || (i > 0 && app < s->tasks[i - 1].app) ||
            !span_reserved_for(sv, s->tasks[i].tid, r->origin))
            return px_fail(PVMX_ERR_PROTO,
                           "a part of a spawn request that was not reserved");
        r->m.apps[app].count++;
    }
    r->total = (uint32_t)s->n_tasks;
    pvmx_err err = spawn_alloc(r);
    if (err != PVMX_OK)
        return err;
    for (size_t i = 0; i < s->n_tasks; i++) {
        r->ones[i].tid = s->tasks[i].tid;
        r->ones[i].rank = s->tasks[i].rank;
        r->ones[i].fed = s->tasks[i].input;
        if (px_map_put(&sv->reserved, (uint64_t)s->tasks[i].tid,
                       host_value(r->origin | LAUNCHING)) != PVMX_OK)
            return px_fail(PVMX_ERR_NOMEM, "host %s has no memory for a task", sv->host);
    }
    r->size = s->size;
    r->world = s->world;
    r->nworld = (uint32_t)s->n_world;
    r->m.slots = s->slots;
    r->job_id = s->job;
    r->ctx = s->ctx;
    r->parent = s->parent;
    r->m.streams = s->forward ? PXP_STREAM_OUT | PXP_STREAM_ERR : 0;
    pvmx_err input = fill_input(r, s);
    if (input != PVMX_OK)
        return input;
    streams_keep(r);
    r->m.flags &= ~(uint32_t)PVMX_SPAWN_SOFT; /* who carries the request sees to that */
    return PVMX_OK;
}

pvmx_err span_on_start(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_start s;
    struct spawn_req *r = spawn_new(sv, serial);
    if (r == NULL)
        return px_fail(PVMX_ERR_NOMEM, "host %s has no memory for a spawn request", sv->host);
    r->origin = l->host;
    r->link = l->id;
    for (int i = 0; i < 3; i++)
        r->stdio[i] = fcntl(EXEC_NULL_FD, F_DUPFD_CLOEXEC, EXEC_FIRST_FD);
    pvmx_err err = pxp_start_decode(body, len, &s, &r->zone);
    if (err == PVMX_OK)
        err = pxp_spawn_decode(s.request, s.request_len, &r->m, &r->zone);
    if (err == PVMX_OK)
        err = inherit_part(r, &s);
    if (err == PVMX_OK)
        err = fill(r, sv, &s);
    if (err != PVMX_OK) {
        for (uint32_t i = 0; r->ones != NULL && i < r->total; i++)
            if (r->ones[i].tid != 0)
                unreserve(sv, r->ones[i].tid);
        spawn_free(r);
        return err;
    }
    launch_number(r);
    launch_round(r);
    return PVMX_OK;
}

static void answer(struct spawn_req *r, pvmx_err err, const char *text)
{
    struct pxp_started m = {.error = err, .text = text};
    struct link *l = link_find(r->sv, r->link);
    m.errors = pxp_zone_alloc(&r->zone, (r->total + 1) * sizeof *m.errors);
    m.pids = pxp_zone_alloc(&r->zone, (r->total + 1) * sizeof *m.pids);
    if (l == NULL || m.errors == NULL || m.pids == NULL)
        return;
    for (uint32_t i = 0; i < r->total; i++) {
        m.errors[i] = r->ones[i].err;
        m.pids[i] = (uint32_t)r->ones[i].pid;
    }
    m.n_errors = m.n_pids = r->total;
    pxp_started_encode(link_out(l), r->serial | LINK_REPLY, &m);
}

void span_watch_later(struct server *sv, int32_t tid, uint32_t host)
{
    struct later *w = malloc(sizeof *w);
    if (w == NULL)
        return;
    *w = (struct later){.tid = tid, .host = host};
    px_list_push_back(&sv->laters, &w->node);
}

void span_watch_now(struct server *sv, struct task *t)
{
    px_list_foreach(it, &sv->laters) {
        struct later *w = px_container_of(it, struct later, node);
        if (w->tid != t->tid)
            continue;
        task_far_host(t, w->host);
        px_list_remove(it);
        free(w);
    }
}

static void launched(struct spawn_req *r)
{
    for (uint32_t i = 0; i < r->total; i++)
        if (r->ones[i].tid != 0)
            px_map_remove(&r->sv->reserved, (uint64_t)r->ones[i].tid);
}

void span_part_finish(struct spawn_req *r, uint32_t failed)
{
    struct server *sv = r->sv;
    const struct host *h = hosts_find(sv, r->origin);
    bool orphans = h == NULL || h->state != PXP_HOST_UP || link_find(sv, r->link) == NULL;
    launched(r);
    spawn_give_back(r);
    struct job *j = spawn_make_job(r);
    if (j == NULL || failed > 0 || orphans || sv->halting) {
        if (j == NULL)
            px_log(PX_LOG_ERROR, "PART-NOMEM", "no memory for a job");
        spawn_undo(r, j);
        answer(r, PVMX_ERR_SPAWN, r->text != NULL ? r->text : "the host leaves");
    } else {
        j->origin = r->origin;
        j->piped = true;
        for (uint32_t i = 0; i < r->total; i++) {
            struct spawn_one *one = &r->ones[i];
            struct task *t = spawn_register(r, one, j);
            if (t == NULL)
                continue;
            output_start(sv, t, one, r->origin);
        }
        answer(r, PVMX_OK, "");
        spawn_watch_init(j);
        if (j->alive == 0)
            job_free(j);
    }
    spawn_free(r);
    span_settled(sv);
}

void span_settled(struct server *sv)
{
    px_list_foreach(it, &sv->laters) {
        struct later *w = px_container_of(it, struct later, node);
        if (span_coming(sv, w->tid))
            continue;
        far_never(sv, w->tid, w->host); /* it was not started after all */
        px_list_remove(it);
        free(w);
    }
    agree_recheck(sv);
    dial_retry(sv);
}

void span_host_lost(struct server *sv, uint32_t index)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->reserved, &pos, &key, &value);)
        if (value == host_value(index)) {
            px_map_remove(&sv->reserved, key);
            arena_unalloc(&sv->arena, px_tid_slot((int32_t)key));
        }
    span_settled(sv);
}

void span_fini(struct server *sv)
{
    struct px_list *node;
    while ((node = px_list_pop(&sv->laters)) != NULL)
        free(px_container_of(node, struct later, node));
    px_map_free(&sv->reserved);
}
