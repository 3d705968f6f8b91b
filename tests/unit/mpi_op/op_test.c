/* SPDX-License-Identifier: BSD-3-Clause */
/* Predefined operations: every (operation, type) pair of MPI 5.0 §6.9.2 against a simple oracle, and
 * refusal of every other pair. */
#include "op/op.h"

#include "abi/handles.h"
#include "rt/err.h"
#include "xmpi.h"

#include <complex.h>
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int int128 __attribute__((mode(TI)));
typedef float float128 __attribute__((mode(TF)));
typedef _Complex float complex128 __attribute__((mode(TC)));

enum { N = 37 }; /* odd, longer than any vector register */

static struct xmpi_op *op_of(MPI_Op h)
{
    struct xmpi_op *op = xmpi_op_of(h);
    cr_assert_not_null(op);
    return op;
}

/* Small numbers of both signs, zeros among them. */
static int small(int i, int which)
{
    return (i * 7 + which * 5) % 11 - 4;
}

/* Functions, not macros: an assertion expands to a page of code. */
static void apply(MPI_Op handle, MPI_Datatype type, size_t size, const void *in,
                  void *inout, size_t n)
{
    const struct xmpi_dtype *t = xmpi_dtype_of(type);
    cr_assert_eq(xmpi_op_check(op_of(handle), t), MPI_SUCCESS, "%s on %s",
                 op_of(handle)->name, t->name);
    cr_assert_eq((size_t)t->extent, size, "%s", t->name);
    xmpi_op_apply(op_of(handle), t, in, inout, n);
}

static void all_equal(int bad, const char *op, const char *type)
{
    cr_assert_eq(bad, -1, "%s on %s, element %d", op, type, bad);
}

#define APPLY(handle, mpi_type, in, inout, n)                                            \
    apply(handle, mpi_type, sizeof *(in), in, inout, n)

/* One operation on one C type: compares with expr of a (in) and b (inout). */
#define ONE(handle, mpi_type, ctype, expr)                                               \
    do {                                                                                 \
        ctype in[N + 1], inout[N + 1], want[N + 1];                                      \
        int bad = -1;                                                                    \
        for (int i = 0; i <= N; i++) {                                                   \
            ctype a = in[i] = (ctype)small(i, 1), b = inout[i] = (ctype)small(i, 2);     \
            want[i] = i < N ? (ctype)(expr) : b; /* the last one must stay */            \
        }                                                                                \
        APPLY(handle, mpi_type, in, inout, N);                                           \
        for (int i = 0; i <= N; i++)                                                     \
            if (inout[i] != want[i])                                                     \
                bad = i;                                                                 \
        all_equal(bad, #handle, #mpi_type);                                              \
    } while (0)

#define ARITHMETIC(t, c)                                                                 \
    do {                                                                                 \
        ONE(MPI_MAX, t, c, a > b ? a : b);                                               \
        ONE(MPI_MIN, t, c, a < b ? a : b);                                               \
        ONE(MPI_SUM, t, c, a + b);                                                       \
        ONE(MPI_PROD, t, c, a *b);                                                       \
    } while (0)
#define LOGIC(t, c)                                                                      \
    do {                                                                                 \
        ONE(MPI_LAND, t, c, a &&b);                                                      \
        ONE(MPI_LOR, t, c, a || b);                                                      \
        ONE(MPI_LXOR, t, c, !a != !b);                                                   \
    } while (0)
#define BITS(t, c)                                                                       \
    do {                                                                                 \
        ONE(MPI_BAND, t, c, a &b);                                                       \
        ONE(MPI_BOR, t, c, a | b);                                                       \
        ONE(MPI_BXOR, t, c, a ^ b);                                                      \
    } while (0)
#define INTEGER(t, c)                                                                    \
    do {                                                                                 \
        ARITHMETIC(t, c);                                                                \
        LOGIC(t, c);                                                                     \
        BITS(t, c);                                                                      \
    } while (0)

Test(op, c_integers)
{
    INTEGER(MPI_SHORT, short);
    INTEGER(MPI_INT, int);
    INTEGER(MPI_LONG, long);
    INTEGER(MPI_LONG_LONG, long long);
    INTEGER(MPI_SIGNED_CHAR, signed char);
    INTEGER(MPI_UNSIGNED_CHAR, unsigned char);
    INTEGER(MPI_UNSIGNED_SHORT, unsigned short);
    INTEGER(MPI_UNSIGNED, unsigned);
    INTEGER(MPI_UNSIGNED_LONG, unsigned long);
    INTEGER(MPI_UNSIGNED_LONG_LONG, unsigned long long);
    INTEGER(MPI_INT8_T, int8_t);
    INTEGER(MPI_INT16_T, int16_t);
    INTEGER(MPI_INT32_T, int32_t);
    INTEGER(MPI_INT64_T, int64_t);
    INTEGER(MPI_UINT8_T, uint8_t);
    INTEGER(MPI_UINT16_T, uint16_t);
    INTEGER(MPI_UINT32_T, uint32_t);
    INTEGER(MPI_UINT64_T, uint64_t);
}

Test(op, multi_language_and_fortran_integers)
{
    ARITHMETIC(MPI_AINT, MPI_Aint);
    BITS(MPI_AINT, MPI_Aint);
    ARITHMETIC(MPI_OFFSET, MPI_Offset);
    BITS(MPI_OFFSET, MPI_Offset);
    ARITHMETIC(MPI_COUNT, MPI_Count);
    BITS(MPI_COUNT, MPI_Count);
    ARITHMETIC(MPI_INTEGER, int);
    BITS(MPI_INTEGER, int);
    ARITHMETIC(MPI_INTEGER1, int8_t);
    ARITHMETIC(MPI_INTEGER2, int16_t);
    ARITHMETIC(MPI_INTEGER4, int32_t);
    ARITHMETIC(MPI_INTEGER8, int64_t);
    ARITHMETIC(MPI_INTEGER16, int128);
    BITS(MPI_INTEGER16, int128);
}

Test(op, floating_point)
{
    ARITHMETIC(MPI_FLOAT, float);
    ARITHMETIC(MPI_DOUBLE, double);
    ARITHMETIC(MPI_LONG_DOUBLE, long double);
    ARITHMETIC(MPI_REAL, float);
    ARITHMETIC(MPI_DOUBLE_PRECISION, double);
    ARITHMETIC(MPI_REAL4, float);
    ARITHMETIC(MPI_REAL8, double);
    ARITHMETIC(MPI_REAL16, float128);
}

#define COMPLEX(t, c)                                                                    \
    do {                                                                                 \
        c in[N], inout[N], sum[N], prod[N];                                              \
        for (int i = 0; i < N; i++) {                                                    \
            in[i] = small(i, 1) + small(i, 2) * I;                                       \
            inout[i] = small(i, 3) + small(i, 4) * I;                                    \
            sum[i] = in[i] + inout[i];                                                   \
            prod[i] = in[i] * inout[i];                                                  \
        }                                                                                \
        c copy[N];                                                                       \
        memcpy(copy, inout, sizeof copy);                                                \
        APPLY(MPI_SUM, t, in, inout, N);                                                 \
        APPLY(MPI_PROD, t, in, copy, N);                                                 \
        for (int i = 0; i < N; i++)                                                      \
            cr_assert(inout[i] == sum[i] && copy[i] == prod[i], "%s", #t);               \
    } while (0)

Test(op, complex)
{
    COMPLEX(MPI_C_FLOAT_COMPLEX, float complex);
    COMPLEX(MPI_C_COMPLEX, float complex);
    COMPLEX(MPI_C_DOUBLE_COMPLEX, double complex);
    COMPLEX(MPI_C_LONG_DOUBLE_COMPLEX, long double complex);
    COMPLEX(MPI_CXX_FLOAT_COMPLEX, float complex);
    COMPLEX(MPI_CXX_DOUBLE_COMPLEX, double complex);
    COMPLEX(MPI_CXX_LONG_DOUBLE_COMPLEX, long double complex);
    COMPLEX(MPI_COMPLEX, float complex);
    COMPLEX(MPI_DOUBLE_COMPLEX, double complex);
    COMPLEX(MPI_COMPLEX8, float complex);
    COMPLEX(MPI_COMPLEX16, double complex);
    COMPLEX(MPI_COMPLEX32, complex128);
}

Test(op, logicals_and_bytes)
{
    LOGIC(MPI_C_BOOL, bool);
    LOGIC(MPI_CXX_BOOL, bool);
    LOGIC(MPI_LOGICAL, int);
    LOGIC(MPI_LOGICAL1, int8_t);
    LOGIC(MPI_LOGICAL2, int16_t);
    LOGIC(MPI_LOGICAL4, int32_t);
    LOGIC(MPI_LOGICAL8, int64_t);
    LOGIC(MPI_LOGICAL16, int128);
    BITS(MPI_BYTE, unsigned char);
}

#define PAIR(t, v, i)                                                                    \
    do {                                                                                 \
        struct pair {                                                                    \
            v value;                                                                     \
            i index;                                                                     \
        } in[3], max[3], min[3];                                                         \
        memset(in, 0, sizeof in);                                                        \
        memset(max, 0, sizeof max);                                                      \
        const int a[3] = {3, 5, 4}, b[3] = {4, 2, 4};                                    \
        for (int k = 0; k < 3; k++) {                                                    \
            in[k].value = (v)a[k];                                                       \
            in[k].index = (i)(k + 1);                                                    \
            max[k].value = (v)b[k];                                                      \
            max[k].index = (i)(10 + k);                                                  \
        }                                                                                \
        memcpy(min, max, sizeof min);                                                    \
        APPLY(MPI_MAXLOC, t, in, max, 3);                                                \
        APPLY(MPI_MINLOC, t, in, min, 3);                                                \
        cr_assert(max[0].value == 4 && max[0].index == 10, "%s", #t);                    \
        cr_assert(max[1].value == 5 && max[1].index == 2, "%s", #t);                     \
        cr_assert(min[0].value == 3 && min[0].index == 1, "%s", #t);                     \
        cr_assert(min[1].value == 2 && min[1].index == 11, "%s", #t);                    \
        /* of equal values the smaller index */                                          \
        cr_assert(max[2].value == 4 && max[2].index == 3, "%s", #t);                     \
        cr_assert(min[2].value == 4 && min[2].index == 3, "%s", #t);                     \
    } while (0)

Test(op, pairs)
{
    PAIR(MPI_FLOAT_INT, float, int);
    PAIR(MPI_DOUBLE_INT, double, int);
    PAIR(MPI_LONG_INT, long, int);
    PAIR(MPI_2INT, int, int);
    PAIR(MPI_SHORT_INT, short, int);
    PAIR(MPI_LONG_DOUBLE_INT, long double, int);
    PAIR(MPI_2REAL, float, float);
    PAIR(MPI_2DOUBLE_PRECISION, double, double);
    PAIR(MPI_2INTEGER, int, int);
}

/* Every value of the ABI's range for datatypes x every predefined operation: allowed exactly when
 * the table of the standard says so, and then with a kernel. */
Test(op, refusals_follow_the_classes_of_types)
{
    static const MPI_Op ops[] = {MPI_MAX,    MPI_MIN,    MPI_SUM,   MPI_PROD,   MPI_LAND,
                                 MPI_LOR,    MPI_LXOR,   MPI_BAND,  MPI_BOR,    MPI_BXOR,
                                 MPI_MINLOC, MPI_MAXLOC, MPI_NO_OP, MPI_REPLACE};
    int types = 0, allowed = 0;
    for (uintptr_t v = 0x201; v < 0x300; v++) {
        const struct xmpi_dtype *type = xmpi_dtype_of((MPI_Datatype)v);
        types += type != NULL;
        for (unsigned k = 0; type && k < sizeof ops / sizeof *ops; k++) {
            unsigned row = (unsigned)((uintptr_t)ops[k] & 0x18) / 8, c = type->op_class;
            bool integer = c & (XMPI_OPC_INTEGER | XMPI_OPC_MULTI), want = false;
            if (row == 0) /* max min sum prod; complex has no order */
                want = integer || c & XMPI_OPC_FLOAT ||
                       (c & XMPI_OPC_COMPLEX && (ops[k] == MPI_SUM || ops[k] == MPI_PROD));
            else if (row == 1)
                want = integer || c & XMPI_OPC_BYTE;
            else if (row == 2)
                want = integer || c & XMPI_OPC_LOGICAL;
            else
                want = c & XMPI_OPC_PAIR && (ops[k] == MPI_MINLOC || ops[k] == MPI_MAXLOC);
            if (type->size == SIZE_MAX)
                want = false;
            int cls = xmpi_op_check(op_of(ops[k]), type);
            cr_expect_eq(cls, want ? MPI_SUCCESS : MPI_ERR_OP, "%s on %s",
                         op_of(ops[k])->name, type->name);
            allowed += want;
            if (cls) {
                const char *text = xmpi_err_sentence(cls);
                cr_assert_not_null(text);
                cr_expect_not_null(strstr(text, op_of(ops[k])->name), "%s", text);
            }
        }
    }
    cr_assert_geq(types, 70);
    cr_assert_geq(allowed, 250);
}

Test(op, integer_overflow_wraps)
{
    int a = INT_MAX, b = 1;
    APPLY(MPI_SUM, MPI_INT, &a, &b, 1);
    cr_assert_eq(b, INT_MIN);
    uint16_t c = 65535, d = 65535;
    APPLY(MPI_PROD, MPI_UINT16_T, &c, &d, 1);
    cr_assert_eq(d, 1);
}

Test(op, replace_and_no_op)
{
    int in[2] = {1, 2}, inout[2] = {3, 4};
    xmpi_op_apply(op_of(MPI_NO_OP), xmpi_dtype_of(MPI_INT), in, inout, 2);
    cr_assert(inout[0] == 3 && inout[1] == 4);
    xmpi_op_apply(op_of(MPI_REPLACE), xmpi_dtype_of(MPI_INT), in, inout, 2);
    cr_assert(inout[0] == 1 && inout[1] == 2);
}

/* In C they need not lie at addresses of 16 bytes. */
Test(op, wide_numbers_may_lie_anywhere)
{
    char in[3 * 16 + 1], inout[3 * 16 + 1];
    float128 x[3] = {1.5, -2, 3}, y[3] = {2, 8, -1};
    memcpy(in + 1, x, sizeof x);
    memcpy(inout + 1, y, sizeof y);
    xmpi_op_apply(op_of(MPI_SUM), xmpi_dtype_of(MPI_REAL16), in + 1, inout + 1, 3);
    memcpy(y, inout + 1, sizeof y);
    cr_assert(y[0] == 3.5 && y[1] == 6 && y[2] == 2);
    int128 a = (int128)1 << 100, b = -1;
    memcpy(in + 1, &a, sizeof a);
    memcpy(inout + 1, &b, sizeof b);
    xmpi_op_apply(op_of(MPI_MAX), xmpi_dtype_of(MPI_INTEGER16), in + 1, inout + 1, 1);
    memcpy(&b, inout + 1, sizeof b);
    cr_assert(b == a);
}

static int calls;

static void subtract(void *in, void *inout, int *len, MPI_Datatype *type)
{
    calls++;
    cr_assert_eq(*type, MPI_INT);
    for (int i = 0; i < *len; i++)
        ((int *)inout)[i] = ((int *)in)[i] - ((int *)inout)[i];
}

static void subtract_c(void *in, void *inout, MPI_Count *len, MPI_Datatype *type)
{
    int n = (int)*len;
    subtract(in, inout, &n, type);
}

Test(op, user_operations)
{
    MPI_Op op, op_c;
    int commute = -1, in[3] = {10, 20, 30}, inout[3] = {1, 2, 3};
    cr_assert_eq(xmpi_op_create(subtract, 0, &op), MPI_SUCCESS);
    cr_assert_eq(xmpi_op_create_c(subtract_c, 1, &op_c), MPI_SUCCESS);
    xmpi_op_commutative(op_of(op), &commute);
    cr_assert_eq(commute, 0);
    xmpi_op_commutative(op_of(op_c), &commute);
    cr_assert_eq(commute, 1);
    cr_assert_eq(xmpi_reduce_local(in, inout, 3, xmpi_dtype_of(MPI_INT), op_of(op)),
                 MPI_SUCCESS);
    cr_assert(inout[0] == 9 && inout[1] == 18 && inout[2] == 27);
    cr_assert_eq(xmpi_reduce_local(in, inout, 3, xmpi_dtype_of(MPI_INT), op_of(op_c)),
                 MPI_SUCCESS);
    cr_assert(inout[0] == 1 && inout[1] == 2 && inout[2] == 3);
    cr_assert_eq(calls, 2);
    cr_assert_eq(xmpi_op_free(&op), MPI_SUCCESS);
    cr_assert_eq(op, MPI_OP_NULL);
    cr_assert_eq(xmpi_op_free(&op_c), MPI_SUCCESS);
    MPI_Op sum = MPI_SUM;
    cr_assert_eq(xmpi_op_free(&sum), MPI_ERR_OP);
    cr_assert_eq(sum, MPI_SUM);
    cr_assert_eq(xmpi_op_free(&op), MPI_ERR_OP);
}

Test(op, reduce_local_refuses_equal_buffers)
{
    int x[2] = {1, 2};
    cr_assert_eq(xmpi_reduce_local(x, x, 2, xmpi_dtype_of(MPI_INT), op_of(MPI_SUM)),
                 MPI_ERR_BUFFER);
    cr_assert_eq(xmpi_reduce_local(x, x, 0, xmpi_dtype_of(MPI_INT), op_of(MPI_SUM)),
                 MPI_SUCCESS);
}
