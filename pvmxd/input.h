/* SPDX-License-Identifier: BSD-3-Clause */
/* Standard input of tasks that consoles, or another host's mpiexec, write to: the other end of a
 * task's pipe. */
#ifndef INPUT_H
#define INPUT_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;
struct inlet;

/* A task of this host reads from this pipe's other end; fd is taken over. origin: host whose daemon sends
 * what it reads (feed.h); 0: consoles. */
void input_start(struct server *sv, int32_t tid, int fd, uint32_t origin);
struct inlet *input_find(struct server *sv, int32_t tid);
/* The task has ended. */
void input_end(struct server *sv, int32_t tid);
/* Nothing more will come from there. */
void input_host_lost(struct server *sv, uint32_t index);
void input_fini(struct server *sv);
/* Message input. */
pvmx_err input_request(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len);

/* From other daemons: feed. */
pvmx_err input_on_feed(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);

#endif
