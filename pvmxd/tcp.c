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

/* An own address without port as a socket address. */
static pvmx_err read_own(const char *address, struct sockaddr_storage *out, socklen_t *len)
{
    char text[TCP_TEXT];
    snprintf(text, sizeof text, strchr(address, ':') != NULL ? "[%s]:0" : "%s:0", address);
    return tcp_read(text, out, len);
}

/* Leaves by the interface of that address, if the other side can be reached from there at all. */
static pvmx_err leave_from(int fd, const char *from, sa_family_t family)
{
    struct sockaddr_storage a = {0};
    socklen_t len = 0;
    if (*from == '\0' || read_own(from, &a, &len) != PVMX_OK || a.ss_family != family)
        return PVMX_OK;
    return bind(fd, (struct sockaddr *)&a, len) == 0
               ? PVMX_OK
               : px_fail_errno(errno, "cannot use address %s", from);
}

pvmx_err tcp_connect(const char *address, const char *from, int *fd)
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
    err = leave_from(*fd, from, a.ss_family);
    if (err == PVMX_OK &&
        (connect(*fd, (struct sockaddr *)&a, len) == 0 || errno == EINPROGRESS))
        return PVMX_OK;
    if (err == PVMX_OK)
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
    pvmx_err err = *address != '\0' ? read_own(address, &a, &len) : PVMX_OK;
    if (err != PVMX_OK)
        return err;
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

/* ---- own addresses by name -------------------------------------------------------------------- */

/* The bytes of an address; *bits: how many bits they are. NULL: of another family. */
static const uint8_t *bytes_of(const struct sockaddr *a, unsigned *bits)
{
    *bits = a->sa_family == AF_INET ? 32 : 128;
    if (a->sa_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
    if (a->sa_family == AF_INET6)
        return ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
    return NULL;
}

struct network {
    uint8_t bytes[16];
    int family;
    unsigned bits;
};

static bool read_network(const char *text, struct network *n)
{
    char address[TCP_TEXT], *end;
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof address || slash[1] < '0' ||
        slash[1] > '9')
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    n->family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    n->bits = (unsigned)strtoul(slash + 1, &end, 10);
    return *end == '\0' && n->bits <= (n->family == AF_INET ? 32 : 128) &&
           inet_pton(n->family, address, n->bytes) == 1;
}

static bool in_network(const struct network *n, const struct sockaddr *a)
{
    unsigned bits, whole = n->bits / 8, rest = n->bits % 8;
    const uint8_t *bytes = bytes_of(a, &bits);
    if (bytes == NULL || a->sa_family != n->family || memcmp(bytes, n->bytes, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ n->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

bool tcp_is_general(const char *what)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, what, bytes) != 1 && inet_pton(AF_INET6, what, bytes) != 1;
}

static bool is_meant(const struct ifaddrs *i, const char *what, const struct network *n)
{
    if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0)
        return false;
    if (n != NULL)
        return in_network(n, i->ifa_addr);
    if (strcmp(i->ifa_name, what) != 0)
        return false;
    return i->ifa_addr->sa_family == AF_INET ||
           (i->ifa_addr->sa_family == AF_INET6 &&
            !IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr));
}

pvmx_err tcp_own_named(const char *what, char *text, size_t size)
{
    struct network network;
    struct ifaddrs *list = NULL;
    unsigned bits;
    snprintf(text, size, "%s", what);
    if (*what == '\0' || !tcp_is_general(what))
        return PVMX_OK;
    bool by_network = strchr(what, '/') != NULL;
    if (by_network && !read_network(what, &network))
        return px_fail(PVMX_ERR_ARG, "PVMX_DAEMON_ADDRESS is \"%.80s\": a network is written 10.1.0.0/16",
                       what);
    if (getifaddrs(&list) != 0)
        return px_fail_errno(errno, "cannot list the interfaces of this machine");
    const struct ifaddrs *i = list;
    while (i != NULL && !is_meant(i, what, by_network ? &network : NULL))
        i = i->ifa_next;
    const char *found =
        i != NULL ? inet_ntop(i->ifa_addr->sa_family, bytes_of(i->ifa_addr, &bits), text,
                              (socklen_t)size)
                  : NULL;
    freeifaddrs(list);
    if (found != NULL)
        return PVMX_OK;
    return px_fail(
        PVMX_ERR_NOENT,
        "PVMX_DAEMON_ADDRESS is \"%.80s\": this machine has no address, interface or "
        "network that is called so and is up",
        what);
}
