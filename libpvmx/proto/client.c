/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's end of a connection to the daemon. */
#include "proto/client.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/trace.h"
#include <errno.h>
#include <poll.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024 };

bool (*pxp_client_given_up)(void);

/* 1: ready, 0: time is over, -1: errno; EINTR: who waits gives up. */
static int wait_for(int fd, short events, int timeout_ms)
{
    uint64_t deadline = px_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * PX_MS;
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int rc = poll(&p, 1, timeout_ms);
        if (rc >= 0 || errno != EINTR ||
            (pxp_client_given_up != NULL && pxp_client_given_up()))
            return rc;
        if (timeout_ms > 0) {
            uint64_t now = px_now_ns();
            timeout_ms = now < deadline ? (int)((deadline - now) / PX_MS) : 0;
        }
    }
}

static pvmx_err cannot_wait(void)
{
    return errno == EINTR ? px_fail(PVMX_ERR_CANCELLED, "interrupted")
                          : px_fail_errno(errno, "cannot wait for the daemon");
}

static pvmx_err gone(void)
{
    return px_fail(PVMX_ERR_CLOSED, "the daemon has closed the connection");
}

void pxp_client_adopt(struct pxp_client *c, int fd)
{
    *c = (struct pxp_client){.fd = fd};
    px_fd_set_nonblock(fd, true);
    px_fd_set_cloexec(fd, true);
}

uint32_t pxp_client_serial(struct pxp_client *c)
{
    if (++c->serial == 0)
        c->serial = 1;
    return c->serial;
}

static pvmx_err flush(struct pxp_client *c, bool wait)
{
    while (px_buf_len(&c->out) > 0) {
        ssize_t n = px_unix_send(c->fd, px_buf_head(&c->out), px_buf_len(&c->out),
                                 c->pass, c->npass);
        if (n >= 0) {
            px_buf_consume(&c->out, (size_t)n);
            c->npass = 0;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait)
                return PVMX_ERR_AGAIN;
            if (wait_for(c->fd, POLLOUT, -1) < 0)
                return cannot_wait();
        } else if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
            return gone();
        } else if (errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM) {
            return px_fail(
                PVMX_ERR_LIMIT,
                "the system's limit of memory or descriptors in transit is reached");
        } else {
            return px_fail_errno(errno, "cannot write to the daemon");
        }
    }
    return PVMX_OK;
}

pvmx_err pxp_client_flush(struct pxp_client *c, const int *fds, size_t nfds)
{
    if (nfds > 0)
        pxp_client_pass(c, fds, nfds);
    pvmx_err err = flush(c, true);
    c->npass = 0;
    return err;
}

pvmx_err pxp_client_push(struct pxp_client *c)
{
    return flush(c, false);
}

void pxp_client_pass(struct pxp_client *c, const int *fds, size_t nfds)
{
    c->pass = fds;
    c->npass = nfds;
}

pvmx_err pxp_client_fill(struct pxp_client *c, int timeout_ms, int *fds, size_t *nfds)
{
    size_t room = nfds != NULL ? *nfds : 0;
    if (nfds != NULL)
        *nfds = 0;
    if (timeout_ms != 0) {
        int rc = wait_for(c->fd, POLLIN, timeout_ms);
        if (rc < 0)
            return cannot_wait();
        if (rc == 0)
            return PVMX_ERR_AGAIN;
    }
    uint8_t *to = px_buf_reserve(&c->in, READ_SIZE);
    if (to == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory to read from the daemon");
    ssize_t n = px_unix_recv(c->fd, to, READ_SIZE, fds, &room);
    if (n > 0) {
        c->in.end += (size_t)n;
        if (nfds != NULL)
            *nfds = room;
        return PVMX_OK;
    }
    if (n == 0 || errno == ECONNRESET)
        return gone();
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return PVMX_ERR_AGAIN;
    return px_fail_errno(errno, "cannot read from the daemon");
}

pvmx_err pxp_client_next(struct pxp_client *c, uint32_t *number, uint32_t *serial,
                         const uint8_t **body, size_t *len)
{
    pvmx_err err = pxp_frame_next(&c->in, PXP_FRAME_MAX, body, len);
    if (err == PVMX_OK)
        err = pxp_frame_head(*body, *len, number, serial);
    if (err == PVMX_OK)
        pxp_trace("<-", "daemon", *body, *len);
    return err;
}

void pxp_client_drop(struct pxp_client *c)
{
    pxp_frame_drop(&c->in);
}

pvmx_err pxp_client_wait(struct pxp_client *c, unsigned timeout_ms, uint32_t *number,
                         uint32_t *serial, const uint8_t **body, size_t *len)
{
    uint64_t deadline = px_now_ns() + timeout_ms * PX_MS;
    for (;;) {
        pvmx_err err = pxp_client_next(c, number, serial, body, len);
        if (err != PVMX_ERR_AGAIN)
            return err;
        uint64_t now = px_now_ns();
        if (now >= deadline)
            return px_fail(PVMX_ERR_TIMEDOUT, "the daemon has not answered within %u ms",
                           timeout_ms);
        /* One more, so that the last fraction of a millisecond is not spent polling. */
        err = pxp_client_fill(c, (int)((deadline - now) / PX_MS) + 1, NULL, NULL);
        if (err != PVMX_OK && err != PVMX_ERR_AGAIN)
            return err;
    }
}

pvmx_err pxp_client_refused(const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_refuse m;
    pvmx_err err = pxp_refuse_decode(body, len, &m, &zone);
    if (err == PVMX_OK) {
        err = m.error < 0 ? m.error : PVMX_ERR_PROTO;
        px_fail(err, "%s", m.text[0] != '\0' ? m.text : pvmx_err_text(err));
    }
    pxp_zone_free(&zone);
    return err;
}

static pvmx_err take_welcome(const uint8_t *body, size_t len, struct pxp_welcome_info *w)
{
    struct pxp_zone zone = {0};
    struct pxp_welcome m;
    pvmx_err err = pxp_welcome_decode(body, len, &m, &zone);
    if (err == PVMX_OK && (m.version < PXP_OLDEST || m.version > PXP_VERSION))
        err = px_fail(
            PVMX_ERR_VERSION,
            "the daemon (PVMX %.32s) wants protocol version %u, this program (PVMX %s) "
            "speaks %d to %d",
            m.release, m.version, PVMX_VERSION, PXP_OLDEST, PXP_VERSION);
    if (err == PVMX_OK && w != NULL) {
        w->version = m.version;
        w->pid = (pid_t)m.pid;
        snprintf(w->release, sizeof w->release, "%s", m.release);
        snprintf(w->vm, sizeof w->vm, "%s", m.vm);
        snprintf(w->host, sizeof w->host, "%s", m.host);
    }
    pxp_zone_free(&zone);
    return err;
}

static pvmx_err greet(struct pxp_client *c, uint32_t role, unsigned timeout_ms,
                      struct pxp_welcome_info *w)
{
    struct pxp_hello hello = {.version = PXP_VERSION,
                              .oldest = PXP_OLDEST,
                              .role = role,
                              .release = PVMX_VERSION,
                              .pid = (uint32_t)getpid()};
    uint32_t number, serial;
    const uint8_t *body;
    size_t len;
    pvmx_err err = pxp_hello_encode(&c->out, pxp_client_serial(c), &hello);
    if (err == PVMX_OK)
        err = pxp_client_flush(c, NULL, 0);
    if (err == PVMX_OK)
        err = pxp_client_wait(c, timeout_ms, &number, &serial, &body, &len);
    if (err == PVMX_ERR_CLOSED)
        return px_fail(PVMX_ERR_NO_VM, "the daemon was just leaving");
    if (err != PVMX_OK)
        return err;
    if (number == PXP_REFUSE)
        return pxp_client_refused(body, len);
    if (number != PXP_WELCOME)
        return px_fail(PVMX_ERR_PROTO,
                       "the daemon answered the greeting with message %s (%u)",
                       pxp_name(number), number);
    err = take_welcome(body, len, w);
    pxp_client_drop(c);
    return err;
}

/* The directory is private, but the socket in it could have been put there by root or before a
 * change of user. */
static pvmx_err check_owner(int fd, const char *path)
{
    uid_t uid;
    gid_t gid;
    pid_t pid;
    if (px_unix_peer(fd, &uid, &gid, &pid) < 0)
        return px_fail_errno(errno, "cannot tell who listens on %s", path);
    if (uid != geteuid())
        return px_fail(PVMX_ERR_PERM, "user %u listens on %s, not you (%u)",
                       (unsigned)uid, path, (unsigned)geteuid());
    return PVMX_OK;
}

pvmx_err pxp_client_open(struct pxp_client *c, const struct px_rundir *dir, uint32_t role,
                         unsigned timeout_ms, struct pxp_welcome_info *w)
{
    int errnum;
    *c = (struct pxp_client){.fd = -1};
    int fd = px_unix_connect(dir->socket, &errnum);
    if (fd < 0) {
        if (errnum == ENOENT || errnum == ECONNREFUSED || errnum == ENOTDIR)
            return px_fail(PVMX_ERR_NO_VM, "no daemon listens on %s", dir->socket);
        return px_fail_errno(errnum, "cannot connect to %s", dir->socket);
    }
    pxp_client_adopt(c, fd);
    pvmx_err err = check_owner(fd, dir->socket);
    if (err == PVMX_OK)
        err = greet(c, role, timeout_ms, w);
    if (err != PVMX_OK)
        pxp_client_close(c);
    return err;
}

void pxp_client_close(struct pxp_client *c)
{
    px_fd_close(&c->fd);
    px_buf_free(&c->in);
    px_buf_free(&c->out);
}
