/* SPDX-License-Identifier: BSD-3-Clause */
/* The loops of the predefined operations, one for each operation and element type. */
#ifndef XMPI_OP_KERNELS_H
#define XMPI_OP_KERNELS_H

#include "datatype/dtype.h"

/* Numbers of 16 bytes. Programs in C may have them at addresses that are no multiples of that. */
typedef int int128 __attribute__((mode(TI)));
typedef unsigned uint128 __attribute__((mode(TI)));
typedef float float128 __attribute__((mode(TF)));
typedef _Complex float complex128 __attribute__((mode(TC)));

/* inout[k] = in[k] op inout[k]; the buffers do not overlap. */
typedef void xmpi_op_kernel(const void *restrict in, void *restrict inout, size_t n);

/* NULL: the operation (ABI value & 0x1f) is not defined on such elements. */
xmpi_op_kernel *xmpi_op_kernel_of(unsigned op_index, enum xmpi_elem elem);
/* What true and false are in a Fortran LOGICAL of this size: 1, 2, 4, 8 or 16 bytes; else 1 and 0. Once,
 * before such elements are reduced. */
void xmpi_op_set_logical(size_t size, const void *yes, const void *no);
/* MPI_MAXLOC (or MPI_MINLOC) on pairs of XMPI_ELEM_VALUE_INDEX. */
void xmpi_op_value_index(bool max, const struct xmpi_dtype *type, const void *in,
                         void *inout, size_t n);

#endif
