/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that add hosts and delete them. The leader carries them out; other daemons pass them on. Hosts
 * of one request are started in parallel, at most PVMX_DAEMON_ADD_PARALLEL at one time, each with its own
 * time limit and its own result. */
#ifndef ADD_H
#define ADD_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;
struct host;

void add_init(struct server *sv);
void add_stop(struct server *sv);
/* Messages host_add and host_delete of clients. */
pvmx_err add_request(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
pvmx_err add_delete(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
/* The same from other daemons. */
pvmx_err add_forwarded(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err add_delete_forwarded(struct server *sv, struct link *l, uint32_t serial,
                              const uint8_t *body, size_t len);
/* Adds the hosts of this daemon's own file (server.known); server_ready follows when all have come or
 * failed. */
pvmx_err add_known(struct server *sv);
/* The host that comes was asked for by somebody who wants the machine to stay. */
bool add_stays(struct server *sv, const struct host *h);
/* The host has come (PVMX_OK), or has gone or will not come. */
void add_host_settled(struct server *sv, struct host *h, pvmx_err err, const char *why);
/* Who asked, p or l, does not want the hosts of this request any more; false: there is none. */
bool add_withdraw(struct server *sv, const struct peer *p, const struct link *l,
                  uint32_t serial);
void add_forget_peer(struct peer *p);
void add_forget_link(struct link *l);

#endif
