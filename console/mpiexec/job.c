/* SPDX-License-Identifier: BSD-3-Clause */
/* See job.h. */
#include "job.h"

#include "base/err.h"
#include "proto/messages.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What `mpiexec` ends with when a signal ended a task, as shells say it. */
enum { STATUS_SIGNAL = 128, STATUS_FAILED = 1 };

bool job_over(const struct job *job)
{
    return job->started && job->nended >= job->ntasks;
}

static void at_least(struct job *job, int status)
{
    if (status > job->status)
        job->status = status;
}

static pvmx_err send_signal(struct job *job, int sig)
{
    struct pxp_signal m = {.jobs = &job->id, .n_jobs = 1, .signal = (uint32_t)sig};
    pvmx_err err = pxp_signal_encode(&job->client->out, 0, &m);
    return err ? err : pxp_client_flush(job->client, NULL, 0);
}

/* Has what is left of the job ended: politely, and by force after the daemon's grace period. */
static pvmx_err end_rest(struct job *job, const char *why)
{
    if (job->ending || !job->started || job->nended >= job->ntasks)
        return PVMX_OK;
    job->ending = true;
    struct pxp_abort m = {.jobs = &job->id, .n_jobs = 1, .code = job->status, .text = why};
    pvmx_err err = pxp_abort_encode(&job->client->out, 0, &m);
    return err ? err : pxp_client_flush(job->client, NULL, 0);
}

static void say_rest(const struct job *job)
{
    size_t left = job->ntasks - job->nended;
    if (left > 0 && !job->ending)
        fprintf(stderr, "mpiexec: ending the other %zu process%s of the job\n", left,
                left == 1 ? "" : "es");
}

static pvmx_err one_end(struct job *job, const struct pxp_task_end *e)
{
    if (job->started && e->job != job->id)
        return PVMX_OK;
    job->nended++;
    if (job->ending)
        return PVMX_OK;
    if (e->signal &&
        (e->signal == job->passed_on || (job->nstops > 1 && e->signal == SIGKILL))) {
        at_least(job, STATUS_SIGNAL + job->passed_on); /* as the user wanted it */
        return PVMX_OK;
    }
    if (e->signal) {
        at_least(job, STATUS_SIGNAL + e->signal);
        fprintf(stderr, "mpiexec: rank %u (t%x, %s) was killed by signal %d: %s\n",
                e->rank, (unsigned)e->tid, e->program, e->signal, strsignal(e->signal));
        say_rest(job);
        return end_rest(job, "a process of the job was killed by a signal");
    }
    at_least(job, e->status < 0 ? STATUS_FAILED : e->status);
    if (e->inited && !e->left) {
        at_least(job, STATUS_FAILED);
        fprintf(stderr, "mpiexec: rank %u (t%x, %s) has exited with status %d without MPI_Finalize\n",
                e->rank, (unsigned)e->tid, e->program, e->status);
        say_rest(job);
        return end_rest(job, "a process of the job has left without MPI_Finalize");
    }
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

static pvmx_err on_spawned(struct job *job, const uint8_t *body, size_t len)
{
    struct pxp_spawned m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_spawned_decode(body, len, &m, &zone);
    if (!err) {
        job->started = true;
        job->id = m.job;
        for (size_t i = 0; i < m.n_tids; i++)
            job->ntasks += m.tids[i] != 0;
        size_t failed = m.n_tids - job->ntasks;
        if (m.error && job->ntasks == 0)
            err = px_fail(m.error, "%s", m.text);
        else if (failed > 0)
            fprintf(stderr, "mpiexec: %zu of %zu processes could not be started: %s\n",
                    failed, m.n_tids, m.text);
    }
    pxp_zone_free(&zone);
    if (!err && job->passed_on) /* it came while the job was being started */
        err = send_signal(job, job->passed_on);
    return err;
}

static pvmx_err on_aborted(struct job *job, const uint8_t *body, size_t len)
{
    struct pxp_aborted m;
    struct pxp_zone zone = {0};
    pvmx_err err = pxp_aborted_decode(body, len, &m, &zone);
    if (!err && !job->ending) {
        /* The shell sees the code's low 8 bits; an abort is never a success. */
        int status = m.code & 0xff;
        at_least(job, status ? status : STATUS_FAILED);
        fprintf(stderr, "mpiexec: t%x has aborted the job with code %d%s%s\n",
                (unsigned)m.tid, m.code, *m.text ? ": " : "", m.text);
        err = end_rest(job, "a process of the job has called MPI_Abort");
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err job_message(struct job *job, uint32_t number, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    switch (number) {
    case PXP_SPAWNED:
        return serial == job->serial ? on_spawned(job, body, len) : PVMX_OK;
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

pvmx_err job_signal(struct job *job, int sig)
{
    bool stop = sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT;
    if (stop)
        job->nstops++;
    if (stop || !job->passed_on)
        job->passed_on = sig;
    if (job->nstops > 2 || (job->nstops > 1 && !job->started))
        return px_fail(PVMX_ERR_CANCELLED, "left at the user's wish");
    if (!job->started) /* nothing to send it to yet: on_spawned does */
        return PVMX_OK;
    if (sig == SIGTSTP) /* the system would discard it: the tasks are not in the terminal's session */
        sig = SIGSTOP;
    return send_signal(job, job->nstops > 1 ? SIGKILL : sig);
}
