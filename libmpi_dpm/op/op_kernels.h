/* SPDX-License-Identifier: BSD-3-Clause */
/* The loops of the predefined operations, one for each operation and element type. */
#ifndef XMPI_OP_KERNELS_H
#define XMPI_OP_KERNELS_H

#include "datatype/dtype.h"

/* inout[k] = in[k] op inout[k]; the buffers do not overlap. */
typedef void xmpi_op_kernel(const void *restrict in, void *restrict inout, size_t n);

/* NULL: the operation (ABI value & 0x1f) is not defined on such elements. */
xmpi_op_kernel *xmpi_op_kernel_of(unsigned op_index, enum xmpi_elem elem);

#endif
