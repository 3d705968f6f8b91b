/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections that cannot be made directly: a firewall or a NAT stands between two hosts, or there is no
 * route. A link whose addresses have all failed looks for another way:
 *   1. Where the two daemons have a link already, the other one is asked to dial (call, here).
 *   2. Else a third host, the leader if that is neither of them, joins a connection from here with one
 *      from there (relay, call, here) and passes bytes on.
 * Every connection begins with greeting and proof, also those that are joined; then the two ends greet each
 * other through what they got, so that whoever relays cannot read or change what daemons say. */
#ifndef RELAY_H
#define RELAY_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct link;

void relay_init(struct server *sv);
void relay_stop(struct server *sv);
/* A link's addresses have failed (or are known to fail). True: another way is being tried, which ends in
 * link_adopt or link_close. */
bool relay_try(struct link *l);
/* Is it of no use to try the addresses at all? */
bool relay_known(struct link *l);
/* A link that was dialled is open; true: it was for one of us. */
bool relay_open(struct link *l);
void relay_closed(struct link *l, const char *why);
void relay_host_lost(struct server *sv, uint32_t index);

/* From other daemons: relay, call, here. */
pvmx_err relay_on_relay(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);
pvmx_err relay_on_call(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err relay_on_here(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);

#endif
