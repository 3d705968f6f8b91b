/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of arrays: subarrays in both orders; the shares of a distributed array, which together hold
 * every element once. */
#include "typetest.h"
#include <stdlib.h>
#include <string.h>

static MPI_Datatype t;

static void subarrays(void)
{
    const int sizes[] = {4, 5}, sub[] = {2, 3}, starts[] = {1, 2};
    OK(MPI_Type_create_subarray(2, sizes, sub, starts, MPI_ORDER_C, MPI_INT, &t));
    INTS_AT(t, 28, 32, 36, 48, 52, 56);
    BOUNDS(t, 0, 80, 28, 32);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_subarray(2, sizes, sub, starts, MPI_ORDER_FORTRAN, MPI_INT, &t));
    INTS_AT(t, 36, 40, 52, 56, 68, 72);
    OK(MPI_Type_free(&t));
    const int bad_sub[] = {2, 6}, zero[] = {0, 5}, bad_start[] = {3, 0};
    SAYS(MPI_Type_create_subarray(2, sizes, bad_sub, starts, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_subsizes[1] is 6");
    SAYS(MPI_Type_create_subarray(2, zero, sub, starts, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_sizes[0] is 0");
    SAYS(MPI_Type_create_subarray(2, sizes, sub, bad_start, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_starts[0] is 3");
    SAYS(MPI_Type_create_subarray(2, sizes, sub, starts, 7, MPI_INT, &t), MPI_ERR_ARG,
         "order is 7");
    SAYS(MPI_Type_create_subarray(0, sizes, sub, starts, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "ndims is 0");
    SAYS(MPI_Type_create_subarray(1, NULL, sub, starts, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_sizes is a null pointer");
}

/* Whose element i of a dimension is: the definition of the distributions. */
static int owner(int i, int gsize, int distrib, int darg, int psize)
{
    if (distrib == MPI_DISTRIBUTE_NONE)
        return 0;
    if (distrib == MPI_DISTRIBUTE_BLOCK)
        return i / (darg == MPI_DISTRIBUTE_DFLT_DARG ? (gsize + psize - 1) / psize : darg);
    return i / (darg == MPI_DISTRIBUTE_DFLT_DARG ? 1 : darg) % psize;
}

/* All shares of one distribution of a 3-dimensional array, against the owner of each element. */
static void shares(const int g[3], const int dist[3], const int darg[3], const int p[3],
                   int order)
{
    int nproc = p[0] * p[1] * p[2], total = g[0] * g[1] * g[2];
    int *array = malloc((size_t)total * sizeof(int)),
        *got = malloc((size_t)total * sizeof(int));
    for (int i = 0; i < total; i++)
        array[i] = i;
    for (int rank = 0; rank < nproc; rank++) {
        const int coord[3] = {rank / (p[1] * p[2]), rank / p[2] % p[1], rank % p[2]};
        int position = 0, size, n = 0;
        OK(MPI_Type_create_darray(nproc, rank, 3, g, dist, darg, p, order, MPI_INT, &t));
        MPI_Aint lb, extent;
        OK(MPI_Type_get_extent(t, &lb, &extent));
        CHECK(lb == 0 && extent == 4 * (MPI_Aint)total);
        OK(MPI_Type_commit(&t));
        OK(MPI_Type_size(t, &size));
        OK(MPI_Pack(array, 1, t, got, total * 4, &position, MPI_COMM_SELF));
        for (int i = 0; i < total; i++) {
            int at[3];
            if (order == MPI_ORDER_C) {
                at[0] = i / (g[1] * g[2]), at[1] = i / g[2] % g[1], at[2] = i % g[2];
            } else {
                at[0] = i % g[0], at[1] = i / g[0] % g[1], at[2] = i / (g[0] * g[1]);
            }
            bool mine = true;
            for (int d = 0; d < 3; d++)
                mine &= owner(at[d], g[d], dist[d], darg[d], p[d]) == coord[d];
            if (mine && !CHECK(4 * n < size && got[n] == i))
                break;
            n += mine;
        }
        CHECK_EQ(size, 4 * n);
        OK(MPI_Type_free(&t));
    }
    free(array);
    free(got);
}

static void distributed(void)
{
    enum { N = MPI_DISTRIBUTE_NONE, B = MPI_DISTRIBUTE_BLOCK, C = MPI_DISTRIBUTE_CYCLIC };
    enum { D = MPI_DISTRIBUTE_DFLT_DARG };
    static const struct {
        int g[3], dist[3], darg[3], p[3];
    } cases[] = {
        {{7, 5, 6}, {B, C, N}, {D, D, D}, {3, 2, 1}},
        {{7, 5, 6}, {C, C, C}, {2, 3, 1}, {2, 2, 2}},
        {{8, 3, 9}, {B, B, C}, {4, 2, 2}, {2, 2, 3}},
        {{1, 4, 3}, {B, C, B}, {D, 3, D}, {2, 3, 2}},
        {{5, 5, 5}, {N, N, N}, {D, D, D}, {1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        shares(cases[i].g, cases[i].dist, cases[i].darg, cases[i].p, MPI_ORDER_C);
        shares(cases[i].g, cases[i].dist, cases[i].darg, cases[i].p, MPI_ORDER_FORTRAN);
    }
}

static void wrong(void)
{
    const int g[] = {8, 8}, p[] = {2, 2},
              block[] = {MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_BLOCK};
    const int dflt[] = {MPI_DISTRIBUTE_DFLT_DARG, MPI_DISTRIBUTE_DFLT_DARG}, few[] = {3, 4};
    const int none[] = {MPI_DISTRIBUTE_NONE, MPI_DISTRIBUTE_BLOCK}, odd[] = {99, 99};
    const int zero[] = {0, 8};
    SAYS(MPI_Type_create_darray(5, 0, 2, g, block, dflt, p, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "5 processes");
    SAYS(MPI_Type_create_darray(4, 4, 2, g, block, dflt, p, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "rank is 4");
    SAYS(MPI_Type_create_darray(4, 0, 2, g, block, few, p, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_dargs[0] is 3");
    SAYS(MPI_Type_create_darray(4, 0, 2, g, none, dflt, p, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_psizes[0] is 2");
    SAYS(MPI_Type_create_darray(4, 0, 2, g, odd, dflt, p, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_distribs[1] is 99");
    SAYS(MPI_Type_create_darray(4, 0, 2, zero, block, dflt, p, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_gsizes[0] is 0");
    SAYS(MPI_Type_create_darray(4, 0, 2, g, block, zero, p, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_dargs[0] is 0");
    SAYS(MPI_Type_create_darray(4, 0, 2, g, block, dflt, zero, MPI_ORDER_C, MPI_INT, &t),
         MPI_ERR_ARG, "array_of_psizes[0] is 0");
}

int main(int argc, char **argv)
{
    mt_begin(&argc, &argv, 1);
    subarrays();
    distributed();
    wrong();
    return mt_end();
}
