/* SPDX-License-Identifier: BSD-3-Clause */
/* Disconnect: drain what is pending, agree that all have, give the communicator back, and tell the
 * daemon when a job that was started from here is connected no longer. */
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "request/request.h"
#include "rt/attr.h"
#include "rt/err.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <stdlib.h>
#include <string.h>

/* A job that this process has spawned and is connected with. */
struct job {
    struct job *next;
    uint32_t number;
    bool for_good; /* one of its communicators went by MPI_Comm_free */
    int n;
    pvmx_tid tids[];
};

static struct job *jobs; /* engine lock */

static bool job_has(const struct job *job, pvmx_tid tid)
{
    pvmx_tid first = job->tids[0], last = job->tids[job->n - 1];
    if (last - first == job->n - 1) /* consecutive, as tids mostly are */
        return tid >= first && tid <= last;
    for (int i = 0; i < job->n; i++)
        if (job->tids[i] == tid)
            return true;
    return false;
}

static bool group_leads_to(const struct xmpi_group *group, const struct job *job)
{
    for (int i = 0; i < group->size; i++)
        if (job_has(job, group->tids[i]))
            return true;
    return false;
}

static bool comm_leads_to(const struct xmpi_comm *comm, const struct job *job)
{
    return group_leads_to(comm->remote, job) ||
           (comm->inter && group_leads_to(comm->local, job));
}

static bool others_lead_to(const struct xmpi_comm *but, const struct job *job)
{
    for (const struct xmpi_comm *c = xmpi_comm_first(); c; c = c->next)
        if (c != but && !c->dropped && comm_leads_to(c, job))
            return true;
    return false;
}

static bool job_is_over(const struct job *job)
{
    struct pvmx_end end;
    for (int i = 0; i < job->n; i++)
        if (pvmx_engine_end_of(job->tids[i], &end) != PVMX_OK)
            return false;
    return true;
}

/* Jobs that are connected for good are forgotten when they have ended; a program that spawns and
 * frees in a loop must not grow. Looking at the two oldest keeps up with one added each time. */
static void forget_ended_locked(void)
{
    int looks = 2;
    for (struct job **at = &jobs; *at && looks > 0;) {
        struct job *job = *at;
        if (!job->for_good) {
            at = &job->next;
            continue;
        }
        looks--;
        if (!job_is_over(job)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        free(job);
    }
}

int xmpi_dpm_job_add(uint32_t number, const pvmx_tid *tids, int n)
{
    struct job *job = malloc(sizeof(*job) + (size_t)n * sizeof(*tids));
    if (!job)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory to remember a job of %d tasks", n);
    job->next = NULL;
    job->number = number;
    job->for_good = false;
    job->n = n;
    memcpy(job->tids, tids, (size_t)n * sizeof(*tids));
    pvmx_engine_lock();
    forget_ended_locked();
    struct job **at = &jobs;
    while (*at)
        at = &(*at)->next;
    *at = job;
    pvmx_engine_unlock();
    return MPI_SUCCESS;
}

void xmpi_dpm_comm_gone(const struct xmpi_comm *comm, bool disconnected)
{
    pvmx_engine_lock();
    for (struct job **at = &jobs; *at;) {
        struct job *job = *at;
        bool leads = comm_leads_to(comm, job);
        job->for_good = job->for_good || (leads && !disconnected);
        if (!leads || job->for_good || others_lead_to(comm, job)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        pvmx_engine_job_release(job->number);
        free(job);
    }
    pvmx_engine_unlock();
}

void xmpi_dpm_stop(void)
{
    while (jobs) {
        struct job *job = jobs;
        jobs = job->next;
        free(job);
    }
}

/* ---- agreement --------------------------------------------------------------------- */

/* One byte each way between everyone and the first process of the low side. The dead count as
 * having said yes: what matters is that nobody waits for them. *cls: the first fault of another kind,
 * without which others might wait for a byte of which nobody hears why it does not come. */
static void note(int *cls, int now)
{
    if (!*cls && now != XMPI_ERR_PROC_FAILED && now != XMPI_ERR_REVOKED)
        *cls = now;
}

static void hear(struct xmpi_comm *comm, int rank, int *cls)
{
    char word;
    note(cls, xmpi_comm_recv_bytes(comm, rank, XMPI_TAG_DISCONNECT, &word, 1));
}

static void tell(struct xmpi_comm *comm, int rank, int *cls)
{
    char word = 1;
    note(cls, xmpi_comm_send_bytes(comm, rank, XMPI_TAG_DISCONNECT, &word, 1));
}

static int agree(struct xmpi_comm *comm)
{
    struct xmpi_comm *own = comm->inter ? comm->local_comm : comm;
    int cls = MPI_SUCCESS;
    if (comm->rank != 0 || comm->high) {
        struct xmpi_comm *to = comm->high ? comm : own;
        tell(to, 0, &cls);
        if (!cls)
            hear(to, 0, &cls);
        return cls;
    }
    for (int i = 1; i < own->size; i++)
        hear(own, i, &cls);
    for (int i = 0; comm->inter && i < comm->remote->size; i++)
        hear(comm, i, &cls);
    for (int i = 1; i < own->size; i++)
        tell(own, i, &cls);
    for (int i = 0; comm->inter && i < comm->remote->size; i++)
        tell(comm, i, &cls);
    return cls;
}

int xmpi_comm_disconnect(MPI_Comm *handle)
{
    struct xmpi_comm *comm = xmpi_comm_of(*handle);
    if (!comm)
        return xmpi_err(MPI_ERR_COMM, "not a communicator");
    if (comm->obj.predef)
        return xmpi_err(MPI_ERR_COMM, "%s cannot be disconnected", comm->name);
    int cls = xmpi_attrs_delete_all(comm);
    if (cls)
        return cls;
    xmpi_request_drain(comm);
    /* Before anybody hears that all is over: should we end then, it is no affair of the children's. */
    xmpi_dpm_comm_gone(comm, true);
    cls = agree(comm);
    if (!cls)
        cls = xmpi_comm_drop(comm);
    if (!cls)
        *handle = MPI_COMM_NULL;
    return cls;
}
