/* SPDX-License-Identifier: BSD-3-Clause */
/* Persistent requests of all modes: started again and again, inactive in between. */
#include "mtest.h"
#include <stdlib.h>

enum { MODES = 4, ROUNDS = 50 };

static void rounds(MPI_Comm comm, MPI_Request reqs[MODES], int values[MODES])
{
    MPI_Status st[MODES];
    for (int round = 0; round < ROUNDS; round++) {
        if (mt_rank == 1) { /* receives first, for ready mode */
            OK(MPI_Startall(MODES, reqs));
            OK(MPI_Send(NULL, 0, MPI_INT, 0, 50, comm));
        } else {
            for (int m = 0; m < MODES; m++)
                values[m] = round * 10 + m;
            OK(MPI_Recv(NULL, 0, MPI_INT, 1, 50, comm, MPI_STATUS_IGNORE));
            OK(MPI_Start(&reqs[0]));
            OK(MPI_Startall(MODES - 1, reqs + 1));
        }
        OK(MPI_Waitall(MODES, reqs, st));
        for (int m = 0; m < MODES; m++) {
            CHECK(reqs[m] != MPI_REQUEST_NULL);
            if (mt_rank == 1)
                CHECK(values[m] == round * 10 + m && st[m].MPI_TAG == m);
        }
    }
}

static void inactive(MPI_Request *req)
{
    MPI_Status st;
    int flag = 0, index;
    OK(MPI_Wait(req, &st));
    CHECK_EQ(st.MPI_TAG, MPI_ANY_TAG);
    OK(MPI_Test(req, &flag, &st));
    CHECK(flag);
    OK(MPI_Waitany(1, req, &index, &st));
    CHECK_EQ(index, MPI_UNDEFINED);
    OK(MPI_Request_get_status(*req, &flag, &st));
    CHECK(flag);
}

static void misuse(MPI_Comm comm)
{
    MPI_Request req, null = MPI_REQUEST_NULL;
    int x, flag;
    OK(MPI_Recv_init(&x, 1, MPI_INT, 1 - mt_rank, 60, comm, &req));
    OK(MPI_Start(&req));
    CHECK_CLASS(MPI_Start(&req), MPI_ERR_REQUEST);
    OK(MPI_Cancel(&req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Request_free(&req));
    CHECK(req == MPI_REQUEST_NULL);
    CHECK_CLASS(MPI_Start(&null), MPI_ERR_REQUEST);
    OK(MPI_Irecv(&x, 1, MPI_INT, 1 - mt_rank, 60, comm, &req));
    CHECK_CLASS(MPI_Start(&req), MPI_ERR_REQUEST);
    OK(MPI_Cancel(&req));
    OK(MPI_Test(&req, &flag, MPI_STATUS_IGNORE));
    if (!flag)
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    MPI_Request reqs[MODES];
    int values[MODES], size;
    void *buffer = malloc(4096);
    OK(MPI_Buffer_attach(buffer, 4096));
    if (mt_rank == 0) {
        OK(MPI_Send_init(&values[0], 1, MPI_INT, 1, 0, comm, &reqs[0]));
        OK(MPI_Ssend_init(&values[1], 1, MPI_INT, 1, 1, comm, &reqs[1]));
        OK(MPI_Rsend_init(&values[2], 1, MPI_INT, 1, 2, comm, &reqs[2]));
        OK(MPI_Bsend_init(&values[3], 1, MPI_INT, 1, 3, comm, &reqs[3]));
    } else {
        for (int m = 0; m < MODES && mt_rank == 1; m++)
            OK(MPI_Recv_init(&values[m], 1, MPI_INT, m == 3 ? MPI_ANY_SOURCE : 0, m, comm,
                             &reqs[m]));
    }
    if (mt_rank < 2) {
        inactive(&reqs[0]);
        rounds(comm, reqs, values);
        for (int m = 0; m < MODES; m++)
            OK(MPI_Request_free(&reqs[m]));
        misuse(comm);
    }
    OK(MPI_Buffer_detach(&buffer, &size));
    free(buffer);
    return mt_end();
}
