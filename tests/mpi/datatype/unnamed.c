/* SPDX-License-Identifier: BSD-3-Clause */
/* Predefined types that have to be asked for: Fortran's numbers by precision and range, pairs of a
 * value and an index, types by size; and reductions with them and with duplicates. */
#include "typetest.h"
#include <string.h>

static MPI_Datatype t, u;

static void contents_of(MPI_Datatype type, int combiner, int n, int first, int second)
{
    int i[2] = {-1, -1}, ni, na, nd, c;
    MPI_Aint a[1];
    MPI_Datatype d[1];
    OK(MPI_Type_get_envelope(type, &ni, &na, &nd, &c));
    CHECK(c == combiner && ni == n && na == 0 && nd == 0);
    OK(MPI_Type_get_contents(type, 2, 0, 0, i, a, d));
    CHECK(i[0] == first && i[1] == second);
}

static void fortran(void)
{
    int size;
    double x = 2.5, y = 0;
    OK(MPI_Type_create_f90_real(10, 100, &t));
    OK(MPI_Type_size(t, &size));
    CHECK_EQ(size, 8);
    OK(MPI_Type_create_f90_real(10, 100, &u));
    CHECK(t == u);
    contents_of(t, MPI_COMBINER_F90_REAL, 2, 10, 100);
    OK(MPI_Sendrecv(&x, 1, t, 0, 1, &y, 1, t, 0, 1, MPI_COMM_SELF, MPI_STATUS_IGNORE));
    CHECK(y == 2.5); /* without MPI_Type_commit */
    OK(MPI_Reduce_local(&x, &y, 1, t, MPI_SUM));
    CHECK(y == 5);
    SAYS(MPI_Type_free(&t), MPI_ERR_TYPE, "predefined");
    OK(MPI_Type_create_f90_real(6, MPI_UNDEFINED, &t));
    OK(MPI_Type_size(t, &size));
    CHECK_EQ(size, 4);
    OK(MPI_Type_create_f90_real(MPI_UNDEFINED, 400, &t));
    OK(MPI_Type_size(t, &size));
    CHECK_EQ(size, 16);
    OK(MPI_Type_create_f90_complex(15, 307, &t));
    OK(MPI_Type_size(t, &size));
    CHECK_EQ(size, 16);
    contents_of(t, MPI_COMBINER_F90_COMPLEX, 2, 15, 307);
    static const int r[] = {1, 2, 3, 4, 5, 9, 10, 18, 19, 38},
                     bytes[] = {1, 1, 2, 2, 4, 4, 8, 8, 16, 16};
    for (int i = 0; i < 10; i++) {
        OK(MPI_Type_create_f90_integer(r[i], &t));
        OK(MPI_Type_size(t, &size));
        CHECK_EQ(size, bytes[i]);
        contents_of(t, MPI_COMBINER_F90_INTEGER, 1, r[i], -1);
    }
    OK(MPI_Type_contiguous(3, t, &u));
    OK(MPI_Type_free(&u));
    OK(MPI_Type_dup(t, &u));
    OK(MPI_Type_free(&u));
    SAYS(MPI_Type_create_f90_real(40, 10, &t), MPI_ERR_ARG, "40 decimal digits");
    SAYS(MPI_Type_create_f90_real(MPI_UNDEFINED, MPI_UNDEFINED, &t), MPI_ERR_ARG, "both");
    SAYS(MPI_Type_create_f90_complex(10, 9999, &t), MPI_ERR_ARG, "range of 9999");
    SAYS(MPI_Type_create_f90_integer(50, &t), MPI_ERR_ARG, "50 decimal digits");
}

struct pair {
    double value;
    uint16_t index;
};

typedef int int128 __attribute__((mode(TI)));

struct wide {
    int128 value;
    int8_t index;
};

static void value_index(void)
{
    struct pair a[3] = {{1, 9}, {7, 3}, {5, 2}}, b[3] = {{2, 1}, {7, 8}, {-5, 1}};
    struct {
        int64_t value;
        int64_t index;
    } p = {3, 4}, q = {3, -4};
    MPI_Datatype d[2], dup;
    int ni, na, nd, c, i[1];
    MPI_Aint ad[1];
    OK(MPI_Type_get_value_index(MPI_DOUBLE, MPI_INT, &t));
    CHECK(t == MPI_DOUBLE_INT);
    OK(MPI_Type_get_value_index(MPI_INT, MPI_INT, &t));
    CHECK(t == MPI_2INT);
    OK(MPI_Type_get_value_index(MPI_INT, MPI_DOUBLE, &t));
    CHECK(t == MPI_DATATYPE_NULL);
    OK(MPI_Type_get_value_index(MPI_DOUBLE, MPI_UINT16_T, &t));
    OK(MPI_Type_get_value_index(MPI_DOUBLE, MPI_UINT16_T, &u));
    CHECK(t == u && t != MPI_DATATYPE_NULL);
    BOUNDS(t, 0, sizeof(struct pair), 0, 10);
    OK(MPI_Type_get_envelope(t, &ni, &na, &nd, &c));
    CHECK(c == MPI_COMBINER_VALUE_INDEX && ni == 0 && na == 0 && nd == 2);
    OK(MPI_Type_get_contents(t, 0, 0, 2, i, ad, d));
    CHECK(d[0] == MPI_DOUBLE && d[1] == MPI_UINT16_T);
    OK(MPI_Reduce_local(a, b, 3, t, MPI_MAXLOC));
    CHECK(b[0].value == 2 && b[0].index == 1 && b[1].value == 7 && b[1].index == 3 &&
          b[2].value == 5 && b[2].index == 2);
    OK(MPI_Type_dup(t, &dup));
    OK(MPI_Reduce_local(a, b, 3, dup, MPI_MINLOC));
    CHECK(b[0].value == 1 && b[0].index == 9 && b[1].index == 3);
    OK(MPI_Type_free(&dup));
    OK(MPI_Type_get_value_index(MPI_INT64_T, MPI_COUNT, &t));
    OK(MPI_Reduce_local(&p, &q, 1, t, MPI_MAXLOC));
    CHECK(q.value == 3 && q.index == -4);
    OK(MPI_Allreduce(&p, &q, 1, t, MPI_MINLOC, MPI_COMM_SELF));
    CHECK(q.value == 3 && q.index == 4);
    OK(MPI_Type_get_value_index(MPI_INTEGER16, MPI_INTEGER1, &t));
    BOUNDS(t, 0, sizeof(struct wide), 0, 17);
    struct wide v = {-1, 1}, w = {(int128)1 << 90, 2};
    OK(MPI_Reduce_local(&v, &w, 1, t, MPI_MINLOC));
    CHECK(w.value == -1 && w.index == 1);
    OK(MPI_Type_get_value_index(MPI_INT, MPI_INTEGER16, &t));
    CHECK(t == MPI_DATATYPE_NULL);
    OK(MPI_Type_get_value_index(MPI_INT64_T, MPI_COUNT, &t));
    SAYS(MPI_Reduce_local(&p, &q, 1, t, MPI_SUM), MPI_ERR_OP, "MPI_SUM is not defined");
    SAYS(MPI_Type_free(&t), MPI_ERR_TYPE, "predefined");
    SAYS(MPI_Type_get_value_index(MPI_DATATYPE_NULL, MPI_INT, &t), MPI_ERR_TYPE,
         "value_type");
}

static void add(void *in, void *inout, int *n, MPI_Datatype *type)
{
    MPI_Aint lb, extent;
    MPI_Type_get_extent(*type, &lb, &extent);
    for (int i = 0; i < *n; i++)
        *(int *)((char *)inout + i * extent) += *(int *)((char *)in + i * extent);
}

static void reductions(void)
{
    int a[4] = {1, 2, 3, 4}, b[4] = {10, 20, 30, 40};
    MPI_Op op;
    OK(MPI_Type_dup(MPI_INT, &t));
    OK(MPI_Reduce_local(a, b, 4, t, MPI_SUM));
    CHECK(b[0] == 11 && b[3] == 44);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_resized(MPI_INT, 0, 8, &t));
    OK(MPI_Type_commit(&t));
    SAYS(MPI_Reduce_local(a, b, 2, t, MPI_SUM), MPI_ERR_OP, "a derived datatype");
    OK(MPI_Op_create(add, 1, &op));
    OK(MPI_Reduce_local(a, b, 2, t, op));
    CHECK(b[0] == 12 && b[1] == 22 && b[2] == 36);
    OK(MPI_Op_free(&op));
    OK(MPI_Type_free(&t));
}

/* Which operations may change places. */
static void commutative(void)
{
    static const MPI_Op ops[] = {MPI_MAX,  MPI_MIN,  MPI_SUM,    MPI_PROD,
                                 MPI_LAND, MPI_LOR,  MPI_LXOR,   MPI_BAND,
                                 MPI_BOR,  MPI_BXOR, MPI_MINLOC, MPI_MAXLOC};
    MPI_Op op;
    int yes;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        yes = -1;
        OK(MPI_Op_commutative(ops[i], &yes));
        CHECK_EQ(yes, 1);
    }
    OK(MPI_Op_commutative(MPI_REPLACE, &yes));
    CHECK_EQ(yes, 0);
    for (int wanted = 0; wanted < 2; wanted++) {
        OK(MPI_Op_create(add, wanted * 5, &op));
        OK(MPI_Op_commutative(op, &yes));
        CHECK_EQ(yes, wanted);
        OK(MPI_Op_free(&op));
    }
    SAYS(MPI_Op_commutative(MPI_OP_NULL, &yes), MPI_ERR_OP, "MPI_OP_NULL");
}

static void by_size(void)
{
    OK(MPI_Type_match_size(MPI_TYPECLASS_REAL, 4, &t));
    CHECK(t == MPI_REAL4);
    OK(MPI_Type_match_size(MPI_TYPECLASS_INTEGER, 16, &t));
    CHECK(t == MPI_INTEGER16);
    OK(MPI_Type_match_size(MPI_TYPECLASS_COMPLEX, 16, &t));
    CHECK(t == MPI_COMPLEX16);
    SAYS(MPI_Type_match_size(MPI_TYPECLASS_REAL, 3, &t), MPI_ERR_ARG, "3 bytes");
    SAYS(MPI_Type_match_size(11, 4, &t), MPI_ERR_ARG, "typeclass 11");
}

int main(int argc, char **argv)
{
    mt_begin(&argc, &argv, 1);
    fortran();
    value_index();
    reductions();
    commutative();
    by_size();
    return mt_end();
}
