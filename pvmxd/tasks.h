/* SPDX-License-Identifier: BSD-3-Clause */
/* The tasks and jobs of this host. A task is in the table from its process's start (or its
 * enrolment) until its process has been reaped (or, for a root task that has left, its connection
 * is closed). A job lives as long as one of its tasks. */
#ifndef TASKS_H
#define TASKS_H

#include "base/list.h"
#include "loop.h"
#include "proto/messages.h"
#include <pvmx/engine/dyn.h> /* PVMX_SPAWN_*: part of the protocol */
#include <sys/types.h>

struct server;
struct peer;
struct spawn_req;

/* A job's id is unique in the VM: the index of the host that carries it, less one, above a counter. */
enum { JOB_COUNTER_BITS = 20 };
static inline uint32_t job_host(uint32_t job)
{
    return (job >> JOB_COUNTER_BITS) + 1;
}

struct job {
    struct server *sv;
    uint32_t id;
    uint32_t flags; /* PVMX_SPAWN_*                                              */
    bool released;  /* no longer connected with its spawner                      */
    uint32_t size;  /* tasks started                                             */
    uint32_t alive; /* tasks in the table                                        */
    struct task *owner_task; /* who spawned it, while it lives                            */
    struct peer *owner_peer; /* connection that is told of ends                           */
    uint32_t request;        /* serial of the spawn request that has come over it       */
    int32_t parent; /* tid of the spawner; 0: mpiexec or console                 */
    struct px_list in_owner; /* in owner_task->jobs or owner_peer->jobs                   */
    struct px_list tasks; /* of task.in_job                                            */
    struct loop_timer init_limit;
    uint32_t init_timeout_ms;
    struct peer *session; /* mpiexec whose session it is part of; see streams.h */
    struct px_list in_session;
    uint32_t world; /* number in the session */
    uint32_t slots; /* MPI universe size for its tasks and their children; 0: live value */
    char *place;    /* as in a request: children's when they say nothing; NULL: nothing */
    uint32_t origin; /* host of the daemon that carries its spawn request; 0: this one */
    struct px_list fars; /* of far.in_job: its tasks on other hosts */
    bool piped;          /* what its tasks write passes through this daemon */
    char **programs;     /* for each appnum */
    uint32_t nprograms;
    struct limit *limit; /* it came with, or has from its spawner; NULL: none */
    uint32_t *line;      /* jobs that it stems from, the first one first; see inherit.h */
    uint32_t nline;
    uint64_t born;
};

struct task {
    struct server *sv;
    int32_t tid;
    uint32_t slot;
    uint32_t rank, appnum;
    struct job *job; /* NULL: root task */
    pid_t pid;       /* 0: is not known yet; see helper.h */
    int pidfd;
    struct loop_io exit;
    struct peer *peer; /* its control connection */
    bool ending;       /* in task_end                                              */
    bool left;         /* said good-bye                                            */
    bool told;         /* its end was told (also: given up while it still ran)     */
    bool silent;       /* nobody ever heard of it: nobody hears of its end         */
    bool terminating;  /* SIGTERM was sent; kill_at is set                         */
    bool given_up;     /* did not call init in time                                */
    bool killed;       /* SIGKILL was sent                                         */
    uint64_t kill_at;
    uint64_t born;
    struct spawn_req *undo; /* silent: request that waits for its end              */
    char *program;          /* root task: its own; else the job's                     */
    struct px_list all;
    bool helped; /* another task has started it, or is to: see helper.h */
    int held;    /* signal for it when it has connected; 0: none */
    uint64_t code;
    struct px_list in_given_up; /* in helpers.given_up */
    struct px_list in_job;
    struct px_list dying;    /* in server.dying, by kill_at                         */
    struct px_list jobs;     /* it has spawned                                      */
    struct px_list requests; /* of spawn_req.in_task: spawns in progress            */
    struct px_list watches;  /* of watch.in_task                                    */
    struct px_list ports;    /* it has opened                                       */
    struct px_list names;    /* it has published                                    */
    struct px_list boxes;    /* of box.in_owner: entries that it has put            */
    struct px_list places;   /* of place.in_task: groups that it is in              */
    ino_t pipes[3];          /* its own descriptors 1 and 2 that mpiexec reads; 0: none */
    struct bind_place *place; /* processors that it is bound to; NULL: none         */
    uint32_t *far_hosts;      /* other hosts that want to know of its end           */
    size_t nfar_hosts;
    uint64_t cpu_ms, memory; /* at the last look; see runaway.c                    */
    uint32_t *hits;          /* numbers of rules that hold for it                  */
    size_t nhits;
};

struct job *job_new(struct server *sv, uint32_t id, uint32_t flags);
struct job *job_find(struct server *sv, uint32_t id);
/* Frees a job without tasks. */
void job_free(struct job *j);
/* The job no longer belongs to anyone. */
void job_disown(struct job *j);
const char *task_program(const struct task *t);
/* Has it said good-bye? Looks at its slot, where that stands before the daemon reads of it. */
bool task_has_left(struct task *t);

/* A new task in the table, its arena slot entered; NULL without memory (nothing was done). It owns
 * pidfd from then on and is reaped through it. */
struct task *task_add(struct server *sv, int32_t tid, pid_t pid, int pidfd, struct job *job);
struct task *task_find(struct server *sv, int32_t tid);
/* Tells the process at p, which becomes or is this task, with message enrolled; born: it finds its birth
 * record in the slot. */
pvmx_err task_answer(const struct task *t, struct peer *p, uint32_t serial, bool born);
/* The end of a task's membership: tells everyone, then frees it. */
void task_end(struct task *t, int status, int signal);
/* Another host wants to know of its end; false without memory. */
bool task_far_host(struct task *t, uint32_t host);
/* Ends the process: SIGTERM, then SIGKILL after the grace period (at once with hard). */
void task_terminate(struct task *t, bool hard);
/* Sends a signal to the task's process group (a root task: to its process); false: errno. */
bool task_signal(struct task *t, int signal);
/* Tasks of a job that still live: task_terminate for each. */
void job_terminate(struct job *j, bool hard);

/* Handlers: enrol, leave, release, signal, abort. */
pvmx_err tasks_enrol(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
pvmx_err tasks_leave(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
pvmx_err tasks_release(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err tasks_signal(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
pvmx_err tasks_abort(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
/* One that stands for a task, here or elsewhere, before those whom its peer asks; in no table. */
void task_stand_in(struct task *t, struct server *sv, int32_t tid, struct peer *p);
/* The task's control connection is closed. */
void tasks_peer_closed(struct task *t);

#endif
