/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of numbers as -soft has them (MPI 5.0, sections 11.5 and 11.8): a, a:b, a:b:step, ... */
#ifndef MPIEXEC_SOFT_H
#define MPIEXEC_SOFT_H

#include <stdbool.h>
#include <stdint.h>

/* Which of 0..most are in the set: most + 1 values, to be freed. NULL: the text is no set, or there is
 * no memory. */
bool *soft_read(const char *text, uint32_t most);

#endif
