/* SPDX-License-Identifier: BSD-3-Clause */
/* See pump.h. */
#include "pump.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "server.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { READ_SIZE = 128 * 1024, KEEP = 256 * 1024 };

struct side {
    struct pump *pump;
    struct side *other;
    int fd;
    uint32_t host;
    struct loop_io io;
    struct px_buf out; /* to be written to fd */
    bool eof;          /* nothing more comes from fd */
    bool shut;         /* nothing more goes there */
};

struct pump {
    struct server *sv;
    struct px_list node; /* in server.pumps */
    struct side sides[2];
};

static void pump_free(struct pump *p)
{
    for (int i = 0; i < 2; i++) {
        loop_io_stop(&p->sv->loop, &p->sides[i].io);
        px_fd_close(&p->sides[i].fd);
        px_buf_free(&p->sides[i].out);
    }
    px_list_remove(&p->node);
    free(p);
}

/* False: the connection is broken. */
static bool side_read(struct side *s)
{
    struct px_buf *to = &s->other->out;
    if (s->eof || px_buf_len(to) > KEEP)
        return true;
    uint8_t *bytes = px_buf_reserve(to, READ_SIZE);
    ssize_t n = bytes != NULL ? recv(s->fd, bytes, READ_SIZE, 0) : -1;
    if (bytes == NULL || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return true;
    if (n > 0)
        to->end += (size_t)n;
    s->eof = n == 0;
    return n >= 0;
}

static bool side_write(struct side *s)
{
    while (px_buf_len(&s->out) > 0) {
        ssize_t n = send(s->fd, px_buf_head(&s->out), px_buf_len(&s->out), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        px_buf_consume(&s->out, (size_t)n);
    }
    if (s->other->eof && !s->shut) {
        s->shut = true;
        return shutdown(s->fd, SHUT_WR) == 0;
    }
    return true;
}

static void watch(struct side *s)
{
    unsigned events = !s->eof && px_buf_len(&s->other->out) <= KEEP ? LOOP_READ : 0;
    loop_io_events(&s->pump->sv->loop, &s->io,
                   events | (px_buf_len(&s->out) > 0 ? LOOP_WRITE : 0));
}

static void on_event(void *arg, unsigned events)
{
    struct side *s = arg;
    struct pump *p = s->pump;
    bool ok = (events & LOOP_READ) == 0 || side_read(s);
    ok = ok && side_write(s) && side_write(s->other);
    if (!ok || (p->sides[0].shut && p->sides[1].shut)) {
        pump_free(p);
        return;
    }
    watch(s);
    watch(s->other);
}

bool pump_start(struct server *sv, int fd_a, uint32_t a, int fd_b, uint32_t b)
{
    struct pump *p = calloc(1, sizeof *p);
    if (p == NULL) {
        px_fd_close(&fd_a);
        px_fd_close(&fd_b);
        px_log(PX_LOG_ERROR, "PUMP-NOMEM", "no memory to join two connections");
        return false;
    }
    p->sv = sv;
    p->sides[0] = (struct side){.pump = p, .other = &p->sides[1], .fd = fd_a, .host = a};
    p->sides[1] = (struct side){.pump = p, .other = &p->sides[0], .fd = fd_b, .host = b};
    px_list_push_back(&sv->pumps, &p->node);
    for (int i = 0; i < 2; i++)
        loop_io_start(&sv->loop, &p->sides[i].io, p->sides[i].fd, LOOP_READ, on_event,
                      &p->sides[i]);
    return true;
}

void pumps_host_lost(struct server *sv, uint32_t index)
{
    px_list_foreach(it, &sv->pumps) {
        struct pump *p = px_container_of(it, struct pump, node);
        if (p->sides[0].host == index || p->sides[1].host == index)
            pump_free(p);
    }
}

void pumps_stop(struct server *sv)
{
    while (!px_list_empty(&sv->pumps))
        pump_free(px_container_of(sv->pumps.next, struct pump, node));
}
