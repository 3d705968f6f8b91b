/* SPDX-License-Identifier: BSD-3-Clause */
/* Output of tasks on its way between hosts. */
#include "output.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
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
#include <fcntl.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_SIZE = 16 * 1024,
    LINE_MAX_BYTES = 32 * 1024, /* a longer line is sent in pieces */
    AHEAD = 128 * 1024, /* sent and not yet written over there: the task is made to wait */
    KEEP = 256 * 1024,  /* waiting to be written here: nothing is acknowledged */
    PIPE_READS = 8,     /* a pipe holds 64 KiB; others may go on writing       */
};

/* One pipe of a task here. */
struct outlet {
    struct server *sv;
    struct px_list node; /* in server.outlets */
    struct loop_io io;
    int fd;
    int32_t tid;
    uint32_t stream, origin;
    size_t ahead;
    struct px_buf buf;
    struct loop_timer rest; /* then what is in buf is sent */
};

/* Where output of others is written: one for each file, so that lines do not mix. */
struct drain {
    struct server *sv;
    struct px_list node; /* in server.drains */
    struct loop_io io;
    int fd;
    bool socket, plain, gone; /* plain: a file, which never blocks for long */
    dev_t dev;
    ino_t ino;
    uint32_t job;         /* of the request that it was made for */
    unsigned refs, ended; /* sinks; those of them that only wait for buf */
    struct px_buf buf;
    struct px_list owed; /* struct owed: acknowledged when there is room again */
    struct px_list held; /* struct held: told when nothing waits to be written */
};

/* The end of a task, which mpiexec is not to hear of before it has its output. */
struct held {
    struct px_list node;
    struct pxp_task_end end;
    char program[];
};

struct owed {
    struct px_list node;
    struct pxp_consumed m;
};

/* One stream of a task elsewhere. */
struct sink {
    struct px_list node; /* in server.sinks */
    int32_t tid;
    uint32_t stream;
    bool ended;  /* no more will come */
    bool tagged; /* each piece with its task in front */
    struct drain *drain;
};

/* ---- reading ---------------------------------------------------------------------------------- */

static void outlet_free(struct outlet *o)
{
    loop_timer_stop(&o->sv->loop, &o->rest);
    loop_io_stop(&o->sv->loop, &o->io);
    px_fd_close(&o->fd);
    px_list_remove(&o->node);
    px_buf_free(&o->buf);
    free(o);
}

static void deliver(struct server *sv, const struct pxp_output *m);
static bool has_sink(struct server *sv, int32_t tid, uint32_t stream);

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
    if (to != NULL || (here && has_sink(o->sv, o->tid, o->stream)))
        o->ahead += n; /* before it is written: then it is taken off */
    if (here)
        deliver(o->sv, &m);
    px_buf_consume(&o->buf, n);
}

/* Sends whole lines, and all of it when that gets too much. */
static void send_lines(struct outlet *o)
{
    size_t n = px_buf_len(&o->buf);
    const uint8_t *bytes = px_buf_head(&o->buf);
    if (n < LINE_MAX_BYTES)
        while (n > 0 && bytes[n - 1] != '\n')
            n--;
    if (n > 0)
        send_bytes(o, n, false);
}

static void look_or_wait(struct outlet *o)
{
    bool wait = o->ahead > AHEAD || (o->origin != 0 && post_full(o->sv, o->origin));
    loop_io_events(&o->sv->loop, &o->io, wait ? 0 : LOOP_READ);
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

/* One read; false: nothing more now, or the outlet is no more. */
static bool outlet_read(struct outlet *o)
{
    uint8_t *to = px_buf_reserve(&o->buf, READ_SIZE);
    ssize_t n = to != NULL ? read(o->fd, to, READ_SIZE) : -1;
    if (to == NULL || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return false;
    if (n <= 0) {
        send_bytes(o, px_buf_len(&o->buf), true);
        outlet_free(o);
        return false;
    }
    o->buf.end += (size_t)n;
    send_lines(o);
    let_rest(o, (size_t)n);
    look_or_wait(o);
    return true;
}

static void on_readable(void *arg, unsigned events)
{
    (void)events;
    outlet_read(arg);
}

void output_start(struct server *sv, const struct task *t, struct spawn_one *one,
                  uint32_t origin)
{
    logs_begin(sv, t);
    if (one->ends[0] >= 0)
        input_start(sv, t->tid, one->ends[0], one->fed ? origin : 0);
    one->ends[0] = -1;
    for (uint32_t k = 1; k < 3; k++) {
        struct outlet *o = one->ends[k] >= 0 ? calloc(1, sizeof *o) : NULL;
        if (o == NULL) {
            px_fd_close(&one->ends[k]);
            continue;
        }
        *o = (struct outlet){
            .sv = sv, .fd = one->ends[k], .tid = one->tid, .stream = k, .origin = origin};
        one->ends[k] = -1;
        px_fd_set_nonblock(o->fd, true);
        px_list_push_back(&sv->outlets, &o->node);
        loop_io_start(&sv->loop, &o->io, o->fd, LOOP_READ, on_readable, o);
    }
}

void output_drain(struct server *sv, int32_t tid)
{
    px_list_foreach(it, &sv->outlets) {
        struct outlet *o = px_container_of(it, struct outlet, node);
        for (int k = 0; o->tid == tid && k < PIPE_READS; k++)
            if (!outlet_read(o))
                break;
    }
}

static void consumed(struct server *sv, const struct pxp_consumed *m)
{
    px_list_foreach(it, &sv->outlets) {
        struct outlet *o = px_container_of(it, struct outlet, node);
        if (o->tid != m->tid || o->stream != m->stream)
            continue;
        o->ahead -= m->bytes < o->ahead ? m->bytes : o->ahead;
        look_or_wait(o);
    }
}

void output_room(struct server *sv, uint32_t host)
{
    feed_room(sv, host);
    px_list_foreach(it, &sv->outlets) {
        struct outlet *o = px_container_of(it, struct outlet, node);
        if (o->origin == host)
            look_or_wait(o);
    }
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
        consumed(sv, &m);
    pxp_zone_free(&zone);
    return err;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void pay(struct drain *d)
{
    struct px_list *node;
    while ((node = px_list_pop(&d->owed)) != NULL) {
        struct owed *w = px_container_of(node, struct owed, node);
        uint32_t host = far_host(w->m.tid);
        struct post *to = post_to(d->sv, host);
        if (host == d->sv->hosts.self)
            consumed(d->sv, &w->m);
        else if (to != NULL)
            post_sent(to, pxp_consumed_encode(&to->kept, post_number(to), &w->m));
        free(w);
    }
}

static void sinks_gone(struct drain *d)
{
    px_list_foreach(it, &d->sv->sinks) {
        struct sink *s = px_container_of(it, struct sink, node);
        if (d->ended == 0)
            break;
        if (s->drain != d || !s->ended)
            continue;
        px_list_remove(&s->node);
        free(s);
        d->refs--;
        d->ended--;
    }
}

static void tell_held(struct drain *d)
{
    struct px_list *node;
    while ((node = px_list_pop(&d->held)) != NULL) {
        struct held *h = px_container_of(node, struct held, node);
        far_end(d->sv, &h->end);
        free(h);
    }
}

bool output_hold(struct server *sv, const struct pxp_task_end *end, bool session)
{
    px_list_foreach(it, &sv->sinks) {
        struct sink *s = px_container_of(it, struct sink, node);
        size_t len = strlen(end->program) + 1;
        if (s->tid != end->tid || !(session || s->tagged) || px_buf_len(&s->drain->buf) == 0)
            continue;
        struct held *h = malloc(sizeof *h + len);
        if (h == NULL)
            return false;
        h->end = *end;
        h->end.program = memcpy(h->program, end->program, len);
        px_list_push_back(&s->drain->held, &h->node);
        return true;
    }
    return false;
}

static void drain_free(struct drain *d)
{
    struct px_list *node;
    while ((node = px_list_pop(&d->held)) != NULL)
        free(px_container_of(node, struct held, node));
    if (!d->plain)
        loop_io_stop(&d->sv->loop, &d->io);
    pay(d);
    px_fd_close(&d->fd);
    px_list_remove(&d->node);
    px_buf_free(&d->buf);
    free(d);
}

static void drain_write(struct drain *d)
{
    while (px_buf_len(&d->buf) > 0 && !d->gone) {
        const uint8_t *from = px_buf_head(&d->buf);
        size_t len = px_buf_len(&d->buf);
        ssize_t n = d->socket ? send(d->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                              : write(d->fd, from, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) /* nobody reads it any more: like a closed pipe, without the signal */
            d->gone = true;
        else
            px_buf_consume(&d->buf, (size_t)n);
    }
    if (d->gone || px_buf_len(&d->buf) == 0)
        px_buf_free(&d->buf);
    if (px_buf_len(&d->buf) < KEEP)
        pay(d);
    if (px_buf_len(&d->buf) == 0) {
        sinks_gone(d);
        tell_held(d);
    }
    if (d->refs == 0 && px_buf_len(&d->buf) == 0)
        drain_free(d);
    else if (!d->plain)
        loop_io_events(&d->sv->loop, &d->io, px_buf_len(&d->buf) > 0 ? LOOP_WRITE : 0);
}

static void on_writable(void *arg, unsigned events)
{
    (void)events;
    drain_write(arg);
}

/* A file description of our own, so that not to block is our affair alone; a socket has flags for each
 * write, and a file does not block. */
static int own_description(int fd, struct drain *d)
{
    char path[32];
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -1;
    d->dev = st.st_dev;
    d->ino = st.st_ino;
    d->socket = S_ISSOCK(st.st_mode);
    d->plain = S_ISREG(st.st_mode);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = d->socket || d->plain
                  ? -1
                  : open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND | O_CLOEXEC);
    return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, EXEC_FIRST_FD);
}

static struct drain *drain_new(struct server *sv, int fd, uint32_t job)
{
    struct drain *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->sv = sv;
    d->job = job;
    d->fd = own_description(fd, d);
    if (d->fd < 0) {
        free(d);
        return NULL;
    }
    px_list_init(&d->owed);
    px_list_init(&d->held);
    px_list_push_back(&sv->drains, &d->node);
    if (!d->plain) {
        loop_io_start(&sv->loop, &d->io, d->fd, LOOP_WRITE, on_writable, d);
        loop_io_events(&sv->loop, &d->io, 0);
    }
    return d;
}

/* The request's drain for this descriptor: the same for all of its tasks, and for two descriptors that
 * are one file. */
static struct drain *drain_of(struct server *sv, int fd, uint32_t job)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return NULL;
    px_list_foreach(it, &sv->drains) {
        struct drain *d = px_container_of(it, struct drain, node);
        if (d->job == job && d->dev == st.st_dev && d->ino == st.st_ino)
            return d;
    }
    return drain_new(sv, fd, job);
}

/* A pipe whose other end mpiexec gets. */
static struct drain *drain_pipe(struct spawn_req *r, struct spawn_one *one, uint32_t k)
{
    int fds[2];
    if (k == 2 && (r->m.streams & PXP_STREAM_JOINED) != 0 && one->ends[1] >= 0)
        return NULL; /* output_expect takes stream 1's */
    if (pipe2(fds, O_CLOEXEC) != 0)
        return NULL;
    struct drain *d = drain_new(r->sv, fds[1], 0);
    close(fds[1]);
    if (d == NULL) {
        close(fds[0]);
        return NULL;
    }
    one->ends[k] = fds[0];
    return d;
}

/* It goes when all that was to be written for it has been. */
static void sink_end(struct sink *s)
{
    struct drain *d = s->drain;
    d->ended += !s->ended;
    s->ended = true;
    drain_write(d);
}

void output_expect(struct spawn_req *r, struct spawn_one *one)
{
    struct server *sv = r->sv;
    struct drain *first = NULL;
    bool joined = r->m.keep && one->ends[1] >= 0 && one->ends[2] < 0;
    for (uint32_t k = 1; k < (joined ? 2 : 3); k++) {
        struct sink *s = calloc(1, sizeof *s);
        bool piped = !r->m.keep && (r->m.streams & 1u << k) != 0;
        struct drain *d = s == NULL ? NULL
                          : piped   ? drain_pipe(r, one, k)
                                    : drain_of(sv, r->stdio[k], r->job_id);
        if (d == NULL && s != NULL && piped && k == 2)
            d = first;
        if (d == NULL) {
            free(s);
            continue;
        }
        if (k == 1)
            first = d;
        d->refs++;
        *s = (struct sink){.tid = one->tid,
                           .stream = k,
                           .drain = d,
                           .tagged = !piped && (r->m.flags & PVMX_SPAWN_TAGGED) != 0};
        px_list_push_back(&sv->sinks, &s->node);
    }
}

static struct sink *next_of(struct server *sv, int32_t tid, uint32_t host)
{
    px_list_foreach(it, &sv->sinks) {
        struct sink *s = px_container_of(it, struct sink, node);
        if (!s->ended && (s->tid == tid || far_host(s->tid) == host))
            return s;
    }
    return NULL;
}

static void forget(struct server *sv, int32_t tid, uint32_t host)
{
    struct sink *s;
    while ((s = next_of(sv, tid, host)) != NULL) /* others may go with it */
        sink_end(s);
}

void output_forget(struct server *sv, int32_t tid)
{
    forget(sv, tid, 0);
}

static void take(struct sink *s, const struct pxp_output *m)
{
    struct drain *d = s->drain;
    struct owed *w = malloc(sizeof *w);
    if (w != NULL) {
        w->m = (struct pxp_consumed){m->tid, m->stream, (uint32_t)m->bytes_len};
        px_list_push_back(&d->owed, &w->node);
    }
    struct pvmx_output tag = {m->tid, (uint32_t)m->bytes_len};
    pvmx_err err = PVMX_OK;
    if (s->tagged && !d->gone && m->bytes_len > 0)
        err = px_buf_append(&d->buf, &tag, sizeof tag);
    if (err == PVMX_OK && !d->gone)
        err = px_buf_append(&d->buf, m->bytes, m->bytes_len);
    if (err != PVMX_OK)
        px_log(PX_LOG_ERROR, "OUTPUT-NOMEM",
               "no memory for output of t%x: %zu bytes are lost", (unsigned)m->tid,
               m->bytes_len);
    if (m->eof)
        sink_end(s);
    else
        drain_write(d);
}

static struct sink *sink_of(struct server *sv, int32_t tid, uint32_t stream)
{
    px_list_foreach(it, &sv->sinks) {
        struct sink *s = px_container_of(it, struct sink, node);
        if (s->tid == tid && s->stream == stream)
            return s;
    }
    return NULL;
}

static bool has_sink(struct server *sv, int32_t tid, uint32_t stream)
{
    return sink_of(sv, tid, stream) != NULL;
}

static void deliver(struct server *sv, const struct pxp_output *m)
{
    struct sink *s = sink_of(sv, m->tid, m->stream);
    if (s != NULL)
        take(s, m);
}

pvmx_err output_on_bytes(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_output m;
    (void)serial;
    pvmx_err err = pxp_output_decode(body, len, &m, &zone);
    if (err == PVMX_OK && far_host(m.tid) != l->host)
        err = px_fail(PVMX_ERR_PROTO, "host %s sends output of another host's task", l->name);
    if (err == PVMX_OK)
        deliver(sv, &m);
    pxp_zone_free(&zone);
    return err;
}

/* ---- all -------------------------------------------------------------------------------------- */

void output_host_lost(struct server *sv, uint32_t index)
{
    forget(sv, 0, index);
    px_list_foreach(it, &sv->outlets) {
        struct outlet *o = px_container_of(it, struct outlet, node);
        if (o->origin == index) /* as when a terminal goes: the next write fails */
            outlet_free(o);
    }
}

bool output_busy(const struct server *sv)
{
    return !px_list_empty(&sv->drains);
}

void output_init(struct server *sv)
{
    px_list_init(&sv->outlets);
    px_list_init(&sv->drains);
    px_list_init(&sv->sinks);
}

void output_fini(struct server *sv)
{
    while (!px_list_empty(&sv->outlets))
        outlet_free(px_container_of(sv->outlets.next, struct outlet, node));
    struct px_list *node;
    while ((node = px_list_pop(&sv->sinks)) != NULL)
        free(px_container_of(node, struct sink, node));
    while (!px_list_empty(&sv->drains))
        drain_free(px_container_of(sv->drains.next, struct drain, node));
}
