/* SPDX-License-Identifier: BSD-3-Clause */
/* Accepting connections. */
#include "listen.h"
#include "auth.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 512, /* clients that start at one instant                    */
    BATCH = 64,    /* accepted in one round, so that others get their turn */
    REST_MS = 100, /* without descriptors                                  */
};

static void on_connect(void *arg, unsigned events);

static void on_rested(void *arg)
{
    struct server *sv = arg;
    loop_io_events(&sv->loop, &sv->listener.io, LOOP_READ);
}

/* Says why and closes: better than a client that waits in the backlog without knowing. */
static void send_away(int fd)
{
    struct px_buf out = {0};
    if (pxp_refuse(&out, 0, PVMX_ERR_LIMIT,
                   "the daemon has no descriptors left: too many tasks and clients at "
                   "one time, or "
                   "its limit (ulimit -n) is too low") == PVMX_OK)
        px_unix_send(fd, px_buf_head(&out), px_buf_len(&out), NULL, 0);
    px_buf_free(&out);
}

static void exhausted(struct server *sv, int errnum)
{
    struct listener *l = &sv->listener;
    px_log(PX_LOG_WARN, "LISTEN-FULL", "cannot accept a connection: %s; resting %d ms",
           strerror(errnum), REST_MS);
    for (int i = 0; i < BATCH && l->reserve >= 0; i++) {
        px_fd_close(&l->reserve);
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            send_away(fd);
            close(fd);
        }
        l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            break;
    }
    loop_io_events(&sv->loop, &l->io, 0);
    loop_timer_start(&sv->loop, &l->rest, REST_MS * PX_MS, on_rested, sv);
}

static void on_connect(void *arg, unsigned events)
{
    struct server *sv = arg;
    (void)events;
    if (sv->listener.reserve < 0)
        sv->listener.reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < BATCH; i++) {
        pid_t pid = 0;
        int fd = accept4(sv->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            if (auth_peer(fd, &pid))
                peer_add(sv, fd, pid, NULL);
            else
                close(fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            exhausted(sv, errno);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

pvmx_err listen_start(struct server *sv)
{
    struct listener *l = &sv->listener;
    unlink(sv->dir.socket); /* we hold the lock: whoever made it is dead */
    l->fd = px_unix_listen(sv->dir.socket, BACKLOG);
    if (l->fd < 0)
        return px_fail_errno(errno, "cannot listen on %s", sv->dir.socket);
    l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop_io_start(&sv->loop, &l->io, l->fd, LOOP_READ, on_connect, sv);
    return PVMX_OK;
}

void listen_stop(struct server *sv)
{
    struct listener *l = &sv->listener;
    if (l->fd < 0)
        return;
    loop_io_stop(&sv->loop, &l->io);
    loop_timer_stop(&sv->loop, &l->rest);
    unlink(sv->dir.socket);
    /* Closing the socket resets what is in the backlog; an explicit close of each gives the client
     * a clean end of stream before `welcome`, which makes it start over. */
    for (;;) {
        px_fd_close(&l->reserve);
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            break;
        close(fd);
    }
    px_fd_close(&l->fd);
}
