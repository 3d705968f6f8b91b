/* SPDX-License-Identifier: BSD-3-Clause */
/* What consoles, and other hosts' daemons, give tasks to read. */
#include "input.h"
#include "base/err.h"
#include "base/fd.h"
#include "link.h"
#include "peer.h"
#include "post.h"
#include "proto/messages.h"
#include "server.h"
#include "waiter.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Bytes that a task has not read yet: no more are taken. */
enum { WAITING_MAX = 64 * 1024 };

struct inlet {
    struct server *sv;
    struct loop_io io;
    int fd;
    int32_t tid;
    uint32_t origin; /* host that sends it; 0: consoles do */
    bool eof;        /* after what is in buf */
    struct px_buf buf;
    struct px_list writers; /* struct waiter: answered when buf is empty */
};

static void writer_free(struct waiter *w)
{
    free(w);
}

/* All that wait hear that it was written, or why not. */
static void answer_writers(struct inlet *in, pvmx_err err)
{
    while (!px_list_empty(&in->writers)) {
        struct waiter *w = px_container_of(in->writers.next, struct waiter, in_queue);
        struct pxp_done done = {.count = 1};
        if (err != PVMX_OK) {
            waiter_refuse(w, err);
            continue;
        }
        if (pxp_done_encode(peer_out(w->peer), w->serial, &done) != PVMX_OK)
            waiter_refuse(w, PVMX_ERR_NOMEM);
        else
            waiter_end(w);
    }
}

/* To who sends it: so much was written; 0: nothing more can be. */
static void tell_origin(const struct inlet *in, uint32_t bytes)
{
    struct pxp_consumed m = {.tid = in->tid, .stream = 0, .bytes = bytes};
    struct post *to = in->origin != 0 ? post_to(in->sv, in->origin) : NULL;
    if (to != NULL)
        post_sent(to, pxp_consumed_encode(&to->kept, post_number(to), &m));
}

static void inlet_free(struct inlet *in)
{
    px_fail(PVMX_ERR_NOTASK, "t%x does not read its input (any more)", (unsigned)in->tid);
    answer_writers(in, PVMX_ERR_NOTASK);
    loop_io_stop(&in->sv->loop, &in->io);
    px_fd_close(&in->fd);
    px_buf_free(&in->buf);
    px_map_remove(&in->sv->inlets, (uint64_t)in->tid);
    free(in);
}

static void inlet_write(struct inlet *in)
{
    while (px_buf_len(&in->buf) > 0) {
        ssize_t n = write(in->fd, px_buf_head(&in->buf), px_buf_len(&in->buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) { /* nobody reads any more */
            tell_origin(in, 0);
            inlet_free(in);
            return;
        }
        px_buf_consume(&in->buf, (size_t)n);
        tell_origin(in, (uint32_t)n);
    }
    bool empty = px_buf_len(&in->buf) == 0;
    if (empty) {
        px_buf_free(&in->buf);
        answer_writers(in, PVMX_OK);
    }
    if (empty && in->eof)
        inlet_free(in);
    else
        loop_io_events(&in->sv->loop, &in->io, empty ? 0 : LOOP_WRITE);
}

static void on_writable(void *arg, unsigned events)
{
    (void)events;
    inlet_write(arg);
}

void input_start(struct server *sv, int32_t tid, int fd, uint32_t origin)
{
    struct inlet *in = calloc(1, sizeof *in);
    if (in == NULL || px_map_put(&sv->inlets, (uint64_t)tid, in) != PVMX_OK) {
        free(in);
        close(fd); /* it reads the end of the file */
        return;
    }
    in->sv = sv;
    in->fd = fd;
    in->tid = tid;
    in->origin = origin;
    px_list_init(&in->writers);
    px_fd_set_nonblock(fd, true);
    loop_io_start(&sv->loop, &in->io, fd, LOOP_WRITE, on_writable, in);
    loop_io_events(&sv->loop, &in->io, 0);
}

struct inlet *input_find(struct server *sv, int32_t tid)
{
    return px_map_get(&sv->inlets, (uint64_t)tid);
}

void input_end(struct server *sv, int32_t tid)
{
    struct inlet *in = input_find(sv, tid);
    if (in != NULL)
        inlet_free(in);
}

void input_host_lost(struct server *sv, uint32_t index)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->inlets, &pos, &key, &value);)
        if (((struct inlet *)value)->origin == index)
            inlet_free(value);
}

void input_fini(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->inlets, &pos, &key, &value);)
        inlet_free(value);
    px_map_free(&sv->inlets);
}

pvmx_err input_request(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_input m;
    struct waiter *w = NULL;
    pvmx_err err = pxp_input_decode(body, len, &m, &zone);
    struct inlet *in = err == PVMX_OK ? input_find(sv, m.tid) : NULL;
    if (err == PVMX_OK && (in == NULL || in->eof || in->origin != 0))
        err = px_fail(PVMX_ERR_NOTASK,
                      "t%x takes no input from consoles: it was not spawned for that "
                      "(spawn -i), has had the end of it, or has ended",
                      (unsigned)m.tid);
    if (err == PVMX_OK && px_buf_len(&in->buf) + m.bytes_len > WAITING_MAX)
        err = px_fail(PVMX_ERR_AGAIN, "t%x has not read what it was given before",
                      (unsigned)m.tid);
    if (err == PVMX_OK && ((w = calloc(1, sizeof *w)) == NULL ||
                           px_buf_append(&in->buf, m.bytes, m.bytes_len) != PVMX_OK)) {
        free(w);
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for input of t%x",
                      (unsigned)m.tid);
    }
    if (err == PVMX_OK) {
        w->free = writer_free;
        waiter_start(w, p, serial, &in->writers, WAITER_FOREVER);
        in->eof = m.eof;
        inlet_write(in);
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err input_on_feed(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_feed m;
    (void)serial;
    pvmx_err err = pxp_feed_decode(body, len, &m, &zone);
    struct inlet *in = err == PVMX_OK ? input_find(sv, m.tid) : NULL;
    if (in != NULL && in->origin != l->host)
        err = px_fail(PVMX_ERR_PROTO,
                      "host %s has input for a task of another host's job", l->name);
    else if (in != NULL && px_buf_append(&in->buf, m.bytes, m.bytes_len) != PVMX_OK)
        in->eof = true; /* what is missing must not be passed over */
    if (err == PVMX_OK && in != NULL) {
        in->eof = in->eof || m.eof;
        inlet_write(in);
    }
    pxp_zone_free(&zone);
    return err;
}
