/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors 0, 1 and 2 of tasks. Mostly they are the spawner's very own, or a terminal that mpiexec has
 * made and reads. Where mpiexec labels or collects, each task gets pipes, and mpiexec gets the other ends
 * with a message world: no byte of a job's output passes through the daemon. Where a spawner collects, or the
 * daemon is to keep, what tasks write, they get pipes that the daemon reads.
 *
 * A session is an mpiexec's connection with its job (world 0) and every job that tasks of the session
 * have spawned. What such a task hands on to its children is replaced by new pipes when it is its
 * own pipe, so that children have labels of their own, and stays when it is anything else. */
#ifndef STREAMS_H
#define STREAMS_H

#include "exec.h"
#include "spawn.h"

struct peer;
struct job;
struct task;

/* Takes the descriptors that came with the request: three, and terminals. */
pvmx_err streams_take(struct spawn_req *r, struct peer *p);
/* Decides which streams of this request are piped; its spawner's task or connection is known. */
void streams_request(struct spawn_req *r);
/* The daemon is to keep what the tasks write, or to give one of them what it reads: pipes for that. */
void streams_keep(struct spawn_req *r);
/* What the tasks write to this stream is collected: as the request says, or since the spawner's own is. */
bool streams_tags(const struct spawn_req *r, uint32_t stream);
/* May this rank read what the spawner reads? */
bool streams_gets_stdin(const struct spawn_req *r, uint32_t rank);
/* On a spawner thread: makes the pipes of one task and puts its descriptors into plan->stdio. The
 * child's ends are in theirs (-1: none), to be closed by streams_close when it runs; ours in one->ends. */
pvmx_err streams_prepare(const struct spawn_req *r, struct spawn_one *one,
                         struct exec_plan *plan, int theirs[3]);
void streams_close(int fds[3]);
/* The task is in the table: remembers its pipes. */
void streams_task(const struct spawn_one *one, struct task *t);
/* The job runs: it joins its spawner's session, and mpiexec is told of it. */
void streams_job(struct spawn_req *r, struct job *j);
/* mpiexec has gone: the jobs of its session end. */
void streams_forget_peer(struct peer *p);

#endif
