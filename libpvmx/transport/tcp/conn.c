/* SPDX-License-Identifier: BSD-3-Clause */
/* One TCP connection: bytes to records and back. */
#include "transport/tcp/tcp.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORD = 4 };

struct greeting {
    uint32_t magic;
    int32_t from, to;
    uint32_t unused;
};

bool px_tcp_conn_watch(struct px_tcp_conn *c)
{
    const struct px_tcp_iface *s = c->peer->iface;
    bool out = (px_buf_len(&c->out) > 0 || c->out_left > 0) && !c->broken;
    struct epoll_event e = {.events = (c->eof ? 0 : EPOLLIN) | (out ? EPOLLOUT : 0),
                            .data.ptr = c};
    if (!s->watching) /* at the end of both directions the kernel would go on to report a hang-up, too */
        e.events = 0;
    if (e.events == c->watched)
        return true;
    int op = !c->watched ? EPOLL_CTL_ADD : e.events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (epoll_ctl(s->epoll, op, c->fd, &e) != 0)
        return false;
    c->watched = e.events;
    return true;
}

bool px_tcp_watch(struct px_tcp_iface *s, bool watching)
{
    bool ok = true;
    if (watching == s->watching)
        return true;
    s->watching = watching;
    px_list_foreach(it, &s->conns)
        ok = px_tcp_conn_watch(px_container_of(it, struct px_tcp_conn, node)) && ok;
    s->watching = watching && ok; /* else the next one who sleeps tries again */
    return ok;
}

void px_tcp_conn_close(struct px_tcp_conn *c)
{
    struct px_tcp_peer *p = c->peer;
    px_list_remove(&c->node);
    px_list_remove(&c->in_peer);
    p->iface->nconns--;
    if (p->via == c)
        p->via = NULL;
    px_buf_free(&c->in);
    px_buf_free(&c->out);
    px_fd_close(&c->fd);
    free(c);
}

static void broken(struct px_tcp_conn *c, int errnum)
{
    px_log(PX_LOG_DEBUG, "TCP-BROKEN", "connection with t%x: %s",
           (unsigned)c->peer->from.tid, strerror(errnum));
    c->broken = true;
    px_buf_free(&c->out);
    if (c->peer->via == c)
        c->peer->lost = PVMX_ERR_PEER_DEAD;
}

bool px_tcp_conn_flush(struct px_tcp_conn *c)
{
    while (px_buf_len(&c->out) > 0 && !c->broken) {
        ssize_t n = send(c->fd, px_buf_head(&c->out), px_buf_len(&c->out),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            broken(c, errno);
        else
            px_buf_consume(&c->out, (size_t)n);
    }
    px_tcp_conn_watch(c);
    return !c->broken;
}

/* The dialler's first word. */
static bool greeted(struct px_tcp_conn *c)
{
    struct greeting g;
    if (px_buf_len(&c->in) < sizeof g)
        return false;
    memcpy(&g, px_buf_head(&c->in), sizeof g);
    px_buf_consume(&c->in, sizeof g);
    if (g.magic != PX_TCP_MAGIC || g.from != c->peer->from.tid) {
        px_log(PX_LOG_WARN, "TCP-GREETING",
               "t%x has another byte order or release: its messages cannot be read",
               (unsigned)c->peer->from.tid);
        c->eof = true;
        broken(c, EPROTO);
        return false;
    }
    c->greeted = true;
    if (!c->peer->via)
        c->peer->via = c;
    return true;
}

/* A piece of the streamed record has come. */
static void advance(struct px_tcp_conn *c, size_t n)
{
    const struct px_iface_params *p = &c->peer->iface->params;
    c->in_left -= n;
    if (c->in_left == 0)
        p->placed(p->arg, c->head, c->in_len);
}

/* Where the next byte of the streamed record belongs; NULL: nowhere. */
static uint8_t *place(struct px_tcp_conn *c)
{
    const struct px_iface_params *p = &c->peer->iface->params;
    uint8_t *to = p->place(p->arg, c->head, c->in_len);
    return to ? to + (c->in_len - c->in_left) : NULL;
}

/* What has been read of a streamed record already. */
static void take_read(struct px_tcp_conn *c)
{
    size_t n = px_buf_len(&c->in) < c->in_left ? px_buf_len(&c->in) : c->in_left;
    uint8_t *to = place(c);
    if (to)
        memcpy(to, px_buf_head(&c->in), n);
    px_buf_consume(&c->in, n);
    advance(c, n);
}

enum record { RECORD_WHOLE, RECORD_PART, RECORD_LATER, RECORD_WRONG };

/* The record at the head of what has been read. */
static enum record next_record(struct px_tcp_conn *c)
{
    const struct px_iface_params *p = &c->peer->iface->params;
    uint32_t len;
    memcpy(&len, px_buf_head(&c->in), WORD);
    bool streamed = (len & PX_TCP_STREAMED) != 0;
    len &= ~PX_TCP_STREAMED;
    if (streamed ? len < PX_STREAM_HEAD : len > PX_TCP_RECORD_MAX)
        return RECORD_WRONG;
    if (px_buf_len(&c->in) - WORD < (streamed ? PX_STREAM_HEAD : len))
        return RECORD_PART;
    if (streamed) {
        memcpy(c->head, px_buf_head(&c->in) + WORD, PX_STREAM_HEAD);
        px_buf_consume(&c->in, WORD + PX_STREAM_HEAD);
        c->in_len = c->in_left = len - PX_STREAM_HEAD;
        take_read(c);
        return RECORD_WHOLE;
    }
    if (p->deliver(p->arg, &c->peer->from, px_buf_head(&c->in) + WORD, len) != PVMX_OK)
        return RECORD_LATER;
    px_buf_consume(&c->in, WORD + len);
    return RECORD_WHOLE;
}

/* Delivers whole records; false: one cannot be taken now, or progress is to return. */
static bool deliver(struct px_tcp_conn *c, unsigned *n)
{
    struct px_tcp_iface *s = c->peer->iface;
    while (px_buf_len(&c->in) >= (c->in_left > 0 ? 1 : WORD)) {
        enum record r = RECORD_WHOLE;
        if (c->in_left > 0)
            take_read(c);
        else
            r = next_record(c);
        if (r == RECORD_PART)
            break;
        if (r == RECORD_WRONG) {
            c->eof = true;
            broken(c, EPROTO);
            return false;
        }
        *n += r == RECORD_WHOLE;
        if (r == RECORD_LATER || *s->params.pause) {
            s->pending = true;
            return false;
        }
    }
    return true;
}

/* Reads to where it belongs, or to the buffer; as recv does. */
static ssize_t receive(struct px_tcp_conn *c)
{
    uint8_t *to = c->in_left > 0 && px_buf_len(&c->in) == 0 ? place(c) : NULL;
    ssize_t got;
    if (to) {
        got = recv(c->fd, to, c->in_left, MSG_DONTWAIT);
        if (got > 0)
            advance(c, (size_t)got);
        return got;
    }
    to = px_buf_reserve(&c->in, PX_TCP_READ);
    got = to ? recv(c->fd, to, PX_TCP_READ, MSG_DONTWAIT) : -1;
    if (got > 0)
        c->in.end += (size_t)got;
    if (!to)
        errno = EAGAIN;
    return got;
}

unsigned px_tcp_conn_read(struct px_tcp_conn *c)
{
    unsigned n = 0;
    if (px_buf_len(&c->in) > 0 && c->greeted && !deliver(c, &n))
        return n;
    if (c->eof)
        return n;
    ssize_t got = receive(c);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return n;
    if (got <= 0) {
        c->eof = true;
        if (got < 0)
            broken(c, errno);
        px_tcp_conn_watch(c);
        return n + 1;
    }
    if (c->greeted || greeted(c))
        deliver(c, &n);
    return n + 1;
}

static pvmx_err greet(struct px_tcp_conn *c)
{
    struct greeting g = {PX_TCP_MAGIC, c->peer->iface->params.self, c->peer->from.tid, 0};
    c->greeted = true;
    return px_buf_append(&c->out, &g, sizeof g);
}

static bool watch_new(struct px_tcp_iface *s, struct px_tcp_conn *c)
{
    if (s->epoll < 0)
        s->epoll = px_fd_up(epoll_create1(EPOLL_CLOEXEC));
    if (s->epoll < 0 || !px_tcp_conn_watch(c))
        return false;
    return s->nconns <= PX_TCP_FEW || px_tcp_watch(s, true);
}

void px_tcp_arrived(struct px_iface *iface, pvmx_tid tid, int fd, bool called, pvmx_err err)
{
    struct px_tcp_iface *s = (struct px_tcp_iface *)iface;
    struct px_tcp_peer *p = px_tcp_peer(s, tid);
    struct px_tcp_conn *c = fd >= 0 && p ? calloc(1, sizeof *c) : NULL;
    if (p && !called) {
        p->dialling = false;
        if (err && !p->via)
            p->lost = err;
    }
    if (!c) {
        px_fd_close(&fd);
        return;
    }
    px_log(PX_LOG_DEBUG, "TCP-ARRIVED", "a connection with t%x, which %s has dialled",
           (unsigned)tid, called ? "it" : "this task");
    *c = (struct px_tcp_conn){.peer = p, .fd = fd};
    px_fd_set_nonblock(fd, true);
    px_list_push_back(&s->conns, &c->node);
    px_list_push_back(&p->conns, &c->in_peer);
    s->nconns++;
    if (!watch_new(s, c) || (!called && greet(c) != PVMX_OK)) {
        px_log(PX_LOG_ERROR, "TCP-NOMEM",
               "no memory or descriptors for a connection with t%x", (unsigned)tid);
        px_tcp_conn_close(c);
        return;
    }
    if (!called) {
        if (!p->via)
            p->via = c;
        px_tcp_conn_flush(c);
    }
}
