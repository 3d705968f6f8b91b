/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Pack and MPI_Unpack: pieces of different types in one buffer, and what does not fit. */
#include "typetest.h"
#include <string.h>

int main(int argc, char **argv)
{
    int matrix[4][4], column[4] = {0}, position = 0, size, n;
    MPI_Count large = 0;
    double d = 2.5, back = 0;
    char buf[64], same[64];
    MPI_Datatype t, raw;
    mt_begin(&argc, &argv, 1);
    for (int i = 0; i < 16; i++)
        matrix[i / 4][i % 4] = i;
    OK(MPI_Type_vector(4, 1, 4, MPI_INT, &t));
    OK(MPI_Type_dup(t, &raw));
    OK(MPI_Pack_size(3, raw, MPI_COMM_SELF, &size)); /* need not be committed */
    CHECK_EQ(size, 48);
    SAYS(MPI_Pack(matrix, 1, t, buf, 64, &position, MPI_COMM_SELF), MPI_ERR_TYPE,
         "not committed");
    OK(MPI_Type_commit(&t));
    OK(MPI_Pack(&d, 1, MPI_DOUBLE, buf, 64, &position, MPI_COMM_SELF));
    OK(MPI_Pack(&matrix[0][1], 1, t, buf, 64, &position, MPI_COMM_SELF));
    OK(MPI_Pack(NULL, 0, MPI_INT, buf, 64, &position, MPI_COMM_SELF));
    CHECK_EQ(position, 24);
    OK(MPI_Pack_c(&d, 1, MPI_DOUBLE, same, 64, &large, MPI_COMM_SELF));
    CHECK_EQ(large, 8);
    position = 0;
    OK(MPI_Unpack(buf, 64, &position, &back, 1, MPI_DOUBLE, MPI_COMM_SELF));
    OK(MPI_Unpack(buf, 64, &position, column, 4, MPI_INT, MPI_COMM_SELF));
    CHECK(back == 2.5 && position == 24);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(column[i], 4 * i + 1);
    memset(matrix, 0, sizeof(matrix));
    position = 8;
    OK(MPI_Unpack(buf, 24, &position, &matrix[0][2], 1, t, MPI_COMM_SELF));
    for (int i = 0; i < 16; i++)
        CHECK_EQ(matrix[i / 4][i % 4], i % 4 == 2 ? i - 1 : 0);

    position = 50;
    SAYS(MPI_Pack(matrix, 1, t, buf, 64, &position, MPI_COMM_SELF), MPI_ERR_TRUNCATE,
         "16 bytes at position 50 do not fit into outsize, which is 64");
    CHECK_EQ(position, 50);
    SAYS(MPI_Unpack(buf, 64, &position, matrix, 1, t, MPI_COMM_SELF), MPI_ERR_TRUNCATE,
         "insize");
    position = -1;
    SAYS(MPI_Pack(matrix, 1, t, buf, 64, &position, MPI_COMM_SELF), MPI_ERR_ARG,
         "position is -1");
    position = 0;
    SAYS(MPI_Pack(matrix, -1, t, buf, 64, &position, MPI_COMM_SELF), MPI_ERR_COUNT,
         "incount");
    SAYS(MPI_Pack(matrix, 1, t, NULL, 64, &position, MPI_COMM_SELF), MPI_ERR_BUFFER, "null");
    SAYS(MPI_Pack(NULL, 1, MPI_INT, buf, 64, &position, MPI_COMM_SELF), MPI_ERR_BUFFER,
         "inbuf");
    SAYS(MPI_Pack(matrix, 1, t, buf, -4, &position, MPI_COMM_SELF), MPI_ERR_ARG,
         "outsize is -4");
    SAYS(MPI_Pack(matrix, 1, t, buf, 64, NULL, MPI_COMM_SELF), MPI_ERR_ARG, "position");
    SAYS(MPI_Pack(matrix, 1, t, buf, 64, &position, MPI_COMM_NULL), MPI_ERR_COMM, "comm");
    SAYS(MPI_Unpack(buf, 64, &position, NULL, 1, MPI_INT, MPI_COMM_SELF), MPI_ERR_BUFFER,
         "outbuf");
    SAYS(MPI_Pack_size(-1, t, MPI_COMM_SELF, &n), MPI_ERR_COUNT, "incount is -1");
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&raw));
    return mt_end();
}
