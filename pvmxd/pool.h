/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawner threads: a few, started once, asleep when there is nothing to start. Whatever may hang on
 * a dead file system (looking for a program, changing directory, execve) runs here, never on the
 * loop's thread. */
#ifndef POOL_H
#define POOL_H

#include "base/buf.h"
#include "base/list.h"
#include "exec.h"
#include "loop.h"
#include <pthread.h>
#include <stdbool.h>

enum { POOL_MAX = 64 };

struct pool;

/* A thread and the memory it works with. */
struct pool_worker {
    struct pool *pool;
    pthread_t thread;
    struct exec_room room;
    char **envp; /* the task's environment, built anew for each */
    size_t envp_cap;
    struct px_buf buf;
};

/* A piece of work; {0} is one that is not queued. */
struct pool_work {
    void (*run)(struct pool_work *w, struct pool_worker *me);
    struct px_list node;
    bool queued;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, gone;
    struct px_list queue;           /* of pool_work.node */
    struct px_list done;            /* of what pool_finished was given */
    unsigned nworkers, idle, nleft; /* nleft: have seen quit */
    bool quit;
    struct pool_worker workers[POOL_MAX];
    struct loop_post post;
};

/* n: threads. finished is called on the loop's thread when pool_finished was called. The calling
 * thread must have blocked its signals: the threads inherit that. */
bool pool_start(struct pool *p, struct loop *loop, unsigned n,
                void (*finished)(void *arg), void *arg);
/* Ends the threads and frees. false: one hangs in a system call and cannot be waited for; it may
 * still use pool, loop and arena, which must stay to the end of the process. */
bool pool_stop(struct pool *p, struct loop *loop);

/* From any thread. */
void pool_submit(struct pool *p, struct pool_work *w);
bool pool_cancel(struct pool *p, struct pool_work *w); /* true: it was still queued */
bool pool_crowded(struct pool *p);                     /* someone waits for a thread */
/* Hands node to the loop's thread; pool_next gives it back there. */
void pool_finished(struct pool *p, struct px_list *node);
struct px_list *pool_next(struct pool *p);

#endif
