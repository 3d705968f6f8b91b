/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks without a daemon: the test makes the arena, the slots and the birth records itself, as the
 * daemon does, and forks processes that start the engine from them. */
#ifndef LAB_H
#define LAB_H

#include <pvmx/engine/dyn.h>
#include <pvmx/engine/msg.h>
#include <pvmx/engine/prog.h>
#include <pvmx/engine/req.h>

/* Runs fn(rank) in n new tasks with the engine started; fn returns 0 for success. Returns the
 * number of tasks that did not end with status 0. kill_rank >= 0: that task is expected to die by a
 * signal; the lab then marks its slot as the daemon would. */
int lab_run(int n, int (*fn)(int rank), int kill_rank);
/* The peer for a rank. n: a task that has left in good order and whose slot has been cleared; n + 1: one
 * that has failed before that. */
struct pvmx_peer *lab_peer(int rank);

/* In tasks: leaves fn with the line number when the condition does not hold. */
#define LAB_CHECK(cond)                                                                  \
    do {                                                                                 \
        if (!(cond)) {                                                                   \
            fprintf(stderr, "%s:%d: %s does not hold (%s)\n", __FILE__, __LINE__, #cond, \
                    pvmx_last_error());                                                  \
            return __LINE__ & 0x7f ? __LINE__ & 0x7f : 1;                                \
        }                                                                                \
    } while (0)

#endif
