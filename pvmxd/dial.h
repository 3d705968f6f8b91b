/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections between tasks of different hosts. The daemons make them: the caller's daemon connects to the
 * other's port and proves that it knows the VM's key, like for any link; then each daemon hands its end
 * to its task. So a host has one port, a task needs neither port nor key, and who a task is, is
 * said by its own daemon. */
#ifndef DIAL_H
#define DIAL_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

/* Message dial of a task. */
pvmx_err dial_request(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
/* A link that was dialled for a task is open, or will not be. */
void dial_open(struct link *l);
void dial_closed(struct link *l, const char *why);
/* Message stream of another daemon. */
pvmx_err dial_on_stream(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);
/* Tasks have been started, or numbers given back: connections may have waited for that. */
void dial_retry(struct server *sv);

#endif
