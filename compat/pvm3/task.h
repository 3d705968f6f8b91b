/* SPDX-License-Identifier: BSD-3-Clause */
/* This task and others. With the lock held. */
#ifndef P3_TASK_H
#define P3_TASK_H

#include "state.h"

/* The process has become a task: takes what a spawner of PVM's left in the environment. */
void p3_task_begin(void);

/* ---- output.c: descriptors 0, 1, 2 for tasks to be spawned, and what comes out of them */
/* Before pvm_exit: waits for the output that is collected. */
void p3_output_finish(void);

#endif
