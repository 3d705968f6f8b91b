/* SPDX-License-Identifier: BSD-3-Clause */
/* The debug setting PVMX_LEAKS: when MPI ends, a list of the objects that the program holds, each
 * with its kind, its name and the function that made it. The entry points tell of every handle
 * that they hand out or take back. From any thread, before MPI_Init too. */
#ifndef XMPI_LEAKS_H
#define XMPI_LEAKS_H

#include "rt/obj.h"

/* 0: nothing is noted; -1: the setting has not been read. */
extern int xmpi_leaks_on;

/* Keyvals are no objects; these stand where others have their enum xmpi_kind. */
enum { XMPI_LEAK_COMM_KEYVAL = 1, XMPI_LEAK_TYPE_KEYVAL, XMPI_LEAK_WIN_KEYVAL };

/* The function (static text) has handed out a handle; predefined ones are left alone. */
void xmpi_leaks_given(unsigned kind, uintptr_t handle, const char *function)
    __attribute__((cold));
void xmpi_leaks_taken(unsigned kind, uintptr_t handle) __attribute__((cold));
/* Writes the list to standard error and forgets it; while the objects still exist. */
void xmpi_leaks_report(void);

#endif
