/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_INFO_ENV: how this process was started. */
#ifndef XMPI_INFOENV_H
#define XMPI_INFOENV_H

#include "rt/info.h"

/* Fills MPI_INFO_ENV at the first call; from any thread, before MPI_Init too. */
void xmpi_info_env_fill(void);
/* Adds what is known since MPI_Init: the number of processes, when nobody has said how many were asked
 * for. */
void xmpi_info_env_started(int size);
/* Sets "command" and "argv" of an object from an argument vector. */
void xmpi_info_env_command(struct xmpi_info *info, int argc, char **argv);
/* "MPI_THREAD_SINGLE" and so on; the opposite is false for a text that is no level. */
const char *xmpi_thread_level_name(int level);
bool xmpi_thread_level_of(const char *name, int *level);

#endif
