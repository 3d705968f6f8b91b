/* SPDX-License-Identifier: BSD-3-Clause */
/* What spawned tasks write, when it is collected (pvm_catchout, PvmOutputTid). With the lock held. */
#ifndef P3_OUTPUT_H
#define P3_OUTPUT_H

#include "state.h"

struct p3_buf;

/* Spawns, with descriptors of our own in place of 1 and 2 while output is collected. */
pvmx_err p3_output_spawn(struct pvmx_spawn_args *args, struct pvmx_spawn_result *out);
/* The task that collects the output of those that are spawned now; 0: none. */
int p3_output_to(void);
/* Tells the one that collects this task's output of its new children. */
void p3_output_tell(const int *tids, int n);
/* Another task has told; true: it was that, and b is taken. */
bool p3_output_told(struct p3_buf *b);
/* A task whose output is collected has ended, and its last messages are here. */
void p3_output_ended(int tid);
/* Before pvm_exit: waits for the output that is collected; after pvm_catchout(NULL) it does not, and what
 * comes later is read and dropped. */
void p3_output_finish(void);
/* In a child of the task. */
void p3_output_forget(void);

#endif
