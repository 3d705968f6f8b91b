/* SPDX-License-Identifier: BSD-3-Clause */
/* The event loop over libev. */
#include "loop.h"
#include <errno.h>
#include <string.h>

static void on_prepare(struct ev_loop *ev, struct ev_prepare *w, int revents)
{
    struct loop *l = w->data;
    (void)ev;
    (void)revents;
    l->before_sleep(l->arg);
}

bool loop_init(struct loop *l, void (*before_sleep)(void *arg), void *arg)
{
    /* Not the default loop: that one would reap our children itself. */
    l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (l->ev == NULL)
        l->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (l->ev == NULL) {
        errno = errno != 0 ? errno : EMFILE;
        return false;
    }
    l->before_sleep = before_sleep;
    l->arg = arg;
    ev_prepare_init(&l->prepare, on_prepare);
    l->prepare.data = l;
    ev_prepare_start(l->ev, &l->prepare);
    return true;
}

void loop_run(struct loop *l)
{
    ev_run(l->ev, 0);
}

void loop_stop(struct loop *l)
{
    ev_break(l->ev, EVBREAK_ALL);
}

void loop_fini(struct loop *l)
{
    if (l->ev == NULL)
        return;
    ev_prepare_stop(l->ev, &l->prepare);
    ev_loop_destroy(l->ev);
    l->ev = NULL;
}

static void on_io(struct ev_loop *ev, struct ev_io *w, int revents)
{
    struct loop_io *io = w->data;
    (void)ev;
    io->fn(io->arg, (unsigned)revents);
}

void loop_io_start(struct loop *l, struct loop_io *io, int fd, unsigned events,
                   void (*fn)(void *arg, unsigned events), void *arg)
{
    io->fn = fn;
    io->arg = arg;
    ev_io_init(&io->w, on_io, fd, (int)events);
    io->w.data = io;
    ev_io_start(l->ev, &io->w);
}

void loop_io_events(struct loop *l, struct loop_io *io, unsigned events)
{
    unsigned now = ev_is_active(&io->w) ? (unsigned)io->w.events & (EV_READ | EV_WRITE) : 0;
    if (now == events)
        return;
    ev_io_stop(l->ev, &io->w);
    if (events != 0) {
        ev_io_set(&io->w, io->w.fd, (int)events);
        ev_io_start(l->ev, &io->w);
    }
}

void loop_io_stop(struct loop *l, struct loop_io *io)
{
    ev_io_stop(l->ev, &io->w);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *w, int revents)
{
    struct loop_timer *t = w->data;
    (void)ev;
    (void)revents;
    t->fn(t->arg);
}

void loop_timer_start(struct loop *l, struct loop_timer *t, uint64_t delay_ns,
                      void (*fn)(void *arg), void *arg)
{
    ev_timer_stop(l->ev, &t->w);
    t->fn = fn;
    t->arg = arg;
    ev_timer_init(&t->w, on_timer, (double)delay_ns / 1e9, 0.);
    t->w.data = t;
    ev_timer_start(l->ev, &t->w);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    ev_timer_stop(l->ev, &t->w);
}

static void on_post(struct ev_loop *ev, struct ev_async *w, int revents)
{
    struct loop_post *p = w->data;
    (void)ev;
    (void)revents;
    p->fn(p->arg);
}

void loop_post_start(struct loop *l, struct loop_post *p, void (*fn)(void *arg), void *arg)
{
    p->fn = fn;
    p->arg = arg;
    p->ev = l->ev;
    ev_async_init(&p->w, on_post);
    p->w.data = p;
    ev_async_start(l->ev, &p->w);
}

void loop_post_send(struct loop_post *p)
{
    ev_async_send(p->ev, &p->w);
}

void loop_post_stop(struct loop *l, struct loop_post *p)
{
    ev_async_stop(l->ev, &p->w);
}
