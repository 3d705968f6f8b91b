/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of other hosts over TCP: the transport's table. */
#include "transport/tcp/tcp.h"

#include "base/err.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    HOST_SHIFT = 18,
    SLICES = 8,
    /* A look at the sockets costs a system call, about as much as eight rounds over the rings. */
    LOOK_EVERY = 8,
    EVENTS = 32,
    AWAKE = 64, /* rounds with messages: asking epoll again costs as much as two of them */
    FLAT = 2048, /* shorter records are put together first: one send costs less than one of pieces */
};

static pvmx_err tcp_open(const struct px_iface_params *params, struct px_iface **out)
{
    if (params->self <= 0 || !params->dial)
        return PVMX_ERR_UNSUPPORTED;
    struct px_tcp_iface *s = calloc(1, sizeof *s);
    if (!s)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the TCP transport");
    s->tr = &px_transport_tcp;
    s->params = *params;
    s->epoll = -1;
    px_list_init(&s->conns);
    *out = (struct px_iface *)s;
    return PVMX_OK;
}

struct px_tcp_peer *px_tcp_peer(struct px_tcp_iface *s, pvmx_tid tid)
{
    struct px_tcp_peer *p = px_map_get(&s->peers, (uint64_t)tid);
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    if (!p || px_map_put(&s->peers, (uint64_t)tid, p) != PVMX_OK) {
        free(p);
        return NULL;
    }
    p->base.tr = &px_transport_tcp;
    p->iface = s;
    p->from.tid = tid;
    px_list_init(&p->conns);
    return p;
}

/* A moment for what still waits to be written: the other side is to get all that was sent. */
static void linger(struct px_tcp_conn *c)
{
    enum { PATIENCE = 20 };
    for (int i = 0; i < PATIENCE && px_buf_len(&c->out) > 0 && !c->broken; i++) {
        struct pollfd p = {.fd = c->fd, .events = POLLOUT};
        px_tcp_conn_flush(c);
        if (px_buf_len(&c->out) > 0)
            poll(&p, 1, 50);
    }
    /* Closing with bytes unread would make the kernel drop what the other side has not read yet. */
    char rest[4096];
    shutdown(c->fd, SHUT_WR);
    while (recv(c->fd, rest, sizeof rest, MSG_DONTWAIT) > 0)
        ;
}

static void free_peer(struct px_tcp_peer *p)
{
    struct px_list *node;
    while ((node = px_list_pop(&p->conns)) != NULL)
        px_tcp_conn_close(px_container_of(node, struct px_tcp_conn, in_peer));
    free(p);
}

static void tcp_close(struct px_iface *iface)
{
    struct px_tcp_iface *s = (struct px_tcp_iface *)iface;
    size_t pos = 0;
    uint64_t tid;
    void *v;
    px_list_foreach(it, &s->conns)
        linger(px_container_of(it, struct px_tcp_conn, node));
    while (px_map_next(&s->peers, &pos, &tid, &v))
        free_peer(v);
    px_map_free(&s->peers);
    px_fd_close(&s->epoll);
    free(s);
}

static void tcp_caps(const struct px_iface *iface, struct px_caps *out)
{
    (void)iface;
    *out = (struct px_caps){.max_record = PX_TCP_RECORD_MAX,
                            .eager = PX_TCP_EAGER,
                            .stream = PX_TCP_STREAM_MAX};
}

static bool tcp_reaches(const struct px_iface *iface, pvmx_tid peer)
{
    const struct px_tcp_iface *s = (const struct px_tcp_iface *)iface;
    return peer > 0 && peer >> HOST_SHIFT != s->params.self >> HOST_SHIFT;
}

static pvmx_err tcp_connect(struct px_iface *iface, pvmx_tid peer, struct px_ep **out)
{
    struct px_tcp_iface *s = (struct px_tcp_iface *)iface;
    struct px_tcp_peer *p = px_tcp_peer(s, peer);
    if (!p)
        return px_fail(PVMX_ERR_NOMEM, "no memory for task t%x", (unsigned)peer);
    if (!p->via && !p->dialling) {
        pvmx_err err = s->params.dial(s->params.arg, peer);
        if (err)
            return err;
        p->dialling = true;
    }
    p->connected = true;
    *out = &p->base;
    return PVMX_OK;
}

/* What was sent before still arrives: connections stay until the task is forgotten. */
static void tcp_disconnect(struct px_ep *ep)
{
    ((struct px_tcp_peer *)ep)->connected = false;
}

/* Keeps what the socket did not take. */
static pvmx_err keep_rest(struct px_tcp_conn *c, const struct iovec *iov, unsigned n,
                          size_t sent)
{
    for (unsigned i = 0; i < n; i++) {
        size_t skip = sent < iov[i].iov_len ? sent : iov[i].iov_len;
        sent -= skip;
        pvmx_err err =
            px_buf_append(&c->out, (char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
        if (err) { /* half a record would make nonsense of all that follows */
            c->broken = true;
            c->peer->lost = err;
            return err;
        }
    }
    px_tcp_conn_watch(c);
    return PVMX_OK;
}

/* What the socket takes; -1: the connection is broken. */
static ssize_t send_now(struct px_tcp_conn *c, struct iovec *iov, unsigned n)
{
    const struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    ssize_t sent;
    do
        sent = n == 1 ? send(c->fd, iov->iov_base, iov->iov_len, flags)
                      : sendmsg(c->fd, &m, flags);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN)
        return 0;
    if (sent < 0) {
        c->broken = true;
        c->peer->lost = PVMX_ERR_PEER_DEAD;
    }
    return sent;
}

/* Puts a record together; its length. */
static size_t flatten(uint8_t *to, uint32_t len, const struct px_slice *v, unsigned n)
{
    size_t at = sizeof len;
    memcpy(to, &len, sizeof len);
    for (unsigned i = 0; i < n; at += v[i++].len)
        if (v[i].len > 0)
            memcpy(to + at, v[i].data, v[i].len);
    return at;
}

static pvmx_err tcp_push(struct px_ep *e, const struct px_slice *v, unsigned n)
{
    struct px_tcp_peer *p = (struct px_tcp_peer *)e;
    struct px_tcp_conn *c = p->via;
    struct iovec iov[SLICES + 1];
    uint8_t flat[FLAT];
    uint32_t len = 0;
    if (p->lost)
        return p->lost;
    if (!c)
        return PVMX_ERR_AGAIN;
    if (px_buf_len(&c->out) > 0 && !px_tcp_conn_flush(c))
        return p->lost;
    if (px_buf_len(&c->out) > PX_TCP_QUEUE || c->out_left > 0)
        return PVMX_ERR_AGAIN;
    for (unsigned i = 0; i < n; i++) {
        iov[i + 1] = (struct iovec){(void *)(uintptr_t)v[i].data, v[i].len};
        len += (uint32_t)v[i].len;
    }
    iov[0] = (struct iovec){&len, sizeof len};
    if (sizeof len + len <= sizeof flat) {
        iov[0] = (struct iovec){flat, flatten(flat, len, v, n)};
        n = 0;
    }
    ssize_t sent = 0;
    if (px_buf_len(&c->out) == 0 && (sent = send_now(c, iov, n + 1)) < 0)
        return p->lost;
    return (size_t)sent == sizeof len + len ? PVMX_OK
                                            : keep_rest(c, iov, n + 1, (size_t)sent);
}

static pvmx_err tcp_stream(struct px_ep *e, const void *head, const void *bytes,
                           size_t len, size_t *done)
{
    struct px_tcp_peer *p = (struct px_tcp_peer *)e;
    struct px_tcp_conn *c = p->via;
    uint32_t word = (uint32_t)(PX_STREAM_HEAD + len) | PX_TCP_STREAMED;
    struct iovec iov[] = {{&word, sizeof word},
                          {(void *)(uintptr_t)head, PX_STREAM_HEAD},
                          {(void *)(uintptr_t)bytes, len}};
    unsigned first = 0;
    size_t before = sizeof word + PX_STREAM_HEAD;
    if (p->lost)
        return p->lost;
    if (!c)
        return PVMX_ERR_AGAIN;
    if (px_buf_len(&c->out) > 0 && !px_tcp_conn_flush(c))
        return p->lost;
    if (px_buf_len(&c->out) > 0)
        return PVMX_ERR_AGAIN;
    if (c->out_left > 0) {
        first = 2;
        before = 0;
    }
    ssize_t sent = send_now(c, iov + first, 3 - first);
    if (sent < 0)
        return p->lost;
    *done = (size_t)sent > before ? (size_t)sent - before : 0;
    c->out_left = len - *done;
    if ((size_t)sent < before)
        return keep_rest(c, iov, 2, (size_t)sent) == PVMX_OK ? PVMX_ERR_AGAIN : p->lost;
    px_tcp_conn_watch(c);
    return c->out_left > 0 ? PVMX_ERR_AGAIN : PVMX_OK;
}

static void announce(struct px_tcp_peer *p)
{
    const struct px_iface_params *params = &p->iface->params;
    p->announced = params->contact(params->arg, &p->from) == PVMX_OK;
}

static unsigned read_conn(struct px_tcp_conn *c)
{
    if (!c->peer->announced)
        announce(c->peer);
    if (px_buf_len(&c->out) > 0)
        px_tcp_conn_flush(c);
    return c->peer->announced ? px_tcp_conn_read(c) : 0;
}

static unsigned read_all(struct px_tcp_iface *s)
{
    unsigned n = 0;
    s->pending = false;
    px_list_foreach(it, &s->conns)
        if (*s->params.pause)
            s->pending = true;
        else
            n += read_conn(px_container_of(it, struct px_tcp_conn, node));
    return n;
}

static unsigned tcp_progress(struct px_iface *iface)
{
    struct px_tcp_iface *s = (struct px_tcp_iface *)iface;
    struct epoll_event e[EVENTS];
    unsigned n = 0;
    if (__builtin_expect(s->nconns == 0, 1) ||
        (s->tick++ % LOOK_EVERY != 0 && !s->pending && !*s->params.look))
        return 0;
    if (s->nconns <= PX_TCP_FEW || s->pending) {
        n = read_all(s);
    } else {
        int found = epoll_wait(s->epoll, e, EVENTS, 0);
        for (int i = 0; i < found && !*s->params.pause; i++)
            n += read_conn(e[i].data.ptr);
    }
    if (n > 0) {
        s->tick = 0; /* more may follow at once */
        if (s->watching && !*s->params.sleeping && s->nconns <= PX_TCP_FEW &&
            ++s->awake > AWAKE)
            px_tcp_watch(s, false);
    }
    return n;
}

static void tcp_drain(struct px_iface *iface, pvmx_tid from)
{
    struct px_tcp_iface *s = (struct px_tcp_iface *)iface;
    struct px_tcp_peer *p = px_map_get(&s->peers, (uint64_t)from);
    if (!p)
        return;
    px_list_foreach(it, &p->conns)
        while (read_conn(px_container_of(it, struct px_tcp_conn, in_peer)) > 0)
            ;
}

static void tcp_forget(struct px_iface *iface, pvmx_tid from)
{
    struct px_tcp_iface *s = (struct px_tcp_iface *)iface;
    struct px_tcp_peer *p = px_map_get(&s->peers, (uint64_t)from);
    if (!p)
        return;
    p->lost = PVMX_ERR_PEER_DEAD;
    struct px_list *node;
    while ((node = px_list_pop(&p->conns)) != NULL)
        px_tcp_conn_close(px_container_of(node, struct px_tcp_conn, in_peer));
}

bool px_tcp_finished(const struct px_iface *iface, pvmx_tid tid)
{
    const struct px_tcp_iface *s = (const struct px_tcp_iface *)iface;
    const struct px_tcp_peer *p = px_map_get(&s->peers, (uint64_t)tid);
    if (!p)
        return true;
    px_list_foreach(it, &p->conns)
        if (!px_container_of(it, struct px_tcp_conn, in_peer)->eof)
            return false;
    return true;
}

static int tcp_descriptor(struct px_iface *iface)
{
    struct px_tcp_iface *s = (struct px_tcp_iface *)iface;
    s->tick = s->awake = 0;
    if (s->epoll >= 0)
        px_tcp_watch(s, true);
    return s->epoll;
}

static bool tcp_unsent(struct px_iface *iface)
{
    px_list_foreach(it, &((struct px_tcp_iface *)iface)->conns)
        if (px_buf_len(&px_container_of(it, struct px_tcp_conn, node)->out) > 0)
            return true;
    return false;
}

const struct px_transport px_transport_tcp = {
    .name = "tcp",
    .priority = 10,
    .open = tcp_open,
    .close = tcp_close,
    .caps = tcp_caps,
    .reaches = tcp_reaches,
    .connect = tcp_connect,
    .disconnect = tcp_disconnect,
    .push = tcp_push,
    .push_spare = tcp_push,
    .stream = tcp_stream,
    .get = px_transport_no_get,
    .put = px_transport_no_put,
    .claim = px_transport_no_claim,
    .attends = px_transport_no_attends,
    .progress = tcp_progress,
    .drain = tcp_drain,
    .forget = tcp_forget,
    .descriptor = tcp_descriptor,
    .unsent = tcp_unsent,
};
