/* SPDX-License-Identifier: BSD-3-Clause */
/* What tasks of this host have written, as far as it passes through this daemon or an mpiexec: a bounded
 * part for each task (or for each terminal that tasks share), which outlives it, and a bound for all
 * together (settings daemon.output_task and daemon.output_total). When that is reached, the logs of tasks
 * that have ended go first. */
#ifndef LOGS_H
#define LOGS_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct job;
struct task;

void logs_init(struct server *sv);
void logs_fini(struct server *sv);
/* From now on what the task writes is kept. Without memory nothing is. */
void logs_begin(struct server *sv, const struct task *t);
/* stream 1 or 2. Those who wait for it are answered. */
void logs_append(struct server *sv, int32_t tid, uint32_t stream, const uint8_t *bytes,
                 size_t len);
/* The same for a task whose output mpiexec reads: that tells it of so many streams, in
 * messages written. False: it is not kept. */
bool logs_begin_told(struct server *sv, const struct task *t, struct peer *mpiexec,
                     unsigned streams);
/* The same for the terminal of an mpiexec's first job: what all tasks of its session write there. */
void logs_begin_terminal(struct server *sv, struct peer *mpiexec, const struct job *j);
/* Tasks of this job write there too. */
void logs_share_terminal(struct server *sv, const struct peer *mpiexec, uint32_t job);
/* The task has ended, and all it has written was appended, but for what mpiexec may still tell. */
void logs_end(struct server *sv, int32_t tid);
/* Of tasks that have ended nothing is kept any more. */
void logs_forget_ended(struct server *sv);
/* An mpiexec has gone: it will tell nothing more. */
void logs_forget_peer(struct server *sv, const struct peer *p);
/* Message written, of an mpiexec. */
pvmx_err logs_written(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
/* Message logs. */
pvmx_err logs_request(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);

#endif
