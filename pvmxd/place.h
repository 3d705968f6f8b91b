/* SPDX-License-Identifier: BSD-3-Clause */
/* How many tasks of a program go to which host. Pure: no state but what is given. */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>
#include <stdint.h>

struct place_host {
    uint32_t index, slots, speed;
    uint32_t used;  /* tasks that run there, or are to */
    uint32_t count; /* result: tasks of this program   */
};

/* Distributes n tasks over at least one host: free slots first, in the order of the hosts; what is
 * left goes where there is the least for each slot, weighed by speed. Adds to used. */
void place_tasks(struct place_host *hosts, size_t nhosts, uint32_t n);

#endif
