/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP sockets and addresses. */
#include "tcp.h"
#include "base/err.h"
#include "base/fd.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKLOG = 512 };

pvmx_err tcp_read(const char *text, struct sockaddr_storage *out, socklen_t *len)
{
    char host[TCP_TEXT];
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    bool bracket = text[0] == '[';
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    if (n == 0 || n >= sizeof host || (bracket && (n < 3 || text[n - 1] != ']')))
        return px_fail(PVMX_ERR_ARG, "\"%.80s\" is no address with a port", text);
    memcpy(host, text + bracket, n - 2 * bracket);
    host[n - 2 * bracket] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return px_fail(PVMX_ERR_ARG, "\"%.80s\" is no address with a port", text);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return PVMX_OK;
}

void tcp_text(const struct sockaddr *a, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN + 24] = "?";
    const struct sockaddr_in6 *six = (const void *)a;
    const struct sockaddr_in *four = (const void *)a;
    if (a->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, host, sizeof host);
        snprintf(text, size, "%s:%u", host, ntohs(six->sin6_port));
    } else if (a->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        if (six->sin6_scope_id != 0)
            snprintf(host + strlen(host), 12, "%%%u", six->sin6_scope_id);
        snprintf(text, size, "[%s]:%u", host, ntohs(six->sin6_port));
    } else {
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(text, size, "%s:%u", host, ntohs(four->sin_port));
    }
}

void tcp_set_port(struct sockaddr_storage *a, uint16_t port)
{
    if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)a)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)a)->sin_port = htons(port);
}

void tcp_tune(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

pvmx_err tcp_connect(const char *address, int *fd)
{
    struct sockaddr_storage a = {0};
    socklen_t len = 0;
    pvmx_err err = tcp_read(address, &a, &len);
    if (err != PVMX_OK)
        return err;
    *fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return px_fail_errno(errno, "cannot make a socket for %s", address);
    tcp_tune(*fd);
    if (connect(*fd, (struct sockaddr *)&a, len) == 0 || errno == EINPROGRESS)
        return PVMX_OK;
    err = px_fail_errno(errno, "cannot connect to %s", address);
    px_fd_close(fd);
    return err;
}

/* A socket of this family for the address, not bound yet. */
static int listener(int family)
{
    int on = 1, off = 0;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return fd;
}

static bool bind_range(int fd, struct sockaddr_storage *a, socklen_t len, uint16_t lo,
                       uint16_t hi)
{
    for (unsigned port = lo; port <= hi; port++) {
        tcp_set_port(a, (uint16_t)port);
        if (bind(fd, (struct sockaddr *)a, len) == 0 && listen(fd, BACKLOG) == 0)
            return true;
        if (errno != EADDRINUSE && errno != EACCES)
            return false;
    }
    return false;
}

pvmx_err tcp_listen(const char *address, uint16_t lo, uint16_t hi, int *fd, uint16_t *port)
{
    struct sockaddr_storage a = {.ss_family = AF_INET6};
    socklen_t len = sizeof(struct sockaddr_in6);
    char text[TCP_TEXT];
    pvmx_err err = PVMX_OK;
    if (*address != '\0') {
        snprintf(text, sizeof text, strchr(address, ':') != NULL ? "[%s]:0" : "%s:0",
                 address);
        err = tcp_read(text, &a, &len);
        if (err != PVMX_OK)
            return err;
    }
    *fd = listener(a.ss_family);
    if (*fd < 0 && *address == '\0') { /* a kernel without IPv6 */
        a = (struct sockaddr_storage){.ss_family = AF_INET};
        len = sizeof(struct sockaddr_in);
        *fd = listener(AF_INET);
    }
    if (*fd < 0)
        return px_fail_errno(errno, "cannot make a socket for other hosts");
    if (!bind_range(*fd, &a, len, lo, hi)) {
        err = px_fail_errno(errno, "cannot listen for other hosts on %s, ports %u to %u",
                            *address != '\0' ? address : "any address", lo, hi);
        px_fd_close(fd);
        return err;
    }
    len = sizeof a;
    getsockname(*fd, (struct sockaddr *)&a, &len);
    *port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                          : ((struct sockaddr_in *)&a)->sin_port);
    return PVMX_OK;
}

static size_t own_kind(const struct ifaddrs *list, bool loopback, uint16_t port,
                       char **out, size_t max)
{
    size_t n = 0;
    for (const struct ifaddrs *i = list; i != NULL && n < max; i = i->ifa_next) {
        if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0 ||
            ((i->ifa_flags & IFF_LOOPBACK) != 0) != loopback)
            continue;
        struct sockaddr_storage a = {0};
        char text[TCP_TEXT];
        if (i->ifa_addr->sa_family == AF_INET)
            memcpy(&a, i->ifa_addr, sizeof(struct sockaddr_in));
        else if (i->ifa_addr->sa_family == AF_INET6)
            memcpy(&a, i->ifa_addr, sizeof(struct sockaddr_in6));
        else
            continue;
        /* A link-local address means something else on each host. */
        if (a.ss_family == AF_INET6 &&
            IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)&a)->sin6_addr))
            continue;
        tcp_set_port(&a, port);
        tcp_text((struct sockaddr *)&a, text, sizeof text);
        out[n] = strdup(text);
        n += out[n] != NULL;
    }
    return n;
}

size_t tcp_own(uint16_t port, char **out, size_t max)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0)
        return 0;
    size_t n = own_kind(list, false, port, out, max);
    n += own_kind(list, true, port, out + n, max - n);
    freeifaddrs(list);
    return n;
}
