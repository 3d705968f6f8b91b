/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks of other hosts as clients of this daemon. What only one daemon of the VM can answer (a port lives
 * where it was opened; names, boxes and groups at the leader) is passed on by the task's own daemon; here a
 * stand-in asks for it, so that ports.c, names.c and the others know nothing of hosts. A stand-in ends with
 * its task. */
#ifndef GUEST_H
#define GUEST_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

/* The leader has to be asked, and is another daemon; not for a stand-in, which has come here for it. */
bool guest_leads_elsewhere(const struct server *sv, const struct peer *p);
/* Asks that host for p, which may be any client; the answer becomes p's. */
pvmx_err guest_ask(struct server *sv, struct peer *p, uint32_t serial, uint32_t host,
                   const uint8_t *body, size_t len);
/* The same, for what only the leader answers. */
pvmx_err guest_ask_leader(struct server *sv, struct peer *p, uint32_t serial,
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
