/* SPDX-License-Identifier: BSD-3-Clause */
/* Progress and waiting. Progress runs a short list of sources; a task that waits runs it, spins for
 * a short time while there are idle processors, then sleeps on its doorbell, which covers everything
 * it may be woken by: rings, the daemon, deaths, other threads, timers. */
#ifndef PX_PROGRESS_H
#define PX_PROGRESS_H

#include "progress/spread.h"
#include "transport/shm/seg.h"
#include "transport/shm/wake.h"
#include <pthread.h>
#include <pvmx/engine/prog.h>

enum { PX_SOURCES_MAX = 4 };

struct px_progress {
    struct {
        unsigned (*fn)(void *arg); /* a bounded batch; returns the number of events */
        void *arg;
    } source[PX_SOURCES_MAX];
    unsigned nsources;
    unsigned nfirst; /* last rounds that ended with the first source */
    struct pvmx_hook *hooks;
    struct px_arena *arena;
    pthread_mutex_t *lock;    /* NULL: single threaded */
    bool *completed;          /* set by others when a request became complete */
    void (*check)(void *arg); /* now and then while asleep: is the daemon still there? */
    void *check_arg;
    /* What else to wake for, and to look at in the next round; -1: nothing, as in every program of one
     * host. NULL: never. */
    int (*descriptor)(void *arg);
    void *descriptor_arg;
    const bool *far; /* what is waited for comes from another host; NULL: never */
    bool *sleeping;  /* set while a thread sleeps; NULL: nobody asks */
    int bell;        /* own datagram socket, made when there is a descriptor; -1: none */
    uint64_t bell_name;
    unsigned sleepers;
    bool shown;                      /* the slot says that this task waits */
    unsigned skip_yields, skip_next; /* waits without yielding: now, after a slow yield */
    struct px_spread spread;
    bool no_spin; /* whom we wait for needs the processors more than we do */
};

void px_progress_init(struct px_progress *p, struct px_arena *arena);
/* Registers the settings of waiting; init does so too. */
void px_progress_settings(void);
void px_progress_fini(struct px_progress *p);
void px_progress_add(struct px_progress *p, unsigned (*fn)(void *arg), void *arg);
/* Tasks have just been started here and compute: the next few waits sleep at once instead of
 * yielding, so that they are woken before those come to rest. */
static inline void px_progress_busy_host(struct px_progress *p)
{
    if (p->skip_yields < 16)
        p->skip_yields = 16;
}

/* Other threads sleep until requests are complete that this one may just have completed: wakes
 * them. With the lock held, before it is given away. */
static inline void px_progress_tell(struct px_progress *p)
{
    if (p->completed && *p->completed) {
        *p->completed = false;
        if (p->sleepers)
            px_bell_ring(p->arena->slot);
    }
}

/* One round; the number of events handled. Called with the lock held. */
unsigned px_progress(struct px_progress *p);
/* The first source only: in the middle of many rounds. */
static inline unsigned px_progress_first(struct px_progress *p)
{
    return p->source[0].fn(p->source[0].arg);
}
/* See pvmx_engine_wait_until. Called with the lock held, once. */
pvmx_err px_wait(struct px_progress *p, bool (*done)(void *arg), void *arg,
                 uint64_t deadline_ns);
/* The same for so long, roughly, which costs short waits nothing; 0: for ever. */
pvmx_err px_wait_for(struct px_progress *p, bool (*done)(void *arg), void *arg,
                     uint64_t patience_ns);

void px_hook_add(struct px_progress *p, struct pvmx_hook *hook);
void px_hook_remove(struct pvmx_hook *hook);

#endif
