/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading what tasks write. */
#include "output.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "drain.h"
#include "far.h"
#include "feed.h"
#include "hosts.h"
#include "input.h"
#include "link.h"
#include "logs.h"
#include "post.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    READ_SIZE = 16 * 1024,
    LINE_MAX_BYTES = 32 * 1024, /* a longer line is sent in pieces */
    AHEAD = 128 * 1024, /* sent and not yet written over there: the task is made to wait */
    PIPE_READS = 8,     /* a pipe holds 64 KiB; others may go on writing       */
    GATHERED = 64,      /* looked at in one go */
};

/* One pipe of a task here. */
struct outlet {
    struct server *sv;
    struct loop_io io;
    int fd;
    int32_t tid;
    uint32_t stream, origin;
    bool gathered; /* it is collected: whose what is is known, so that ends of lines are not waited for */
    bool watched; /* then: by gather_fd */
    size_t ahead;
    struct px_buf buf;
    struct loop_timer rest; /* then what is in buf is sent */
};

static bool outlet_read(struct outlet *o);

static struct outlet *outlet_of(struct server *sv, int32_t tid, uint32_t stream)
{
    return px_map_get(&sv->outlets, output_key(tid, stream));
}

/* ---- what is collected ------------------------------------------------------------------------ */

/* Tasks that are collected together can tell each other when they write. libev turns the order round in which
 * descriptors have become readable; epoll keeps it. */
static void on_gathered(void *arg, unsigned events)
{
    struct server *sv = arg;
    struct epoll_event ready[GATHERED];
    (void)events;
    int n = epoll_wait(sv->gather_fd, ready, GATHERED, 0);
    for (int i = 0; i < n; i++)
        outlet_read(ready[i].data.ptr);
}

static bool gather(struct outlet *o)
{
    struct server *sv = o->sv;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = o};
    if (sv->gather_fd < 0) {
        sv->gather_fd = epoll_create1(EPOLL_CLOEXEC);
        if (sv->gather_fd < 0)
            return false;
        loop_io_start(&sv->loop, &sv->gather_io, sv->gather_fd, LOOP_READ, on_gathered, sv);
    }
    return epoll_ctl(sv->gather_fd, EPOLL_CTL_ADD, o->fd, &ev) == 0;
}

/* Not only without events: that a pipe has been closed would be told all the time. */
static void outlet_watch(struct outlet *o, bool on)
{
    if (!o->gathered)
        loop_io_events(&o->sv->loop, &o->io, on ? LOOP_READ : 0);
    else if (on && !o->watched)
        o->watched = gather(o);
    else if (!on && o->watched)
        o->watched = epoll_ctl(o->sv->gather_fd, EPOLL_CTL_DEL, o->fd, NULL) != 0;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void outlet_free(struct outlet *o)
{
    loop_timer_stop(&o->sv->loop, &o->rest);
    outlet_watch(o, false); /* explicitly: a child that is just being started has our descriptors, too */
    loop_io_stop(&o->sv->loop, &o->io);
    px_fd_close(&o->fd);
    if (outlet_of(o->sv, o->tid, o->stream) == o) /* numbers come round */
        px_map_remove(&o->sv->outlets, output_key(o->tid, o->stream));
    px_buf_free(&o->buf);
    free(o);
}

static void send_bytes(struct outlet *o, size_t n, bool eof)
{
    bool here = o->origin == 0;
    struct post *to = !here ? post_to(o->sv, o->origin) : NULL;
    struct pxp_output m = {.tid = o->tid,
                           .stream = o->stream,
                           .bytes = px_buf_head(&o->buf),
                           .bytes_len = n,
                           .eof = eof};
    logs_append(o->sv, o->tid, o->stream, m.bytes, n);
    if (to != NULL)
        post_sent(to, pxp_output_encode(&to->kept, post_number(to), &m));
    if (to != NULL || (here && drain_waits(o->sv, o->tid, o->stream)))
        o->ahead += n; /* before it is written: then it is taken off */
    if (here)
        drain_take(o->sv, &m);
    px_buf_consume(&o->buf, n);
}

/* Sends whole lines, and all of it when that gets too much. */
static void send_lines(struct outlet *o)
{
    size_t n = px_buf_len(&o->buf);
    const uint8_t *bytes = px_buf_head(&o->buf);
    if (n < LINE_MAX_BYTES && !o->gathered)
        while (n > 0 && bytes[n - 1] != '\n')
            n--;
    if (n > 0)
        send_bytes(o, n, false);
}

static void look_or_wait(struct outlet *o)
{
    bool full = o->origin != 0 ? post_full(o->sv, o->origin)
                               : drain_full(o->sv, o->tid, o->stream);
    outlet_watch(o, o->ahead <= AHEAD && !full);
}

static void on_rest(void *arg)
{
    struct outlet *o = arg;
    send_bytes(o, px_buf_len(&o->buf), false);
    look_or_wait(o);
}

/* What is left may be a question that somebody is to answer: it is sent after a while. */
static void let_rest(struct outlet *o, size_t nread)
{
    struct loop *loop = &o->sv->loop;
    size_t left = px_buf_len(&o->buf);
    if (left == 0 || px_fd_blocks(nread))
        loop_timer_stop(loop, &o->rest);
    else if (left <= nread || !loop_timer_active(&o->rest)) /* it has begun with this read */
        loop_timer_start(loop, &o->rest, PX_FD_REST, on_rest, o);
}

/* There may be thousands. */
static void drop_room(struct outlet *o)
{
    if (px_buf_len(&o->buf) == 0)
        px_buf_free(&o->buf);
}

/* One read; false: nothing more now, or the outlet is no more. */
static bool outlet_read(struct outlet *o)
{
    uint8_t *to = px_buf_reserve(&o->buf, READ_SIZE);
    ssize_t n = to != NULL ? read(o->fd, to, READ_SIZE) : -1;
    if (to == NULL || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
        drop_room(o);
        return false;
    }
    if (n <= 0) {
        send_bytes(o, px_buf_len(&o->buf), true);
        outlet_free(o);
        return false;
    }
    o->buf.end += (size_t)n;
    send_lines(o);
    let_rest(o, (size_t)n);
    drop_room(o);
    look_or_wait(o);
    return true;
}

static void on_readable(void *arg, unsigned events)
{
    (void)events;
    outlet_read(arg);
}

static void outlet_start(struct server *sv, int32_t tid, uint32_t stream, int fd,
                         uint32_t origin)
{
    struct outlet *o = calloc(1, sizeof *o);
    if (o == NULL || px_map_put(&sv->outlets, output_key(tid, stream), o) != PVMX_OK) {
        struct pxp_output end = {.tid = tid, .stream = stream, .eof = true};
        free(o);
        close(fd);
        drain_take(sv, &end); /* if it is waited for here */
        return;
    }
    *o = (struct outlet){.sv = sv, .fd = fd, .tid = tid, .stream = stream, .origin = origin};
    px_fd_set_nonblock(o->fd, true);
    o->gathered = drain_collects(sv, tid, stream, NULL);
    if (o->gathered)
        outlet_watch(o, true);
    if (!o->watched) {
        o->gathered = false;
        loop_io_start(&sv->loop, &o->io, o->fd, LOOP_READ, on_readable, o);
    }
}

void output_start(struct server *sv, const struct task *t, struct spawn_one *one,
                  uint32_t origin)
{
    logs_begin(sv, t);
    if (one->ends[0] >= 0)
        input_start(sv, t->tid, one->ends[0], one->fed ? origin : 0);
    one->ends[0] = -1;
    for (uint32_t k = 1; k < 3; k++) {
        if (one->ends[k] >= 0)
            outlet_start(sv, one->tid, k, one->ends[k], origin);
        one->ends[k] = -1;
    }
}

void output_drain(struct server *sv, int32_t tid)
{
    struct outlet *o;
    for (uint32_t stream = 1; stream < 3; stream++)
        for (int k = 0; k < PIPE_READS && (o = outlet_of(sv, tid, stream)) != NULL; k++)
            if (!outlet_read(o))
                break;
}

void output_consumed(struct server *sv, const struct pxp_consumed *m)
{
    struct outlet *o = outlet_of(sv, m->tid, m->stream);
    if (o == NULL)
        return;
    o->ahead -= m->bytes < o->ahead ? m->bytes : o->ahead;
    look_or_wait(o);
}

static void room(struct server *sv, uint32_t origin)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->outlets, &pos, &key, &value);) {
        struct outlet *o = value;
        if (o->origin == origin)
            look_or_wait(o);
    }
}

void output_room(struct server *sv, uint32_t host)
{
    feed_room(sv, host);
    room(sv, host);
}

void output_drained(struct server *sv)
{
    room(sv, 0);
}

pvmx_err output_on_consumed(struct server *sv, struct link *l, uint32_t serial,
                            const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_consumed m;
    (void)l;
    (void)serial;
    pvmx_err err = pxp_consumed_decode(body, len, &m, &zone);
    if (err == PVMX_OK && m.stream == 0)
        feed_consumed(sv, m.tid, m.bytes);
    else if (err == PVMX_OK)
        output_consumed(sv, &m);
    pxp_zone_free(&zone);
    return err;
}

/* ---- all -------------------------------------------------------------------------------------- */

void output_host_lost(struct server *sv, uint32_t index)
{
    uint64_t key;
    void *value;
    drain_host_lost(sv, index);
    for (size_t pos = 0; px_map_next(&sv->outlets, &pos, &key, &value);) {
        struct outlet *o = value;
        if (o->origin == index) /* as when a terminal goes: the next write fails */
            outlet_free(o);
    }
}

void output_init(struct server *sv)
{
    sv->gather_fd = -1;
    drain_init(sv);
}

void output_fini(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->outlets, &pos, &key, &value);)
        outlet_free(value);
    px_map_free(&sv->outlets);
    if (sv->gather_fd >= 0)
        loop_io_stop(&sv->loop, &sv->gather_io);
    px_fd_close(&sv->gather_fd);
    drain_fini(sv);
}
