/* SPDX-License-Identifier: BSD-3-Clause */
/* The task table: how tasks come, leave and end. */
#include "tasks.h"
#include "agree.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "caller.h"
#include "conf.h"
#include "drain.h"
#include "early.h"
#include "events.h"
#include "far.h"
#include "helper.h"
#include "inherit.h"
#include "input.h"
#include "logs.h"
#include "output.h"
#include "peer.h"
#include "ports.h"
#include "proto/hello.h"
#include "reap.h"
#include "server.h"
#include "spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* ---- jobs ------------------------------------------------------------------------------------- */

struct job *job_new(struct server *sv, uint32_t id, uint32_t flags)
{
    struct job *j = calloc(1, sizeof *j);
    if (j == NULL)
        return NULL;
    j->sv = sv;
    j->flags = flags;
    j->id = id;
    j->born = px_now_ns();
    px_list_init(&j->in_owner);
    px_list_init(&j->in_session);
    px_list_init(&j->tasks);
    px_list_init(&j->fars);
    if (px_map_put(&sv->jobs, j->id, j) != PVMX_OK) {
        free(j);
        return NULL;
    }
    return j;
}

struct job *job_find(struct server *sv, uint32_t id)
{
    return px_map_get(&sv->jobs, id);
}

void job_free(struct job *j)
{
    loop_timer_stop(&j->sv->loop, &j->init_limit);
    px_map_remove(&j->sv->jobs, j->id);
    px_list_remove(&j->in_owner);
    px_list_remove(&j->in_session);
    inherit_drop_job(j);
    for (uint32_t i = 0; i < j->nprograms; i++)
        free(j->programs[i]);
    free(j->programs);
    free(j);
}

void job_disown(struct job *j)
{
    px_list_remove(&j->in_owner);
    j->owner_task = NULL;
    j->owner_peer = NULL;
}

void job_terminate(struct job *j, bool hard)
{
    px_list_foreach(it, &j->tasks)
        task_terminate(px_container_of(it, struct task, in_job), hard);
    far_end_job(j, hard);
}

/* ---- coming ----------------------------------------------------------------------------------- */

static void init_lists(struct task *t)
{
    px_list_init(&t->in_given_up);
    px_list_init(&t->in_job);
    px_list_init(&t->dying);
    px_list_init(&t->jobs);
    px_list_init(&t->requests);
    px_list_init(&t->watches);
    px_list_init(&t->ports);
    px_list_init(&t->names);
    px_list_init(&t->boxes);
    px_list_init(&t->places);
}

struct task *task_add(struct server *sv, int32_t tid, pid_t pid, int pidfd, struct job *job)
{
    struct task *t = calloc(1, sizeof *t);
    if (t == NULL || px_map_put(&sv->tasks, (uint64_t)tid, t) != PVMX_OK) {
        free(t);
        return NULL;
    }
    t->sv = sv;
    t->tid = tid;
    t->slot = px_tid_slot(tid);
    t->job = job;
    t->pid = pid;
    t->pidfd = pidfd;
    t->born = px_now_ns();
    px_list_push_back(&sv->all_tasks, &t->all);
    init_lists(t);
    if (job != NULL) {
        px_list_push_back(&job->tasks, &t->in_job);
        job->alive++;
    }
    arena_enter(&sv->arena, t->slot);
    reap_watch(t);
    return t;
}

struct task *task_find(struct server *sv, int32_t tid)
{
    return px_map_get(&sv->tasks, (uint64_t)tid);
}

const char *task_program(const struct task *t)
{
    if (t->job != NULL && t->appnum < t->job->nprograms && t->job->programs[t->appnum] != NULL)
        return t->job->programs[t->appnum];
    return t->program != NULL ? t->program : "";
}

static pvmx_err enrol(struct server *sv, struct peer *p, const char *program,
                      struct task **out)
{
    int pidfd = pidfd_open(p->pid, 0);
    if (pidfd < 0)
        return px_fail_errno(errno, "cannot watch process %d", (int)p->pid);
    arena_scan(&sv->arena);
    int32_t tid = arena_alloc(&sv->arena);
    if (tid == 0) {
        close(pidfd);
        return px_fail(PVMX_ERR_LIMIT, "all %d task slots of this host are in use",
                       PX_NSLOTS);
    }
    uint32_t slot = px_tid_slot(tid);
    pvmx_err err = arena_fill(&sv->arena, tid, NULL, 0);
    struct task *t = NULL;
    if (err == PVMX_OK) {
        arena_set_pid(&sv->arena, slot, p->pid);
        t = task_add(sv, tid, p->pid, pidfd, NULL);
        if (t == NULL)
            err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for another task");
    }
    if (err != PVMX_OK) {
        arena_unalloc(&sv->arena, slot);
        close(pidfd);
        return err;
    }
    t->program = strdup(program);
    t->peer = p;
    p->task = t;
    events_note(sv, t, (struct pxp_event){.kind = PXP_EVENT_TASK_START});
    *out = t;
    return PVMX_OK;
}

/* A program behind a wrapper that closes the descriptors that it does not know (python, csh) takes up the
 * task that it was started as, if nobody has claimed that and it is of the group that we started. */
static struct task *take_up(struct server *sv, struct peer *p, int32_t tid)
{
    struct task *t = tid != 0 ? task_find(sv, tid) : NULL;
    if (t == NULL || t->job == NULL || t->ending || getpgid(p->pid) != t->pid ||
        atomic_load(&arena_slot(&sv->arena, t->slot)->state) != PX_SLOT_BORN)
        return NULL;
    struct peer *old = t->peer;
    t->peer = p;
    p->task = t;
    if (old != NULL) { /* the wrapper itself may have its end still */
        old->task = NULL;
        peer_close(old);
    }
    return t;
}

pvmx_err task_answer(const struct task *t, struct peer *p, uint32_t serial, bool born)
{
    int arena = fcntl(t->sv->arena.fd, F_DUPFD_CLOEXEC, 0);
    if (arena < 0)
        return px_fail_errno(errno, "cannot pass on the shared memory");
    if (!peer_pass(p, &arena, 1)) {
        px_fd_close(&arena);
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for an answer");
    }
    struct pxp_enrolled reply = {.tid = t->tid, .slot = t->slot, .born = born};
    return pxp_enrolled_encode(peer_out(p), serial, &reply);
}

pvmx_err tasks_enrol(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_enrol m;
    struct task *t = NULL;
    pvmx_err err = pxp_enrol_decode(body, len, &m, &zone);
    if (err == PVMX_OK && p->task != NULL)
        err = px_fail(PVMX_ERR_STATE, "this process is task t%x already",
                      (unsigned)p->task->tid);
    if (err == PVMX_OK && sv->halting)
        err = px_fail(PVMX_ERR_STATE, "the virtual machine %s is being halted", sv->vm);
    if (err == PVMX_OK && early_keep(sv, p, m.born, body, len)) {
        pxp_zone_free(&zone);
        return PVMX_OK;
    }
    if (err == PVMX_OK)
        t = take_up(sv, p, m.born);
    bool born = t != NULL;
    if (err == PVMX_OK && !born)
        err = enrol(sv, p, m.program, &t);
    pxp_zone_free(&zone);
    if (err == PVMX_OK)
        err = task_answer(t, p, serial, born);
    if (err != PVMX_OK) {
        if (t != NULL)
            t->left = true; /* it ends with its connection */
        return err;
    }
    px_log(PX_LOG_INFO, "TASK-ENROL", "process %d (%s) is t%x", (int)p->pid,
           task_program(t), (unsigned)t->tid);
    return PVMX_OK;
}

bool task_far_host(struct task *t, uint32_t host)
{
    for (size_t i = 0; i < t->nfar_hosts; i++)
        if (t->far_hosts[i] == host)
            return true;
    uint32_t *more = realloc(t->far_hosts, (t->nfar_hosts + 1) * sizeof *more);
    if (more == NULL)
        return false;
    t->far_hosts = more;
    t->far_hosts[t->nfar_hosts++] = host;
    return true;
}

/* ---- leaving and ending ----------------------------------------------------------------------- */

/* Children end with a spawner that failed, unless they are independent of it. */
static void release_children(struct task *t)
{
    px_list_foreach(it, &t->jobs) {
        struct job *j = px_container_of(it, struct job, in_owner);
        bool ends = !t->left && !j->released && (j->flags & PVMX_SPAWN_DETACHED) == 0;
        job_disown(j);
        if (ends)
            job_terminate(j, false);
    }
    spawn_forget_task(t);
}

void task_stand_in(struct task *t, struct server *sv, int32_t tid, struct peer *p)
{
    *t = (struct task){.sv = sv, .tid = tid, .pidfd = -1, .peer = p};
    px_list_init(&t->all);
    init_lists(t);
}

static void task_free(struct task *t)
{
    struct server *sv = t->sv;
    struct job *j = t->job;
    reap_unwatch(t);
    notify_forget_task(t);
    px_map_remove(&sv->tasks, (uint64_t)t->tid);
    px_list_remove(&t->all);
    px_list_remove(&t->in_job);
    px_list_remove(&t->dying);
    px_list_remove(&t->in_given_up);
    arena_retire(&sv->arena, t->slot);
    bind_release(&sv->bind, t->place);
    sv->scan_slots = true;
    if (j != NULL && --j->alive == 0)
        job_free(j);
    free(t->program);
    free(t->far_hosts);
    free(t->hits);
    free(t);
}

void task_end(struct task *t, int status, int signal)
{
    struct server *sv = t->sv;
    t->ending = true;
    /* Its last words may still be in the socket: a leave, or an abort. */
    if (t->peer != NULL)
        peer_drain(t->peer);
    if (t->job != NULL && t->job->piped) {
        output_drain(sv, t->tid);
        drain_end(sv, t->tid);
        input_end(sv, t->tid);
    }
    logs_end(sv, t->tid);
    bool inited = atomic_load(&arena_slot(&sv->arena, t->slot)->inited) != 0;
    if (!t->given_up)
        arena_died(&sv->arena, t->slot, status, signal);
    if (!t->told && !t->silent)
        notify_ended(sv, t, status, signal, inited);
    release_children(t);
    callers_end(t->sv, t->tid);
    ports_forget_task(t);
    helper_forget_task(t);
    if (t->peer != NULL) {
        struct peer *p = t->peer;
        t->peer = NULL;
        p->task = NULL;
        peer_close(p);
    }
    struct spawn_req *undo = t->undo;
    task_free(t);
    if (undo != NULL)
        spawn_undone(undo);
}

void tasks_peer_closed(struct task *t)
{
    if (t->ending)
        return;
    /* A process that was started by hand and has left goes on without us; what we started ends for
     * us when its process does. A root task that has not left may just have closed the descriptor,
     * or run another program: its process is watched. */
    if (t->job == NULL && t->left)
        task_end(t, -1, 0);
}

static void leave(struct task *t)
{
    if (t->left)
        return;
    t->left = true;
    agree_forget_task(t);
    callers_end(t->sv, t->tid);
    ports_forget_task(t);
    helper_forget_task(t);
    arena_left(&t->sv->arena, t->slot);
    far_left(t);
    t->sv->scan_slots = true;
}

bool task_has_left(struct task *t)
{
    if (atomic_load(&arena_slot(&t->sv->arena, t->slot)->state) == PX_SLOT_LEFT)
        leave(t);
    return t->left;
}

pvmx_err tasks_leave(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    (void)sv;
    (void)serial;
    (void)body;
    (void)len;
    if (p->task != NULL)
        leave(p->task); /* no answer is expected, so no refusal either */
    return PVMX_OK;
}

pvmx_err tasks_release(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_release m;
    (void)serial;
    pvmx_err err = pxp_release_decode(body, len, &m, &zone);
    struct job *j = err == PVMX_OK ? job_find(sv, m.job) : NULL;
    pxp_zone_free(&zone);
    if (j != NULL && p->task != NULL && j->owner_task == p->task) {
        j->released = true;
        far_release(j);
        sv->scan_slots = true;
    }
    return err;
}

/* ---- signals and ends on request -------------------------------------------------------------- */

bool task_signal(struct task *t, int signal)
{
    if (t->pid == 0) { /* it is told when it has connected */
        t->held = signal != SIGCONT ? signal : t->held;
        return true;
    }
    /* The whole group, so that a script that runs the program passes nothing on by itself. */
    if (t->job != NULL && kill(-t->pid, signal) == 0)
        return true;
    return pidfd_send_signal(t->pidfd, signal, NULL, 0) == 0;
}

void task_terminate(struct task *t, bool hard)
{
    if (t->killed || (t->terminating && !hard))
        return;
    if (hard) {
        t->killed = true;
        px_list_remove(&t->dying);
        if (t->pid == 0)
            helper_give_up(t);
        task_signal(t, SIGKILL);
        return;
    }
    t->terminating = true;
    t->kill_at = px_now_ns() + (uint64_t)conf.grace;
    px_list_push_back(&t->sv->dying, &t->dying);
    task_signal(t, SIGTERM);
    task_signal(t, SIGCONT); /* a stopped one hears nothing */
    watchdog_dying(t->sv);
}

pvmx_err tasks_signal(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_signal m;
    struct pxp_done done = {0};
    pvmx_err err = pxp_signal_decode(body, len, &m, &zone);
    if (err == PVMX_OK && (m.signal < 1 || m.signal > (uint32_t)SIGRTMAX))
        err = px_fail(PVMX_ERR_ARG, "there is no signal %u", m.signal);
    for (size_t i = 0; err == PVMX_OK && i < m.n_tids; i++) {
        struct task *t = task_find(sv, m.tids[i]);
        if (t != NULL)
            done.count += task_signal(t, (int)m.signal);
        else if (m.tids[i] > 0 && far_host(m.tids[i]) != sv->hosts.self)
            done.count += far_signal(sv, m.tids[i], m.signal);
    }
    for (size_t i = 0; err == PVMX_OK && i < m.n_jobs; i++) {
        struct job *j = job_find(sv, m.jobs[i]);
        if (j != NULL)
            px_list_foreach(it, &j->tasks)
                done.count +=
                    task_signal(px_container_of(it, struct task, in_job), (int)m.signal);
        if (j != NULL)
            done.count += far_signal_job(j, m.signal);
    }
    if (err == PVMX_OK && done.count == 0 && m.n_tids + m.n_jobs > 0)
        err = px_fail(PVMX_ERR_NOTASK, "none of these tasks is running");
    pxp_zone_free(&zone);
    return err != PVMX_OK || serial == 0 ? err : pxp_done_encode(peer_out(p), serial, &done);
}

/* Tells the job's mpiexec, once for each request; NULL: there is nothing to tell. */
static void tell_aborted(struct job *j, const struct pxp_aborted *a, struct peer **told)
{
    struct peer *owner = j != NULL ? j->owner_peer : NULL;
    if (a == NULL || owner == NULL || owner == *told || owner->closed ||
        owner->role != PXP_ROLE_MPIEXEC)
        return;
    *told = owner;
    if (pxp_aborted_encode(peer_out(owner), 0, a) != PVMX_OK)
        peer_close(owner);
}

pvmx_err tasks_abort(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_abort m;
    struct pxp_done done = {0};
    struct peer *told = NULL;
    pvmx_err err = pxp_abort_decode(body, len, &m, &zone);
    if (err != PVMX_OK) {
        pxp_zone_free(&zone);
        return err;
    }
    struct pxp_aborted a = {.tid = p->task != NULL ? p->task->tid : 0,
                            .code = m.code,
                            .text = m.text};
    /* One that the console kills has not aborted: mpiexec hears of its end. */
    const struct pxp_aborted *tell = p->role != PXP_ROLE_CONSOLE ? &a : NULL;
    px_log(PX_LOG_INFO, "TASK-ABORT",
           "process %d (t%x) ends %zu tasks and %zu jobs, code %d: %s", (int)p->pid,
           (unsigned)a.tid, m.n_tids, m.n_jobs, m.code, m.text);
    for (size_t i = 0; i < m.n_tids; i++) {
        struct task *t = task_find(sv, m.tids[i]);
        if (t == NULL) {
            const struct far *f = far_find(sv, m.tids[i]);
            tell_aborted(f != NULL ? f->job : NULL, tell, &told);
            done.count += m.tids[i] > 0 && far_host(m.tids[i]) != sv->hosts.self &&
                          far_terminate(sv, m.tids[i]);
            continue;
        }
        tell_aborted(t->job, tell, &told);
        task_terminate(t, false);
        done.count++;
    }
    for (size_t i = 0; i < m.n_jobs; i++) {
        struct job *j = job_find(sv, m.jobs[i]);
        if (j == NULL)
            continue;
        tell_aborted(j, tell, &told);
        done.count += j->alive;
        job_terminate(j, false);
    }
    pxp_zone_free(&zone);
    return serial == 0 || p->closed ? PVMX_OK : pxp_done_encode(peer_out(p), serial, &done);
}
