/* SPDX-License-Identifier: BSD-3-Clause */
/* Labels and file names with % in them: %r and %d rank, %w and %g world, %h host, %p number of the host,
 * %% a %. Anything else stays as it is. */
#ifndef MPIEXEC_PATTERN_H
#define MPIEXEC_PATTERN_H

#include <stdint.h>

struct pattern_of {
    uint32_t rank, world;
    const char *host;
    uint32_t number; /* of the host in the virtual machine: 0 the first */
};

/* malloc'ed; NULL without memory. */
char *pattern_fill(const char *pattern, const struct pattern_of *of);

#endif
