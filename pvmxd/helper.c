/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks that are started by a task. */
#include "helper.h"
#include "base/err.h"
#include "base/log.h"
#include "hosted.h"
#include "peer.h"
#include "proto/hello.h"
#include "reap.h"
#include "server.h"
#include "spawn.h"
#include "tasks.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <unistd.h>

void helpers_init(struct helpers *h)
{
    h->tasker = h->hoster = NULL;
    px_list_init(&h->hosts);
    px_list_init(&h->given_up);
}

void helper_give_up(struct task *t)
{
    if (px_list_empty(&t->in_given_up))
        px_list_push_back(&t->sv->helpers.given_up, &t->in_given_up);
}

bool helpers_round(struct server *sv)
{
    struct px_list *node;
    bool any = hosted_round(sv);
    while ((node = px_list_pop(&sv->helpers.given_up)) != NULL) {
        struct task *t = px_container_of(node, struct task, in_given_up);
        task_end(t, -1, t->killed ? SIGKILL : 0);
        any = true;
    }
    return any;
}

void helper_forget_task(struct task *t)
{
    struct server *sv = t->sv;
    if (sv->helpers.hoster == t) {
        sv->helpers.hoster = NULL;
        hosted_forget(sv);
    }
    if (sv->helpers.tasker != t)
        return;
    sv->helpers.tasker = NULL;
    px_list_foreach(it, &sv->all_tasks) {
        struct task *its = px_container_of(it, struct task, all);
        if (its->helped && its->pid == 0)
            helper_give_up(its);
    }
}

/* ---- starting --------------------------------------------------------------------------------- */

bool helper_wanted(const struct spawn_req *r)
{
    return r->sv->helpers.tasker != NULL && (r->m.flags & PVMX_SPAWN_NO_MPI) != 0;
}

uint64_t helper_code(void)
{
    uint64_t code = 0;
    while (code == 0)
        if (getrandom(&code, sizeof code, 0) != sizeof code)
            code = 0;
    return code;
}

/* The environment that the daemon itself would give it. */
static pvmx_err make_env(struct spawn_req *r, const struct spawn_one *one,
                         struct pxp_help_task *m)
{
    const struct exec_plan *plan = &r->plans[one->app];
    const char *wdir = r->m.apps[one->app].wdir;
    struct launch_env *own = pxp_zone_alloc(&r->zone, sizeof *own);
    size_t len = sizeof "PVMSPAWNWD=" + strlen(wdir);
    char **env = pxp_zone_alloc(&r->zone, (plan->nenv + LAUNCH_ENV + 1) * sizeof *env),
         *where = pxp_zone_alloc(&r->zone, len);
    if (own == NULL || env == NULL || where == NULL)
        return PVMX_ERR_NOMEM;
    launch_env(r, one, own);
    if (plan->nenv > 0)
        memcpy(env, plan->env, plan->nenv * sizeof *env);
    memcpy(env + plan->nenv, own->entries, LAUNCH_ENV * sizeof *env);
    m->n_env = plan->nenv + LAUNCH_ENV;
    if (*wdir != '\0') {
        snprintf(where, len, "PVMSPAWNWD=%s", wdir);
        env[m->n_env++] = where;
    }
    m->env = (const char **)env;
    return PVMX_OK;
}

static pvmx_err ask(struct spawn_req *r, const struct spawn_one *one, struct peer *p)
{
    const struct exec_plan *plan = &r->plans[one->app];
    struct pxp_help_task m = {.tid = one->tid, .path = plan->path};
    m.args = (const char **)plan->argv + 1;
    while (m.args[m.n_args] != NULL)
        m.n_args++;
    pvmx_err err = make_env(r, one, &m);
    return err == PVMX_OK ? pxp_help_task_encode(peer_out(p), 0, &m) : err;
}

void helper_start(struct spawn_req *r, const struct spawn_one *one, struct task *t)
{
    struct task *tasker = r->sv->helpers.tasker;
    struct peer *p = tasker != NULL ? tasker->peer : NULL;
    t->helped = true;
    t->code = one->code;
    if (p == NULL || p->closed || ask(r, one, p) != PVMX_OK)
        helper_give_up(t);
}

/* ---- requests --------------------------------------------------------------------------------- */

pvmx_err helper_register(struct server *sv, struct peer *p, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_helper m;
    pvmx_err err = pxp_helper_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    if (p->task == NULL || p->task->left)
        return px_fail(PVMX_ERR_STATE, "a process must enrol before it can start tasks");
    struct task **whose = m.kind == PXP_HELPER_TASKS   ? &sv->helpers.tasker
                          : m.kind == PXP_HELPER_HOSTS ? &sv->helpers.hoster
                                                       : NULL;
    if (whose == NULL)
        return px_fail(PVMX_ERR_UNSUPPORTED, "no task can do work %u of a daemon's", m.kind);
    if (m.kind == PXP_HELPER_HOSTS && !hosts_leading(sv))
        return px_fail(PVMX_ERR_STATE,
                       "host %s does not lead: daemons are started where one does",
                       sv->host);
    if (*whose != NULL)
        return px_fail(PVMX_ERR_EXISTS, "t%x does this work of host %s already",
                       (unsigned)(*whose)->tid, sv->host);
    *whose = p->task;
    struct pxp_done done = {.count = 1};
    return pxp_done_encode(peer_out(p), serial, &done);
}

static bool has_ended(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

pvmx_err helper_task_ended(struct server *sv, struct peer *p, uint32_t serial,
                           const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_helped_task m;
    (void)serial;
    pvmx_err err = pxp_helped_task_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    struct task *t = err == PVMX_OK ? task_find(sv, m.tid) : NULL;
    if (t == NULL || !t->helped || p->task == NULL || p->task != sv->helpers.tasker)
        return err; /* its end was seen before */
    if (t->pid == 0 || has_ended(t->pidfd))
        task_end(t, m.status, m.signal);
    return PVMX_OK;
}

/* ---- coming ----------------------------------------------------------------------------------- */

static pvmx_err find(struct server *sv, const struct pxp_be *m, struct task **out)
{
    struct task *t = task_find(sv, m->tid);
    if (t == NULL || !t->helped || !px_list_empty(&t->in_given_up))
        return px_fail(PVMX_ERR_STATE, "task t%x has ended", (unsigned)m->tid);
    if (t->pid != 0) /* a process that it has started */
        return px_fail(PVMX_ERR_EXISTS, "task t%x is process %d", (unsigned)m->tid,
                       (int)t->pid);
    if (m->code != t->code)
        return px_fail(PVMX_ERR_PERM, "this is not task t%x", (unsigned)m->tid);
    *out = t;
    return PVMX_OK;
}

pvmx_err helper_be(struct server *sv, struct peer *p, uint32_t serial,
                   const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_be m;
    struct task *t = NULL;
    pvmx_err err = pxp_be_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err == PVMX_OK && p->task != NULL)
        err = px_fail(PVMX_ERR_STATE, "this process is task t%x already",
                      (unsigned)p->task->tid);
    if (err == PVMX_OK)
        err = find(sv, &m, &t);
    if (err != PVMX_OK)
        return err;
    int pidfd = pidfd_open(p->pid, 0);
    if (pidfd < 0)
        return px_fail_errno(errno, "cannot watch process %d", (int)p->pid);
    err = task_answer(t, p, serial, false);
    if (err != PVMX_OK) {
        close(pidfd);
        return err;
    }
    t->pid = p->pid;
    t->pidfd = pidfd;
    t->peer = p;
    p->task = t;
    reap_watch(t);
    px_log(PX_LOG_INFO, "TASK-BE", "process %d is t%x", (int)t->pid, (unsigned)t->tid);
    if (t->held != 0)
        task_signal(t, t->held);
    return PVMX_OK;
}
