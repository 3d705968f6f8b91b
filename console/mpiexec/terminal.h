/* SPDX-License-Identifier: BSD-3-Clause */
/* A terminal for the job's processes that mpiexec reads: what they write can then be kept for `pvmx logs`,
 * and is passed on, byte for byte and in the order of writing, to the terminal that the user sees. It
 * does not change what goes through it, and has the size and the settings of the user's. */
#ifndef MPIEXEC_TERMINAL_H
#define MPIEXEC_TERMINAL_H

#include <stdbool.h>

struct terminal {
    int master, slave; /* slave: for the processes */
};

/* like: the user's. False: there is none to be had. */
bool terminal_open(struct terminal *t, int like);
/* The user's has another size now. */
void terminal_resize(int master, int like);

#endif
