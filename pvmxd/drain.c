/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing what tasks have written. */
#include "drain.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "far.h"
#include "hosts.h"
#include "link.h"
#include "output.h"
#include "post.h"
#include "proto/hello.h"
#include "server.h"
#include "streams.h"
#include <errno.h>
#include <fcntl.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEEP = 256 * 1024 }; /* waiting to be written: nothing is acknowledged */

/* Where output is written: one for each file, so that lines do not mix. */
struct drain {
    struct server *sv;
    struct px_list node; /* in server.drains */
    struct loop_io io;
    int fd;
    bool socket, plain, gone; /* plain: a file, which never blocks for long */
    bool full;                /* somebody has been told so */
    bool telling;             /* in tell_held              */
    dev_t dev;
    ino_t ino;
    uint32_t job; /* of the request that it was made for */
    struct px_list sinks;
    unsigned ended; /* those of them that only wait for buf */
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

/* One stream of a task. */
struct sink {
    struct px_list node; /* in drain.sinks */
    struct drain *drain;
    int32_t tid;
    uint32_t stream;
    bool tagged; /* in records                                              */
    bool piped;  /* it comes through a daemon: its end is seen              */
    bool eof;    /* no more will come                                       */
    bool over;   /* tagged: that its task has ended is in the drain         */
    bool ended;  /* both                                                    */
};

static struct sink *sink_of(struct server *sv, int32_t tid, uint32_t stream)
{
    return px_map_get(&sv->sinks, output_key(tid, stream));
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
            output_consumed(d->sv, &w->m);
        else if (to != NULL)
            post_sent(to, pxp_consumed_encode(&to->kept, post_number(to), &w->m));
        free(w);
    }
    bool full = d->full;
    d->full = false;
    if (full)
        output_drained(d->sv);
}

static void sink_free(struct sink *s)
{
    px_list_remove(&s->node);
    if (sink_of(s->drain->sv, s->tid, s->stream) == s) /* numbers come round */
        px_map_remove(&s->drain->sv->sinks, output_key(s->tid, s->stream));
    free(s);
}

static void sinks_gone(struct drain *d)
{
    px_list_foreach(it, &d->sinks) {
        struct sink *s = px_container_of(it, struct sink, node);
        if (d->ended == 0)
            break;
        if (!s->ended)
            continue;
        sink_free(s);
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
    if (d->telling) /* it is looked at when all have been told */
        return;
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
        d->telling = true;
        tell_held(d);
        d->telling = false;
    }
    if (px_list_empty(&d->sinks) && px_buf_len(&d->buf) == 0)
        drain_free(d);
    else if (!d->plain)
        loop_io_events(&d->sv->loop, &d->io, px_buf_len(&d->buf) > 0 ? LOOP_WRITE : 0);
}

static void on_writable(void *arg, unsigned events)
{
    (void)events;
    drain_write(arg);
}

/* ---- files ------------------------------------------------------------------------------------ */

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
    px_list_init(&d->sinks);
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
 * are one file. job 0: any request's. */
static struct drain *drain_of(struct server *sv, int fd, uint32_t job)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return NULL;
    px_list_foreach(it, &sv->drains) {
        struct drain *d = px_container_of(it, struct drain, node);
        if ((job == 0 || d->job == job) && d->dev == st.st_dev && d->ino == st.st_ino)
            return d;
    }
    return drain_new(sv, fd, job);
}

/* A pipe whose other end mpiexec gets. */
static struct drain *drain_pipe(struct spawn_req *r, struct spawn_one *one, uint32_t k)
{
    int fds[2];
    if (k == 2 && (r->m.streams & PXP_STREAM_JOINED) != 0 && one->ends[1] >= 0)
        return NULL; /* drain_expect takes stream 1's */
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

/* ---- records ---------------------------------------------------------------------------------- */

static void say(struct sink *s, uint32_t what, int32_t parent, const void *bytes, size_t len)
{
    struct drain *d = s->drain;
    struct pvmx_output head = {.tid = s->tid,
                               .what = what,
                               .len = (uint32_t)len,
                               .parent = parent};
    if (px_buf_reserve(&d->buf, sizeof head + len) == NULL) {
        px_log(PX_LOG_ERROR, "OUTPUT-NOMEM",
               "no memory for output of t%x: %zu bytes are lost", (unsigned)s->tid, len);
        return;
    }
    if (s->tagged)
        px_buf_append(&d->buf, &head, sizeof head);
    px_buf_append(&d->buf, bytes, len);
}

/* Both streams of a task are over at one time, so that it is said once. */
static void say_over(struct sink *s)
{
    const struct sink *other = sink_of(s->drain->sv, s->tid, 3 - s->stream);
    if (s->tagged && !s->over && (other == NULL || !other->over))
        say(s, PVMX_OUTPUT_END, 0, NULL, 0);
    s->over = true;
}

/* It goes when all that was to be written for it has been. */
static void sink_end(struct sink *s)
{
    if (s->ended || !s->eof || (s->tagged && !s->over))
        return;
    s->ended = true;
    s->drain->ended++;
}

void drain_take(struct server *sv, const struct pxp_output *m)
{
    struct sink *s = sink_of(sv, m->tid, m->stream);
    if (s == NULL)
        return;
    struct owed *w = malloc(sizeof *w);
    if (w != NULL) {
        w->m = (struct pxp_consumed){m->tid, m->stream, (uint32_t)m->bytes_len};
        px_list_push_back(&s->drain->owed, &w->node);
    }
    if (m->bytes_len > 0 && !s->drain->gone)
        say(s, PVMX_OUTPUT_BYTES, 0, m->bytes, m->bytes_len);
    s->eof = s->eof || m->eof;
    sink_end(s);
    drain_write(s->drain);
}

/* ---- sinks ------------------------------------------------------------------------------------ */

/* Where stream k of this task is to go. */
static struct drain *drain_for(struct spawn_req *r, struct spawn_one *one, uint32_t k,
                               struct drain *first)
{
    const struct sink *from = r->via[k] != 0 ? sink_of(r->sv, r->via_task, r->via[k]) : NULL;
    if (from != NULL)
        return from->drain;
    if (r->m.keep || streams_tags(r, k) || (r->m.streams & 1u << k) == 0)
        return drain_of(r->sv, r->stdio[k], r->via[k] == 0 ? r->job_id : 0);
    struct drain *d = drain_pipe(r, one, k);
    return d != NULL ? d : first;
}

static struct sink *sink_new(struct drain *d, int32_t tid, uint32_t stream)
{
    struct sink *s = calloc(1, sizeof *s);
    if (s == NULL || px_map_put(&d->sv->sinks, output_key(tid, stream), s) != PVMX_OK) {
        free(s);
        drain_write(d); /* nobody may need it */
        return NULL;
    }
    *s = (struct sink){.drain = d, .tid = tid, .stream = stream};
    px_list_push_back(&d->sinks, &s->node);
    return s;
}

void drain_expect(struct spawn_req *r, struct spawn_one *one)
{
    struct drain *first = NULL;
    bool born = false, here = one->host == 0;
    bool joined = here && (r->m.streams & PXP_STREAM_JOINED) != 0; /* all is stream 1's */
    for (uint32_t k = 1; k < (joined ? 2 : 3); k++) {
        bool tagged = streams_tags(r, k);
        if (here && !r->m.keep && !tagged)
            continue;
        struct drain *d = drain_for(r, one, k, first);
        struct sink *s = d != NULL ? sink_new(d, one->tid, k) : NULL;
        if (s == NULL)
            continue;
        first = k == 1 ? d : first;
        s->tagged = tagged;
        s->piped = !here || one->ends[k] >= 0;
        if (r->via[k] != 0 && !born) {
            say(s, PVMX_OUTPUT_BORN, r->parent, NULL, 0);
            born = true;
            drain_write(d);
        }
    }
}

void drain_end(struct server *sv, int32_t tid)
{
    struct sink *s, *of[3] = {0};
    for (uint32_t k = 1; k < 3; k++)
        if ((s = sink_of(sv, tid, k)) != NULL && s->tagged && !s->over)
            of[k] = s;
    for (uint32_t k = 1; k < 3; k++)
        if (of[k] != NULL)
            say_over(of[k]);
    for (uint32_t k = 1; k < 3; k++) {
        if (of[k] == NULL)
            continue;
        of[k]->eof = of[k]->eof || !of[k]->piped;
        sink_end(of[k]);
        drain_write(of[k]->drain);
    }
}

void drain_forget(struct server *sv, int32_t tid)
{
    struct sink *s;
    for (uint32_t k = 1; k < 3; k++)
        if ((s = sink_of(sv, tid, k)) != NULL)
            s->eof = true;
    drain_end(sv, tid);
    for (uint32_t k = 1; k < 3; k++)
        if ((s = sink_of(sv, tid, k)) != NULL) {
            sink_end(s);
            drain_write(s->drain);
        }
}

void drain_host_lost(struct server *sv, uint32_t index)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->sinks, &pos, &key, &value);) {
        struct sink *s = value;
        if (far_host(s->tid) != index)
            continue;
        s->eof = true;
        say_over(s);
        sink_end(s);
    }
    px_list_foreach(it, &sv->drains) /* sinks may go */
        drain_write(px_container_of(it, struct drain, node));
}

bool drain_waits(struct server *sv, int32_t tid, uint32_t stream)
{
    return sink_of(sv, tid, stream) != NULL;
}

bool drain_collects(struct server *sv, int32_t tid, uint32_t stream, const struct stat *into)
{
    const struct sink *s = sink_of(sv, tid, stream);
    return s != NULL && s->tagged && !s->ended &&
           (into == NULL || (s->drain->dev == into->st_dev && s->drain->ino == into->st_ino));
}

bool drain_full(struct server *sv, int32_t tid, uint32_t stream)
{
    const struct sink *s = sink_of(sv, tid, stream);
    if (s == NULL || px_buf_len(&s->drain->buf) < KEEP)
        return false;
    s->drain->full = true;
    return true;
}

bool drain_hold(struct server *sv, const struct pxp_task_end *end)
{
    for (uint32_t k = 1; k < 3; k++) {
        struct sink *s = sink_of(sv, end->tid, k);
        size_t len = strlen(end->program) + 1;
        if (s == NULL || s->tagged || px_buf_len(&s->drain->buf) == 0)
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

/* ---- all -------------------------------------------------------------------------------------- */

pvmx_err drain_on_bytes(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_output m;
    (void)serial;
    pvmx_err err = pxp_output_decode(body, len, &m, &zone);
    if (err == PVMX_OK && far_host(m.tid) != l->host)
        err = px_fail(PVMX_ERR_PROTO, "host %s sends output of another host's task", l->name);
    if (err == PVMX_OK)
        drain_take(sv, &m);
    pxp_zone_free(&zone);
    return err;
}

bool drain_busy(const struct server *sv)
{
    return !px_list_empty(&sv->drains);
}

void drain_init(struct server *sv)
{
    px_list_init(&sv->drains);
}

void drain_fini(struct server *sv)
{
    while (!px_list_empty(&sv->drains)) {
        struct drain *d = px_container_of(sv->drains.next, struct drain, node);
        while (!px_list_empty(&d->sinks))
            sink_free(px_container_of(d->sinks.next, struct sink, node));
        drain_free(d);
    }
    px_map_free(&sv->sinks);
}
