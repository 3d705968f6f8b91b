/* SPDX-License-Identifier: BSD-3-Clause */
/* One daemon for each VM: a lock on a file in the runtime directory, held as long as the daemon
 * lives, and therefore gone with it however it ends. */
#ifndef LOCK_H
#define LOCK_H

#include "base/rundir.h"

/* Opens the directory (making it) and takes its lock. PVMX_ERR_EXISTS: another daemon serves this
 * VM. A daemon that is just starting or leaving is waited for, a few seconds at most. */
pvmx_err lock_take(const char *vm, struct px_rundir *dir, int *fd);
/* Removes lock and directory, if they are still ours, and lets go. */
void lock_drop(const struct px_rundir *dir, int *fd);
/* Removes the directories of this user's other daemons that were killed: nobody holds their locks. */
void lock_sweep(const struct px_rundir *mine);

#endif
