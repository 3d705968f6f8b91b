/* SPDX-License-Identifier: BSD-3-Clause */
/* See output.h. */
#include "output.h"
#include "keep.h"
#include "pattern.h"
#include "sink.h"
#include "terminal.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/hello.h"

#include <errno.h>
#include <fcntl.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 * 1024,
    BLOCK_SIZE = 64 * 1024,
    LONG_LINE = 64 * 1024, /* a longer one is passed on in pieces           */
    DRAIN_READS = 64,      /* of a process that has ended; a pipe holds one */
    TERMINAL_READS = 16,   /* at one time: each gives 4 KiB at most         */
    SPARE_FDS = 64,
};

/* One descriptor of one process. */
struct stream {
    int fd, which;
    uint32_t world, rank;
    uint32_t number; /* of its host */
    char *host;
    struct sink *sink;
    enum opts_buffer mode;
    bool terminal;      /* of all processes */
    struct px_buf part; /* what is not passed on yet */
    struct keep keep;
    uint64_t rest_at; /* when part is passed on although it is no whole line; 0: never */
    bool in_line;     /* the last byte passed on was not the end of a line */
};

/* ---- what to collect -------------------------------------------------------------------------- */

static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool wants_label(const struct opts *o, int which)
{
    return o->label || (o->prefix[which] && *o->prefix[which]);
}

/* By itself all but terminals: there the C library writes whole lines, and programs look whether it is
 * one. Elsewhere lines could get mixed up, also with those of tasks that are spawned later. */
static bool wanted(const struct opts *o, int which)
{
    if (wants_label(o, which) || o->file[which])
        return true;
    if (o->buffer[which] != BUFFER_AUTO)
        return o->buffer[which] != BUFFER_NONE;
    struct rlimit files = {.rlim_cur = 0};
    getrlimit(RLIMIT_NOFILE, &files);
    uint32_t n = opts_total(o);
    /* Here they are two for each process; the daemon has two more of each, and mostly our limit. */
    return 4 * (rlim_t)n + SPARE_FDS < files.rlim_max && !isatty(which);
}

/* Where the user's terminal stands processes get one of ours. */
static bool wants_terminal(const struct output *o, int which)
{
    return (o->collect & 1u << which) == 0 && o->opts->buffer[which] == BUFFER_AUTO &&
           isatty(which);
}

uint32_t output_collect(const struct output *o)
{
    return o->collect;
}

/* ---- streams and sinks ------------------------------------------------------------------------ */

/* Whether it has left a line of its sink open, which another one ends before it writes. */
static void set_in_line(struct stream *s, bool in_line)
{
    s->in_line = in_line;
    if (in_line)
        s->sink->open = &s->in_line;
    else if (s->sink->open == &s->in_line)
        s->sink->open = NULL;
}

static void stream_free(struct stream *s)
{
    if (s->sink)
        set_in_line(s, false);
    px_fd_close(&s->fd);
    px_buf_free(&s->part);
    keep_free(&s->keep);
    free(s->host);
    free(s);
}

void output_free(struct output *o)
{
    for (size_t i = 0; i < o->nstreams; i++)
        stream_free(o->streams[i]);
    for (int i = 1; i < 3; i++)
        px_fd_close(&o->tty[i]);
    free(o->streams);
    while (o->sinks) {
        struct sink *next = o->sinks->next;
        sink_free(o->sinks);
        o->sinks = next;
    }
}

static struct sink *keep_sink(struct output *o, struct sink *s)
{
    if (s) {
        s->next = o->sinks;
        o->sinks = s;
    }
    return s;
}

static char *fill(const char *pattern, const struct stream *s)
{
    return pattern_fill(pattern, &(struct pattern_of){.rank = s->rank,
                                                      .world = s->world,
                                                      .host = s->host,
                                                      .number = s->number});
}

/* Several processes may share a file: it is opened once. */
static struct sink *sink_of(struct output *o, const struct stream *stream)
{
    int which = stream->which;
    if (!o->opts->file[which]) {
        for (struct sink *s = o->sinks; s; s = s->next)
            if (!s->path && (s->fd == which || same_file(s->fd, which)))
                return s;
        struct sink *s = sink_std(which);
        if (!s)
            px_fail(PVMX_ERR_NOMEM, "out of memory");
        return keep_sink(o, s);
    }
    char *path = fill(o->opts->file[which], stream);
    if (!path) {
        px_fail(PVMX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    struct sink *found = o->sinks;
    while (found && (!found->path || strcmp(found->path, path) != 0))
        found = found->next;
    if (!found)
        found = keep_sink(o, sink_file(path));
    free(path);
    return found;
}

static enum opts_buffer mode_of(const struct opts *o, int which)
{
    return o->buffer[which] == BUFFER_AUTO ? BUFFER_LINE : o->buffer[which];
}

static struct stream *stream_new(struct output *o, const struct output_of *of, int which,
                                 int fd)
{
    struct stream *s = calloc(1, sizeof *s);
    char *host = strdup(*of->host ? of->host : o->host);
    if (!s || !host) {
        free(s);
        free(host);
        close(fd);
        px_fail(PVMX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    *s = (struct stream){.fd = fd,
                         .which = which,
                         .world = of->world,
                         .rank = of->rank,
                         .number = ((uint32_t)of->tid >> 18) - 1,
                         .host = host,
                         .keep = {.tid = of->kept ? of->tid : 0, .stream = (uint32_t)which},
                         .mode = mode_of(o->opts, which)};
    return s;
}

static bool add_stream(struct output *o, struct stream *s)
{
    if (o->nstreams == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 16;
        struct stream **grown = realloc(o->streams, cap * sizeof *grown);
        if (!grown)
            return false;
        o->streams = grown;
        o->cap = cap;
    }
    o->streams[o->nstreams++] = s;
    return true;
}

/* Takes fd over. */
static pvmx_err begin_stream(struct output *o, const struct output_of *of, int which,
                             int fd, struct stream **out)
{
    struct stream *s = stream_new(o, of, which, fd);
    if (!s)
        return PVMX_ERR_NOMEM;
    s->sink = sink_of(o, s);
    if (!s->sink) {
        stream_free(s);
        return PVMX_ERR_STATE;
    }
    if (!add_stream(o, s)) {
        stream_free(s);
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    }
    px_fd_set_nonblock(fd, true);
    o->several = o->several || of->world > 0;
    *out = s;
    return PVMX_OK;
}

pvmx_err output_add(struct output *o, const struct output_of *of, int which, int fd)
{
    struct stream *s;
    return begin_stream(o, of, which, fd, &s);
}

/* Without one the processes get the user's, and nothing of it is kept. */
static void begin_terminal(struct output *o, int which)
{
    struct terminal t;
    struct stream *s;
    if (which == 2 && o->tty[1] >= 0 && same_file(1, 2)) {
        o->tty[2] = fcntl(o->tty[1], F_DUPFD_CLOEXEC, 3);
    } else if (terminal_open(&t, which)) {
        o->tty[which] = t.slave;
        if (begin_stream(o, &(struct output_of){.host = ""}, which, t.master, &s)) {
            px_fd_close(&o->tty[which]);
            return;
        }
        s->mode = BUFFER_NONE;
        s->terminal = true;
        s->keep.tid = PXP_TID_TERMINAL;
    }
    if (o->tty[which] >= 0)
        o->collect |= which == 1 ? PXP_STREAM_OUT_TTY : PXP_STREAM_ERR_TTY;
}

void output_init(struct output *o, const struct opts *opts, const char *host,
                 struct px_buf *daemon)
{
    *o = (struct output){.opts = opts, .host = host, .daemon = daemon, .tty = {-1, -1, -1}};
    for (int i = 1; i < 3; i++)
        if (wanted(opts, i))
            o->collect |= 1u << i;
    /* The order between the two is kept where it can be seen. */
    if (o->collect == (PXP_STREAM_OUT | PXP_STREAM_ERR) &&
        same_file(STDOUT_FILENO, STDERR_FILENO) && !opts->file[1] && !opts->file[2] &&
        opts->buffer[1] == opts->buffer[2] && same_text(opts->prefix[1], opts->prefix[2]))
        o->collect |= PXP_STREAM_JOINED;
    for (int i = 1; i < 3; i++)
        if (wants_terminal(o, i))
            begin_terminal(o, i);
}

void output_resize(const struct output *o)
{
    for (size_t i = 0; i < o->nstreams; i++)
        if (o->streams[i]->terminal)
            terminal_resize(o->streams[i]->fd, o->streams[i]->which);
}

/* ---- passing on ------------------------------------------------------------------------------- */

static void put_label(struct output *o, const struct stream *s)
{
    const char *pattern = o->opts->prefix[s->which];
    char plain[40];
    if (pattern) {
        char *text = fill(pattern, s);
        if (text)
            sink_put(s->sink, text, strlen(text));
        free(text);
    } else if (o->opts->label) {
        int n = o->several ? snprintf(plain, sizeof plain, "[%u:%u] ", s->world, s->rank)
                           : snprintf(plain, sizeof plain, "[%u] ", s->rank);
        sink_put(s->sink, plain, (size_t)n);
    }
}

/* Writes n bytes, with a label where a line begins. */
static void pass_on(struct output *o, struct stream *s, const uint8_t *bytes, size_t n)
{
    if (!wants_label(o->opts, s->which)) {
        sink_put(s->sink, bytes, n);
        return;
    }
    while (n > 0) {
        const uint8_t *end = memchr(bytes, '\n', n);
        size_t len = end ? (size_t)(end - bytes) + 1 : n;
        if (!s->in_line) {
            if (s->sink->open) {
                sink_put(s->sink, "\n", 1);
                *s->sink->open = false;
                s->sink->open = NULL;
            }
            put_label(o, s);
        }
        sink_put(s->sink, bytes, len);
        set_in_line(s, end == NULL);
        bytes += len;
        n -= len;
    }
}

/* How much of what has been read is ready to be passed on. */
static size_t ready_bytes(const struct stream *s)
{
    size_t n = px_buf_len(&s->part);
    if (s->mode == BUFFER_NONE || n == 0)
        return n;
    if (s->mode == BUFFER_BLOCK && n < BLOCK_SIZE)
        return 0;
    const uint8_t *end = memrchr(px_buf_head(&s->part), '\n', n);
    if (end)
        return (size_t)(end - px_buf_head(&s->part)) + 1;
    return n >= LONG_LINE ? n : 0;
}

static void stream_pass(struct output *o, struct stream *s, bool all)
{
    size_t n = all ? px_buf_len(&s->part) : ready_bytes(s);
    if (n == 0)
        return;
    keep_take(&s->keep, px_buf_head(&s->part), n);
    pass_on(o, s, px_buf_head(&s->part), n);
    px_buf_consume(&s->part, n);
    if (px_buf_len(&s->part) == 0)
        px_buf_free(&s->part);
}

static void stream_end(struct output *o, struct stream *s)
{
    stream_pass(o, s, true);
    if (s->in_line) /* so that the next label begins a line */
        sink_put(s->sink, "\n", 1);
    set_in_line(s, false);
    px_fd_close(&s->fd);
    if (keep_tell(&s->keep, o->daemon, true) != PVMX_OK)
        px_log(PX_LOG_ERROR, "KEEP-NOMEM", "no memory to tell the daemon of output");
}

/* What is left may be a question that somebody is to answer. */
static void let_rest(struct stream *s, size_t nread)
{
    size_t left = px_buf_len(&s->part);
    if (left == 0 || s->mode != BUFFER_LINE || px_fd_blocks(nread))
        s->rest_at = 0;
    else if (left <= nread || s->rest_at == 0) /* it has begun with this read */
        s->rest_at = px_now_ns() + PX_FD_REST;
}

/* Reads once; false: nothing was there, or it has ended. */
static bool stream_read(struct output *o, struct stream *s)
{
    uint8_t *to = px_buf_reserve(&s->part, READ_SIZE);
    ssize_t n = to ? read(s->fd, to, READ_SIZE) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        stream_end(o, s);
        return false;
    }
    s->part.end += (size_t)n;
    stream_pass(o, s, false);
    let_rest(s, (size_t)n);
    return true;
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void lower(int *timeout_ms, uint64_t ns)
{
    int ms = (int)(ns / PX_MS) + 1;
    if (*timeout_ms < 0 || ms < *timeout_ms)
        *timeout_ms = ms;
}

static size_t count_sinks(const struct output *o)
{
    size_t n = 0;
    for (const struct sink *s = o->sinks; s; s = s->next)
        n++;
    return n;
}

size_t output_polls(const struct output *o)
{
    return o->nstreams + count_sinks(o);
}

void output_poll(struct output *o, struct pollfd *fds)
{
    size_t at = 0;
    for (size_t i = 0; i < o->nstreams; i++) {
        struct stream *s = o->streams[i];
        fds[at++] = (struct pollfd){.fd = sink_full(s->sink) ? -1 : s->fd, .events = POLLIN};
    }
    for (const struct sink *s = o->sinks; s; s = s->next)
        fds[at++] = (struct pollfd){.fd = s->broken || px_buf_len(&s->out) == 0 ? -1 : s->fd,
                                    .events = POLLOUT};
}

static void flush_all(struct output *o)
{
    for (struct sink *s = o->sinks; s; s = s->next)
        sink_flush(s);
}

/* Forgets streams that have ended. Those whose sink is broken are closed: their writers get the
 * signal that they would have got from the sink itself. */
static void sweep(struct output *o)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->nstreams; i++) {
        struct stream *s = o->streams[i];
        if (s->fd >= 0 && !s->sink->broken)
            o->streams[kept++] = s;
        else
            stream_free(s);
    }
    o->nstreams = kept;
}

void output_ready(struct output *o, const struct pollfd *fds)
{
    for (size_t i = 0; i < o->nstreams; i++) {
        struct stream *s = o->streams[i];
        for (int k = s->terminal ? TERMINAL_READS : 1; fds[i].revents && k > 0; k--)
            if (!stream_read(o, s))
                break;
    }
    flush_all(o);
    sweep(o);
}

void output_finish(struct output *o)
{
    for (size_t i = 0; i < o->nstreams; i++) {
        for (int k = 0; k < DRAIN_READS && stream_read(o, o->streams[i]); k++)
            flush_all(o);
        if (o->streams[i]->fd >= 0)
            stream_end(o, o->streams[i]);
    }
    flush_all(o);
    sweep(o);
}

static bool has_terminal(const struct output *o)
{
    return o->tty[1] >= 0 || o->tty[2] >= 0;
}

bool output_open(const struct output *o)
{
    for (size_t i = 0; i < o->nstreams; i++)
        if (!o->streams[i]->terminal || !has_terminal(o))
            return true;
    return false;
}

bool output_let_go(struct output *o)
{
    bool had = has_terminal(o);
    for (size_t i = 0; i < o->nstreams; i++)
        if (o->streams[i]->terminal)
            keep_tell(&o->streams[i]->keep, o->daemon, true);
    for (int i = 1; i < 3; i++)
        px_fd_close(&o->tty[i]);
    return had;
}

bool output_flushed(const struct output *o)
{
    for (const struct sink *s = o->sinks; s; s = s->next)
        if (!s->broken && px_buf_len(&s->out) > 0)
            return false;
    return true;
}

bool output_failed(const struct output *o)
{
    for (const struct sink *s = o->sinks; s; s = s->next)
        if (s->failed)
            return true;
    return false;
}

void output_rest(struct output *o, int *timeout_ms)
{
    for (size_t i = 0; i < o->nstreams; i++) {
        struct stream *s = o->streams[i];
        if (s->rest_at == 0)
            continue;
        uint64_t now = px_now_ns();
        if (now >= s->rest_at) {
            s->rest_at = 0;
            stream_pass(o, s, true);
            sink_flush(s->sink);
        } else {
            lower(timeout_ms, s->rest_at - now);
        }
    }
}

/* ---- the daemon ------------------------------------------------------------------------------- */

static bool any_waits(const struct output *o)
{
    for (size_t i = 0; i < o->nstreams; i++)
        if (keep_waits(&o->streams[i]->keep))
            return true;
    return false;
}

void output_tell(struct output *o, int *timeout_ms)
{
    uint64_t now = px_now_ns(), due = o->told_at + KEEP_PAUSE_MS * PX_MS;
    if (!o->begun || px_buf_len(o->daemon) > 0 || !any_waits(o))
        return;
    if (now < due) {
        lower(timeout_ms, due - now);
        return;
    }
    o->told_at = now;
    for (size_t i = 0; i < o->nstreams && px_buf_len(o->daemon) < KEEP_ROUND; i++) {
        if (++o->next_told >= o->nstreams)
            o->next_told = 0;
        struct keep *k = &o->streams[o->next_told]->keep;
        if (keep_waits(k) && keep_tell(k, o->daemon, false) != PVMX_OK)
            return; /* without memory a gap is seen */
    }
}
