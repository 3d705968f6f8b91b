/* SPDX-License-Identifier: BSD-3-Clause */
/* Standard input of processes of mpiexec's that run on other hosts. The daemon that carries the job reads
 * what mpiexec has for them, its own descriptor or the end of a pipe that it writes to, and sends it to the
 * process's daemon, which writes it to a pipe (input.h). So much is on the way at most as a pipe or two
 * hold, so what the process does not read stays where it is, but for that. */
#ifndef FEED_H
#define FEED_H

#include "spawn.h"

/* Is the process of this rank, should it run elsewhere, to be sent what mpiexec has? Of other spawners'
 * children nobody knows which one reads. */
bool feed_wanted(const struct spawn_req *r, uint32_t rank);
/* It runs: begins to read. The end that mpiexec is to write to, if it does, is in one->ends[0] then. */
void feed_start(struct spawn_req *r, struct spawn_one *one);
/* So much of it has been written over there; 0: it reads no more. */
void feed_consumed(struct server *sv, int32_t tid, uint32_t bytes);
/* More can be sent to this host. */
void feed_room(struct server *sv, uint32_t host);
/* The process has ended. */
void feed_end(struct server *sv, int32_t tid);
void feed_fini(struct server *sv);

#endif
