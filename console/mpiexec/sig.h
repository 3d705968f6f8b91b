/* SPDX-License-Identifier: BSD-3-Clause */
/* The signals that mpiexec passes on to the job, read from a descriptor. */
#ifndef MPIEXEC_SIG_H
#define MPIEXEC_SIG_H

#include <stdbool.h>

/* Blocks them and returns a nonblocking descriptor; -1 with errno. */
int sig_open(void);
/* The next signal, 0 when there is none. */
int sig_next(int fd);
/* Does this one ask a program to end? */
bool sig_ends(int sig);
/* Stops this process as the terminal wanted it to (SIGTSTP), until SIGCONT. */
void sig_stop_self(void);

#endif
