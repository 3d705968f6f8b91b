/* SPDX-License-Identifier: BSD-3-Clause */
/* What tasks of this host have written, as far as it passes through this daemon: a bounded part for each
 * task, which outlives the task, and a bound for all together (settings daemon.output_task and
 * daemon.output_total). When that is reached, the logs of tasks that have ended go first. */
#ifndef LOGS_H
#define LOGS_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct task;

void logs_init(struct server *sv);
void logs_fini(struct server *sv);
/* From now on what the task writes is kept. Without memory nothing is. */
void logs_begin(struct server *sv, const struct task *t);
/* stream 1 or 2. Those who wait for it are answered. */
void logs_append(struct server *sv, int32_t tid, uint32_t stream, const uint8_t *bytes,
                 size_t len);
/* The task has ended, and all it has written was appended. */
void logs_end(struct server *sv, int32_t tid);
/* Of tasks that have ended nothing is kept any more. */
void logs_forget_ended(struct server *sv);
/* Message logs. */
pvmx_err logs_request(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);

#endif
