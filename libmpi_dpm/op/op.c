/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations: the predefined table, what applies to which type, users' operations. */
#include "op/op.h"

#include "abi/handles.h"
#include "op/op_kernels.h"
#include "rt/err.h"
#include "xmpi.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define INDEX(sym) ((uintptr_t)(sym)&0x1f)
#define PREDEF(sym)                                                                       \
    [INDEX(sym)] = {.obj = {.kind = XMPI_KIND_OP, .refs = 1, .predef = (uintptr_t)(sym)}, \
                    .name = #sym,                                                         \
                    .commutative = (uintptr_t)(sym) != (uintptr_t)MPI_REPLACE,            \
                    .index = INDEX(sym)}

struct xmpi_op xmpi_op_table[32] = {
    PREDEF(MPI_SUM),     PREDEF(MPI_MIN),   PREDEF(MPI_MAX),    PREDEF(MPI_PROD),
    PREDEF(MPI_BAND),    PREDEF(MPI_BOR),   PREDEF(MPI_BXOR),   PREDEF(MPI_LAND),
    PREDEF(MPI_LOR),     PREDEF(MPI_LXOR),  PREDEF(MPI_MINLOC), PREDEF(MPI_MAXLOC),
    PREDEF(MPI_REPLACE), PREDEF(MPI_NO_OP),
};

static bool is_user(const struct xmpi_op *op)
{
    return op->user || op->user_c;
}

/* The classes of types that an operation takes, MPI 5.0 §6.9.2. */
static unsigned classes_of(unsigned index)
{
    const unsigned integer = XMPI_OPC_INTEGER | XMPI_OPC_MULTI;
    switch (index) {
    case INDEX(MPI_MAX):
    case INDEX(MPI_MIN):
        return integer | XMPI_OPC_FLOAT;
    case INDEX(MPI_SUM):
    case INDEX(MPI_PROD):
        return integer | XMPI_OPC_FLOAT | XMPI_OPC_COMPLEX;
    case INDEX(MPI_LAND):
    case INDEX(MPI_LOR):
    case INDEX(MPI_LXOR):
        return integer | XMPI_OPC_LOGICAL;
    case INDEX(MPI_BAND):
    case INDEX(MPI_BOR):
    case INDEX(MPI_BXOR):
        return integer | XMPI_OPC_BYTE;
    case INDEX(MPI_MINLOC):
    case INDEX(MPI_MAXLOC):
        return XMPI_OPC_PAIR;
    default: /* MPI_REPLACE and MPI_NO_OP are for one-sided accumulation only */
        return 0;
    }
}

int xmpi_op_check(const struct xmpi_op *op, const struct xmpi_dtype *type)
{
    if (is_user(op))
        return MPI_SUCCESS;
    unsigned classes = classes_of(op->index);
    if (!classes)
        return xmpi_err(MPI_ERR_OP,
                        "%s is for one-sided accumulation, not for reductions", op->name);
    if (!(type->op_class & classes))
        return xmpi_err(MPI_ERR_OP, "%s is not defined on elements of %s", op->name,
                        xmpi_dtype_name(type));
    if (type->elem != XMPI_ELEM_VALUE_INDEX && !xmpi_op_kernel_of(op->index, type->elem))
        return xmpi_err(MPI_ERR_OP, "%s on the optional type %s is not supported here",
                        op->name, type->name);
    return MPI_SUCCESS;
}

/* The int form takes at most INT_MAX elements in one call. */
static void apply_user(const struct xmpi_op *op, const struct xmpi_dtype *type,
                       const void *in, void *inout, MPI_Count count)
{
    MPI_Datatype handle = xmpi_dtype_handle(type);
    if (op->user_c) {
        op->user_c((void *)(uintptr_t)in, inout, &count, &handle);
        return;
    }
    while (count > 0) {
        int len = count > INT_MAX ? INT_MAX : (int)count;
        op->user((void *)(uintptr_t)in, inout, &len, &handle);
        in = (const char *)in + (size_t)len * type->extent;
        inout = (char *)inout + (size_t)len * type->extent;
        count -= len;
    }
}

void xmpi_op_apply(const struct xmpi_op *op, const struct xmpi_dtype *type,
                   const void *in, void *inout, MPI_Count count)
{
    if (count <= 0)
        return;
    if (is_user(op)) {
        apply_user(op, type, in, inout, count);
    } else if (op->index == INDEX(MPI_REPLACE)) {
        memcpy(inout, in, (size_t)count * type->extent);
    } else if (type->elem == XMPI_ELEM_VALUE_INDEX) {
        xmpi_op_value_index(op->index == INDEX(MPI_MAXLOC), type, in, inout, (size_t)count);
    } else {
        xmpi_op_kernel *kernel = xmpi_op_kernel_of(op->index, type->elem);
        if (kernel) /* MPI_NO_OP has none */
            kernel(in, inout, (size_t)count);
    }
}

void xmpi_op_ref(const struct xmpi_op *op)
{
    if (is_user(op))
        xmpi_obj_ref((struct xmpi_obj *)(uintptr_t)&op->obj);
}

void xmpi_op_release(const struct xmpi_op *op)
{
    struct xmpi_op *o = (struct xmpi_op *)(uintptr_t)op;
    if (is_user(op) && xmpi_obj_unref(&o->obj)) {
        o->obj.kind = XMPI_KIND_FREED;
        free(o);
    }
}

static int make_user(MPI_User_function *fn, MPI_User_function_c *fn_c, int commute,
                     MPI_Op *out)
{
    if (!fn && !fn_c)
        return xmpi_err(MPI_ERR_ARG, "user_fn is a null pointer");
    struct xmpi_op *op = calloc(1, sizeof *op);
    if (!op)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an operation");
    xmpi_obj_init(&op->obj, XMPI_KIND_OP);
    op->name = "user-defined operation";
    op->commutative = commute != 0;
    op->user = fn;
    op->user_c = fn_c;
    *out = xmpi_op_handle(op);
    return MPI_SUCCESS;
}

int xmpi_op_create(MPI_User_function *fn, int commute, MPI_Op *op)
{
    return make_user(fn, NULL, commute, op);
}

int xmpi_op_create_c(MPI_User_function_c *fn, int commute, MPI_Op *op)
{
    return make_user(NULL, fn, commute, op);
}

int xmpi_op_free(MPI_Op *handle)
{
    struct xmpi_op *op = xmpi_op_of(*handle);
    if (!op)
        return xmpi_err(MPI_ERR_OP, "the handle is no operation");
    if (op->obj.predef)
        return xmpi_err(MPI_ERR_OP, "%s is predefined and cannot be freed", op->name);
    *handle = MPI_OP_NULL;
    xmpi_op_release(op);
    return MPI_SUCCESS;
}

int xmpi_op_commutative(struct xmpi_op *op, int *commute)
{
    *commute = op->commutative;
    return MPI_SUCCESS;
}

int xmpi_reduce_local(const void *inbuf, void *inoutbuf, MPI_Count count,
                      struct xmpi_dtype *type, struct xmpi_op *op)
{
    int cls = xmpi_op_check(op, type);
    if (cls)
        return cls;
    if (inbuf == MPI_IN_PLACE || inoutbuf == MPI_IN_PLACE)
        return xmpi_err(MPI_ERR_BUFFER,
                        "MPI_IN_PLACE has no meaning in MPI_Reduce_local");
    if (count > 0 && inbuf == inoutbuf)
        return xmpi_err(MPI_ERR_BUFFER, "the two buffers are the same");
    xmpi_op_apply(op, type, inbuf, inoutbuf, count);
    return MPI_SUCCESS;
}
