/* SPDX-License-Identifier: BSD-3-Clause */
/* What has happened in this VM, as far as this host knows: the last thousand events are remembered, and
 * told to consoles that follow them. */
#ifndef EVENTS_H
#define EVENTS_H

#include "proto/messages.h"

struct server;
struct peer;
struct task;
struct host;

/* Notes an event of a task; e's time, host and task are filled in here, its text (may be NULL) is copied.
 * Without memory it is lost. */
void events_note(struct server *sv, const struct task *t, struct pxp_event e);
/* A task elsewhere, of a job that was spawned from here, was lost with its host. */
void events_note_lost(struct server *sv, const char *host, const struct pxp_task_end *end);
/* A host has come or gone. */
void events_note_host(struct server *sv, const struct host *h, uint32_t kind,
                      const char *why);
/* Message events. */
pvmx_err events_on_events(struct server *sv, struct peer *p, uint32_t serial,
                          const uint8_t *body, size_t len);
void events_fini(struct server *sv);

#endif
