/* SPDX-License-Identifier: BSD-3-Clause */
/* The threads' half of a spawn request. One ticket for each thread that may help; the first ticket
 * also resolves the programs. Tickets take task numbers from a counter until it is used up, and the
 * last to go hands the request back to the loop. Between launch_round and pool_finished the loop
 * does not touch the request, except for `peer`, `owner` and `cancelled`, which we do not read. */
#include "base/err.h"
#include "base/fd.h"
#include "bind.h"
#include "helper.h"
#include "preload.h"
#include "proto/hello.h"
#include "resolve.h"
#include "server.h"
#include "spawn.h"
#include "streams.h"
#include "tasks.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void launch_failed(struct spawn_req *r, uint32_t at, pvmx_err err)
{
    r->ones[at].err = err;
    if ((r->m.flags & PVMX_SPAWN_SOFT) == 0)
        atomic_store(&r->failed, true);
    pthread_mutex_lock(&r->lock);
    if (r->text == NULL || at < r->text_at) {
        free(r->text);
        r->text = strdup(pvmx_last_error());
        r->text_at = at;
    }
    pthread_mutex_unlock(&r->lock);
}

/* ---- before the first process ----------------------------------------------------------------- */

/* Some of these n tasks are to be started here. */
static bool has_own(const struct spawn_req *r, uint32_t at, uint32_t n)
{
    for (uint32_t i = at; i < at + n && i < r->total; i++)
        if (r->ones[i].host == 0)
            return true;
    return false;
}

static void resolve_all(struct spawn_req *r)
{
    for (uint32_t a = 0, at = 0; a < r->nplans; a++) {
        struct exec_plan *p = &r->plans[a];
        const struct pxp_app *app = &r->m.apps[a];
        pvmx_err err = PVMX_OK;
        for (int i = 0; i < 3; i++)
            p->stdio[i] = r->tty[i] >= 0 ? r->tty[i] : r->stdio[i];
        p->umask = r->m.umask & 0777;
        p->nice = r->m.nice;
        p->limits = r->limits;
        p->nlimits = r->nlimits;
        p->check_nproc = r->check_nproc;
        p->with_us = r->with_us;
        if (has_own(r, at, app->count))
            err = resolve_app(&r->m, app, r->sv->host, &r->sv->own, &r->zone, p);
        for (uint32_t i = 0; i < app->count && at < r->total; i++, at++)
            if (err != PVMX_OK && r->ones[at].err == PVMX_OK && r->ones[at].host == 0)
                launch_failed(r, at, err);
    }
    r->resolved = true;
}

/* Ranks, and the world as ranges of tids. From here on each of them may be talked to: the first
 * tasks run before the last are started, and a slot without its tid would be one that has ended. */
static void number_one(struct spawn_req *r, struct spawn_one *one)
{
    one->rank = r->size++;
    struct pxp_range *last = r->nworld > 0 ? &r->world[r->nworld - 1] : NULL;
    if (last != NULL && last->first + (int32_t)last->count == one->tid)
        last->count++;
    else
        r->world[r->nworld++] = (struct pxp_range){.first = one->tid, .count = 1};
}

void launch_number(struct spawn_req *r)
{
    uint32_t local = 0;
    if (r->origin == 0)
        r->size = r->nworld = 0;
    for (uint32_t i = 0; i < r->total; i++) {
        struct spawn_one *one = &r->ones[i];
        if (one->err != PVMX_OK)
            continue;
        pvmx_err err = one->host == 0 ? arena_announce(&r->sv->arena, one->tid) : PVMX_OK;
        if (err != PVMX_OK) {
            launch_failed(r, i, err);
            continue;
        }
        one->local_rank = one->host == 0 ? local++ : 0;
        if (r->origin == 0)
            number_one(r, one);
    }
}

/* ---- one process ------------------------------------------------------------------------------ */

static pvmx_err write_birth(struct spawn_req *r, const struct spawn_one *one,
                            struct pool_worker *me)
{
    struct server *sv = r->sv;
    struct pxp_birth b = {.job = r->job_id,
                          .rank = one->rank,
                          .size = r->size,
                          .appnum = (int32_t)one->app,
                          .world = r->world,
                          .n_world = r->nworld,
                          .parents = r->m.parents,
                          .n_parents = r->m.n_parents,
                          .root = r->m.root,
                          .ctx = r->ctx,
                          .slots = r->m.slots,
                          .host = sv->host,
                          .vm = sv->vm,
                          .no_mpi = (r->m.flags & PVMX_SPAWN_NO_MPI) != 0};
    px_buf_consume(&me->buf, px_buf_len(&me->buf));
    pvmx_err err = pxp_birth_encode(&me->buf, 0, &b);
    if (err != PVMX_OK)
        return err;
    /* The slot holds the frame's body: without the length of four bytes. */
    return arena_fill(&sv->arena, one->tid, px_buf_head(&me->buf) + 4,
                      px_buf_len(&me->buf) - 4);
}

static bool need_envp(struct pool_worker *me, size_t n)
{
    if (me->envp_cap >= n)
        return true;
    char **envp = realloc(me->envp, n * sizeof *envp);
    if (envp == NULL)
        return false;
    me->envp = envp;
    me->envp_cap = n;
    return true;
}

void launch_env(const struct spawn_req *r, const struct spawn_one *one, struct launch_env *e)
{
    uint32_t slots =
        r->m.slots != 0 ? r->m.slots : atomic_load(&r->sv->arena.head->universe);
    size_t size = sizeof e->text[0];
    if (one->code != 0)
        snprintf(e->text[0], size, PX_TASK_ENV "=@%x,%llx,%.107s", (unsigned)one->tid,
                 (unsigned long long)one->code, r->sv->dir.socket);
    else
        snprintf(e->text[0], size, PX_TASK_ENV "=%d,%d,%llu,%x", EXEC_CTL_FD,
                 EXEC_ARENA_FD, (unsigned long long)r->sv->arena.inode, (unsigned)one->tid);
    snprintf(e->text[1], size, "MPI_APPNUM=%u", one->app);
    if (slots == PXP_SLOTS_INFINITE)
        snprintf(e->text[2], size, "MPI_UNIVERSE_SIZE=INFINITE");
    else
        snprintf(e->text[2], size, "MPI_UNIVERSE_SIZE=%u", slots);
    snprintf(e->text[3], size, "PVMX_RANK=%u", one->rank);
    snprintf(e->text[4], size, "PVMX_SIZE=%u", r->size);
    snprintf(e->text[5], size, "PVMX_LOCAL_RANK=%u", one->local_rank);
    snprintf(e->text[6], size, "PVMX_MAXPROCS=%u", r->m.apps[one->app].count);
    for (int i = 0; i < LAUNCH_ENV; i++)
        e->entries[i] = e->text[i];
}

static pvmx_err start(struct spawn_req *r, struct spawn_one *one, struct pool_worker *me)
{
    struct server *sv = r->sv;
    struct exec_plan plan = r->plans[one->app];
    const char *command = r->m.apps[one->app].command;
    struct launch_env env;
    int pair[2], pipes[3];
    struct exec_result res = {.step = EXEC_CLONE};
    if (!need_envp(me, plan.nenv + LAUNCH_ENV + 1))
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for another task");
    pvmx_err err = write_birth(r, one, me);
    if (err != PVMX_OK)
        return err;
    one->code = r->helped ? helper_code() : 0;
    if (r->helped) { /* the loop asks for it when all are ready */
        one->pid = 0;
        one->pidfd = one->ctl_fd = -1;
        one->started = true;
        return PVMX_OK;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        res.errnum = errno;
        return exec_explain(&plan, command, sv->host, &res);
    }
    err = streams_prepare(r, one, &plan, pipes);
    if (err != PVMX_OK) {
        close(pair[0]);
        close(pair[1]);
        return err;
    }
    if (one->place != NULL) {
        plan.cpus = one->place->mask;
        plan.cpus_size = one->place->mask_size;
    }
    launch_env(r, one, &env);
    exec_start(&plan, env.entries, LAUNCH_ENV, me->envp, pair[1], sv->arena.fd, &me->room,
               &res);
    close(pair[1]);
    streams_close(pipes);
    if (res.errnum != 0) {
        close(pair[0]);
        streams_close(one->ends);
        return exec_explain(&plan, command, sv->host, &res);
    }
    fcntl(pair[0], F_SETFL, O_RDWR | O_NONBLOCK);
    arena_set_pid(&sv->arena, px_tid_slot(one->tid), res.pid);
    one->pid = res.pid;
    one->pidfd = res.pidfd;
    one->ctl_fd = pair[0];
    one->started = true;
    return PVMX_OK;
}

static void start_one(struct spawn_req *r, uint32_t at, struct pool_worker *me)
{
    struct spawn_one *one = &r->ones[at];
    if (one->err != PVMX_OK || one->host != 0)
        return;
    if (atomic_load(&r->failed)) {
        one->err = PVMX_ERR_CANCELLED;
        return;
    }
    pvmx_err err = start(r, one, me);
    if (err != PVMX_OK)
        launch_failed(r, at, err);
}

/* The threads count up meanwhile. */
void spawn_progress(const struct server *sv, uint32_t *total, uint32_t *done)
{
    *total = *done = 0;
    px_list_foreach(it, &sv->requests) {
        const struct spawn_req *r = px_container_of(it, struct spawn_req, in_all);
        uint32_t next = r->rounds > 0 ? atomic_load(&r->next) : 0;
        for (uint32_t i = 0; r->ones != NULL && i < r->total; i++) {
            *total += r->ones[i].host == 0;
            *done += r->ones[i].host == 0 && i < next;
        }
    }
}

/* ---- tickets ---------------------------------------------------------------------------------- */

/* The last holder gives the request back. */
static void let_go(struct spawn_req *r, unsigned n)
{
    struct pool *pool = &r->sv->pool;
    if (atomic_fetch_sub(&r->holders, n) == n)
        pool_finished(pool, &r->node);
}

static void prepare(struct spawn_req *r)
{
    if (!r->resolved)
        resolve_all(r);
    if (r->span == NULL && r->origin == 0)
        launch_number(r);
    bind_round(r);
    r->prepared = true;
    uint32_t helpers = r->size < r->ntickets ? r->size : r->ntickets;
    if (atomic_load(&r->failed))
        helpers = 1;
    for (uint32_t i = 1; i < helpers; i++) {
        atomic_fetch_add(&r->holders, 1);
        pool_submit(&r->sv->pool, &r->tickets[i].work);
    }
}

static void run_ticket(struct pool_work *w, struct pool_worker *me)
{
    struct spawn_req *r = px_container_of(w, struct spawn_ticket, work)->req;
    struct pool *pool = &r->sv->pool;
    if (!r->prepared) /* the first ticket, and the only one queued by then */
        prepare(r);
    for (;;) {
        uint32_t at = atomic_fetch_add(&r->next, 1);
        if (at >= r->total)
            break;
        start_one(r, at, me);
        if (pool_crowded(pool)) { /* another request waits: take turns */
            pool_submit(pool, w);
            return;
        }
    }
    unsigned holds = 1;
    for (uint32_t i = 0; i < r->ntickets; i++)
        holds += &r->tickets[i].work != w && pool_cancel(pool, &r->tickets[i].work);
    let_go(r, holds);
}

void launch_round(struct spawn_req *r)
{
    if (preload_round(r))
        return;
    r->rounds++;
    r->prepared = false;
    r->helped = helper_wanted(r);
    atomic_store(&r->next, 0);
    atomic_store(&r->holders, 1);
    for (uint32_t i = 0; i < r->ntickets; i++)
        r->tickets[i] = (struct spawn_ticket){.work.run = run_ticket, .req = r};
    pool_submit(&r->sv->pool, &r->tickets[0].work);
}
