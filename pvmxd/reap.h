/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends of processes, each seen through its own pidfd: no signal handler, no pid that could belong
 * to another by now, and nothing to race with a spawner thread that reaps its own failed child. */
#ifndef REAP_H
#define REAP_H

struct task;

void reap_watch(struct task *t);
void reap_unwatch(struct task *t); /* also closes the pidfd */
/* Kills and reaps a child that is in no table. */
void reap_stray(int pidfd);

#endif
