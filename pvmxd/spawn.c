/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop's half of a spawn request: taking slots, registering what was started, answering. */
#include "spawn.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "drain.h"
#include "events.h"
#include "helper.h"
#include "inherit.h"
#include "limit.h"
#include "output.h"
#include "peer.h"
#include "preload.h"
#include "proto/hello.h"
#include "reap.h"
#include "server.h"
#include "span.h"
#include "streams.h"
#include "tasks.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ROUNDS_MAX = 4
}; /* of SOFT: the limits that others change under us do not settle */

void spawn_free(struct spawn_req *r)
{
    span_free(r);
    preload_free(r);
    inherit_drop_request(r);
    px_list_remove(&r->in_peer);
    px_list_remove(&r->in_task);
    px_list_remove(&r->in_all);
    streams_close(r->stdio);
    streams_close(r->tty);
    pxp_zone_free(&r->zone);
    pthread_mutex_destroy(&r->lock);
    free(r->text);
    r->sv->nrequests--;
    free(r);
}

/* Sends the answer. Returns the errors that go with it, which are none when every task is there. */
static pvmx_err answer(struct spawn_req *r, pvmx_err err, const char *text)
{
    struct pxp_spawned m = {.error = err, .text = text, .job = err == PVMX_OK ? r->job_id : 0};
    bool all = err == PVMX_OK;
    for (uint32_t i = 0; i < r->total; i++)
        all = all && r->ones[i].err == PVMX_OK;
    int32_t *tids = pxp_zone_alloc(&r->zone, (r->total + 1) * 2 * sizeof *tids), *errors;
    if (tids == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
    errors = tids + r->total;
    for (uint32_t i = 0; i < r->total; i++) {
        const struct spawn_one *one = &r->ones[i];
        tids[i] = one->started && err == PVMX_OK ? one->tid : 0;
        errors[i] = one->err == PVMX_OK && err != PVMX_OK ? PVMX_ERR_CANCELLED : one->err;
    }
    m.tids = tids;
    m.n_tids = err == PVMX_OK ? r->total : 0;
    m.errors = errors;
    m.n_errors = all ? 0 : r->total;
    return pxp_spawned_encode(peer_out(r->peer), r->serial, &m);
}

static void spawn_answer(struct spawn_req *r, pvmx_err err, const char *text)
{
    if (err != PVMX_OK)
        px_log(PX_LOG_INFO, "SPAWN-FAIL", "%s", text);
    if (r->peer == NULL || r->peer->closed)
        return;
    pvmx_err sent = answer(r, err, text);
    if (sent != PVMX_OK)
        peer_refuse(r->peer, r->serial, sent, NULL);
}

/* ---- accepting -------------------------------------------------------------------------------- */

static pvmx_err count_tasks(struct spawn_req *r, uint32_t *total)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->m.n_apps; i++) {
        pvmx_err err = span_choose(r, (uint32_t)i);
        if (err != PVMX_OK)
            return err;
        sum += r->m.apps[i].count;
    }
    if (r->m.n_apps == 0)
        return px_fail(PVMX_ERR_ARG, "a spawn request without a program");
    if (sum > (uint64_t)PX_NSLOTS * r->sv->hosts.table.count)
        return px_fail(
            PVMX_ERR_LIMIT,
            "%llu tasks were asked for, but a host can hold %d at one time (%u of them "
            "are free on host %s now)",
            (unsigned long long)sum, PX_NSLOTS, r->sv->arena.nfree, r->sv->host);
    *total = (uint32_t)sum;
    return PVMX_OK;
}

/* How many may be started now; not all only with SOFT. */
static pvmx_err check_room(struct spawn_req *r, uint32_t *room)
{
    struct server *sv = r->sv;
    bool soft = (r->m.flags & PVMX_SPAWN_SOFT) != 0;
    uint32_t cpus = hosts_self(sv)->slots, nfree = sv->arena.nfree;
    if ((r->m.flags & PVMX_SPAWN_NO_OVERSUBSCRIBE) != 0) {
        uint32_t idle = cpus > sv->arena.nlive ? cpus - sv->arena.nlive : 0;
        if (r->total > idle && !soft)
            return px_fail(
                PVMX_ERR_LIMIT,
                "%u tasks were asked for without oversubscription, but of the %u slots "
                "of host %s %u are free",
                r->total, cpus, sv->host, idle);
        nfree = idle < nfree ? idle : nfree;
    }
    if (r->total > nfree && !soft)
        return px_fail(
            PVMX_ERR_LIMIT,
            "%u tasks were asked for, but of the %d tasks that host %s can hold at one "
            "time only %u are free",
            r->total, PX_NSLOTS, sv->host, nfree);
    *room = r->total < nfree ? r->total : nfree;
    return PVMX_OK;
}

/* Limits that differ from ours, so that the child need not set all of them. */
static void collect_limits(struct spawn_req *r)
{
    for (size_t i = 0; i < r->m.n_limits; i++) {
        const struct pxp_limit *l = &r->m.limits[i];
        struct rlimit have;
        struct rlimit want = {.rlim_cur = l->soft, .rlim_max = l->hard};
        if (l->resource >= RLIM_NLIMITS || getrlimit((int)l->resource, &have) != 0)
            continue;
        if (want.rlim_cur > want.rlim_max)
            want.rlim_cur = want.rlim_max;
        if (have.rlim_cur == want.rlim_cur && have.rlim_max == want.rlim_max)
            continue;
        if (l->resource == RLIMIT_NPROC && want.rlim_cur < have.rlim_cur)
            r->check_nproc = true;
        r->limits[r->nlimits++] =
            (struct exec_limit){.resource = (int)l->resource, .value = want};
    }
}

/* All memory of the launch, once its size is known. */
pvmx_err spawn_alloc(struct spawn_req *r)
{
    struct pxp_zone *z = &r->zone;
    r->nplans = (uint32_t)r->m.n_apps;
    r->ntickets = r->sv->pool.nworkers;
    r->ones = pxp_zone_alloc(z, (r->total + 1) * sizeof *r->ones);
    r->world = pxp_zone_alloc(z, (r->total + 1) * sizeof *r->world);
    r->plans = pxp_zone_alloc(z, r->nplans * sizeof *r->plans);
    r->limits = pxp_zone_alloc(z, (r->m.n_limits + 1) * sizeof *r->limits);
    r->tickets = pxp_zone_alloc(z, r->ntickets * sizeof *r->tickets);
    if (r->ones == NULL || r->world == NULL || r->plans == NULL || r->limits == NULL ||
        r->tickets == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for %u tasks", r->total);
    uint32_t at = 0;
    for (uint32_t a = 0; a < r->nplans; a++)
        for (uint32_t i = 0; i < r->m.apps[a].count; i++)
            r->ones[at++] =
                (struct spawn_one){.app = a, .pidfd = -1, .ctl_fd = -1, .ends = {-1, -1, -1}};
    collect_limits(r);
    return PVMX_OK;
}

/* Takes a slot for each task that is still to be started; where none is left, that task fails. */
static void take_slots(struct spawn_req *r)
{
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->err != PVMX_OK || one->host != 0)
            continue;
        one->tid = arena_alloc(&r->sv->arena);
        if (one->tid != 0)
            continue;
        px_fail(PVMX_ERR_LIMIT, "%u tasks were asked for, but host %s has room for %u now",
                r->total, r->sv->host, i);
        launch_failed(r, i, PVMX_ERR_LIMIT);
    }
}

static uint32_t next_job(struct server *sv)
{
    uint32_t host = (sv->hosts.self - 1) << JOB_COUNTER_BITS, id;
    do {
        sv->last_job = sv->last_job % ((1u << JOB_COUNTER_BITS) - 1) + 1;
        id = host | sv->last_job;
    } while (job_find(sv, id) != NULL);
    return id;
}

static pvmx_err spawn_accept(struct spawn_req *r)
{
    struct server *sv = r->sv;
    uint32_t room = 0, total = 0;
    if (sv->halting)
        return px_fail(PVMX_ERR_STATE, "the virtual machine %s is being halted", sv->vm);
    pvmx_err err = count_tasks(r, &total);
    if (err == PVMX_OK) {
        r->total = total;
        err = spawn_alloc(r);
    }
    if (err != PVMX_OK) {
        r->total = 0;
        return err;
    }
    if (sv->arena.nfree < total * 2)
        arena_scan(&sv->arena);
    err = span_place(r);
    if (err == PVMX_OK)
        err = limits_refuse(r);
    room = total;
    if (err == PVMX_OK && r->span == NULL) /* else each host looks after its own room */
        err = check_room(r, &room);
    if (err != PVMX_OK)
        return err;
    for (uint32_t i = room; i < total; i++) {
        px_fail(PVMX_ERR_LIMIT, "%u tasks were asked for, but host %s has room for %u now",
                total, sv->host, room);
        launch_failed(r, i, PVMX_ERR_LIMIT);
    }
    take_slots(r);
    r->job_id = next_job(sv);
    inherit_number(r);
    r->ctx = r->m.ctx;
    if (r->ctx == 0) /* as if the daemon were a task: its local number is 0 */
        r->ctx = (uint64_t)(sv->arena.head->host_index << 18) << 32 | (uint64_t)r->job_id
                                                                          << 3;
    return PVMX_OK;
}

/* Only requests with a sane frame and descriptors come this far; from here on `spawned` answers. */
static void spawn_start(struct spawn_req *r)
{
    pvmx_err err = spawn_accept(r);
    if (err != PVMX_OK || r->total == 0) {
        spawn_answer(r, err, err != PVMX_OK ? pvmx_last_error() : "");
        spawn_free(r);
        return;
    }
    if (r->span != NULL)
        span_reserve(r);
    else
        launch_round(r);
}

struct spawn_req *spawn_new(struct server *sv, uint32_t serial)
{
    struct spawn_req *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->sv = sv;
    r->serial = serial;
    for (int i = 0; i < 3; i++)
        r->stdio[i] = r->tty[i] = -1;
    px_list_init(&r->in_peer);
    px_list_init(&r->in_task);
    pthread_mutex_init(&r->lock, NULL);
    r->with_us = sv->hosts.keyed; /* there are others, were, or are about to come */
    px_list_push_back(&sv->requests, &r->in_all);
    sv->nrequests++;
    return r;
}

/* Other hosts get the request as it came. */
static pvmx_err keep_body(struct spawn_req *r, const uint8_t *body, size_t len)
{
    if (r->sv->hosts.table.count <= 1)
        return PVMX_OK;
    uint8_t *copy = pxp_zone_alloc(&r->zone, len);
    if (copy == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a spawn request");
    memcpy(copy, body, len);
    r->body = copy;
    r->body_len = len;
    return PVMX_OK;
}

pvmx_err spawn_request(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct spawn_req *r = spawn_new(sv, serial);
    if (r == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a spawn request");
    r->peer = p;
    r->owner = p->task;
    r->parent = p->task != NULL ? p->task->tid : 0;
    pvmx_err err = pxp_spawn_decode(body, len, &r->m, &r->zone);
    if (err == PVMX_OK)
        err = keep_body(r, body, len);
    if (err == PVMX_OK)
        err = streams_take(r, p);
    if (err == PVMX_OK && r->m.n_parents == 0)
        r->parent = 0; /* it does not want to be one */
    if (err == PVMX_OK && p->role == PXP_ROLE_TASK && p->task == NULL)
        err = px_fail(PVMX_ERR_STATE, "a process must enrol before it can spawn");
    if (err == PVMX_OK)
        err = inherit_request(r);
    if (err != PVMX_OK) {
        spawn_free(r);
        return err;
    }
    px_list_push_back(&p->requests, &r->in_peer);
    if (r->owner != NULL)
        px_list_push_back(&r->owner->requests, &r->in_task);
    streams_request(r);
    spawn_start(r);
    return PVMX_OK;
}

/* ---- finishing -------------------------------------------------------------------------------- */

struct job *spawn_make_job(struct spawn_req *r)
{
    struct job *j = job_new(r->sv, r->job_id, r->m.flags);
    if (j == NULL)
        return NULL;
    j->parent = r->parent;
    j->init_timeout_ms = r->m.init_timeout_ms;
    j->slots = r->m.slots;
    inherit_job(r, j);
    j->programs = calloc(r->nplans, sizeof *j->programs);
    j->nprograms = j->programs != NULL ? r->nplans : 0;
    for (uint32_t i = 0; i < j->nprograms; i++)
        j->programs[i] = strdup(r->m.apps[i].command);
    return j;
}

/* Ends a process that is in no table. */
static void drop_stray(struct spawn_req *r, struct spawn_one *one, pvmx_err err)
{
    px_log(PX_LOG_ERROR, "SPAWN-NOMEM", "no memory for a task: process %d is killed",
           (int)one->pid);
    reap_stray(one->pidfd);
    px_fd_close(&one->ctl_fd);
    streams_close(one->ends);
    bind_release(&r->sv->bind, one->place);
    one->place = NULL;
    arena_unalloc(&r->sv->arena, px_tid_slot(one->tid));
    one->started = false;
    one->err = err;
}

/* Puts one started process into the table. */
static struct task *register_one(struct spawn_req *r, struct spawn_one *one, struct job *j)
{
    struct task *t = task_add(r->sv, one->tid, one->pid, one->pidfd, j);
    if (t == NULL) {
        drop_stray(r, one, PVMX_ERR_NOMEM);
        return NULL;
    }
    t->rank = one->rank;
    t->appnum = one->app;
    t->place = one->place;
    streams_task(one, t);
    j->size++;
    return t;
}

/* Kills what was started; nobody has heard of it. With wait, the request goes on when all of it
 * has been reaped. */
static void undo(struct spawn_req *r, struct job *j, bool wait)
{
    for (uint32_t i = 0; i < r->total; i++) /* no tasker has heard of them */
        r->ones[i].started = r->ones[i].started && r->ones[i].code == 0;
    spawn_give_back(r);
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->host != 0)
            continue;
        struct task *t = one->started && j != NULL ? register_one(r, one, j) : NULL;
        if (one->started && j == NULL)
            drop_stray(r, one, PVMX_ERR_NOMEM);
        one->started = false;
        one->tid = 0;
        px_fd_close(&one->ctl_fd);
        streams_close(one->ends);
        one->place = NULL; /* the task's now */
        if (t == NULL)
            continue;
        t->silent = true;
        if (wait) {
            t->undo = r;
            r->undoing++;
        }
        task_terminate(t, true);
    }
    if (r->span != NULL)
        span_undo(r);
    if (j != NULL && j->alive == 0)
        job_free(j);
}

void spawn_undo(struct spawn_req *r, struct job *j)
{
    undo(r, j, false);
}

static void fail(struct spawn_req *r, pvmx_err err, const char *text)
{
    spawn_answer(r, err, text);
    spawn_free(r);
}

/* SOFT: one more round without the failed ones. */
static void again(struct spawn_req *r)
{
    if (r->cancelled || r->withdrawn || r->sv->halting) {
        fail(r, PVMX_ERR_CANCELLED, "the spawner has ended");
    } else if (r->rounds >= ROUNDS_MAX) {
        fail(r, PVMX_ERR_SPAWN, r->text != NULL ? r->text : "");
    } else {
        arena_scan(&r->sv->arena);
        take_slots(r);
        if (r->span != NULL)
            span_reserve(r);
        else
            launch_round(r);
    }
}

void spawn_again(struct spawn_req *r)
{
    spawn_give_back(r);
    r->rounds++;
    again(r);
}

void spawn_lost(struct spawn_req *r)
{
    spawn_give_back(r);
    fail(r, PVMX_ERR_SPAWN, r->text != NULL ? r->text : "");
}

void spawn_watch_init(struct job *j)
{
    if (j->init_timeout_ms > 0 && (j->flags & PVMX_SPAWN_NO_MPI) == 0)
        watchdog_init_limit(j);
}

struct task *spawn_register(struct spawn_req *r, struct spawn_one *one, struct job *j)
{
    struct task *t = one->started && one->host == 0 ? register_one(r, one, j) : NULL;
    if (t != NULL) {
        events_note(r->sv, t, (struct pxp_event){.kind = PXP_EVENT_TASK_START});
        if (one->code != 0)
            helper_start(r, one, t);
        else
            peer_add(r->sv, one->ctl_fd, one->pid, t);
        span_watch_now(r->sv, t);
    }
    return t;
}

static void own_job(struct spawn_req *r, struct job *j)
{
    if (r->owner != NULL) {
        j->owner_task = r->owner;
        px_list_push_back(&r->owner->jobs, &j->in_owner);
    } else if (r->peer != NULL) {
        px_list_push_back(&r->peer->jobs, &j->in_owner);
    }
    j->owner_peer = r->peer;
    j->request = r->serial;
}

/* The world is as its tasks were told: they join the table, and the spawner hears of them. */
static void commit(struct spawn_req *r, struct job *j)
{
    bool orphans = r->cancelled && (j->flags & PVMX_SPAWN_DETACHED) == 0;
    j->piped = r->m.keep || streams_tags(r, 1) || streams_tags(r, 2);
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        struct task *t = spawn_register(r, one, j);
        if (t == NULL || !j->piped)
            continue;
        drain_expect(r, one);
        if (one->ends[1] >= 0 || one->ends[2] >= 0)
            output_start(r->sv, t, one, 0);
    }
    if (r->span != NULL)
        span_commit(r, j);
    spawn_answer(r, PVMX_OK, r->text != NULL ? r->text : "");
    streams_job(r, j);
    px_log(PX_LOG_INFO, "SPAWN-DONE", "job %u: %u of %u tasks started for t%x", j->id,
           j->size, r->total, (unsigned)r->parent);
    if (j->alive == 0) {
        job_free(j);
    } else {
        own_job(r, j);
        spawn_watch_init(j);
        if (orphans || r->sv->halting)
            job_terminate(j, false);
    }
    spawn_free(r);
}

void spawn_give_back(struct spawn_req *r)
{
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->host != 0 || one->tid == 0 || one->started)
            continue;
        bind_release(&r->sv->bind, one->place);
        one->place = NULL;
        arena_unalloc(&r->sv->arena, px_tid_slot(one->tid));
        one->tid = 0;
    }
}

void spawn_finish(struct spawn_req *r)
{
    bool soft = (r->m.flags & PVMX_SPAWN_SOFT) != 0;
    uint32_t failed = 0, started = 0;
    spawn_give_back(r);
    for (uint32_t i = 0; i < r->total; i++) {
        failed += r->ones[i].err != PVMX_OK;
        started += r->ones[i].started;
    }
    struct job *j = spawn_make_job(r);
    if (j == NULL) {
        undo(r, NULL, false);
        fail(r, PVMX_ERR_NOMEM, "the daemon has no memory for another job");
    } else if (r->withdrawn) {
        undo(r, j, false);
        fail(r, PVMX_ERR_CANCELLED, "the request was withdrawn");
    } else if (failed > 0 && !soft) {
        undo(r, j, false);
        fail(r, PVMX_ERR_SPAWN, r->text != NULL ? r->text : "");
    } else if (started == r->size) {
        commit(r, j);
    } else {
        undo(r, j, true);
        if (r->undoing == 0)
            again(r);
    }
}

static uint32_t count_failed(const struct spawn_req *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->total; i++)
        n += r->ones[i].err != PVMX_OK;
    return n;
}

void spawn_finished(void *server)
{
    struct server *sv = server;
    struct px_list *node;
    while ((node = pool_next(&sv->pool)) != NULL) {
        struct spawn_req *r = px_container_of(node, struct spawn_req, node);
        if (r->origin != 0)
            span_part_finish(r, count_failed(r));
        else if (r->span == NULL || span_done(r))
            spawn_finish(r);
    }
    span_settled(sv);
}

void spawn_undone(struct spawn_req *r)
{
    if (--r->undoing == 0)
        again(r);
}

/* ---- the spawner's end ------------------------------------------------------------------------ */

void spawn_forget_peer(struct peer *p)
{
    px_list_foreach(it, &p->requests) {
        struct spawn_req *r = px_container_of(it, struct spawn_req, in_peer);
        px_list_remove(it);
        r->peer = NULL;
        /* mpiexec's end cancels; a task's connection may close before its process ends. */
        if (p->role == PXP_ROLE_MPIEXEC)
            r->cancelled = true;
    }
}

void spawn_forget_task(struct task *t)
{
    px_list_foreach(it, &t->requests) {
        struct spawn_req *r = px_container_of(it, struct spawn_req, in_task);
        px_list_remove(it);
        r->owner = NULL;
        r->cancelled = !t->left;
    }
}
