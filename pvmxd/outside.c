/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening for other hosts. */
#include "outside.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "conf.h"
#include "hosts.h"
#include "link.h"
#include "server.h"
#include "tcp.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, REST_MS = 100 };

static void on_rested(void *arg)
{
    struct server *sv = arg;
    loop_io_events(&sv->loop, &sv->hosts.io, LOOP_READ);
}

/* Out of descriptors or memory: those who wait are dropped, and for a moment nobody is let in. */
static void exhausted(struct server *sv, int errnum)
{
    struct hosts *hs = &sv->hosts;
    px_log(PX_LOG_WARN, "OUTSIDE-FULL", "cannot accept a host's connection: %s",
           strerror(errnum));
    px_fd_close(&hs->reserve);
    int fd = accept4(hs->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    px_fd_close(&fd);
    hs->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop_io_events(&sv->loop, &hs->io, 0);
    loop_timer_start(&sv->loop, &hs->rest, REST_MS * PX_MS, on_rested, sv);
}

static void on_connect(void *arg, unsigned events)
{
    struct server *sv = arg;
    (void)events;
    for (int i = 0; i < BATCH; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        char text[TCP_TEXT];
        int fd = accept4(sv->hosts.fd, (struct sockaddr *)&from, &len,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            tcp_text((struct sockaddr *)&from, text, sizeof text);
            link_accept(sv, fd, text, NULL);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            exhausted(sv, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* "lo-hi" or "port"; empty: any. */
pvmx_err outside_ports(uint16_t *lo, uint16_t *hi)
{
    unsigned a = 0, b = 0;
    char more;
    int n = *conf.ports != '\0' ? sscanf(conf.ports, "%5u-%5u%c", &a, &b, &more) : 0;
    if (n == 1)
        b = a;
    if (n > 2 || (n == 0 && *conf.ports != '\0') || a > b || b > 65535)
        return px_fail(PVMX_ERR_ARG,
                       "PVMX_DAEMON_PORTS is \"%.40s\": give a port or a range "
                       "such as 7000-7099",
                       conf.ports);
    *lo = (uint16_t)a;
    *hi = (uint16_t)b;
    return PVMX_OK;
}

static void set_addresses(struct hosts *hs, struct host *me)
{
    for (size_t i = 0; i < me->naddresses; i++)
        free(me->addresses[i]);
    me->naddresses = 0;
    char text[TCP_TEXT];
    if (*hs->address == '\0') {
        me->naddresses = tcp_own(hs->port, me->addresses, HOST_ADDRESSES);
        return;
    }
    snprintf(text, sizeof text, strchr(hs->address, ':') != NULL ? "[%s]:%u" : "%s:%u",
             hs->address, hs->port);
    me->addresses[0] = strdup(text);
    me->naddresses = me->addresses[0] != NULL;
}

pvmx_err outside_listen(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    uint16_t lo = 0, hi = 0;
    if (hs->fd >= 0)
        return PVMX_OK;
    pvmx_err err = outside_ports(&lo, &hi);
    if (err == PVMX_OK)
        err = tcp_own_named(conf.address, hs->address, sizeof hs->address);
    if (err == PVMX_OK)
        err = tcp_listen(hs->address, lo, hi, &hs->fd, &hs->port);
    if (err != PVMX_OK)
        return err;
    hs->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop_io_start(&sv->loop, &hs->io, hs->fd, LOOP_READ, on_connect, sv);
    set_addresses(hs, hosts_self(sv));
    px_log(PX_LOG_INFO, "OUTSIDE-LISTEN", "listening for other hosts on port %u", hs->port);
    return PVMX_OK;
}

void outside_stop(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    if (hs->fd >= 0) {
        loop_io_stop(&sv->loop, &hs->io);
        loop_timer_stop(&sv->loop, &hs->rest);
    }
    px_fd_close(&hs->fd);
    px_fd_close(&hs->reserve);
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0;
}

/* The same address, whatever the ports. */
static bool same_address(const char *a, const char *b)
{
    const char *end_a = strrchr(a, ':'), *end_b = strrchr(b, ':');
    return end_a != NULL && end_b != NULL && end_a - a == end_b - b &&
           strncmp(a, b, (size_t)(end_a - a)) == 0;
}

bool outside_leads_there(struct server *sv, const char *address, char *const *all, size_t n)
{
    const struct host *me = hosts_self(sv);
    bool only = true; /* no other kind of address is known: a machine without a network */
    if (!is_loopback(address))
        return true;
    for (size_t i = 0; i < n; i++) {
        if (is_loopback(all[i]))
            continue;
        only = false;
        for (size_t k = 0; k < me->naddresses; k++)
            if (same_address(all[i], me->addresses[k]))
                return true;
    }
    return only;
}

void outside_seen(struct link *l, struct host *h)
{
    const char *end = strrchr(l->name, ':');
    const char *port = h->naddresses > 0 ? strrchr(h->addresses[0], ':') : NULL;
    char text[TCP_TEXT * 2];
    if (end == NULL || port == NULL)
        return;
    snprintf(text, sizeof text, "%.*s%.8s", (int)(end - l->name), l->name, port);
    for (size_t i = 0; i < h->naddresses; i++) {
        if (strcmp(h->addresses[i], text) != 0)
            continue;
        char *seen = h->addresses[i];
        memmove(h->addresses + 1, h->addresses, i * sizeof h->addresses[0]);
        h->addresses[0] = seen;
        return;
    }
    char *seen = strdup(text);
    if (seen == NULL)
        return;
    if (h->naddresses == HOST_ADDRESSES)
        free(h->addresses[--h->naddresses]);
    memmove(h->addresses + 1, h->addresses, h->naddresses * sizeof h->addresses[0]);
    h->addresses[0] = seen;
    h->naddresses++;
}
