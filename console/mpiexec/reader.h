/* SPDX-License-Identifier: BSD-3-Clause */
/* Does somebody wait for input? */
#ifndef MPIEXEC_READER_H
#define MPIEXEC_READER_H

#include <stdbool.h>
#include <sys/types.h>

/* A process of this group on this host waits for bytes of a pipe, in poll or the like, or reads
 * without waiting. True also when the system does not tell. */
bool reader_waits(pid_t group);

#endif
