/* SPDX-License-Identifier: BSD-3-Clause */
/* Taskers and hosters: tasks that start tasks, or daemons of other hosts, in a daemon's place. The
 * daemon asks the library (<pvmx/engine/help.h>), which makes the messages of <pvmsdpro.h> of it, and
 * carries out what is sent back. With the lock held. */
#ifndef P3_STARTER_H
#define P3_STARTER_H

#include "buf.h"

/* A message of the program's to a daemon. */
int p3_to_daemon(struct p3_buf *b, int tid, int tag);

#endif
