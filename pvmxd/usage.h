/* SPDX-License-Identifier: BSD-3-Clause */
/* What processes and this host use, as the kernel tells. */
#ifndef USAGE_H
#define USAGE_H

#include "proto/messages.h"
#include <sys/types.h>

/* Processor time, resident memory, command line of one process, and whether it is stopped, into *t; zero
 * and empty when it is gone. */
void usage_task(pid_t pid, struct pxp_task_info *t, struct pxp_zone *zone);
/* Its words with spaces between; "" when it is gone. */
const char *usage_command(pid_t pid, struct pxp_zone *zone);

struct usage {
    pid_t pid, group;
    uint64_t cpu_ms; /* its own, and that of children that it has waited for */
    uint64_t memory; /* resident bytes; what it shares with others too       */
};

/* Tells of every process of this host: one file is read for each, some 3 us. */
void usage_all(void (*fn)(void *arg, const struct usage *u), void *arg);
/* Load and memory of this host, into *h. */
void usage_host(struct pxp_host_info *h);

#endif
