/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that moves on what was sent while the program computes: a message to another host may have to
 * wait for its connection, for room in it, or for its receiver to ask. It is there from the first such
 * message on. */
#ifndef P3_MOVER_H
#define P3_MOVER_H

#include "state.h"

static inline bool p3_is_far(int tid)
{
    return ((tid ^ pvmmytid) & P3_HOST_MASK) != 0;
}

/* Something has been sent. Without the lock. */
void p3_mover_check(void);
/* The task ends. With the lock, which is given back meanwhile. */
void p3_mover_end(void);
/* In a child of the task. */
void p3_mover_forget(void);

#endif
