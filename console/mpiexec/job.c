/* SPDX-License-Identifier: BSD-3-Clause */
/* See job.h. */
#include "job.h"
#include "sig.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/param.h"
#include "proto/messages.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What `mpiexec` ends with when a signal ended a task, as shells say it. */
enum { STATUS_SIGNAL = 128, STATUS_FAILED = 1 };

static int64_t grace_ns;

static const struct px_param settings[] = {
    {.name = "mpiexec.grace",
     .type = PX_PARAM_TIME,
     .dflt = "3s",
     .min = 0,
     .max = (int64_t)(3600 * PX_SEC),
     .help = "how long processes may take to end after Ctrl-C before they are ended",
     .store.number = &grace_ns},
};

void job_free(struct job *job)
{
    for (size_t i = 0; i < job->nfds; i++)
        px_fd_close(&job->fds[i]);
    free(job->fds);
    free(job->worlds);
    free(job->errors);
}

bool job_over(const struct job *job)
{
    if (!job->started || job->nworlds == 0)
        return false;
    for (size_t i = 0; i < job->nworlds; i++)
        if (!job->worlds[i].detached && job->worlds[i].nended < job->worlds[i].size)
            return false;
    return true;
}

bool job_ended_itself(const struct job *job)
{
    return job_over(job) && !job->ending && !job->killed && job->nstops == 0;
}

static void at_least(struct job *job, int status)
{
    if (status > job->status)
        job->status = status;
}

/* What does not go at once goes with the next rounds: the daemon may stand still, and the user wants out. */
static pvmx_err send_out(struct job *job, pvmx_err err)
{
    if (!err)
        err = pxp_client_push(job->client);
    return err == PVMX_ERR_AGAIN ? PVMX_OK : err;
}

/* Numbers of the jobs that we answer for; only the first (our own) with own. */
static uint32_t *job_ids(const struct job *job, bool own, size_t *n)
{
    uint32_t *ids = calloc(job->nworlds + 1, sizeof *ids);
    *n = 0;
    for (size_t i = 0; ids && i < job->nworlds; i++) {
        const struct world *w = &job->worlds[i];
        if ((own && w->number > 0) || w->detached || w->nended >= w->size)
            continue;
        ids[(*n)++] = w->job;
    }
    return ids;
}

static pvmx_err send_signal(struct job *job, int sig)
{
    struct pxp_signal m = {.signal = (uint32_t)sig};
    m.jobs = job_ids(job, false, &m.n_jobs);
    if (!m.jobs)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    pvmx_err err =
        m.n_jobs ? send_out(job, pxp_signal_encode(&job->client->out, 0, &m)) : PVMX_OK;
    free(m.jobs);
    return err;
}

/* Has the job ended: politely, and by force after the daemon's grace period. own: our world only,
 * what it has spawned goes with it unless it is independent by now. */
static pvmx_err end_job(struct job *job, bool own, const char *why)
{
    struct pxp_abort m = {.code = job->status, .text = why};
    m.jobs = job_ids(job, own, &m.n_jobs);
    if (!m.jobs)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    pvmx_err err =
        m.n_jobs ? send_out(job, pxp_abort_encode(&job->client->out, 0, &m)) : PVMX_OK;
    free(m.jobs);
    job->ending = true;
    return err;
}

static size_t left_in(const struct world *w)
{
    return w->size - w->nended;
}

static pvmx_err end_rest(struct job *job, const char *why)
{
    size_t left = job->nworlds ? left_in(&job->worlds[0]) : 0;
    if (job->ending || left == 0 || job->opts->go_on)
        return PVMX_OK;
    fprintf(stderr, "mpiexec: ending the other %zu process%s of the job\n", left,
            left == 1 ? "" : "es");
    return end_job(job, true, why);
}

/* ---- ends ------------------------------------------------------------------------------------- */

static struct world *world_of(struct job *job, uint32_t id)
{
    for (size_t i = 0; i < job->nworlds; i++)
        if (job->worlds[i].job == id)
            return &job->worlds[i];
    return NULL;
}

/* "rank 1 of world 2 (t40005, ./a.out)" */
static const char *name_of(const struct job *job, const struct world *w,
                           const struct pxp_task_end *e, char *text, size_t size)
{
    if (job->nworlds > 1)
        snprintf(text, size, "rank %u of world %u (t%x, %s)", e->rank, w->number,
                 (unsigned)e->tid, e->program);
    else
        snprintf(text, size, "rank %u (t%x, %s)", e->rank, (unsigned)e->tid, e->program);
    return text;
}

static void say_end(const struct job *job, const struct world *w,
                    const struct pxp_task_end *e)
{
    char name[600];
    name_of(job, w, e, name, sizeof name);
    if (e->signal)
        fprintf(stderr, "mpiexec: %s was killed by signal %d: %s\n", name, e->signal,
                strsignal(e->signal));
    else if (e->status > 0)
        fprintf(stderr, "mpiexec: %s has exited with status %d\n", name, e->status);
    else if (job->opts->all_ends)
        fprintf(stderr, "mpiexec: %s has ended\n", name);
}

/* As the user wanted it. */
static bool is_wish(const struct job *job, const struct pxp_task_end *e)
{
    return e->signal &&
           (e->signal == job->passed_on || (job->nstops > 1 && e->signal == SIGKILL));
}

/* A process of our own world. */
static pvmx_err own_end(struct job *job, const struct world *w, const struct pxp_task_end *e)
{
    char name[600];
    job->killed = job->killed || e->signal;
    if (is_wish(job, e)) {
        at_least(job, STATUS_SIGNAL + job->passed_on);
        return PVMX_OK;
    }
    if (e->signal) {
        at_least(job, STATUS_SIGNAL + e->signal);
        if (!job->opts->exitinfo)
            say_end(job, w, e);
        return end_rest(job, "a process of the job was killed by a signal");
    }
    at_least(job, e->status < 0 ? STATUS_FAILED : e->status);
    if (e->inited && !e->left) {
        at_least(job, STATUS_FAILED);
        fprintf(stderr, "mpiexec: %s has exited with status %d without MPI_Finalize\n",
                name_of(job, w, e, name, sizeof name), e->status);
        return end_rest(job, "a process of the job has left without MPI_Finalize");
    }
    return PVMX_OK;
}

static pvmx_err one_end(struct job *job, const struct pxp_task_end *e)
{
    struct world *w = world_of(job, e->job);
    if (!w)
        return PVMX_OK;
    w->nended++;
    if (job->opts->exitinfo)
        say_end(job, w, e);
    if (job->ending || w->detached)
        return PVMX_OK;
    if (w->number == 0)
        return own_end(job, w, e);
    /* A spawned one that is killed is its spawner's affair, who may have an answer to it. */
    if (!e->signal && e->status > 0)
        at_least(job, e->status);
    return PVMX_OK;
}

static pvmx_err on_ended(struct job *job, const uint8_t *body, size_t len)
{
    struct pxp_ended m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_ended_decode(body, len, &m, &zone);
    for (size_t i = 0; !err && i < m.n_ends; i++)
        err = one_end(job, &m.ends[i]);
    pxp_zone_free(&zone);
    return err;
}

/* The daemon ends all that we have started, detached jobs too. */
static void on_limit(struct job *job, const char *values)
{
    job->status = STATUS_TIMEOUT;
    job->ending = true;
    fprintf(stderr, "mpiexec: the time limit of %llu s is over: ending the job (%s)\n",
            (unsigned long long)job->opts->timeout_s, values);
}

static pvmx_err on_aborted(struct job *job, const uint8_t *body, size_t len)
{
    struct pxp_aborted m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_aborted_decode(body, len, &m, &zone);
    if (!err && m.limit) {
        on_limit(job, m.text);
    } else if (!err && !job->ending) {
        /* The shell sees the code's low 8 bits; an abort is never a success. */
        int status = m.code & 0xff;
        at_least(job, status ? status : STATUS_FAILED);
        fprintf(stderr, "mpiexec: t%x has aborted the job with code %d%s%s\n",
                (unsigned)m.tid, m.code, *m.text ? ": " : "", m.text);
        err = end_job(job, true, "a process of the job has called MPI_Abort");
    }
    pxp_zone_free(&zone);
    return err;
}

/* ---- beginnings ------------------------------------------------------------------------------- */

static pvmx_err keep_errors(struct job *job, const struct pxp_spawned *m)
{
    free(job->errors);
    job->nerrors = m->n_errors;
    job->errors = malloc((m->n_errors + 1) * sizeof *job->errors);
    if (!job->errors)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    if (m->n_errors)
        memcpy(job->errors, m->errors, m->n_errors * sizeof *job->errors);
    job->refused = true;
    return px_fail(m->error ? m->error : PVMX_ERR_SPAWN, "%s", m->text);
}

static pvmx_err on_spawned(struct job *job, const uint8_t *body, size_t len)
{
    struct pxp_spawned m;
    struct pxp_zone zone = {0};
    size_t ntasks = 0;
    pvmx_err err = pxp_spawned_decode(body, len, &m, &zone);
    if (!err) {
        job->started = true;
        for (size_t i = 0; i < m.n_tids; i++)
            ntasks += m.tids[i] != 0;
        if (ntasks == 0)
            err = keep_errors(job, &m);
        else if (ntasks < m.n_tids)
            fprintf(stderr, "mpiexec: %zu of %zu processes could not be started: %s\n",
                    m.n_tids - ntasks, m.n_tids, m.text);
    }
    pxp_zone_free(&zone);
    return err;
}

static struct world *add_world(struct job *job, const struct pxp_world *m)
{
    struct world *w = world_of(job, m->job);
    if (w)
        return w;
    if (job->nworlds == job->cap) {
        size_t cap = job->cap ? job->cap * 2 : 4;
        struct world *grown = realloc(job->worlds, cap * sizeof *grown);
        if (!grown)
            return NULL;
        job->worlds = grown;
        job->cap = cap;
    }
    w = &job->worlds[job->nworlds++];
    *w = (struct world){.job = m->job,
                        .number = m->world,
                        .size = m->size,
                        .detached = m->detached};
    return w;
}

static void say_task(const struct job *job, const struct pxp_world *m, size_t i)
{
    const struct pxp_world_task *t = &m->tasks[i];
    char world[32] = "";
    if (job->nworlds > 1)
        snprintf(world, sizeof world, " of world %u", m->world);
    fprintf(stderr, "mpiexec: rank %u%s is t%x, process %u%s%s%s%s\n",
            m->first + (unsigned)i, world, (unsigned)t->tid, t->pid,
            *t->host ? " on host " : "", t->host,
            *t->cpus ? ", bound to processors " : "", t->cpus);
}

/* The next descriptor that has come; -1: the daemon has promised more than it sent. */
static int take_fd(struct job *job)
{
    if (job->nfds == 0)
        return -1;
    int fd = job->fds[0];
    memmove(job->fds, job->fds + 1, --job->nfds * sizeof *job->fds);
    return fd;
}

static pvmx_err take_streams(struct job *job, const struct pxp_world *m, size_t i)
{
    const struct pxp_world_task *t = &m->tasks[i];
    struct output_of of = {.world = m->world,
                           .rank = m->first + (uint32_t)i,
                           .tid = t->tid,
                           .host = t->host,
                           .kept = t->kept};
    pvmx_err err = PVMX_OK;
    for (int k = 0; k < 3 && !err; k++) {
        if (!(t->streams & 1u << k))
            continue;
        int fd = take_fd(job);
        if (fd < 0)
            err = px_fail(PVMX_ERR_PROTO, "a pipe of rank %u has not arrived (ulimit -n?)",
                          m->first + (unsigned)i);
        else
            err = k == 0 ? input_add(job->input, fd, *t->host ? 0 : (pid_t)t->pid)
                         : output_add(job->output, &of, k, fd);
    }
    return err;
}

static pvmx_err on_world(struct job *job, const uint8_t *body, size_t len)
{
    struct pxp_world m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_world_decode(body, len, &m, &zone);
    bool first = job->nworlds == 0;
    job->output->begun = true;
    if (!err && !add_world(job, &m))
        err = px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; !err && i < m.n_tasks; i++) {
        if (job->opts->verbose || job->opts->where ||
            (job->opts->bindings && *m.tasks[i].cpus))
            say_task(job, &m, i);
        err = take_streams(job, &m, i);
    }
    pxp_zone_free(&zone);
    if (!err && first && job->passed_on) /* it came while the job was being started */
        err = send_signal(job, job->passed_on);
    return err;
}

pvmx_err job_descriptors(struct job *job, const int *fds, size_t n)
{
    if (job->nfds + n > job->fds_cap) {
        size_t cap = (job->nfds + n) * 2;
        int *grown = realloc(job->fds, cap * sizeof *grown);
        if (!grown) {
            for (size_t i = 0; i < n; i++) {
                int fd = fds[i];
                px_fd_close(&fd);
            }
            return px_fail(PVMX_ERR_NOMEM, "out of memory");
        }
        job->fds = grown;
        job->fds_cap = cap;
    }
    if (n)
        memcpy(job->fds + job->nfds, fds, n * sizeof *fds);
    job->nfds += n;
    return PVMX_OK;
}

pvmx_err job_message(struct job *job, uint32_t number, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    switch (number) {
    case PXP_SPAWNED:
        return serial == job->serial ? on_spawned(job, body, len) : PVMX_OK;
    case PXP_WORLD:
        return on_world(job, body, len);
    case PXP_ENDED:
        return on_ended(job, body, len);
    case PXP_ABORTED:
        return on_aborted(job, body, len);
    case PXP_REFUSE:
        return serial == job->serial ? pxp_client_refused(body, len) : PVMX_OK;
    default:
        return PVMX_OK; /* a newer daemon may say more */
    }
}

/* ---- signals and time ------------------------------------------------------------------------- */

pvmx_err job_signal(struct job *job, int sig)
{
    bool stop = sig_ends(sig);
    if (stop)
        job->nstops++;
    if (stop || !job->passed_on)
        job->passed_on = sig;
    if (stop && !job->force_at) {
        px_param_register(settings, sizeof settings / sizeof *settings);
        job->force_at = px_now_ns() + (uint64_t)grace_ns;
    }
    if (job->nstops > 2 || (job->nstops > 1 && job->nworlds == 0))
        return px_fail(PVMX_ERR_CANCELLED, "left at the user's wish");
    if (job->nworlds == 0) /* nothing to send it to yet: on_world does */
        return PVMX_OK;
    if (sig == SIGTSTP) /* the system would discard it: the tasks are not in the terminal's session */
        sig = SIGSTOP;
    return send_signal(job, job->nstops > 1 ? SIGKILL : sig);
}

static int ms_until(uint64_t at, uint64_t now)
{
    uint64_t ms = at > now ? (at - now + PX_MS - 1) / PX_MS : 0;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void lower(int *timeout_ms, int ms)
{
    if (*timeout_ms < 0 || ms < *timeout_ms)
        *timeout_ms = ms;
}

pvmx_err job_clock(struct job *job, int *timeout_ms)
{
    uint64_t now = px_now_ns();
    pvmx_err err = PVMX_OK;
    if (job->nworlds == 0 && job->limit_at && now >= job->limit_at) {
        job->status = STATUS_TIMEOUT;
        return px_fail(PVMX_ERR_TIMEDOUT, "the time limit of %llu s is over and the job has not been started",
                       (unsigned long long)job->opts->timeout_s);
    }
    if (!err && job->nworlds > 0 && job->force_at && now >= job->force_at) {
        job->force_at = 0;
        if (!job_over(job))
            at_least(job, STATUS_SIGNAL + job->passed_on);
        err = end_job(job, false, "the user has asked the job to end");
    }
    if (job->limit_at && job->nworlds == 0) /* from then on the daemon sees to it */
        lower(timeout_ms, ms_until(job->limit_at, now));
    if (job->force_at && job->nworlds > 0)
        lower(timeout_ms, ms_until(job->force_at, now));
    return err;
}
