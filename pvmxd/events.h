/* SPDX-License-Identifier: BSD-3-Clause */
/* What has happened in this VM: the last thousand events are remembered, and told to consoles that
 * follow them. */
#ifndef EVENTS_H
#define EVENTS_H

#include "proto/messages.h"

struct server;
struct peer;
struct task;

/* Notes an event of a task; e's time, host and task are filled in here. Without memory it is lost. */
void events_note(struct server *sv, const struct task *t, struct pxp_event e);
/* Message events. */
pvmx_err events_on_events(struct server *sv, struct peer *p, uint32_t serial,
                          const uint8_t *body, size_t len);
void events_fini(struct server *sv);

#endif
