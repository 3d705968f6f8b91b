/* SPDX-License-Identifier: BSD-3-Clause */
/* What spawned tasks write, when it is collected (pvm_catchout). With the lock held. */
#ifndef P3_OUTPUT_H
#define P3_OUTPUT_H

#include "state.h"

/* Spawns, with descriptors of our own in place of 1 and 2 while output is collected. */
pvmx_err p3_output_spawn(struct pvmx_spawn_args *args, struct pvmx_spawn_result *out);
/* Before pvm_exit: waits for the output that is collected. */
void p3_output_finish(void);

#endif
