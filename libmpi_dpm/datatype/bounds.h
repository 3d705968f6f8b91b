/* SPDX-License-Identifier: BSD-3-Clause */
/* Lower and upper bounds as MPI 5.0 §5.1.6 defines them on the flat type map: where a bound was
 * set explicitly, only explicit ones count; else the extent is rounded up to the strictest alignment,
 * as the C compiler does with structs. */
#ifndef XMPI_BOUNDS_H
#define XMPI_BOUNDS_H

#include "datatype/dtype.h"

struct xmpi_bounds {
    bool any, marked;
    uint8_t align;
    __int128 lb, ub; /* ub: before rounding. Wide enough for every product of 64-bit arguments */
};

/* Takes in `count` children beginning at displ, each where the one before ends. */
void xmpi_bounds_add(struct xmpi_bounds *b, MPI_Count displ, MPI_Count count,
                     const struct xmpi_dtype *child);
/* Repeats all that was taken in, count - 1 times, each `stride` bytes after the one before. */
void xmpi_bounds_repeat(struct xmpi_bounds *b, MPI_Count count, MPI_Count stride);
/* Sets both explicitly. */
void xmpi_bounds_set(struct xmpi_bounds *b, MPI_Count lb, MPI_Count extent);
/* The bounds of the finished type in *lb and *extent; false when they do not fit. */
bool xmpi_bounds_done(const struct xmpi_bounds *b, ptrdiff_t *lb, ptrdiff_t *extent,
                      ptrdiff_t *bare_ub);

#endif
