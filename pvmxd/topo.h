/* SPDX-License-Identifier: BSD-3-Clause */
/* How many processors this VM may use on this host. A first answer comes from the kernel's affinity
 * mask and the control group's quota (20 us); hwloc confirms it a moment after the start (0.6 ms
 * with processing units only, 2.5 ms for the whole machine), when nobody is waiting. */
#ifndef TOPO_H
#define TOPO_H

#include "loop.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct server;

struct topo {
    struct loop_timer confirm;
};

/* The beginning of a file of the kernel's; false: there is none. */
bool topo_read_text(const char *path, char *text, size_t size);
/* The same as bytes, without a NUL behind; how many; -1: there is none. */
ssize_t topo_read_bytes(const char *path, char *bytes, size_t size);
/* At least 1. */
unsigned topo_cpus(void);
/* Processors of a quota file's text ("max 100000", "150000 100000"): 0: no limit. */
unsigned topo_quota(const char *text);
void topo_start(struct server *sv);
void topo_stop(struct server *sv);

#endif
