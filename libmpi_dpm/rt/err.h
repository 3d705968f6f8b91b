/* SPDX-License-Identifier: BSD-3-Clause */
/* Error codes of the MPI library. Internal functions return MPI_SUCCESS or an error class and leave
 * a sentence; the generated entry points hand both to the error handler (rt/errhandler.h). */
#ifndef XMPI_ERR_H
#define XMPI_ERR_H

#include "mpi.h"
#include <pvmx/types.h>

/* Classes of failures, above the standard's reserved codes (MPI 5.0 §9.4). */
enum {
    XMPI_ERR_PROC_FAILED = 16385,
    XMPI_ERR_PROC_FAILED_PENDING = 16386,
    XMPI_ERR_REVOKED = 16387,
};

/* Records the sentence that MPI_Error_string adds to the class's text in this thread; returns cls. */
int xmpi_err(int cls, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The class for an engine error; its sentence (pvmx_last_error) is taken over. PVMX_OK -> MPI_SUCCESS. */
int xmpi_err_engine(pvmx_err err);
/* The sentence recorded last in this thread if it belongs to code, else NULL. */
const char *xmpi_err_sentence(int code);
/* The class's symbol ("MPI_ERR_RANK") and text; NULL: not a known class. */
const char *xmpi_err_symbol(int cls);
const char *xmpi_err_text(int cls);

#endif
