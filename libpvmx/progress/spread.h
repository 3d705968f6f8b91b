/* SPDX-License-Identifier: BSD-3-Clause */
/* Two tasks that wait for each other by turns can get stuck on one processor while another is idle or has
 * little to do: each of them looks half idle to the kernel, so it sees nothing to balance, and every
 * message costs a switch. A task that notices this moves. */
#ifndef PX_SPREAD_H
#define PX_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

struct px_spread {
    unsigned shared; /* waits in a row that ended when somebody else had run on this processor */
    uint64_t moved_ns; /* when this task moved last */
};

/* A wait ends. took: how long the yield before took, 0 without one. late: of two tasks only one should
 * move, so they differ in this. Moves this thread to another of the processors that it may use, which
 * stay the same ones. */
void px_spread_note(struct px_spread *s, uint64_t took_ns, bool late);

#endif
