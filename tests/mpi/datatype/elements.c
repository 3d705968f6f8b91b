/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Get_count and MPI_Get_elements of messages that end anywhere in a derived type. */
#include "typetest.h"
#include <string.h>

static MPI_Datatype t, inner;

/* {int, 2 x {short, gap, double}, MPI_DOUBLE_INT, complex float}: basic elements 1, 4, 2, 1. */
static const int ends[] = {4, 6, 14, 16, 24, 32, 36, 44};

static void make(void)
{
    const int one[] = {1, 1}, lens[] = {1, 2, 1, 1};
    const MPI_Aint di[] = {0, 8}, d[] = {0, 8, 48, 64};
    OK(MPI_Type_create_struct(2, one, di, (const MPI_Datatype[]){MPI_SHORT, MPI_DOUBLE},
                              &inner));
    const MPI_Datatype types[] = {MPI_INT, inner, MPI_DOUBLE_INT, MPI_C_FLOAT_COMPLEX};
    OK(MPI_Type_create_struct(4, lens, d, types, &t));
    OK(MPI_Type_commit(&t));
}

/* What a message of so many bytes holds: whole types, basic elements or MPI_UNDEFINED. */
static int elements_of(int bytes)
{
    int n = bytes / 44 * 8, rest = bytes % 44;
    for (int i = 0; i < 8 && rest; i++)
        if (rest == ends[i])
            return n + i + 1;
    return rest ? MPI_UNDEFINED : n;
}

static void counted(const MPI_Status *st, int bytes)
{
    int n;
    MPI_Count large;
    OK(MPI_Get_count(st, t, &n));
    CHECK_EQ(n, bytes % 44 ? MPI_UNDEFINED : bytes / 44);
    OK(MPI_Get_elements(st, t, &n));
    CHECK_EQ(n, elements_of(bytes));
    OK(MPI_Get_elements_c(st, t, &large));
    CHECK_EQ(large, elements_of(bytes));
    OK(MPI_Get_elements_x(st, t, &large));
    CHECK_EQ(large, elements_of(bytes));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    char sent[100] = {0}, got[400];
    MPI_Status st;
    int n;
    make();
    for (int bytes = 0; bytes <= 100 && mt_rank < 2; bytes++) {
        if (mt_rank == 0) {
            OK(MPI_Send(sent, bytes, MPI_BYTE, 1, 1, comm));
        } else {
            OK(MPI_Recv(got, 4, t, 0, 1, comm, &st));
            counted(&st, bytes);
        }
    }
    for (int k = 0; k < 20; k++) {
        memset(&st, 0, sizeof(st));
        OK(MPI_Status_set_elements(&st, t, k));
        OK(MPI_Get_elements(&st, t, &n));
        CHECK_EQ(n, k);
        OK(MPI_Get_count(&st, MPI_BYTE, &n));
        CHECK_EQ(n, k / 8 * 44 + (k % 8 ? ends[k % 8 - 1] : 0));
    }
    MPI_Datatype empty;
    OK(MPI_Type_contiguous(0, MPI_INT, &empty));
    OK(MPI_Get_elements(&st, empty, &n)); /* bytes that no element of it can be */
    CHECK_EQ(n, MPI_UNDEFINED);
    OK(MPI_Get_count(&st, empty, &n));
    CHECK_EQ(n, MPI_UNDEFINED);
    OK(MPI_Status_set_elements(&st, MPI_INT, 0));
    OK(MPI_Get_elements(&st, empty, &n));
    CHECK_EQ(n, 0);
    OK(MPI_Get_count(&st, empty, &n));
    CHECK_EQ(n, 0);
    OK(MPI_Type_free(&empty));
    SAYS(MPI_Status_set_elements(&st, t, -1), MPI_ERR_COUNT, "count is -1");
    SAYS(MPI_Get_elements(&st, MPI_DATATYPE_NULL, &n), MPI_ERR_TYPE, "MPI_DATATYPE_NULL");
    SAYS(MPI_Get_elements(&st, t, NULL), MPI_ERR_ARG, "count is a null pointer");
    OK(MPI_Type_free(&inner));
    OK(MPI_Type_free(&t));
    return mt_end();
}
