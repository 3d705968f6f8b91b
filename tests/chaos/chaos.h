/* SPDX-License-Identifier: BSD-3-Clause */
/* A master that does at random what can be done with processes, and its workers, which may be killed
 * at any moment. */
#ifndef CHAOS_H
#define CHAOS_H

#include "mtest.h"
#include <mpix_pvmx.h>

/* What a worker is told, with one number, by the process of its parent group that is rank 0. */
enum {
    CMD_STOP,
    CMD_ECHO,
    CMD_CONNECT,
    CMD_MERGE,
    CMD_ABORT,
    CMD_PUBLISH,
    CMD_EXIT,
    CMD_SPAWN
};

enum { TAG_PID = 1, TAG_CMD, TAG_ANSWER, TAG_TEXT };

enum { ROUNDS = 6 }; /* collectives after a merge */

/* The class of an error code. */
int class_of(int rc);
/* rc is MPI_SUCCESS or an error that the death of another process may cause. */
bool tolerable(int rc, const char *what);
/* Both sides of CMD_MERGE: merges, works together, and ends up with a communicator of those that
 * are left, whoever dies at whatever point. die_at: the round before which this process kills the
 * one with this id (0: none). Returns how many were left, 0: no merge came about. */
int work_together(MPI_Comm inter, bool high, int die_at, int pid);
/* A spawned worker's life; returns its exit status. */
int worker(void);
/* One that was started by hand: connects to the port, is answered, disconnects. */
int stranger(const char *port);

#endif
