/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: the hosts of the running virtual machine. */
#include "doctor.h"
#include "survey.h"

#include "base/fd.h"
#include "proto/hello.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REACH_MS = 2000 };

/* Connects to "192.0.2.1:4711" or "[2001:db8::1]:4711"; 0, or the error. */
static int reach(const char *address)
{
    char host[128];
    const char *colon = strrchr(address, ':');
    bool six = *address == '[';
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST},
                    *ai = NULL;
    int error = EINVAL;
    if (!colon)
        return EINVAL;
    snprintf(host, sizeof host, "%.*s", (int)(colon - address) - 2 * six, address + six);
    if (getaddrinfo(host, colon + 1, &hint, &ai) != 0)
        return EINVAL;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof error;
    if (fd >= 0 && (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || errno == EINPROGRESS)) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        error = poll(&p, 1, REACH_MS) > 0 ? 0 : ETIMEDOUT;
        if (!error)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    } else {
        error = errno;
    }
    px_fd_close(&fd);
    freeaddrinfo(ai);
    return error;
}

/* One of its addresses has to be reachable. */
static void check_port(struct checkup *k, const struct pxp_host_entry *h)
{
    char what[300], text[200] = "it has no address";
    int error = EINVAL;
    for (size_t i = 0; i < h->n_addresses && error; i++) {
        error = reach(h->addresses[i]);
        snprintf(text, sizeof text, "%.120s%s%.60s", h->addresses[i], error ? ": " : "",
                 error ? strerror(error) : "");
    }
    snprintf(what, sizeof what, "port of %.250s", h->name);
    doctor_note(
        k, what, error == 0, text,
        "let TCP from the other hosts through its firewall; the setting daemon.ports "
        "says to which ports, daemon.address on which network");
}

static void check_ports(struct console *c, struct checkup *k)
{
    struct pxp_hosts q = {.subscribe = false};
    struct pxp_hosts_are m;
    struct pxp_zone zone = {0};
    uint32_t serial = pxp_client_serial(&c->link.client);
    uint8_t *body = NULL;
    size_t len;
    pvmx_err err = pxp_hosts_encode(&c->link.client.out, serial, &q);
    if (!err)
        err = link_ask(&c->link, serial, PXP_HOSTS_ARE, &body, &len);
    if (!err)
        err = pxp_hosts_are_decode(body, len, &m, &zone);
    for (size_t i = 0; !err && m.n_hosts > 1 && i < m.n_hosts; i++)
        if (m.hosts[i].state == PXP_HOST_UP)
            check_port(k, &m.hosts[i]);
    if (!err && m.leader == 0)
        doctor_note(
            k, "leader", false, "no host leads: hosts cannot be added or deleted",
            "see that the majority of the hosts can be reached, or halt and start anew");
    pxp_zone_free(&zone);
    free(body);
}

void doctor_hosts(struct console *c, struct checkup *k)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    char what[300], text[200];
    if (survey_status(&c->link, false, &s, &zone, NULL)) {
        doctor_note(k, "hosts", false, pvmx_last_error(), "pvmx halt, and start anew");
        pxp_zone_free(&zone);
        return;
    }
    for (size_t i = 0; s.n_hosts > 1 && i < s.n_hosts; i++) {
        const struct pxp_host_info *h = &s.hosts[i];
        bool silent = h->state == SURVEY_SILENT;
        bool same = strcmp(h->release, PVMX_VERSION) == 0;
        snprintf(what, sizeof what, "host %.250s", h->name);
        snprintf(text, sizeof text, "version %.60s, %u tasks", h->release, h->tasks);
        doctor_note(k, what, !silent && same, silent ? "it does not answer" : text,
                    silent
                        ? "see whether its daemon is stopped or the network is cut; pvmx "
                          "delete takes it out"
                        : "delete it, install this version there, add it again");
    }
    pxp_zone_free(&zone);
    check_ports(c, k);
}

/* ---- the range of ports ----------------------------------------------------------------------- */

/* A port that can be listened to; 0: none of the range. */
static unsigned free_ports(unsigned first, unsigned last)
{
    unsigned n = 0;
    for (unsigned port = first; port <= last; port++) {
        struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        n += fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
        px_fd_close(&fd);
    }
    return n;
}

void doctor_ports(struct console *c, struct checkup *k)
{
    struct pxp_settings q = {.name = "daemon.ports", .value = ""};
    struct pxp_settings_are m;
    struct pxp_zone zone = {0};
    uint32_t serial = pxp_client_serial(&c->link.client);
    uint8_t *body = NULL;
    size_t len;
    char text[100];
    pvmx_err err = pxp_settings_encode(&c->link.client.out, serial, &q);
    if (!err)
        err = link_ask(&c->link, serial, PXP_SETTINGS_ARE, &body, &len);
    if (!err)
        err = pxp_settings_are_decode(body, len, &m, &zone);
    const char *range = !err && m.n_settings ? m.settings[0].value : "";
    unsigned first = 0, last = 0;
    int n = sscanf(range, "%u-%u", &first, &last);
    last = n == 1 ? first : last;
    if (n < 1 || first > last || last > 65535) {
        doctor_note(k, "ports for hosts", true, "any that is free", "");
    } else {
        unsigned have = free_ports(first, last);
        snprintf(text, sizeof text, "%u-%u: %u of %u are free", first, last, have,
                 last - first + 1);
        /* The daemon has one of them when there are other hosts. */
        doctor_note(k, "ports for hosts", have > 0 || last > first, text,
                    "set PVMX_DAEMON_PORTS to a range that nobody else uses");
    }
    pxp_zone_free(&zone);
    free(body);
}
