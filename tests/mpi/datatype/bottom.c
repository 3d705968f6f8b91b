/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_BOTTOM: types of absolute addresses, in messages and in a collective. */
#include "typetest.h"
#include <string.h>

static int a = 1;
static double b[3];

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    char c[5], packed[64];
    const int lens[] = {1, 3, 5};
    MPI_Aint at[3];
    MPI_Datatype t;
    MPI_Status st;
    int n, position = 0;
    OK(MPI_Get_address(&a, &at[0]));
    OK(MPI_Get_address(b, &at[1]));
    OK(MPI_Get_address(c, &at[2]));
    OK(MPI_Type_create_struct(3, lens, at,
                              (const MPI_Datatype[]){MPI_INT, MPI_DOUBLE, MPI_CHAR}, &t));
    OK(MPI_Type_commit(&t));
    for (int round = 0; round < 2; round++) {
        a = mt_rank == 0 ? 42 : 0;
        b[2] = mt_rank == 0 ? 1.5 : 0;
        strcpy(c, mt_rank == 0 ? "four" : "");
        if (round == 1)
            OK(MPI_Bcast(MPI_BOTTOM, 1, t, 0, comm));
        else if (mt_rank == 0)
            OK(MPI_Send(MPI_BOTTOM, 1, t, 1, 1, comm));
        else if (mt_rank == 1) {
            OK(MPI_Recv(MPI_BOTTOM, 1, t, 0, 1, comm, &st));
            OK(MPI_Get_elements(&st, t, &n));
            CHECK_EQ(n, 9);
        }
        if (mt_rank < 2)
            CHECK(a == 42 && b[2] == 1.5 && strcmp(c, "four") == 0);
    }
    OK(MPI_Pack(MPI_BOTTOM, 1, t, packed, 64, &position, MPI_COMM_SELF));
    CHECK(position == 33 && memcmp(packed + 28, "four", 5) == 0);
    /* No predefined type can lie there. */
    SAYS(MPI_Send(MPI_BOTTOM, 1, MPI_INT, 0, 1, comm), MPI_ERR_BUFFER,
         "buf is a null pointer");
    CHECK(MPI_Aint_diff(MPI_Aint_add(at[1], 16), at[1]) == 16);
    OK(MPI_Type_free(&t));
    return mt_end();
}
