/* SPDX-License-Identifier: BSD-3-Clause */
/* The news that contexts are revoked, told to all members. The daemon of the task that revokes tells the
 * daemons of the other members, again and again until they have it or are lost. Should it be lost
 * itself, those that have heard of it do the same: so if one hears of it, all that are left do. */
#ifndef REVOKE_H
#define REVOKE_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

/* Message revoke of a task here, of another daemon. */
pvmx_err revoke_request(struct server *sv, struct peer *p, uint32_t serial,
                        const uint8_t *body, size_t len);
pvmx_err revoke_on_news(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);
void revoke_host_lost(struct server *sv, uint32_t host);
void revoke_fini(struct server *sv);

#endif
