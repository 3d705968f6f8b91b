/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn requests. A request goes through states, each moved on by an event and none blocking:
 *
 *   accepted   slots are taken; the request is queued for the spawner threads   spawn_request
 *   launching  threads find programs and start processes (launch.c)
 *   finished   the loop registers the tasks and answers `spawned`               spawn_finished
 *   undoing    SOFT only: some processes could not be started, so the world that the others were
 *              born into is wrong; they are killed, and when the last has been reaped the request
 *              is launched again without the failed ones                        spawn_undone
 *
 * Without SOFT a failure ends it: what was started is killed, and nobody ever hears of it. So it is when
 * the request is withdrawn. */
#ifndef SPAWN_H
#define SPAWN_H

#include "exec.h"
#include "pool.h"
#include "proto/messages.h"
#include <stdatomic.h>

struct server;
struct peer;
struct link;
struct task;
struct job;
struct span;
struct arena;
struct preload_source;

/* One task that is to be started. */
struct spawn_one {
    int32_t tid;   /* 0: no slot was taken     */
    uint32_t app;  /* which program            */
    uint32_t host; /* where: an index; 0: here */
    uint32_t rank, local_rank;
    pvmx_err err; /* PVMX_OK: started or still to be */
    bool started;
    bool fed; /* elsewhere: see feed.h */
    pid_t pid;
    int pidfd;
    int ctl_fd;               /* our end */
    uint64_t code;            /* started by a tasker: see helper.h; 0: by us */
    int ends[3];              /* our ends of its pipes, for mpiexec; see streams.h */
    struct bind_place *place; /* processors; the task's own when it is in the table */
};

struct spawn_ticket {
    struct pool_work work;
    struct spawn_req *req;
};

struct spawn_req {
    struct server *sv;
    struct peer *peer; /* who asked; NULL: gone           */
    struct px_list in_peer;
    struct task *owner; /* the task that asked, if it is one and lives */
    struct px_list in_task;
    struct px_list in_all; /* in server.requests */
    bool cancelled;        /* the spawner has failed: nobody waits for these tasks */
    bool withdrawn;        /* it does not want them any more */
    struct span *span;     /* it has tasks on other hosts; NULL: none */
    uint32_t **chosen;     /* hosts of the tasks of programs that say where; see span.c */
    uint32_t origin;       /* it is a part that this host's daemon carries; 0: ours */
    uint64_t link;         /* then: id of the link to answer on */
    const uint8_t *body;   /* as it came, for other hosts */
    size_t body_len;
    /* In a VM that has had other hosts: the tasks end when this daemon is killed, since all others then take
     * them for ended. On one host nobody else can tell, and they go on. */
    bool with_us;
    uint32_t serial;
    uint32_t job_id;
    int32_t parent;
    struct limit *limit; /* see inherit.h */
    const char *place; /* of the spawner's job, for programs that say nothing; NULL: none */
    const uint32_t *line;
    uint32_t nline;
    struct pxp_spawn m;
    struct pxp_zone zone;
    int stdio[3], tty[3]; /* tty: what tasks of this host get instead; -1: the same */
    uint8_t via[3]; /* these are streams of this task that are collected; 0: not; see streams.c */
    int32_t via_task;
    unsigned rounds;
    uint32_t undoing; /* killed processes not reaped yet */
    bool preloaded;   /* its files are here; see preload.h */
    struct preload_source **sources;

    /* what the threads work on; see launch.c */
    struct spawn_ticket *tickets;
    uint32_t nplans, ntickets;
    bool resolved, prepared;
    bool helped;             /* a tasker starts this host's tasks of this round */
    struct exec_plan *plans; /* one for each program */
    struct spawn_one *ones;
    uint32_t total, size; /* asked for; world of this round */
    struct pxp_range *world;
    uint32_t nworld;
    struct exec_limit *limits;
    size_t nlimits;
    bool check_nproc;
    uint64_t ctx;
    atomic_uint next, holders;
    atomic_bool failed;   /* without SOFT: start no more */
    pthread_mutex_t lock; /* text, text_at               */
    char *text;           /* sentence of the first failure */
    uint32_t text_at;
    struct px_list node; /* in pool.done */
};

/* Message spawn. */
pvmx_err spawn_request(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len);
/* Threads have finished with requests. */
void spawn_finished(void *server);
/* A killed process of this request has been reaped. */
void spawn_undone(struct spawn_req *r);
void spawn_forget_peer(struct peer *p);
void spawn_forget_task(struct task *t);
/* Tasks of this host in requests in progress, and how many of these are done. */
void spawn_progress(const struct server *sv, uint32_t *total, uint32_t *done);

/* ---- for span.c and part.c */
struct spawn_req *spawn_new(struct server *sv, uint32_t serial);
void spawn_free(struct spawn_req *r);
/* All memory of the launch; r->total and the programs' counts are known. */
pvmx_err spawn_alloc(struct spawn_req *r);
/* A round is over, on all hosts. */
void spawn_finish(struct spawn_req *r);
/* Once more without the failed ones; not at all. */
void spawn_again(struct spawn_req *r);
void spawn_lost(struct spawn_req *r);
/* Slots of tasks that were not started. */
void spawn_give_back(struct spawn_req *r);
struct job *spawn_make_job(struct spawn_req *r);
/* Puts a started process, with its connection, into the table; NULL: it is not started, or dropped. */
struct task *spawn_register(struct spawn_req *r, struct spawn_one *one, struct job *j);
/* Ends what was started here; nobody hears of it. j may be NULL. */
void spawn_undo(struct spawn_req *r, struct job *j);
void spawn_watch_init(struct job *j);

/* ---- launch.c --------------------------------------------------------------------------------- */

enum { LAUNCH_ENV = 7 }; /* as many as resolve.c takes out of what is inherited */

/* What every task finds in its environment, whatever else it inherits. */
struct launch_env {
    char text[LAUNCH_ENV][192];
    char *entries[LAUNCH_ENV];
};
void launch_env(const struct spawn_req *r, const struct spawn_one *one, struct launch_env *e);

/* Ranks, and the world as ranges of tids; of a part only says that its tasks exist. */
void launch_number(struct spawn_req *r);
/* Queues a round for the threads; pool_finished follows when all its tasks are started or failed. */
void launch_round(struct spawn_req *r);
/* Records the sentence (pvmx_last_error()) for task number `at`, if it is the first in order. */
void launch_failed(struct spawn_req *r, uint32_t at, pvmx_err err);

#endif
