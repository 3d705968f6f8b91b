/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn requests over several hosts. The daemon that was asked chooses the hosts and carries the request:
 *
 *   reserve   every other host gives numbers for its tasks, so that the world is known
 *   start     all hosts start their parts at the same time, this one too
 *   finish    when all have answered, as with one host: all or nothing, or once more without the
 *             failed ones (SOFT)
 *
 * The other hosts know of a request only their part, and of its spawner only this daemon. */
#ifndef SPAN_H
#define SPAN_H

#include "spawn.h"

struct link;
struct pxp_task_end;

/* A program that says where its tasks go: settles their number and the hosts. */
pvmx_err span_choose(struct spawn_req *r, uint32_t app);
/* Chooses the hosts of r->ones. PVMX_OK with r->span NULL: all are started here. */
pvmx_err span_place(struct spawn_req *r);
/* Begins a round: takes numbers on all hosts; spawn_launch or spawn_lost follows. */
void span_reserve(struct spawn_req *r);
/* This host's part has been launched: true when all others are done too. */
bool span_done(struct spawn_req *r);
/* Ends what other hosts have started. */
void span_undo(struct spawn_req *r);
/* The world runs: its far tasks join the job. */
void span_commit(struct spawn_req *r, struct job *j);
void span_free(struct spawn_req *r);
/* The end of a task whose request is not finished: kept until it is. False: there is none. */
bool span_early_end(struct server *sv, const struct pxp_task_end *end);
bool span_reserved_for(struct server *sv, int32_t tid, uint32_t host);
/* The task of this host is just being started: its number is known to others, it is in no table. */
bool span_coming(struct server *sv, int32_t tid);
/* Requests have been finished: connections and watchers may have waited for their tasks. */
void span_settled(struct server *sv);
/* The task is in the table now. */
void span_watch_now(struct server *sv, struct task *t);
/* Another host wants to know of the end of a task that is just being started. */
void span_watch_later(struct server *sv, int32_t tid, uint32_t host);
/* A part is launched: its tasks join the table, or all of it ends. */
void span_part_finish(struct spawn_req *r, uint32_t failed);
/* Tasks there that run already, for requests that are not finished: as early ends. */
void span_tasks_lost(struct server *sv, uint32_t index, const char *name);
void span_host_lost(struct server *sv, uint32_t index);
void span_fini(struct server *sv);

/* From other daemons: reserve, start, undo. */
pvmx_err span_on_reserve(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len);
pvmx_err span_on_start(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err span_on_undo(struct server *sv, struct link *l, uint32_t serial,
                      const uint8_t *body, size_t len);

#endif
