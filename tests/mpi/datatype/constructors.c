/* SPDX-License-Identifier: BSD-3-Clause */
/* Every constructor but those of arrays: where the elements lie, and what is said of bad arguments. */
#include "typetest.h"

static MPI_Datatype t;

static void regular(void)
{
    OK(MPI_Type_contiguous(3, MPI_INT, &t));
    INTS_AT(t, 0, 4, 8);
    OK(MPI_Type_free(&t));
    CHECK(t == MPI_DATATYPE_NULL);
    OK(MPI_Type_vector(3, 2, 4, MPI_INT, &t));
    INTS_AT(t, 0, 4, 16, 20, 32, 36);
    BOUNDS(t, 0, 40, 0, 40);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_vector(3, 1, -2, MPI_INT, &t));
    INTS_AT(t, 0, -8, -16);
    BOUNDS(t, -16, 20, -16, 20);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_hvector(2, 2, 20, MPI_INT, &t));
    INTS_AT(t, 0, 4, 20, 24);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_vector(0, 7, 3, MPI_INT, &t));
    BOUNDS(t, 0, 0, 0, 0);
    OK(MPI_Type_free(&t));
    SAYS(MPI_Type_contiguous(-1, MPI_INT, &t), MPI_ERR_COUNT, "count is -1");
    SAYS(MPI_Type_contiguous(1, MPI_DATATYPE_NULL, &t), MPI_ERR_TYPE,
         "oldtype is MPI_DATATYPE_NULL");
    SAYS(MPI_Type_contiguous(1, MPI_REAL2, &t), MPI_ERR_TYPE, "MPI_REAL2");
    SAYS(MPI_Type_contiguous(1, MPI_INT, NULL), MPI_ERR_ARG, "newtype is a null pointer");
    SAYS(MPI_Type_vector(-3, 1, 1, MPI_INT, &t), MPI_ERR_COUNT, "count is -3");
    SAYS(MPI_Type_vector(1, -4, 1, MPI_INT, &t), MPI_ERR_ARG, "blocklength is -4");
    SAYS(MPI_Type_create_hvector(1, -1, 1, MPI_INT, &t), MPI_ERR_ARG, "blocklength is -1");
    SAYS(MPI_Type_create_hvector(1, 1, 1, (MPI_Datatype)MPI_COMM_WORLD, &t), MPI_ERR_TYPE,
         "communicator");
}

static void indexed(void)
{
    const int lens[] = {2, 0, 1}, displs[] = {3, 9, -1}, bad[] = {1, -2, 1};
    const MPI_Aint bytes[] = {8, 100, -12};
    OK(MPI_Type_indexed(3, lens, displs, MPI_INT, &t));
    INTS_AT(t, 12, 16, -4);
    BOUNDS(t, -4, 24, -4, 24);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_hindexed(3, lens, bytes, MPI_INT, &t));
    INTS_AT(t, 8, 12, -12);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_indexed_block(3, 2, displs, MPI_INT, &t));
    INTS_AT(t, 12, 16, 36, 40, -4, 0);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_create_hindexed_block(3, 1, bytes, MPI_INT, &t));
    INTS_AT(t, 8, 100, -12);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_indexed(0, NULL, NULL, MPI_INT, &t));
    BOUNDS(t, 0, 0, 0, 0);
    OK(MPI_Type_free(&t));
    SAYS(MPI_Type_indexed(3, bad, displs, MPI_INT, &t), MPI_ERR_ARG,
         "array_of_blocklengths[1] is -2");
    SAYS(MPI_Type_indexed(3, NULL, displs, MPI_INT, &t), MPI_ERR_ARG,
         "array_of_blocklengths");
    SAYS(MPI_Type_indexed(3, lens, NULL, MPI_INT, &t), MPI_ERR_ARG, "array_of_displacements");
    SAYS(MPI_Type_create_hindexed(3, bad, bytes, MPI_INT, &t), MPI_ERR_ARG, "[1] is -2");
    SAYS(MPI_Type_create_indexed_block(1, -5, displs, MPI_INT, &t), MPI_ERR_ARG, "-5");
    SAYS(MPI_Type_create_hindexed_block(-1, 1, bytes, MPI_INT, &t), MPI_ERR_COUNT,
         "count is -1");
}

static void structs(void)
{
    const int lens[] = {1, 2, 1}, bad[] = {1, 1, -7};
    const MPI_Aint displs[] = {4, -8, 40};
    MPI_Datatype pair, types[] = {MPI_INT, MPI_INT, MPI_INT};
    OK(MPI_Type_create_struct(3, lens, displs, types, &t));
    INTS_AT(t, 4, -8, -4, 40);
    BOUNDS(t, -8, 52, -8, 52);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_vector(2, 1, 3, MPI_INT, &pair));
    types[1] = pair; /* not committed: it need not be */
    OK(MPI_Type_create_struct(3, lens, displs, types, &t));
    OK(MPI_Type_free(&pair)); /* still part of t */
    INTS_AT(t, 4, -8, 4, 8, 20, 40);
    OK(MPI_Type_free(&t));
    types[1] = MPI_DATATYPE_NULL;
    SAYS(MPI_Type_create_struct(3, lens, displs, types, &t), MPI_ERR_TYPE,
         "array_of_types[1] is MPI_DATATYPE_NULL");
    types[1] = (MPI_Datatype)MPI_SUM;
    SAYS(MPI_Type_create_struct(3, lens, displs, types, &t), MPI_ERR_TYPE,
         "array_of_types[1]");
    types[1] = MPI_INT;
    SAYS(MPI_Type_create_struct(3, bad, displs, types, &t), MPI_ERR_ARG, "[2] is -7");
    SAYS(MPI_Type_create_struct(3, lens, displs, NULL, &t), MPI_ERR_ARG, "array_of_types");
}

static void changed(void)
{
    MPI_Datatype r;
    OK(MPI_Type_create_resized(MPI_INT, -4, 12, &r));
    BOUNDS(r, -4, 12, 0, 4);
    OK(MPI_Type_contiguous(3, r, &t));
    INTS_AT(t, 0, 12, 24);
    BOUNDS(t, -4, 36, 0, 28);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_dup(r, &t));
    BOUNDS(t, -4, 12, 0, 4);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&r));
    OK(MPI_Type_create_resized(MPI_INT, 0, -8, &r));
    OK(MPI_Type_contiguous(3, r, &t));
    INTS_AT(t, 0, -8, -16);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&r));
    SAYS(MPI_Type_dup(MPI_DATATYPE_NULL, &t), MPI_ERR_TYPE, "MPI_DATATYPE_NULL");
    SAYS(MPI_Type_create_resized(MPI_DATATYPE_NULL, 0, 4, &t), MPI_ERR_TYPE, "oldtype");
    t = MPI_DATATYPE_NULL;
    SAYS(MPI_Type_commit(&t), MPI_ERR_TYPE, "MPI_DATATYPE_NULL");
    SAYS(MPI_Type_free(&t), MPI_ERR_TYPE, "MPI_DATATYPE_NULL");
    t = MPI_INT;
    OK(MPI_Type_commit(&t));
    SAYS(MPI_Type_free(&t), MPI_ERR_TYPE, "MPI_INT is predefined");
    CHECK(t == MPI_INT);
}

int main(int argc, char **argv)
{
    mt_begin(&argc, &argv, 1);
    regular();
    indexed();
    structs();
    changed();
    return mt_end();
}
