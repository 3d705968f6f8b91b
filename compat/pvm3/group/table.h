/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of all groups, as PVM's pvm_gstat prints it but for who waits in barriers. */
#ifndef P3_GROUP_TABLE_H
#define P3_GROUP_TABLE_H

#include <pvmx/errors.h>
#include <stdio.h>

/* *n: how many there are. */
pvmx_err p3_group_table(FILE *to, size_t *n);

#endif
