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

enum { PORTS_MAX = 64 };
#define WAIT (60 * PX_SEC)     /* for the leader */
#define CALL_WAIT (5 * PX_SEC) /* for all of what a caller sends */

struct await {
    int fd;
    uint8_t leader[SECURE_PUBLIC], public[SECURE_PUBLIC], secret[SECURE_KEY];
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

/* False: the time is over. */
static bool readable(int fd, uint64_t end)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        uint64_t now = px_now_ns();
        int n = now < end ? poll(&p, 1, (int)((end - now) / PX_MS) + 1) : 0;
        if (n >= 0 || errno != EINTR)
            return n > 0;
    }
}

/* What one caller sends, to its end; SIZE_MAX: it does not come to an end. */
static size_t read_all(int fd, uint8_t *to, size_t size)
{
    size_t n = 0;
    uint64_t end = px_now_ns() + CALL_WAIT;
    while (n < size && readable(fd, end)) {
        ssize_t got = read(fd, to + n, size - n);
        if (got == 0)
            return n;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    return SIZE_MAX;
}

pvmx_err await_join(const char *what, struct join *out)
{
    static uint8_t box[AWAIT_TEXT], text[AWAIT_TEXT + 1];
    struct await a = {.fd = -1};
    pvmx_err err = begin(what, &a);
    if (err != PVMX_OK)
        return err;
    go_background();
    uint64_t end = px_now_ns() + WAIT;
    err = PVMX_ERR_AGAIN;
    while (err == PVMX_ERR_AGAIN && readable(a.fd, end)) {
        int fd = accept4(a.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        size_t n = fd >= 0 ? read_all(fd, box, sizeof box) : SIZE_MAX, len = 0;
        px_fd_close(&fd);
        if (n == SIZE_MAX || !secure_unbox(box, n, a.leader, a.secret, text, &len))
            continue; /* not the leader */
        text[len] = '\0';
        err = join_parse((char *)text, out);
    }
    secure_forget(text, sizeof text);
    secure_forget(a.secret, sizeof a.secret);
    px_fd_close(&a.fd);
    return err != PVMX_ERR_AGAIN
               ? err
               : px_fail(PVMX_ERR_TIMEDOUT, "the leader has not called");
}
