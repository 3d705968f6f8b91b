/* SPDX-License-Identifier: BSD-3-Clause */
/* Lower and upper bounds: of structs as the C compiler has them, explicit ones, and of nothing. */
#include "typetest.h"
#include <stddef.h>

struct inner {
    double d;
    char c;
};
struct outer {
    char first;
    struct inner in[2];
    short s;
    char tail[3];
};

/* MPI_Type_create_struct gives what sizeof gives, without any resizing. */
static void as_in_c(void)
{
    const int one[] = {1, 1}, lens[] = {1, 2, 1, 3};
    const MPI_Aint di[] = {offsetof(struct inner, d), offsetof(struct inner, c)};
    const MPI_Aint d[] = {offsetof(struct outer, first), offsetof(struct outer, in),
                          offsetof(struct outer, s), offsetof(struct outer, tail)};
    const MPI_Datatype ti[] = {MPI_DOUBLE, MPI_CHAR};
    MPI_Datatype inner, outer;
    OK(MPI_Type_create_struct(2, one, di, ti, &inner));
    BOUNDS(inner, 0, sizeof(struct inner), 0, 9);
    const MPI_Datatype types[] = {MPI_CHAR, inner, MPI_SHORT, MPI_CHAR};
    OK(MPI_Type_create_struct(4, lens, d, types, &outer));
    BOUNDS(outer, 0, sizeof(struct outer), 0, offsetof(struct outer, tail) + 3);
    OK(MPI_Type_free(&inner));
    OK(MPI_Type_free(&outer));
    const MPI_Datatype with_pair[] = {MPI_SHORT_INT, MPI_CHAR};
    OK(MPI_Type_create_struct(2, one, (const MPI_Aint[]){0, 8}, with_pair, &outer));
    BOUNDS(outer, 0, 12, 0, 9);
    OK(MPI_Type_free(&outer));
    const MPI_Datatype wide[] = {MPI_LONG_DOUBLE, MPI_CHAR};
    OK(MPI_Type_create_struct(2, one, (const MPI_Aint[]){0, 16}, wide, &outer));
    BOUNDS(outer, 0, 2 * sizeof(long double), 0, 17);
    OK(MPI_Type_free(&outer));
}

/* An explicit bound counts alone, however far the elements reach. */
static void explicit_ones(void)
{
    const int one[] = {1, 1};
    MPI_Datatype r, t, types[2] = {MPI_DATATYPE_NULL, MPI_DOUBLE};
    OK(MPI_Type_create_resized(MPI_INT, 0, 6, &r));
    types[0] = r;
    OK(MPI_Type_create_struct(2, one, (const MPI_Aint[]){0, 200}, types, &t));
    BOUNDS(t, 0, 6, 0, 208);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_contiguous(2, r, &t));
    BOUNDS(t, 0, 12, 0, 10);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&r));
}

static void of_nothing(void)
{
    const int lens[] = {1, 0}, one[] = {1, 1};
    const MPI_Aint displs[] = {0, 40};
    MPI_Datatype empty, sized, t;
    OK(MPI_Type_contiguous(0, MPI_INT, &empty));
    BOUNDS(empty, 0, 0, 0, 0);
    OK(MPI_Type_create_struct(2, lens, displs,
                              (const MPI_Datatype[]){MPI_INT, MPI_DOUBLE}, &t));
    BOUNDS(t, 0, 4, 0, 4);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_struct(2, one, displs, (const MPI_Datatype[]){MPI_INT, empty}, &t));
    BOUNDS(t, 0, 4, 0, 4);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_resized(empty, 0, 16, &sized));
    OK(MPI_Type_contiguous(3, sized, &t));
    BOUNDS(t, 0, 48, 0, 0);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&sized));
    OK(MPI_Type_free(&empty));
}

int main(int argc, char **argv)
{
    MPI_Aint lb;
    mt_begin(&argc, &argv, 1);
    as_in_c();
    explicit_ones();
    of_nothing();
    SAYS(MPI_Type_get_extent(MPI_DATATYPE_NULL, &lb, &lb), MPI_ERR_TYPE, "MPI_DATATYPE_NULL");
    SAYS(MPI_Type_get_true_extent(MPI_INT, NULL, &lb), MPI_ERR_ARG, "true_lb");
    return mt_end();
}
