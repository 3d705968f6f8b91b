/* SPDX-License-Identifier: BSD-3-Clause */
/* Envelope and contents: every constructor, in both widths, is made again from what they say, and the
 * two types are alike. */
#include "typetest.h"
#include <stdlib.h>

struct said {
    MPI_Count ni, na, nc, nd;
    int combiner, *i;
    MPI_Aint *a;
    MPI_Count *c;
    MPI_Datatype d[8];
};

static void ask(MPI_Datatype t, struct said *s)
{
    OK(MPI_Type_get_envelope_c(t, &s->ni, &s->na, &s->nc, &s->nd, &s->combiner));
    s->i = calloc((size_t)s->ni + 1, sizeof(*s->i));
    s->a = calloc((size_t)s->na + 1, sizeof(*s->a));
    s->c = calloc((size_t)s->nc + 1, sizeof(*s->c));
    CHECK(s->nd <= 8);
    OK(MPI_Type_get_contents_c(t, s->ni, s->na, s->nc, s->nd, s->i, s->a, s->c, s->d));
}

/* By the tables of MPI 5.0 §5.1.13. */
static MPI_Datatype again_small(const struct said *s)
{
    MPI_Datatype n = MPI_DATATYPE_NULL;
    int *i = s->i, k = s->ni > 0 ? i[0] : 0;
    switch (s->combiner) {
    case MPI_COMBINER_DUP:
        OK(MPI_Type_dup(s->d[0], &n));
        break;
    case MPI_COMBINER_CONTIGUOUS:
        OK(MPI_Type_contiguous(k, s->d[0], &n));
        break;
    case MPI_COMBINER_VECTOR:
        OK(MPI_Type_vector(k, i[1], i[2], s->d[0], &n));
        break;
    case MPI_COMBINER_HVECTOR:
        OK(MPI_Type_create_hvector(k, i[1], s->a[0], s->d[0], &n));
        break;
    case MPI_COMBINER_INDEXED:
        OK(MPI_Type_indexed(k, i + 1, i + 1 + k, s->d[0], &n));
        break;
    case MPI_COMBINER_HINDEXED:
        OK(MPI_Type_create_hindexed(k, i + 1, s->a, s->d[0], &n));
        break;
    case MPI_COMBINER_INDEXED_BLOCK:
        OK(MPI_Type_create_indexed_block(k, i[1], i + 2, s->d[0], &n));
        break;
    case MPI_COMBINER_HINDEXED_BLOCK:
        OK(MPI_Type_create_hindexed_block(k, i[1], s->a, s->d[0], &n));
        break;
    case MPI_COMBINER_STRUCT:
        OK(MPI_Type_create_struct(k, i + 1, s->a, s->d, &n));
        break;
    case MPI_COMBINER_SUBARRAY:
        OK(MPI_Type_create_subarray(k, i + 1, i + 1 + k, i + 1 + 2 * k, i[3 * k + 1],
                                    s->d[0], &n));
        break;
    case MPI_COMBINER_DARRAY:
        k = i[2];
        OK(MPI_Type_create_darray(i[0], i[1], k, i + 3, i + 3 + k, i + 3 + 2 * k,
                                  i + 3 + 3 * k, i[4 * k + 3], s->d[0], &n));
        break;
    case MPI_COMBINER_RESIZED:
        OK(MPI_Type_create_resized(s->d[0], s->a[0], s->a[1], &n));
        break;
    default:
        mt_fail(__FILE__, __LINE__, "combiner %d", s->combiner);
    }
    return n;
}

static MPI_Datatype again_large(const struct said *s)
{
    MPI_Datatype n = MPI_DATATYPE_NULL;
    MPI_Count *c = s->c, k = s->nc > 0 ? c[0] : 0;
    int *i = s->i, nd = s->ni > 0 ? i[0] : 0;
    switch (s->combiner) {
    case MPI_COMBINER_CONTIGUOUS:
        OK(MPI_Type_contiguous_c(k, s->d[0], &n));
        break;
    case MPI_COMBINER_VECTOR:
        OK(MPI_Type_vector_c(k, c[1], c[2], s->d[0], &n));
        break;
    case MPI_COMBINER_HVECTOR:
        OK(MPI_Type_create_hvector_c(k, c[1], c[2], s->d[0], &n));
        break;
    case MPI_COMBINER_INDEXED:
        OK(MPI_Type_indexed_c(k, c + 1, c + 1 + k, s->d[0], &n));
        break;
    case MPI_COMBINER_HINDEXED:
        OK(MPI_Type_create_hindexed_c(k, c + 1, c + 1 + k, s->d[0], &n));
        break;
    case MPI_COMBINER_INDEXED_BLOCK:
        OK(MPI_Type_create_indexed_block_c(k, c[1], c + 2, s->d[0], &n));
        break;
    case MPI_COMBINER_HINDEXED_BLOCK:
        OK(MPI_Type_create_hindexed_block_c(k, c[1], c + 2, s->d[0], &n));
        break;
    case MPI_COMBINER_STRUCT:
        OK(MPI_Type_create_struct_c(k, c + 1, c + 1 + k, s->d, &n));
        break;
    case MPI_COMBINER_SUBARRAY:
        OK(MPI_Type_create_subarray_c(nd, c, c + nd, c + 2 * nd, i[1], s->d[0], &n));
        break;
    case MPI_COMBINER_DARRAY:
        nd = i[2];
        OK(MPI_Type_create_darray_c(i[0], i[1], nd, c, i + 3, i + 3 + nd, i + 3 + 2 * nd,
                                    i[3 * nd + 3], s->d[0], &n));
        break;
    case MPI_COMBINER_RESIZED:
        OK(MPI_Type_create_resized_c(s->d[0], c[0], c[1], &n));
        break;
    default:
        mt_fail(__FILE__, __LINE__, "combiner %d", s->combiner);
    }
    return n;
}

/* Consumes t. Types inside it are freed after the new one is made. */
static void round_trip(MPI_Datatype t, int combiner, MPI_Count ni, MPI_Count na,
                       MPI_Count nc, MPI_Count nd)
{
    struct said s;
    ask(t, &s);
    CHECK_EQ(s.combiner, combiner);
    CHECK_EQ(s.ni, ni);
    CHECK_EQ(s.na, na);
    CHECK_EQ(s.nc, nc);
    CHECK_EQ(s.nd, nd);
    MPI_Datatype n = nc ? again_large(&s) : again_small(&s);
    for (int k = 0; k < s.nd; k++) {
        int a, b, c, inner;
        OK(MPI_Type_get_envelope(s.d[k], &a, &b, &c, &inner));
        if (inner != MPI_COMBINER_NAMED)
            OK(MPI_Type_free(&s.d[k]));
    }
    CHECK(tt_alike(t, n));
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&n));
    free(s.i);
    free(s.a);
    free(s.c);
}

static const int lens[] = {2, 0, 3}, displs[] = {5, 9, -4}, sizes[] = {4, 6}, sub[] = {2, 3};
static const int starts[] = {1, 2}, grid[] = {2, 2};
static const int dist[] = {MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC};
static const int dargs[] = {MPI_DISTRIBUTE_DFLT_DARG, 2};
static const MPI_Aint bytes[] = {40, 100, -32};

static void small(MPI_Datatype of)
{
    MPI_Datatype t, types[] = {MPI_INT, of, MPI_DOUBLE_INT};
    MPI_Type_dup(of, &t);
    round_trip(t, MPI_COMBINER_DUP, 0, 0, 0, 1);
    MPI_Type_contiguous(3, of, &t);
    round_trip(t, MPI_COMBINER_CONTIGUOUS, 1, 0, 0, 1);
    MPI_Type_vector(3, 2, 5, of, &t);
    round_trip(t, MPI_COMBINER_VECTOR, 3, 0, 0, 1);
    MPI_Type_create_hvector(3, 2, -77, of, &t);
    round_trip(t, MPI_COMBINER_HVECTOR, 2, 1, 0, 1);
    MPI_Type_indexed(3, lens, displs, of, &t);
    round_trip(t, MPI_COMBINER_INDEXED, 7, 0, 0, 1);
    MPI_Type_create_hindexed(3, lens, bytes, of, &t);
    round_trip(t, MPI_COMBINER_HINDEXED, 4, 3, 0, 1);
    MPI_Type_create_indexed_block(3, 2, displs, of, &t);
    round_trip(t, MPI_COMBINER_INDEXED_BLOCK, 5, 0, 0, 1);
    MPI_Type_create_hindexed_block(3, 2, bytes, of, &t);
    round_trip(t, MPI_COMBINER_HINDEXED_BLOCK, 2, 3, 0, 1);
    MPI_Type_create_struct(3, lens, bytes, types, &t);
    round_trip(t, MPI_COMBINER_STRUCT, 4, 3, 0, 3);
    MPI_Type_create_subarray(2, sizes, sub, starts, MPI_ORDER_FORTRAN, of, &t);
    round_trip(t, MPI_COMBINER_SUBARRAY, 8, 0, 0, 1);
    MPI_Type_create_darray(4, 1, 2, sizes, dist, dargs, grid, MPI_ORDER_C, of, &t);
    round_trip(t, MPI_COMBINER_DARRAY, 12, 0, 0, 1);
    MPI_Type_create_resized(of, -3, 50, &t);
    round_trip(t, MPI_COMBINER_RESIZED, 0, 2, 0, 1);
}

static const MPI_Count clens[] = {2, 0, 3}, cdispls[] = {5, 9, -4},
                       cbytes[] = {40, 100, -32};
static const MPI_Count csizes[] = {4, 6}, csub[] = {2, 3}, cstarts[] = {1, 2};

static void large(MPI_Datatype of)
{
    MPI_Datatype t, types[] = {MPI_INT, of, MPI_DOUBLE_INT};
    MPI_Type_contiguous_c(3, of, &t);
    round_trip(t, MPI_COMBINER_CONTIGUOUS, 0, 0, 1, 1);
    MPI_Type_vector_c(3, 2, 5, of, &t);
    round_trip(t, MPI_COMBINER_VECTOR, 0, 0, 3, 1);
    MPI_Type_create_hvector_c(3, 2, -77, of, &t);
    round_trip(t, MPI_COMBINER_HVECTOR, 0, 0, 3, 1);
    MPI_Type_indexed_c(3, clens, cdispls, of, &t);
    round_trip(t, MPI_COMBINER_INDEXED, 0, 0, 7, 1);
    MPI_Type_create_hindexed_c(3, clens, cbytes, of, &t);
    round_trip(t, MPI_COMBINER_HINDEXED, 0, 0, 7, 1);
    MPI_Type_create_indexed_block_c(3, 2, cdispls, of, &t);
    round_trip(t, MPI_COMBINER_INDEXED_BLOCK, 0, 0, 5, 1);
    MPI_Type_create_hindexed_block_c(3, 2, cbytes, of, &t);
    round_trip(t, MPI_COMBINER_HINDEXED_BLOCK, 0, 0, 5, 1);
    MPI_Type_create_struct_c(3, clens, cbytes, types, &t);
    round_trip(t, MPI_COMBINER_STRUCT, 0, 0, 7, 3);
    MPI_Type_create_subarray_c(2, csizes, csub, cstarts, MPI_ORDER_C, of, &t);
    round_trip(t, MPI_COMBINER_SUBARRAY, 2, 0, 6, 1);
    MPI_Type_create_darray_c(4, 2, 2, csizes, dist, dargs, grid, MPI_ORDER_FORTRAN, of, &t);
    round_trip(t, MPI_COMBINER_DARRAY, 10, 0, 2, 1);
    MPI_Type_create_resized_c(of, -3, 50, &t);
    round_trip(t, MPI_COMBINER_RESIZED, 0, 0, 2, 1);
}

static void wrong(void)
{
    int i[8], ni, na, nd, combiner;
    MPI_Aint a[8];
    MPI_Count c[8];
    MPI_Datatype d[8], t;
    OK(MPI_Type_get_envelope(MPI_INT, &ni, &na, &nd, &combiner));
    CHECK(combiner == MPI_COMBINER_NAMED && ni == 0 && na == 0 && nd == 0);
    SAYS(MPI_Type_get_contents(MPI_INT, 0, 0, 0, i, a, d), MPI_ERR_TYPE,
         "MPI_INT is predefined");
    OK(MPI_Type_vector(2, 1, 3, MPI_INT, &t));
    SAYS(MPI_Type_get_contents(t, 2, 0, 1, i, a, d), MPI_ERR_ARG, "max_integers is 2");
    SAYS(MPI_Type_get_contents(t, 3, 0, 0, i, a, d), MPI_ERR_ARG, "max_datatypes is 0");
    SAYS(MPI_Type_get_contents(t, 3, 0, 1, NULL, a, d), MPI_ERR_ARG, "array_of_integers");
    SAYS(MPI_Type_get_contents(t, -1, 0, 1, i, a, d), MPI_ERR_ARG, "max_integers is -1");
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_hvector_c(2, 1, 30, MPI_INT, &t));
    SAYS(MPI_Type_get_contents(t, 8, 8, 8, i, a, d), MPI_ERR_TYPE, "MPI_Type_get_contents_c");
    SAYS(MPI_Type_get_contents_c(t, 8, 8, 2, 8, i, a, c, d), MPI_ERR_ARG,
         "max_large_counts is 2");
    OK(MPI_Type_free(&t));
    SAYS(MPI_Type_get_envelope(MPI_DATATYPE_NULL, &ni, &na, &nd, &combiner), MPI_ERR_TYPE,
         "MPI_DATATYPE_NULL");
}

int main(int argc, char **argv)
{
    MPI_Datatype inner;
    mt_begin(&argc, &argv, 1);
    small(MPI_INT);
    large(MPI_DOUBLE);
    OK(MPI_Type_vector(2, 1, 2, MPI_SHORT, &inner));
    small(inner);
    large(inner);
    OK(MPI_Type_free(&inner));
    wrong();
    return mt_end();
}
