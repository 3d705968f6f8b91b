/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrong arguments give the class that the standard names, and a sentence; nothing is sent. */
#include "mtest.h"
#include <string.h>

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2), dup;
    MPI_Request req;
    MPI_Status st;
    char said[MPI_MAX_ERROR_STRING];
    int x = 0, len, flag, rc;
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, mt_size, 0, comm), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, -9, 0, comm), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, MPI_ANY_SOURCE, 0, comm), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, 0, -1, comm), MPI_ERR_TAG);
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, 0, MPI_ANY_TAG, comm), MPI_ERR_TAG);
    CHECK_CLASS(MPI_Send(&x, -1, MPI_INT, 0, 0, comm), MPI_ERR_COUNT);
    CHECK_CLASS(MPI_Send(NULL, 1, MPI_INT, 0, 0, comm), MPI_ERR_BUFFER);
    CHECK_CLASS(MPI_Send(&x, 1, MPI_DATATYPE_NULL, 0, 0, comm), MPI_ERR_TYPE);
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, 0, 0, MPI_COMM_NULL), MPI_ERR_COMM);
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, mt_size, 0, comm, &st), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 0, -7, comm, &st), MPI_ERR_TAG);
    CHECK_CLASS(MPI_Irecv(&x, -2, MPI_INT, 0, 0, comm, &req), MPI_ERR_COUNT);
    CHECK_CLASS(MPI_Probe(-5, 0, comm, &st), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Iprobe(0, -5, comm, &flag, &st), MPI_ERR_TAG);
    CHECK_CLASS(MPI_Comm_split(comm, -4, 0, &dup), MPI_ERR_ARG);
    rc = MPI_Send(&x, 1, MPI_INT, mt_size + 40, 0, comm);
    MPI_Error_string(rc, said, &len);
    CHECK(strstr(said, "MPI_ERR_RANK") && strstr(said, "MPI_Send"));
    CHECK_EQ(len, (int)strlen(said));
    CHECK_CLASS(MPI_Comm_free(&(MPI_Comm){MPI_COMM_WORLD}), MPI_ERR_COMM);
    CHECK_CLASS(MPI_Comm_disconnect(&(MPI_Comm){MPI_COMM_WORLD}), MPI_ERR_COMM);
    return mt_end();
}
