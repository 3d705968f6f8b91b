/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting to be told what to join. */
#include "await.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/param.h"
#include "conf.h"
#include "outside.h"
#include "tcp.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALLERS = 8 };      /* that are heard at one time */
#define WAIT (60 * PX_SEC) /* for the leader */

struct caller {
    int fd; /* -1: nobody */
    size_t len;
    uint8_t box[AWAIT_TEXT];
};

struct await {
    int fd;
    uint8_t leader[SECURE_PUBLIC], public[SECURE_PUBLIC], secret[SECURE_KEY];
    struct caller callers[CALLERS];
    unsigned ncalls;
};

static pvmx_err begin(const char *what, struct await *a)
{
    char key[2 * SECURE_KEY + 1], address[TCP_TEXT];
    const char *ports = strchr(what, ',');
    size_t len = strcspn(what, ",");
    uint16_t lo = 0, hi = 0, port = 0;
    snprintf(key, sizeof key, "%.*s", (int)len, what);
    if (!secure_init() || len != 2 * SECURE_KEY || !secure_key_read(key, a->leader))
        return px_fail(PVMX_ERR_ARG,
                       "--await is for another pvmxd to use: it takes a key of %d "
                       "digits",
                       2 * SECURE_KEY);
    if (ports != NULL && *conf.ports == '\0')
        px_param_set("daemon.ports", ports + 1);
    secure_pair_new(a->public, a->secret);
    pvmx_err err = outside_ports(&lo, &hi);
    if (err == PVMX_OK)
        err = tcp_own_named(conf.address, address, sizeof address);
    if (err == PVMX_OK)
        err = tcp_listen(address, lo, hi, &a->fd, &port);
    if (err != PVMX_OK)
        return err;
    char text[2 * SECURE_KEY + 1], *own[HOST_ADDRESSES];
    size_t n = tcp_own(port, own, HOST_ADDRESSES);
    unsigned ip[4] = {0};
    if (n > 0)
        sscanf(own[0], "%3u.%3u.%3u.%3u:", &ip[0], &ip[1], &ip[2], &ip[3]);
    secure_key_text(a->public, text);
    printf("ddpro<2316> arch<LINUX64> ip<%02x%02x%02x%02x:%04x> mtu<4080> dsig<4230209> "
           "pvmx<%s> "
           "at<",
           ip[0] & 255, ip[1] & 255, ip[2] & 255, ip[3] & 255, port, text);
    if (*address != '\0')
        printf(strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, port);
    for (size_t i = 0; i < n; i++) {
        if (*address == '\0')
            printf("%s%s", i > 0 ? "," : "", own[i]);
        free(own[i]);
    }
    printf(">\n");
    return PVMX_OK;
}

static void go_background(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0);
    setsid();
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
}

/* ---- who calls: the leader, or anybody */

static void hang_up(struct caller *c)
{
    px_fd_close(&c->fd);
    c->len = 0;
}

/* Whoever keeps silent must not keep the leader out: the one that came first goes when there is no place. */
static pvmx_err take_call(struct await *a)
{
    int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED
                   ? PVMX_OK
                   : px_fail_errno(errno, "cannot take a call of the leader");
    struct caller *c = &a->callers[a->ncalls++ % CALLERS];
    hang_up(c);
    c->fd = fd;
    return PVMX_OK;
}

/* All of what the caller sends has come: is it the leader's? */
static pvmx_err open_box(const struct await *a, const struct caller *c, struct join *out)
{
    static uint8_t text[AWAIT_TEXT + 1];
    size_t len = 0;
    if (!secure_unbox(c->box, c->len, a->leader, a->secret, text, &len))
        return PVMX_ERR_AGAIN;
    text[len] = '\0';
    pvmx_err err = join_parse((char *)text, out);
    secure_forget(text, sizeof text);
    return err;
}

/* PVMX_ERR_AGAIN: it was not the leader, or not all of it. */
static pvmx_err hear(const struct await *a, struct caller *c, struct join *out)
{
    ssize_t n = read(c->fd, c->box + c->len, sizeof c->box - c->len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return PVMX_ERR_AGAIN;
    if (n > 0 && c->len + (size_t)n < sizeof c->box) {
        c->len += (size_t)n;
        return PVMX_ERR_AGAIN;
    }
    pvmx_err err = n == 0 ? open_box(a, c, out) : PVMX_ERR_AGAIN;
    hang_up(c);
    return err;
}

/* One look at all of them; PVMX_ERR_AGAIN: not yet. */
static pvmx_err look(struct await *a, uint64_t now, uint64_t end, struct join *out)
{
    struct pollfd p[CALLERS + 1] = {{.fd = a->fd, .events = POLLIN}};
    for (int i = 0; i < CALLERS; i++)
        p[i + 1] = (struct pollfd){.fd = a->callers[i].fd, .events = POLLIN};
    if (poll(p, CALLERS + 1, (int)((end - now) / PX_MS) + 1) < 0)
        return errno == EINTR ? PVMX_ERR_AGAIN
                              : px_fail_errno(errno, "cannot wait for a call");
    for (int i = 0; i < CALLERS; i++) {
        pvmx_err err = p[i + 1].revents != 0 ? hear(a, &a->callers[i], out) : PVMX_ERR_AGAIN;
        if (err != PVMX_ERR_AGAIN)
            return err;
    }
    pvmx_err err = p[0].revents != 0 ? take_call(a) : PVMX_OK;
    return err != PVMX_OK ? err : PVMX_ERR_AGAIN;
}

pvmx_err await_join(const char *what, struct join *out)
{
    static struct await a;
    a.fd = -1;
    for (int i = 0; i < CALLERS; i++)
        a.callers[i].fd = -1;
    pvmx_err err = begin(what, &a);
    if (err != PVMX_OK)
        return err;
    go_background();
    uint64_t now = px_now_ns(), end = now + WAIT;
    err = PVMX_ERR_AGAIN;
    for (; err == PVMX_ERR_AGAIN && now < end; now = px_now_ns())
        err = look(&a, now, end, out);
    for (int i = 0; i < CALLERS; i++)
        hang_up(&a.callers[i]);
    secure_forget(a.secret, sizeof a.secret);
    px_fd_close(&a.fd);
    return err != PVMX_ERR_AGAIN
               ? err
               : px_fail(PVMX_ERR_TIMEDOUT, "the leader has not called");
}
