/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of other hosts as clients of this daemon. What only this daemon can answer (a port lives where it
 * was opened) is passed on by the task's own daemon; here a stand-in asks for it, so that ports.c and the
 * others know nothing of hosts. A stand-in ends with its task, or with the connection that it came by. For
 * what the leader answers see errand.h. */
#ifndef GUEST_H
#define GUEST_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

/* Asks that host for p, which may be any client; the answer becomes p's. */
pvmx_err guest_ask(struct server *sv, struct peer *p, uint32_t serial, uint32_t host,
                   const uint8_t *body, size_t len);
/* Message ask of a client. */
pvmx_err guest_on_ask(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
/* What was said to a stand-in goes to its daemon. */
void guest_flush(struct peer *p);
/* The task has ended; the link has gone. */
void guest_end(struct server *sv, int32_t tid);
void guest_link_closed(struct link *l);

/* Message guest of another daemon. */
pvmx_err guest_on_request(struct server *sv, struct link *l, uint32_t serial,
                          const uint8_t *body, size_t len);

#endif
