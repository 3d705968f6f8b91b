/* SPDX-License-Identifier: BSD-3-Clause */
/* The writing half of the output of tasks (output.h reads it): drains, one for each file that it goes to, and
 * a sink for each stream of a task. What is collected (PVMX_SPAWN_TAGGED) goes there in records, with the
 * births of children that are collected with a task, and the ends of all. */
#ifndef DRAIN_H
#define DRAIN_H

#include "spawn.h"

struct link;
struct stat;

/* What this task will write goes where the request says. One of this host: its pipes are in one->ends. */
void drain_expect(struct spawn_req *r, struct spawn_one *one);
void drain_forget(struct server *sv, int32_t tid);
/* A piece of it. */
void drain_take(struct server *sv, const struct pxp_output *m);
/* Somebody waits for it here. */
bool drain_waits(struct server *sv, int32_t tid, uint32_t stream);
/* No more can be taken: output_drained tells when. */
bool drain_full(struct server *sv, int32_t tid, uint32_t stream);
/* What this task writes to this stream is collected; into: in this file. NULL: wherever. */
bool drain_collects(struct server *sv, int32_t tid, uint32_t stream, const struct stat *into);
/* The task has ended, and all it has written itself was taken. */
void drain_end(struct server *sv, int32_t tid);
/* True: the end of this far task, which is mpiexec's, is told by far_end later, when what it has written has
 * been written here as well. */
bool drain_hold(struct server *sv, const struct pxp_task_end *end);
void drain_host_lost(struct server *sv, uint32_t index);
/* Something still waits to be written. */
bool drain_busy(const struct server *sv);
void drain_init(struct server *sv);
void drain_fini(struct server *sv);

/* From other daemons: output. */
pvmx_err drain_on_bytes(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);

#endif
