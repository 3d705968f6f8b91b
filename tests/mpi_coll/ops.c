/* SPDX-License-Identifier: BSD-3-Clause */
/* See ops.h. All values are small integers, so that floating-point sums do not depend on order. */
#include "ops.h"

#include "lab.h"

#include <string.h>

static void fill_int(void *place, int rank, int64_t i, unsigned salt)
{
    int v = (int)lab_value(rank, i, salt) - 500;
    memcpy(place, &v, sizeof v);
}

static void sum_int(const void *in, void *inout)
{
    int a, b;
    memcpy(&a, in, sizeof a);
    memcpy(&b, inout, sizeof b);
    b += a;
    memcpy(inout, &b, sizeof b);
}

static void fill_double(void *place, int rank, int64_t i, unsigned salt)
{
    double v = (double)lab_value(rank, i, salt) / 4;
    memcpy(place, &v, sizeof v);
}

static void sum_double(const void *in, void *inout)
{
    double a, b;
    memcpy(&a, in, sizeof a);
    memcpy(&b, inout, sizeof b);
    b += a;
    memcpy(inout, &b, sizeof b);
}

static void fill_byte(void *place, int rank, int64_t i, unsigned salt)
{
    *(uint8_t *)place = (uint8_t)lab_value(rank, i, salt);
}

static void xor_byte(const void *in, void *inout)
{
    *(uint8_t *)inout ^= *(const uint8_t *)in;
}

struct double_int {
    double value;
    int index;
};

static void fill_pair(void *place, int rank, int64_t i, unsigned salt)
{
    double value =
        (double)(lab_value(rank, i, salt) % 5); /* many are equal: the index decides */
    memcpy(place, &value, sizeof value);
    memcpy((char *)place + offsetof(struct double_int, index), &rank, sizeof rank);
}

static void maxloc_pair(const void *in, void *inout)
{
    struct double_int a, b;
    memcpy(&a, in, sizeof a);
    memcpy(&b, inout, sizeof b);
    if (a.value > b.value || (a.value == b.value && a.index < b.index))
        memcpy(inout, &a, offsetof(struct double_int, index) + sizeof a.index);
}

/* Composition of x -> m x + b over 32-bit words, m in the high half: associative, does not commute. */
static uint64_t compose(uint64_t f, uint64_t g)
{
    uint32_t m = (uint32_t)(f >> 32), b = (uint32_t)f, m2 = (uint32_t)(g >> 32),
             b2 = (uint32_t)g;
    return (uint64_t)(m * m2) << 32 | (uint32_t)(m * b2 + b);
}

static void fill_affine(void *place, int rank, int64_t i, unsigned salt)
{
    uint64_t v = (uint64_t)(lab_value(rank, i, salt) | 1) << 32 |
                 (uint64_t)lab_value(i % 97, rank, salt);
    memcpy(place, &v, sizeof v);
}

static void compose_affine(const void *in, void *inout)
{
    uint64_t a, b;
    memcpy(&a, in, sizeof a);
    memcpy(&b, inout, sizeof b);
    b = compose(a, b);
    memcpy(inout, &b, sizeof b);
}

static void user_affine(void *in, void *inout, int *len, MPI_Datatype *type)
{
    const uint64_t *a = in;
    uint64_t *b = inout;
    lab_check(*type == MPI_UINT64_T);
    for (int i = 0; i < *len; i++)
        b[i] = compose(a[i], b[i]);
}

static void user_affine_c(void *in, void *inout, MPI_Count *len, MPI_Datatype *type)
{
    int n = (int)*len;
    user_affine(in, inout, &n, type);
}

/* The same in the middle of elements that are three times as long. */
enum { GAP_AT = 8, GAP_EXTENT = 24 };

static void fill_gap(void *place, int rank, int64_t i, unsigned salt)
{
    fill_affine((char *)place + GAP_AT, rank, i, salt);
}

static void compose_gap(const void *in, void *inout)
{
    compose_affine((const char *)in + GAP_AT, (char *)inout + GAP_AT);
}

static void user_gap(void *in, void *inout, int *len, MPI_Datatype *type)
{
    MPI_Aint lb, extent;
    MPI_Type_get_extent(*type, &lb, &extent);
    lab_check(lb == 0 && extent == GAP_EXTENT);
    for (int i = 0; i < *len; i++)
        compose_gap((char *)in + i * extent, (char *)inout + i * extent);
}

static MPI_Datatype make_gap(void)
{
    MPI_Aint at = GAP_AT;
    MPI_Datatype moved, gap;
    MPI_Type_create_hindexed_block(1, 1, &at, MPI_UINT64_T, &moved);
    MPI_Type_create_resized(moved, 0, GAP_EXTENT, &gap);
    MPI_Type_free(&moved);
    MPI_Type_commit(&gap);
    return gap;
}

static struct op_case cases[OP_CASES] = {
    {"MPI_SUM on MPI_INT", MPI_INT, MPI_SUM, sizeof(int), fill_int, sum_int},
    {"MPI_SUM on MPI_DOUBLE", MPI_DOUBLE, MPI_SUM, sizeof(double), fill_double, sum_double},
    {"MPI_BXOR on MPI_BYTE", MPI_BYTE, MPI_BXOR, 1, fill_byte, xor_byte},
    {"MPI_MAXLOC on MPI_DOUBLE_INT", MPI_DOUBLE_INT, MPI_MAXLOC,
     sizeof(struct double_int), fill_pair, maxloc_pair},
    {"a user's operation that does not commute", MPI_UINT64_T, NULL, 8, fill_affine,
     compose_affine},
    {"a user's large-count operation that does not commute", MPI_UINT64_T, NULL, 8,
     fill_affine, compose_affine},
    {"a user's operation on elements with gaps", NULL, NULL, GAP_EXTENT, fill_gap, compose_gap},
};

const struct op_case *op_cases(void)
{
    if (!cases[4].op) {
        MPI_Op_create(user_affine, 0, &cases[4].op);
        MPI_Op_create_c(user_affine_c, 0, &cases[5].op);
        MPI_Op_create(user_gap, 0, &cases[6].op);
        cases[6].type = make_gap();
    }
    return cases;
}

void op_cases_free(void)
{
    if (cases[4].op) {
        MPI_Op_free(&cases[4].op);
        MPI_Op_free(&cases[5].op);
        MPI_Op_free(&cases[6].op);
        MPI_Type_free(&cases[6].type);
        cases[4].op = cases[5].op = cases[6].op = NULL;
    }
}
