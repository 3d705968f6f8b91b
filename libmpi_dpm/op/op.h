/* SPDX-License-Identifier: BSD-3-Clause */
/* Reduction operations: the predefined ones by kernels for each element type, users' own ones by
 * their function. */
#ifndef XMPI_OP_H
#define XMPI_OP_H

#include "datatype/dtype.h"
#include "mpi.h"

struct xmpi_op {
    struct xmpi_obj obj;
    const char *name;
    bool commutative;
    uint8_t index;           /* of a predefined operation: ABI value & 0x1f; 0: user's */
    MPI_User_function *user; /* at most one of the two is set                          */
    MPI_User_function_c *user_c; /* made with MPI_Op_create_c                              */
};

/* The predefined operations by ABI value & 0x1f; kind 0: there is none with this value. */
extern struct xmpi_op xmpi_op_table[32];

/* MPI_ERR_OP with a sentence when the operation does not apply to the type in a reduction. */
int xmpi_op_check(const struct xmpi_op *op, const struct xmpi_dtype *type);
/* inout[k] = in[k] op inout[k] for count elements; checked before. The buffers do not overlap. */
void xmpi_op_apply(const struct xmpi_op *op, const struct xmpi_dtype *type,
                   const void *in, void *inout, MPI_Count count);
/* An operation whose handle was freed may still be in use by a nonblocking collective. */
void xmpi_op_ref(const struct xmpi_op *op);
void xmpi_op_release(const struct xmpi_op *op);

#endif
