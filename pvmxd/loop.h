/* SPDX-License-Identifier: BSD-3-Clause */
/* The event loop: libev behind a few calls, so that no other file knows it. One thread runs the
 * loop and calls everything here; only loop_post_send may be called from any thread.
 * Watchers are embedded in their owner's struct, {0} is a stopped one, and stopping twice is
 * harmless. A callback may stop and free any watcher, its own included. */
#ifndef LOOP_H
#define LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct loop {
    struct ev_loop *ev;
    struct ev_prepare prepare;
    void (*before_sleep)(void *arg);
    void *arg;
};

enum { LOOP_READ = EV_READ, LOOP_WRITE = EV_WRITE };

struct loop_io {
    struct ev_io w;
    void (*fn)(void *arg, unsigned events);
    void *arg;
};

struct loop_timer {
    struct ev_timer w;
    void (*fn)(void *arg);
    void *arg;
};

/* A call from another thread: several sends before the loop runs again are one call. */
struct loop_post {
    struct ev_async w;
    void (*fn)(void *arg);
    void *arg;
    struct ev_loop *ev;
};

/* before_sleep(arg) runs once in each round, after all events and before the loop may sleep.
 * false: the system has no descriptors or memory left (errno). */
bool loop_init(struct loop *l, void (*before_sleep)(void *arg), void *arg);
void loop_run(struct loop *l); /* returns after loop_stop */
void loop_stop(struct loop *l);
void loop_fini(struct loop *l);

void loop_io_start(struct loop *l, struct loop_io *io, int fd, unsigned events,
                   void (*fn)(void *arg, unsigned events), void *arg);
/* Changes what is waited for; 0: nothing. Only after loop_io_start. */
void loop_io_events(struct loop *l, struct loop_io *io, unsigned events);
/* To be called before the descriptor is closed. */
void loop_io_stop(struct loop *l, struct loop_io *io);

/* One call of fn after delay. Starting a running timer sets it anew. */
void loop_timer_start(struct loop *l, struct loop_timer *t, uint64_t delay_ns,
                      void (*fn)(void *arg), void *arg);
void loop_timer_stop(struct loop *l, struct loop_timer *t);
static inline bool loop_timer_active(const struct loop_timer *t)
{
    return ev_is_active(&t->w);
}

void loop_post_start(struct loop *l, struct loop_post *p, void (*fn)(void *arg), void *arg);
void loop_post_send(struct loop_post *p);
void loop_post_stop(struct loop *l, struct loop_post *p);

#endif
