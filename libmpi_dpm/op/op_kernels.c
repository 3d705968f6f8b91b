/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels of the predefined operations, written out by lists of element types. Each loop is plain
 * enough for the compiler to vectorise (this file is compiled with -O3). */
#include "op/op_kernels.h"

#include <complex.h>
#include <string.h>

/* At any address. */
typedef int128 loose_int128 __attribute__((aligned(1)));
typedef float128 loose_float128 __attribute__((aligned(1)));
typedef complex128 loose_complex128 __attribute__((aligned(1)));

/* Element type, C type, and the unsigned type that sums and products are computed in: their
 * overflow then wraps instead of being undefined (types narrower than int would be promoted). */
#define INTEGERS(X)                                                                      \
    X(I8, int8_t, uint32_t)                                                              \
    X(I16, int16_t, uint32_t)                                                            \
    X(I32, int32_t, uint32_t)                                                            \
    X(I64, int64_t, uint64_t)                                                            \
    X(I128, loose_int128, uint128)                                                       \
    X(U8, uint8_t, uint32_t)                                                             \
    X(U16, uint16_t, uint32_t)                                                           \
    X(U32, uint32_t, uint32_t)                                                           \
    X(U64, uint64_t, uint64_t)
#define FLOATS(X)                                                                        \
    X(F32, float, float)                                                                 \
    X(F64, double, double)                                                               \
    X(F80, long double, long double)                                                     \
    X(F128, loose_float128, float128)
#define COMPLEXES(X)                                                                     \
    X(C32, float complex, float complex)                                                 \
    X(C64, double complex, double complex)                                               \
    X(C80, long double complex, long double complex)                                     \
    X(C128, loose_complex128, complex128)
#define BOOLS(X) X(BOOL8, _Bool, _Bool)
#define LOGICALS(X)                                                                      \
    X(L8, int8_t, int8_t)                                                                \
    X(L16, int16_t, int16_t)                                                             \
    X(L32, int32_t, int32_t)                                                             \
    X(L64, int64_t, int64_t)                                                             \
    X(L128, loose_int128, loose_int128)
#define BYTES(X) X(BYTE, uint8_t, uint32_t)
/* Element type, type of the value, type of the index. */
#define PAIRS(X)                                                                         \
    X(FLOAT_INT, float, int)                                                             \
    X(DOUBLE_INT, double, int)                                                           \
    X(LONG_INT, long, int)                                                               \
    X(2INT, int, int)                                                                    \
    X(SHORT_INT, short, int)                                                             \
    X(LDOUBLE_INT, long double, int)                                                     \
    X(2REAL, float, float)                                                               \
    X(2DOUBLE, double, double)                                                           \
    X(2INTEGER, int, int)

#define KERNEL(op, elem, ctype, EXPR)                                                    \
    static void op##_##elem(const void *restrict in, void *restrict inout, size_t n)     \
    {                                                                                    \
        const ctype *restrict a = in;                                                    \
        ctype *restrict b = inout;                                                       \
        for (size_t k = 0; k < n; k++)                                                   \
            b[k] = (ctype)(EXPR);                                                        \
    }

#define K_MAX(e, c, w) KERNEL(max, e, c, a[k] > b[k] ? a[k] : b[k])
#define K_MIN(e, c, w) KERNEL(min, e, c, a[k] < b[k] ? a[k] : b[k])
#define K_SUM(e, c, w) KERNEL(sum, e, c, (w)a[k] + (w)b[k])
#define K_PROD(e, c, w) KERNEL(prod, e, c, (w)a[k] * (w)b[k])
#define K_LAND(e, c, w) KERNEL(land, e, c, (a[k] != 0) & (b[k] != 0))
#define K_LOR(e, c, w) KERNEL(lor, e, c, (a[k] != 0) | (b[k] != 0))
#define K_LXOR(e, c, w) KERNEL(lxor, e, c, (a[k] != 0) ^ (b[k] != 0))
#define K_BAND(e, c, w) KERNEL(band, e, c, a[k] & b[k])
#define K_BOR(e, c, w) KERNEL(bor, e, c, a[k] | b[k])
#define K_BXOR(e, c, w) KERNEL(bxor, e, c, a[k] ^ b[k])

/* A Fortran LOGICAL is true when it is not what false is; results are one of the two. Which they are
 * depends on the compiler (MPI_Abi_set_fortran_booleans). */
#define WORDS(e, c, w)                                                                   \
    static struct {                                                                      \
        c yes, no;                                                                       \
    } words_##e = {1, 0};
#define LOGICAL(op, e, c, REL)                                                           \
    static void op##_##e(const void *restrict in, void *restrict inout, size_t n)        \
    {                                                                                    \
        const c *restrict a = in;                                                        \
        c *restrict b = inout;                                                           \
        const c yes = words_##e.yes, no = words_##e.no;                                  \
        for (size_t k = 0; k < n; k++)                                                   \
            b[k] = ((a[k] != no) REL(b[k] != no)) ? yes : no;                            \
    }
#define L_LAND(e, c, w) LOGICAL(land, e, c, &)
#define L_LOR(e, c, w) LOGICAL(lor, e, c, |)
#define L_LXOR(e, c, w) LOGICAL(lxor, e, c, ^)

/* Of equal values the smaller index wins (MPI 5.0 §6.9.4). */
#define K_LOC(op, e, v, i, REL)                                                          \
    static void op##_##e(const void *restrict in, void *restrict inout, size_t n)        \
    {                                                                                    \
        struct pair {                                                                    \
            v value;                                                                     \
            i index;                                                                     \
        };                                                                               \
        const struct pair *restrict a = in;                                              \
        struct pair *restrict b = inout;                                                 \
        for (size_t k = 0; k < n; k++)                                                   \
            if (a[k].value REL b[k].value ||                                             \
                (a[k].value == b[k].value && a[k].index < b[k].index)) {                 \
                b[k].value = a[k].value;                                                 \
                b[k].index = a[k].index;                                                 \
            }                                                                            \
    }
#define K_MAXLOC(e, v, i) K_LOC(maxloc, e, v, i, >)
#define K_MINLOC(e, v, i) K_LOC(minloc, e, v, i, <)

/* clang-format off */
INTEGERS(K_MAX) FLOATS(K_MAX)
INTEGERS(K_MIN) FLOATS(K_MIN)
INTEGERS(K_SUM) FLOATS(K_SUM) COMPLEXES(K_SUM)
INTEGERS(K_PROD) FLOATS(K_PROD) COMPLEXES(K_PROD)
INTEGERS(K_LAND) BOOLS(K_LAND)
INTEGERS(K_LOR) BOOLS(K_LOR)
INTEGERS(K_LXOR) BOOLS(K_LXOR)
LOGICALS(WORDS)
LOGICALS(L_LAND)
LOGICALS(L_LOR)
LOGICALS(L_LXOR)
INTEGERS(K_BAND) BYTES(K_BAND)
INTEGERS(K_BOR) BYTES(K_BOR)
INTEGERS(K_BXOR) BYTES(K_BXOR)
PAIRS(K_MAXLOC)
PAIRS(K_MINLOC)

/* The columns of the table are the values of enum xmpi_elem, its rows ABI values & 0x1f. */
#define T_MAX(e, c, w) [XMPI_ELEM_##e] = max_##e,
#define T_MIN(e, c, w) [XMPI_ELEM_##e] = min_##e,
#define T_SUM(e, c, w) [XMPI_ELEM_##e] = sum_##e,
#define T_PROD(e, c, w) [XMPI_ELEM_##e] = prod_##e,
#define T_LAND(e, c, w) [XMPI_ELEM_##e] = land_##e,
#define T_LOR(e, c, w) [XMPI_ELEM_##e] = lor_##e,
#define T_LXOR(e, c, w) [XMPI_ELEM_##e] = lxor_##e,
#define T_BAND(e, c, w) [XMPI_ELEM_##e] = band_##e,
#define T_BOR(e, c, w) [XMPI_ELEM_##e] = bor_##e,
#define T_BXOR(e, c, w) [XMPI_ELEM_##e] = bxor_##e,
#define T_MAXLOC(e, c, w) [XMPI_ELEM_##e] = maxloc_##e,
#define T_MINLOC(e, c, w) [XMPI_ELEM_##e] = minloc_##e,

static xmpi_op_kernel *const kernels[32][XMPI_ELEM_COUNT_] = {
    [(uintptr_t)MPI_MAX & 0x1f] = {INTEGERS(T_MAX) FLOATS(T_MAX)},
    [(uintptr_t)MPI_MIN & 0x1f] = {INTEGERS(T_MIN) FLOATS(T_MIN)},
    [(uintptr_t)MPI_SUM & 0x1f] = {INTEGERS(T_SUM) FLOATS(T_SUM) COMPLEXES(T_SUM)},
    [(uintptr_t)MPI_PROD & 0x1f] = {INTEGERS(T_PROD) FLOATS(T_PROD) COMPLEXES(T_PROD)},
    [(uintptr_t)MPI_LAND & 0x1f] = {INTEGERS(T_LAND) BOOLS(T_LAND) LOGICALS(T_LAND)},
    [(uintptr_t)MPI_LOR & 0x1f] = {INTEGERS(T_LOR) BOOLS(T_LOR) LOGICALS(T_LOR)},
    [(uintptr_t)MPI_LXOR & 0x1f] = {INTEGERS(T_LXOR) BOOLS(T_LXOR) LOGICALS(T_LXOR)},
    [(uintptr_t)MPI_BAND & 0x1f] = {INTEGERS(T_BAND) BYTES(T_BAND)},
    [(uintptr_t)MPI_BOR & 0x1f] = {INTEGERS(T_BOR) BYTES(T_BOR)},
    [(uintptr_t)MPI_BXOR & 0x1f] = {INTEGERS(T_BXOR) BYTES(T_BXOR)},
    [(uintptr_t)MPI_MAXLOC & 0x1f] = {PAIRS(T_MAXLOC)},
    [(uintptr_t)MPI_MINLOC & 0x1f] = {PAIRS(T_MINLOC)},
};
/* clang-format on */

#define SET_WORDS(e, c, w)                                                               \
    if (size == sizeof(c)) {                                                             \
        memcpy(&words_##e.yes, yes, size);                                               \
        memcpy(&words_##e.no, no, size);                                                 \
    }

void xmpi_op_set_logical(size_t size, const void *yes, const void *no){LOGICALS(SET_WORDS)}

xmpi_op_kernel *xmpi_op_kernel_of(unsigned op_index, enum xmpi_elem elem)
{
    return op_index < 32 && elem < XMPI_ELEM_COUNT_ ? kernels[op_index][elem] : NULL;
}
