/* SPDX-License-Identifier: BSD-3-Clause */
/* At the leader: whoever asks about names, boxes and groups, or owns some, be it a task of this host or of
 * another. Each has a stand-in, a connection without a socket, so that names.c, mailbox.c and groups.c
 * know nothing of hosts. It ends with its task, and takes along what it owns. */
#ifndef CALLER_H
#define CALLER_H

#include "proto/messages.h"

struct server;
struct peer;
struct link;
struct task;

/* An errand of a host. It may wait until the book is open. */
void caller_serve(struct server *sv, uint32_t host, const struct pxp_errand *m);
/* Who stands for that task; NULL: no memory. */
struct task *caller_task(struct server *sv, int32_t tid);
/* What was said to it goes into the book's answers. */
void caller_flush(struct peer *p);
/* The task has left or ended; a host has gone. */
void callers_end(struct server *sv, int32_t tid);
void callers_host_lost(struct server *sv, uint32_t index);
/* This host does not lead (any more): all go, and nothing is struck out of the book. */
void callers_clear(struct server *sv);
/* The book was opened by reading another's copy: those that have ended since then, go. */
void callers_check(struct server *sv);

/* Message errand of another daemon. */
pvmx_err caller_on_errand(struct server *sv, struct link *l, uint32_t serial,
                          const uint8_t *body, size_t len);

#endif
