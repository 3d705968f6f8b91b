/* SPDX-License-Identifier: BSD-3-Clause */
/* Datatypes: the predefined ones and what the constructors make of them. A datatype is immutable
 * once it is committed; requests and other datatypes hold references. */
#ifndef XMPI_DTYPE_H
#define XMPI_DTYPE_H

#include "mpi.h"
#include "rt/obj.h"
#include <pvmx/engine/layout.h>
#include <stddef.h>

/* What the elements are, for the choice of an operation's kernel. */
enum xmpi_elem {
    XMPI_ELEM_NONE, /* opaque or not supported here */
    XMPI_ELEM_I8,
    XMPI_ELEM_I16,
    XMPI_ELEM_I32,
    XMPI_ELEM_I64,
    XMPI_ELEM_U8,
    XMPI_ELEM_U16,
    XMPI_ELEM_U32,
    XMPI_ELEM_U64,
    XMPI_ELEM_F32,
    XMPI_ELEM_F64,
    XMPI_ELEM_F80, /* float, double, long double          */
    XMPI_ELEM_C32,
    XMPI_ELEM_C64,
    XMPI_ELEM_C80,   /* complex of them                     */
    XMPI_ELEM_BOOL8, /* _Bool / C++ bool                    */
    XMPI_ELEM_L8,
    XMPI_ELEM_L16,
    XMPI_ELEM_L32,
    XMPI_ELEM_L64, /* Fortran LOGICAL of n bits    */
    XMPI_ELEM_BYTE,
    XMPI_ELEM_CHAR, /* text: no reduction                  */
    XMPI_ELEM_FLOAT_INT,
    XMPI_ELEM_DOUBLE_INT,
    XMPI_ELEM_LONG_INT,
    XMPI_ELEM_2INT,
    XMPI_ELEM_SHORT_INT,
    XMPI_ELEM_LDOUBLE_INT,
    XMPI_ELEM_2REAL,
    XMPI_ELEM_2DOUBLE,
    XMPI_ELEM_2INTEGER,    /* Fortran pairs: float, double, int */
    XMPI_ELEM_VALUE_INDEX, /* MPI_Type_get_value_index: kernels in op/value_index.c */
    XMPI_ELEM_I128,
    XMPI_ELEM_F128,
    XMPI_ELEM_C128,
    XMPI_ELEM_L128, /* 16-byte numbers and complex ones, Fortran's LOGICAL */
    XMPI_ELEM_COUNT_
};

struct xmpi_attrs;
struct xmpi_dtype_made; /* how a derived type was made: datatype/made.h */

struct xmpi_dtype {
    struct xmpi_obj obj;
    const char *name; /* "MPI_INT", or what MPI_Type_set_name was given (then own_name); else "" */
    char *own_name;
    size_t size; /* bytes of data in one element; SIZE_MAX: optional type not supported */
    ptrdiff_t lb, extent; /* where the next element begins                       */
    ptrdiff_t true_lb, true_extent; /* which bytes are touched                              */
    /* count elements at buf are one run of count * size bytes at buf + true_lb. What moves messages
     * asks this first; else it uses layout. */
    bool dense;
    bool committed;
    bool marked; /* the bounds were set by MPI_Type_create_resized or the like: see bounds.h */
    uint8_t align; /* of the strictest basic type in it; 0: no bytes                  */
    ptrdiff_t bare_ub; /* upper bound before the extent was rounded up to align         */
    struct pvmx_layout *layout; /* never NULL between init and finalize, but for types not supported */
    enum xmpi_elem elem; /* of a predefined type, or of a derived one that is a dup of it;
                          * else XMPI_ELEM_NONE */
    /* MPI_Op kinds allowed follow from elem and the type's class in op/op.c     */
    uint8_t op_class; /* bits XMPI_OPC_*                                      */
    struct xmpi_dtype_made *made; /* NULL: predefined and named                              */
    struct xmpi_attrs *attrs;
};

/* How a sentence calls a type. */
static inline const char *xmpi_dtype_name(const struct xmpi_dtype *type)
{
    return type->name[0] ? type->name : "a derived datatype";
}

/* Bytes of count elements in packed form; true when they do not fit. */
static inline bool xmpi_dtype_bytes(const struct xmpi_dtype *type, MPI_Count count,
                                    size_t *bytes)
{
    return __builtin_mul_overflow((size_t)count, type->size, bytes);
}

static inline struct pvmx_view xmpi_dtype_view(const struct xmpi_dtype *type,
                                               const void *buf, MPI_Count count)
{
    return (struct pvmx_view){type->layout, (void *)(uintptr_t)buf, (uint64_t)count};
}

/* References: requests and schedules that outlive a call hold one. */
void xmpi_dtype_hold(struct xmpi_dtype *type);
void xmpi_dtype_release(struct xmpi_dtype *type);
/* Layouts of the predefined types; at init and finalize, and usable before init by nobody. */
int xmpi_dtype_start(void);
void xmpi_dtype_stop(void);

/* MPI 5.0 §6.9.2: which groups of predefined operations a type allows. */
enum {
    XMPI_OPC_INTEGER = 1, /* max min sum prod, land.., band.. */
    XMPI_OPC_FLOAT = 2,   /* max min sum prod                 */
    XMPI_OPC_LOGICAL = 4, /* land lor lxor                    */
    XMPI_OPC_COMPLEX = 8, /* sum prod                         */
    XMPI_OPC_BYTE = 16,   /* band bor bxor                    */
    XMPI_OPC_MULTI = 32,  /* MPI_AINT, OFFSET, COUNT: as integer */
    XMPI_OPC_PAIR = 64,   /* minloc maxloc                    */
};

#endif
