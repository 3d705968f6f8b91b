/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawner threads. */
#include "pool.h"
#include "base/log.h"
#include "urgent.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    THREAD_STACK = 512 * 1024, /* sanitizers need most of it; pages appear when touched          */
    STOP_WAIT_S = 2, /* for threads that are just finishing                                */
};

static void *worker_main(void *arg)
{
    struct pool_worker *me = arg;
    struct pool *p = me->pool;
    urgent_thread();
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct px_list *node;
        p->idle++;
        while ((node = px_list_pop(&p->queue)) == NULL && !p->quit)
            pthread_cond_wait(&p->wake, &p->lock);
        p->idle--;
        if (node == NULL)
            break;
        struct pool_work *w = px_container_of(node, struct pool_work, node);
        w->queued = false;
        pthread_mutex_unlock(&p->lock);
        w->run(w, me);
        pthread_mutex_lock(&p->lock);
    }
    p->nleft++;
    pthread_cond_signal(&p->gone);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static bool worker_start(struct pool *p, struct pool_worker *me)
{
    pthread_attr_t attr;
    me->pool = p;
    if (!exec_room_init(&me->room))
        return false;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    int errnum = pthread_create(&me->thread, &attr, worker_main, me);
    pthread_attr_destroy(&attr);
    if (errnum != 0) {
        exec_room_fini(&me->room);
        errno = errnum;
        return false;
    }
    return true;
}

bool pool_start(struct pool *p, struct loop *loop, unsigned n,
                void (*finished)(void *arg), void *arg)
{
    pthread_condattr_t steady; /* whoever sets the clock does not keep us from ending */
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->gone, &steady);
    pthread_condattr_destroy(&steady);
    px_list_init(&p->queue);
    px_list_init(&p->done);
    loop_post_start(loop, &p->post, finished, arg);
    while (p->nworkers < n && p->nworkers < POOL_MAX) {
        if (!worker_start(p, &p->workers[p->nworkers])) {
            px_log(PX_LOG_WARN, "POOL-THREAD", "only %u of %u spawner threads: %s",
                   p->nworkers, n, strerror(errno));
            break;
        }
        p->nworkers++;
    }
    return p->nworkers > 0;
}

bool pool_stop(struct pool *p, struct loop *loop)
{
    struct timespec limit;
    if (p->post.ev == NULL)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += STOP_WAIT_S;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->wake);
    while (p->nleft < p->nworkers && pthread_cond_timedwait(&p->gone, &p->lock, &limit) == 0)
        continue;
    bool all = p->nleft == p->nworkers;
    pthread_mutex_unlock(&p->lock);
    if (!all) {
        px_log(PX_LOG_WARN, "POOL-HANG", "a spawner thread hangs (a dead file system?)");
        return false;
    }
    loop_post_stop(loop, &p->post);
    for (unsigned i = 0; i < p->nworkers; i++) {
        struct pool_worker *w = &p->workers[i];
        pthread_join(w->thread, NULL);
        exec_room_fini(&w->room);
        free(w->envp);
        px_buf_free(&w->buf);
    }
    p->nworkers = 0;
    return true;
}

void pool_submit(struct pool *p, struct pool_work *w)
{
    pthread_mutex_lock(&p->lock);
    w->queued = true;
    px_list_push_back(&p->queue, &w->node);
    if (p->idle > 0)
        pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

bool pool_cancel(struct pool *p, struct pool_work *w)
{
    pthread_mutex_lock(&p->lock);
    bool queued = w->queued;
    if (queued)
        px_list_remove(&w->node);
    w->queued = false;
    pthread_mutex_unlock(&p->lock);
    return queued;
}

bool pool_crowded(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool crowded = !px_list_empty(&p->queue) && p->idle == 0;
    pthread_mutex_unlock(&p->lock);
    return crowded;
}

void pool_finished(struct pool *p, struct px_list *node)
{
    pthread_mutex_lock(&p->lock);
    px_list_push_back(&p->done, node);
    pthread_mutex_unlock(&p->lock);
    loop_post_send(&p->post);
}

struct px_list *pool_next(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct px_list *node = px_list_pop(&p->done);
    pthread_mutex_unlock(&p->lock);
    return node;
}
