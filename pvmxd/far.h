/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of other hosts that somebody here cares for: tasks of a job that was spawned from here, and tasks
 * that a client here watches. Their own daemon tells how they end; when their host is lost, that is
 * their end. Either way each end is told once. */
#ifndef FAR_H
#define FAR_H

#include "base/list.h"
#include "proto/messages.h"

struct server;
struct peer;
struct link;
struct task;
struct job;

struct far {
    struct server *sv;
    int32_t tid;
    uint32_t rank, pid;
    bool watched;    /* its daemon was asked to tell its end to us */
    struct job *job; /* NULL: somebody's who only watches */
    struct px_list in_job, watches;
};

static inline uint32_t far_host(int32_t tid)
{
    return (uint32_t)tid >> 18;
}

/* A task that was started for a job of ours; NULL without memory. */
struct far *far_add(struct server *sv, int32_t tid, struct job *job, uint32_t rank,
                    uint32_t pid);
struct far *far_find(struct server *sv, int32_t tid);
/* A client wants to know of its end. */
pvmx_err far_watch(struct server *sv, struct peer *p, int32_t tid);
/* This daemon itself wants to know of its end. */
void far_know(struct server *sv, int32_t tid);
/* Ends the job's tasks on other hosts. */
void far_end_job(struct job *j, bool hard);
/* Passes a signal on; how many tasks it is meant for. */
uint32_t far_signal(struct server *sv, int32_t tid, uint32_t signal);
uint32_t far_signal_job(struct job *j, uint32_t signal);
/* SIGTERM, and SIGKILL later. */
bool far_terminate(struct server *sv, int32_t tid);
/* The job is no longer connected with its spawner. */
void far_release(struct job *j);
/* Tells that host of the end of a task that is not (any more). */
void far_never(struct server *sv, int32_t tid, uint32_t host);
/* A task of this host has left: for those who send to it that is an end. */
void far_left(struct task *t);
/* An end that was kept until its task was known; the same of one that was lost with its host. */
void far_end(struct server *sv, const struct pxp_task_end *end);
void far_lost(struct server *sv, int32_t tid, const char *host);
/* A task of this host has ended, or has left: tells the daemons that want to know. */
void far_tell(struct task *t, const struct pxp_task_end *end);
void far_host_lost(struct server *sv, uint32_t index, const char *name);
void far_fini(struct server *sv);

/* From other daemons: ended, watch, signal, abort, job_end. */
pvmx_err far_on_ended(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);
pvmx_err far_on_watch(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);
pvmx_err far_on_signal(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err far_on_abort(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);
pvmx_err far_on_job_end(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);
pvmx_err far_on_release(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);

#endif
