/* SPDX-License-Identifier: BSD-3-Clause */
/* The default kinds of Fortran, which depend on the options of the Fortran compiler. */
#ifndef XMPI_FORTRAN_H
#define XMPI_FORTRAN_H

#include <stddef.h>

struct xmpi_fortran_kinds {
    size_t logical_size, integer_size, real_size, double_size; /* bytes: 1, 2, 4, 8 or 16 */
};

/* Changes LOGICAL, INTEGER, REAL, COMPLEX, DOUBLE PRECISION, DOUBLE COMPLEX and the pairs of them.
 * Only before any of them is used: by MPI_Abi_set_fortran_info. */
int xmpi_dtype_set_fortran(const struct xmpi_fortran_kinds *kinds);
void xmpi_dtype_get_fortran(struct xmpi_fortran_kinds *kinds);

#endif
