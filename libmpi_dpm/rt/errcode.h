/* SPDX-License-Identifier: BSD-3-Clause */
/* Error codes as the application sees them: the standard's classes and those that it adds. */
#ifndef XMPI_ERRCODE_H
#define XMPI_ERRCODE_H

#include <stdbool.h>

/* True when code is a class or code of the standard, of this library or added and not removed. */
bool xmpi_errcode_known(int code);
/* Value of MPI_LASTUSEDCODE. */
int xmpi_errcode_last_used(void);
/* Puts the function's name before this thread's sentence, as the error is about to be raised. */
void xmpi_err_raised(int cls, const char *function);

#endif
