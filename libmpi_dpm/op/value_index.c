/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_MINLOC and MPI_MAXLOC on the unnamed pairs of MPI_Type_get_value_index: any number with any
 * integer. They are too many for a kernel each: loops go by the type of the value. */
#include "datatype/made.h"
#include "op/op_kernels.h"
#include <string.h>

/* An index, as a number that all of its type are ordered by. */
static inline int64_t index_of(const char *p, size_t size, bool is_signed)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    switch (size) {
    case 1:
        memcpy(&u8, p, 1);
        return is_signed ? (int8_t)u8 : u8;
    case 2:
        memcpy(&u16, p, 2);
        return is_signed ? (int16_t)u16 : u16;
    case 4:
        memcpy(&u32, p, 4);
        return is_signed ? (int64_t)(int32_t)u32 : (int64_t)u32;
    default:
        memcpy(&u64, p, 8);
        return (int64_t)(is_signed ? u64 : u64 ^ (UINT64_C(1) << 63));
    }
}

struct loop {
    const char *in;
    char *inout;
    size_t n, extent, at, index_size;
    bool index_signed, max;
};

#define LOOP(elem, type)                                                                 \
    static void loop_##elem(const struct loop *l)                                        \
    {                                                                                    \
        for (size_t k = 0; k < l->n; k++) {                                              \
            const char *a = l->in + k * l->extent;                                       \
            char *b = l->inout + k * l->extent;                                          \
            type x, y;                                                                   \
            memcpy(&x, a, sizeof(x));                                                    \
            memcpy(&y, b, sizeof(y));                                                    \
            bool take = l->max ? x > y : x < y;                                          \
            if (x == y) /* of equal values the smaller index wins */                     \
                take = index_of(a + l->at, l->index_size, l->index_signed) <             \
                       index_of(b + l->at, l->index_size, l->index_signed);              \
            if (take) {                                                                  \
                memcpy(b, a, sizeof(x));                                                 \
                memcpy(b + l->at, a + l->at, l->index_size);                             \
            }                                                                            \
        }                                                                                \
    }

#define VALUES(X)                                                                        \
    X(I8, int8_t)                                                                        \
    X(I16, int16_t)                                                                      \
    X(I32, int32_t)                                                                      \
    X(I64, int64_t)                                                                      \
    X(I128, int128)                                                                      \
    X(U8, uint8_t)                                                                       \
    X(U16, uint16_t)                                                                     \
    X(U32, uint32_t)                                                                     \
    X(U64, uint64_t)                                                                     \
    X(F32, float)                                                                        \
    X(F64, double)                                                                       \
    X(F80, long double)                                                                  \
    X(F128, float128)

VALUES(LOOP)

void xmpi_op_value_index(bool max, const struct xmpi_dtype *type, const void *in,
                         void *inout, size_t n)
{
    uint64_t one;
    while (type->made->ntypes == 1) /* a dup */
        type = type->made->types[0];
    const struct xmpi_dtype *value = xmpi_dtype_part(type, 0, &one),
                            *index = xmpi_dtype_part(type, 1, &one);
    const struct loop l = {.in = in,
                           .inout = inout,
                           .n = n,
                           .extent = (size_t)type->extent,
                           .at = (size_t)(type->true_extent - (ptrdiff_t)index->size),
                           .index_size = index->size,
                           .index_signed = index->elem <= XMPI_ELEM_I64,
                           .max = max};
    switch (value->elem) {
#define CASE(elem, type)                                                                 \
    case XMPI_ELEM_##elem:                                                               \
        loop_##elem(&l);                                                                 \
        break;
        VALUES(CASE)
    default:
        break; /* xmpi_type_get_value_index makes no others */
    }
}
