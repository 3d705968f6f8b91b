/* SPDX-License-Identifier: BSD-3-Clause */
/* Links: dialling, reading, writing, their end. What is said on them before they are open is in
 * greet.c. */
#include "link.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "conf.h"
#include "greet.h"
#include "hosts.h"
#include "outside.h"
#include "post.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "proto/trace.h"
#include "relay.h"
#include "secure.h"
#include "server.h"
#include "tcp.h"
#include "wire.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 * 1024,
    JOIN_ROUNDS = 6, /* over all addresses of the leader */
    DIAL_MS = 2500,  /* one address; a firewall that drops packets says nothing */
    RELAY_MS = 20000, /* at most, and twice the time that a host may be silent: the others dial, too */
};

#define JOIN_PAUSE (500 * PX_MS)

struct ask {
    link_answer_fn *fn;
    void *arg;
};

static void on_io(void *arg, unsigned events);
static void on_first(void *arg);
static void dial_next(struct link *l);

/* ---- coming and going ------------------------------------------------------------------------- */

static struct link *link_new(struct server *sv, bool caller)
{
    struct link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->secure = secure_new(caller);
    if (l->secure == NULL) {
        free(l);
        return NULL;
    }
    l->sv = sv;
    l->id = ++sv->links.last_id;
    l->fd = -1;
    l->caller = caller;
    l->heard = l->said_at = px_now_ns();
    px_list_init(&l->dirty);
    px_list_push_back(caller ? &sv->links.all : &sv->links.strangers, &l->all);
    return l;
}

static void link_free(struct link *l)
{
    for (char **a = l->addresses; a != NULL && *a != NULL; a++)
        free(*a);
    free(l->addresses);
    free(l->why);
    free(l);
}

static void fail_asks(struct link *l)
{
    uint64_t key;
    void *value;
    /* Each may take others back (link_unask). */
    for (size_t pos = 0; px_map_next(&l->asks, &pos, &key, &value);) {
        struct ask *a = value;
        px_map_remove(&l->asks, key);
        a->fn(l->sv, a->arg, 0, NULL, 0);
        free(a);
    }
    px_map_free(&l->asks);
}

void link_close(struct link *l, const char *why)
{
    struct server *sv = l->sv;
    char text[512];
    if (l->closed)
        return;
    snprintf(text, sizeof text, "%s", why);
    l->closed = true;
    loop_timer_stop(&sv->loop, &l->limit);
    if (l->fd >= 0)
        loop_io_stop(&sv->loop, &l->io);
    px_fd_close(&l->fd);
    px_buf_free(&l->in);
    px_buf_free(&l->clear);
    px_buf_free(&l->out);
    px_buf_free(&l->said);
    secure_free(l->secure);
    l->secure = NULL;
    if (!l->caller && l->state != LINK_OPEN)
        sv->links.nstrangers--;
    px_list_remove(&l->dirty);
    px_list_remove(&l->all);
    px_list_push_back(&sv->links.closed, &l->all);
    px_log(PX_LOG_INFO, "LINK-CLOSED", "connection with %s: %s", l->name, text);
    hosts_link_closed(l, text);
    px_fail(PVMX_ERR_CLOSED, "the connection with host %s is lost: %s", l->name, text);
    fail_asks(l);
    px_buf_free(&l->plain);
}

void link_finish(struct link *l)
{
    if (l->closed)
        return;
    l->draining = true;
    link_out(l);
}

/* ---- questions -------------------------------------------------------------------------------- */

uint32_t link_ask(struct link *l, link_answer_fn *fn, void *arg)
{
    struct ask *a = l->closed ? NULL : malloc(sizeof *a);
    if (a == NULL)
        return 0;
    *a = (struct ask){fn, arg};
    do
        l->last_ask = (l->last_ask + 1) & LINK_SERIAL;
    while (l->last_ask == 0 || px_map_get(&l->asks, l->last_ask) != NULL);
    if (px_map_put(&l->asks, l->last_ask, a) != PVMX_OK) {
        free(a);
        return 0;
    }
    return l->last_ask;
}

void link_unask(struct link *l, uint32_t serial)
{
    free(px_map_remove(&l->asks, serial));
}

void link_refuse(struct link *l, uint32_t serial, pvmx_err err)
{
    if (serial != 0 && !l->closed)
        pxp_refuse(link_out(l), serial | LINK_REPLY, err, NULL);
}

pvmx_err link_why_not(uint32_t host, uint32_t number, const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_refuse m;
    pvmx_err err = PVMX_ERR_CLOSED; /* the link has gone, and has said why */
    if (number == PXP_REFUSE && (err = pxp_refuse_decode(body, len, &m, &zone)) == PVMX_OK)
        err = px_fail(m.error, "%.500s", m.text);
    else if (number != 0)
        err = px_fail(PVMX_ERR_PROTO, "host %u answers with nonsense", host);
    pxp_zone_free(&zone);
    return err;
}

struct link *link_find(const struct server *sv, uint64_t id)
{
    px_list_foreach(it, &sv->links.all) {
        struct link *l = px_container_of(it, struct link, all);
        if (l->id == id)
            return l;
    }
    return NULL;
}

void link_answered(struct link *l, uint32_t number, uint32_t serial, const uint8_t *body,
                   size_t len)
{
    struct ask *a = px_map_remove(&l->asks, serial & ~LINK_REPLY);
    if (a == NULL)
        return;
    a->fn(l->sv, a->arg, number, body, len);
    free(a);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void sealed_frame(struct link *l, const uint8_t *body, size_t len)
{
    uint32_t number = 0, serial = 0;
    px_buf_consume(&l->clear, px_buf_len(&l->clear));
    pvmx_err err = secure_open(l->secure, body, len, &l->clear);
    if (err == PVMX_OK)
        err = pxp_frame_head(px_buf_head(&l->clear), px_buf_len(&l->clear), &number, &serial);
    if (err != PVMX_OK) {
        link_close(l, pvmx_last_error());
        return;
    }
    pxp_trace("<-", l->name, px_buf_head(&l->clear), px_buf_len(&l->clear));
    if ((serial & LINK_REPLY) != 0)
        link_answered(l, number, serial, px_buf_head(&l->clear), px_buf_len(&l->clear));
    else if ((serial & LINK_NUMBERED) == 0)
        wire_frame(l->sv, l, number, serial, px_buf_head(&l->clear), px_buf_len(&l->clear));
    else if (post_take(l, serial, len))
        wire_frame(l->sv, l, number, 0, px_buf_head(&l->clear), px_buf_len(&l->clear));
}

static void link_frames(struct link *l)
{
    const uint8_t *body;
    size_t len;
    while (!l->closed && !l->draining) {
        size_t max = l->state == LINK_OPEN ? PXP_FRAME_MAX + SECURE_MORE : PXP_HELLO_MAX;
        pvmx_err err = pxp_frame_next(&l->in, max, &body, &len);
        if (err == PVMX_ERR_AGAIN)
            break;
        if (err != PVMX_OK)
            link_close(l, pvmx_last_error());
        else if (l->state == LINK_OPEN)
            sealed_frame(l, body, len);
        else
            greet_frame(l, body, len);
        if (!l->closed)
            pxp_frame_drop(&l->in);
    }
    if (!l->closed && px_buf_len(&l->in) == 0) {
        px_buf_free(&l->in);
        px_buf_free(&l->clear);
    }
}

static void link_read(struct link *l)
{
    uint8_t *to = px_buf_reserve(&l->in, READ_SIZE);
    if (to == NULL) {
        link_close(l, "no memory to read from it");
        return;
    }
    ssize_t n = recv(l->fd, to, READ_SIZE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        link_close(l, n < 0 ? strerror(errno) : "closed by the other side");
        return;
    }
    l->in.end += (size_t)n;
    l->heard = px_now_ns();
    link_frames(l);
}

/* ---- writing ---------------------------------------------------------------------------------- */

struct px_buf *link_out(struct link *l)
{
    if (!l->closed && px_list_empty(&l->dirty))
        px_list_push_back(&l->sv->links.dirty, &l->dirty);
    return &l->plain;
}

static pvmx_err seal_all(struct link *l)
{
    const uint8_t *body;
    size_t len;
    pvmx_err err;
    while ((err = pxp_frame_next(&l->plain, SIZE_MAX, &body, &len)) == PVMX_OK) {
        pxp_trace("->", l->name, body, len);
        if (len > PXP_FRAME_MAX)
            return px_fail(PVMX_ERR_TOOBIG, "a frame of %zu bytes", len);
        err = secure_seal(l->secure, body, len, &l->out);
        if (err != PVMX_OK)
            return err;
        pxp_frame_drop(&l->plain);
    }
    if (px_buf_len(&l->plain) == 0)
        px_buf_free(&l->plain);
    return PVMX_OK;
}

static void link_flush(struct link *l)
{
    if (l->state == LINK_DIALLING)
        return;
    if (l->state == LINK_OPEN && seal_all(l) != PVMX_OK) {
        link_close(l, pvmx_last_error());
        return;
    }
    while (px_buf_len(&l->out) > 0) {
        ssize_t n = send(l->fd, px_buf_head(&l->out), px_buf_len(&l->out), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            link_close(l, strerror(errno));
            return;
        }
        px_buf_consume(&l->out, (size_t)n);
        l->said_at = px_now_ns();
    }
    if (px_buf_len(&l->out) > LINK_OUT_MAX) {
        link_close(l, "it does not read what it is sent");
        return;
    }
    if (px_buf_len(&l->out) == 0) {
        px_buf_free(&l->out);
        if (l->draining && px_buf_len(&l->plain) == 0) {
            link_close(l, "finished");
            return;
        }
    }
    loop_io_events(&l->sv->loop, &l->io,
                   LOOP_READ | (px_buf_len(&l->out) > 0 ? LOOP_WRITE : 0));
}

/* What has been read behind the frame that is being handled. */
static void take_rest(struct link *l, struct px_buf *rest)
{
    const uint8_t *body;
    size_t len, all = px_buf_len(&l->in);
    if (pxp_frame_next(&l->in, SIZE_MAX, &body, &len) != PVMX_OK)
        return;
    size_t used = (size_t)(body - px_buf_head(&l->in)) + len;
    if (px_buf_append(rest, body + len, all - used) != PVMX_OK)
        link_close(l, "no memory");
}

int link_detach(struct link *l, struct px_buf *rest)
{
    link_flush(l);
    if (rest != NULL && !l->closed)
        take_rest(l, rest);
    if (l->closed)
        return -1;
    int fd = -1;
    if (px_buf_len(&l->out) == 0 && px_buf_len(&l->plain) == 0) {
        loop_io_stop(&l->sv->loop, &l->io);
        fd = l->fd;
        l->fd = -1;
    }
    link_close(l, fd >= 0 ? "given away" : "it does not read");
    return fd;
}

void links_flush(struct server *sv)
{
    struct px_list *node;
    while ((node = px_list_pop(&sv->links.dirty)) != NULL)
        link_flush(px_container_of(node, struct link, dirty));
}

/* ---- dialling --------------------------------------------------------------------------------- */

static void on_limit(void *arg)
{
    struct link *l = arg;
    if (l->state == LINK_DIALLING && l->indirect) {
        link_close(l, "nobody has relayed the connection in time");
    } else if (l->state == LINK_DIALLING) {
        px_fail(PVMX_ERR_TIMEDOUT, "no answer from %s", l->addresses[l->next_address - 1]);
        dial_next(l);
    } else {
        link_close(l, "it has not greeted in time");
    }
}

/* A host that may be lost is waited for as long as one that says nothing. */
static uint64_t relay_limit(void)
{
    uint64_t limit = 2 * (uint64_t)conf.host_timeout;
    if (limit < DIAL_MS * PX_MS)
        limit = DIAL_MS * PX_MS;
    return limit < RELAY_MS * PX_MS ? limit : RELAY_MS * PX_MS;
}

/* Remembers the first failure and tries the next address. */
static void dial_next(struct link *l)
{
    struct server *sv = l->sv;
    loop_timer_stop(&sv->loop, &l->limit);
    for (;;) {
        if (l->fd >= 0) {
            loop_io_stop(&sv->loop, &l->io);
            px_fd_close(&l->fd);
        }
        if (l->next_address > 0 && l->why == NULL)
            l->why = strdup(pvmx_last_error());
        if (l->addresses[l->next_address] == NULL && sv->hosts.joining &&
            l->rounds++ < JOIN_ROUNDS) { /* a network that has just come up needs a moment */
            l->next_address = 0;
            loop_timer_start(&sv->loop, &l->limit, JOIN_PAUSE, on_first, l);
            return;
        }
        if (l->addresses[l->next_address] == NULL) {
            if (!l->indirect && (l->indirect = true) && relay_try(l)) {
                loop_timer_start(&sv->loop, &l->limit, relay_limit(), on_limit, l);
                return;
            }
            link_close(l, l->why != NULL ? l->why : "it has no address");
            return;
        }
        if (tcp_connect(l->addresses[l->next_address++], sv->hosts.address, &l->fd) == PVMX_OK)
            break;
    }
    loop_io_start(&sv->loop, &l->io, l->fd, LOOP_WRITE, on_io, l);
    loop_timer_start(&sv->loop, &l->limit, DIAL_MS * PX_MS, on_limit, l);
}

/* The connection is there: greets. */
static void begin(struct link *l)
{
    l->state = LINK_GREETING;
    l->heard = px_now_ns();
    loop_timer_start(&l->sv->loop, &l->limit, (uint64_t)conf.greeting, on_limit, l);
    greet_begin(l);
    link_out(l);
}

static void on_connected(struct link *l)
{
    int errnum = 0;
    socklen_t len = sizeof errnum;
    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
    l->refused = errnum == ECONNREFUSED;
    if (errnum != 0) {
        px_fail_errno(errnum, "cannot connect to %s", l->addresses[l->next_address - 1]);
        dial_next(l);
        return;
    }
    begin(l);
}

static void on_io(void *arg, unsigned events)
{
    struct link *l = arg;
    if (l->state == LINK_DIALLING) {
        on_connected(l);
        return;
    }
    if ((events & LOOP_WRITE) != 0)
        link_out(l);
    if ((events & LOOP_READ) != 0)
        link_read(l);
}

static void on_first(void *arg)
{
    struct link *l = arg;
    while (l->addresses[l->next_address] != NULL && relay_known(l)) /* as if all had failed */
        l->next_address++;
    dial_next(l);
}

void link_adopt(struct link *l, int fd)
{
    l->fd = fd;
    loop_io_start(&l->sv->loop, &l->io, fd, LOOP_READ, on_io, l);
    begin(l);
}

struct link *link_dial(struct server *sv, char *const *addresses, size_t n, uint32_t host)
{
    struct link *l = link_new(sv, true);
    if (l == NULL)
        return NULL;
    l->host = host;
    snprintf(l->name, sizeof l->name, "%s", n > 0 ? addresses[0] : "?");
    l->addresses = calloc(n + 1, sizeof *l->addresses);
    for (size_t i = 0, k = 0; l->addresses != NULL && i < n; i++)
        if (outside_leads_there(sv, addresses[i], addresses, n) &&
            (l->addresses[k++] = strdup(addresses[i])) == NULL)
            break;
    if (l->addresses == NULL) {
        link_close(l, "no memory");
        return NULL;
    }
    /* Not at once: a failure would call back into whoever dials. */
    loop_timer_start(&sv->loop, &l->limit, 0, on_first, l);
    return l;
}

void link_accept(struct server *sv, int fd, const char *from, const struct px_buf *rest)
{
    if (sv->links.nstrangers >= LINK_STRANGERS) { /* the oldest has had its time */
        struct link *old = px_container_of(sv->links.strangers.next, struct link, all);
        link_close(old, "too many connections that do not greet");
    }
    struct link *l = link_new(sv, false);
    if (l == NULL) {
        close(fd);
        return;
    }
    sv->links.nstrangers++;
    l->fd = fd;
    l->state = LINK_GREETING;
    snprintf(l->name, sizeof l->name, "%s", from);
    tcp_tune(fd);
    loop_io_start(&sv->loop, &l->io, fd, LOOP_READ, on_io, l);
    loop_timer_start(&sv->loop, &l->limit, (uint64_t)conf.greeting, on_limit, l);
    if (rest == NULL || px_buf_len(rest) == 0)
        return;
    if (px_buf_append(&l->in, px_buf_head(rest), px_buf_len(rest)) == PVMX_OK)
        link_frames(l);
    else
        link_close(l, "no memory to read from it");
}

/* ---- all of them ------------------------------------------------------------------------------ */

void links_init(struct server *sv)
{
    struct links *ls = &sv->links;
    px_list_init(&ls->all);
    px_list_init(&ls->strangers);
    px_list_init(&ls->dirty);
    px_list_init(&ls->closed);
}

void links_free_closed(struct server *sv)
{
    struct px_list *node;
    while ((node = px_list_pop(&sv->links.closed)) != NULL)
        link_free(px_container_of(node, struct link, all));
}

void links_stop(struct server *sv)
{
    struct links *ls = &sv->links;
    while (!px_list_empty(&ls->all))
        link_close(px_container_of(ls->all.next, struct link, all), "this daemon ends");
    while (!px_list_empty(&ls->strangers))
        link_close(px_container_of(ls->strangers.next, struct link, all),
                   "this daemon ends");
    loop_timer_stop(&sv->loop, &ls->beat);
    links_free_closed(sv);
}
