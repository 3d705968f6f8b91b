/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes that do not fit an int: MPI_UNDEFINED from the int functions, exact from the _c ones; and
 * those that fit nothing. No byte of such a type is touched. */
#include "typetest.h"
#include <stdint.h>
#include <string.h>

#define GIB ((MPI_Count)1 << 30)

int main(int argc, char **argv)
{
    MPI_Datatype t, u, v;
    MPI_Count n, lb, ex, big[2] = {3 * GIB, 1}, displs[2] = {5 * GIB, 0};
    MPI_Status st;
    int size;
    mt_begin(&argc, &argv, 1);
    OK(MPI_Type_contiguous_c(3 * GIB, MPI_DOUBLE, &t));
    OK(MPI_Type_size(t, &size));
    CHECK_EQ(size, MPI_UNDEFINED);
    OK(MPI_Type_size_c(t, &n));
    CHECK_EQ(n, 24 * GIB);
    OK(MPI_Type_size_x(t, &n));
    CHECK_EQ(n, 24 * GIB);
    OK(MPI_Pack_size(1, t, MPI_COMM_SELF, &size));
    CHECK_EQ(size, MPI_UNDEFINED);
    OK(MPI_Pack_size_c(2, t, MPI_COMM_SELF, &n));
    CHECK_EQ(n, 48 * GIB);
    OK(MPI_Pack_external_size_c("external32", 2, t, &n));
    CHECK_EQ(n, 48 * GIB);
    memset(&st, 0, sizeof(st));
    OK(MPI_Status_set_elements_c(&st, MPI_DOUBLE, 6 * GIB));
    OK(MPI_Get_count(&st, MPI_DOUBLE, &size));
    CHECK_EQ(size, MPI_UNDEFINED);
    OK(MPI_Get_count_c(&st, MPI_DOUBLE, &n));
    CHECK_EQ(n, 6 * GIB);
    OK(MPI_Get_count(&st, t, &size));
    CHECK_EQ(size, 2);
    OK(MPI_Get_elements(&st, t, &size));
    CHECK_EQ(size, MPI_UNDEFINED);
    OK(MPI_Get_elements_c(&st, t, &n));
    CHECK_EQ(n, 6 * GIB);
    OK(MPI_Type_indexed_c(2, big, displs, MPI_INT, &u));
    OK(MPI_Type_get_extent_c(u, &lb, &ex));
    CHECK(lb == 0 && ex == 32 * GIB);
    OK(MPI_Type_get_true_extent_c(u, &lb, &ex));
    CHECK(lb == 0 && ex == 32 * GIB);
    lb = ex = -1;
    OK(MPI_Type_get_extent_x(u, &lb, &ex));
    CHECK(lb == 0 && ex == 32 * GIB);
    OK(MPI_Type_create_resized_c(u, -4 * GIB, 64 * GIB, &v));
    OK(MPI_Type_get_extent_x(v, &lb, &ex));
    CHECK(lb == -4 * GIB && ex == 64 * GIB);
    OK(MPI_Type_get_true_extent_x(v, &lb, &ex));
    CHECK(lb == 0 && ex == 32 * GIB);
    OK(MPI_Type_free(&v));
    OK(MPI_Type_vector_c(2, 1, 2, u, &v));
    OK(MPI_Type_size_c(v, &n));
    CHECK_EQ(n, 8 * (3 * GIB + 1));
    OK(MPI_Type_free(&v));
    OK(MPI_Type_free(&u));
    SAYS(MPI_Type_contiguous_c(GIB * GIB, t, &u), MPI_ERR_VALUE_TOO_LARGE, "63 bits");
    SAYS(MPI_Type_vector_c(2, 1, INT64_MAX / 4, MPI_DOUBLE, &u), MPI_ERR_ARG, "stride is");
    SAYS(MPI_Type_create_hvector_c(4, 1, INT64_MAX / 2, MPI_INT, &u),
         MPI_ERR_VALUE_TOO_LARGE, "");
    SAYS(MPI_Type_create_resized_c(MPI_INT, INT64_MAX, 10, &u), MPI_ERR_VALUE_TOO_LARGE,
         "do not fit");
    SAYS(MPI_Type_create_subarray_c(2, (MPI_Count[]){GIB * 4, GIB * 4}, (MPI_Count[]){1, 1},
                                    (MPI_Count[]){0, 0}, MPI_ORDER_C, MPI_INT, &u),
         MPI_ERR_VALUE_TOO_LARGE, "array");
    SAYS(MPI_Send_c(&n, INT64_MAX / 2, t, 0, 0, MPI_COMM_SELF), MPI_ERR_TYPE,
         "not committed");
    OK(MPI_Type_commit(&t));
    SAYS(MPI_Send_c(&n, INT64_MAX / 2, t, 0, 0, MPI_COMM_SELF), MPI_ERR_COUNT,
         "more than memory");
    OK(MPI_Type_free(&t));
    return mt_end();
}
