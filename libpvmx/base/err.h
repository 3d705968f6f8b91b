/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors: the function that first knows what went wrong records a sentence for the user with
 * px_fail; callers only pass the number on. The sentence is kept for each thread. */
#ifndef PX_ERR_H
#define PX_ERR_H

#include <pvmx/errors.h>

/* Records the sentence and returns err, so that `return px_fail(...)` reads well. */
pvmx_err px_fail(pvmx_err err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a failed system call: maps errnum to a pvmx_err and appends ": strerror". */
pvmx_err px_fail_errno(int errnum, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The error that an errno stands for: ENOENT -> PVMX_ERR_NOENT, EACCES -> PVMX_ERR_PERM, ... */
pvmx_err px_err_from_errno(int errnum);

#endif
