/* SPDX-License-Identifier: BSD-3-Clause */
/* Standard input of tasks that consoles write to: the other end of a task's pipe. */
#ifndef INPUT_H
#define INPUT_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct inlet;

/* A task of this host reads from this pipe's other end; fd is taken over. */
void input_start(struct server *sv, int32_t tid, int fd);
struct inlet *input_find(struct server *sv, int32_t tid);
/* The task has ended. */
void input_end(struct server *sv, int32_t tid);
void input_fini(struct server *sv);
/* Message input. */
pvmx_err input_request(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len);

#endif
