/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP socket for other hosts. It exists from the moment when a second host is to be added. */
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct link;
struct host;

/* Listens, and puts the addresses into our entry of the host table; once is enough. */
pvmx_err outside_listen(struct server *sv);
/* The ports that PVMX_DAEMON_PORTS allows; 0, 0: any. */
pvmx_err outside_ports(uint16_t *lo, uint16_t *hi);
void outside_stop(struct server *sv);
/* May this one of the n addresses of a host be dialled? A loopback address leads there only if the host
 * shares this machine. */
bool outside_leads_there(struct server *sv, const char *address, char *const *all, size_t n);
/* The address that this link comes from is the first one to be tried for its host. */
void outside_seen(struct link *l, struct host *h);

#endif
