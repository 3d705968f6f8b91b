/* SPDX-License-Identifier: BSD-3-Clause */
/* What processes and this host use, as the kernel tells. */
#ifndef USAGE_H
#define USAGE_H

#include "proto/messages.h"
#include <sys/types.h>

/* Processor time, resident memory and command line of one process, into *t; zero and empty when it is
 * gone. */
void usage_task(pid_t pid, struct pxp_task_info *t, struct pxp_zone *zone);
/* Load and memory of this host, into *h. */
void usage_host(struct pxp_host_info *h);

#endif
