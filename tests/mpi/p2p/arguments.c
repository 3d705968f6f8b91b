/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrong arguments give the class that the standard names, and a sentence; nothing is sent. */
#include "mtest.h"
#include <string.h>

static int calls, last;
static MPI_Comm seen;

static void on_error(MPI_Comm *comm, int *code, ...)
{
    calls++;
    seen = *comm;
    last = *code;
}

/* One error, of the class, on the communicator. */
#define ON(comm, call, class)                                                            \
    do {                                                                                 \
        calls = 0;                                                                       \
        CHECK_CLASS(call, class);                                                        \
        CHECK(calls == 1 && seen == (comm));                                             \
    } while (0)

/* Functions without a communicator: an error belongs to that of the request or message. */
static void whose(MPI_Comm all)
{
    MPI_Errhandler eh;
    MPI_Comm comm;
    MPI_Request req[2];
    MPI_Message msg;
    int x[4] = {0}, me, flag, index, indices[2];
    OK(MPI_Comm_create_errhandler(on_error, &eh));
    OK(MPI_Comm_dup(all, &comm));
    OK(MPI_Comm_set_errhandler(comm, eh));
    OK(MPI_Comm_rank(comm, &me));
    OK(MPI_Recv_init(x, 1, MPI_INT, me, 1, comm, &req[0]));
    OK(MPI_Start(&req[0]));
    ON(comm, MPI_Start(&req[0]), MPI_ERR_REQUEST);
    ON(comm, MPI_Startall(1, req), MPI_ERR_REQUEST);
    OK(MPI_Send(x, 2, MPI_INT, me, 1, comm));
    ON(comm, MPI_Wait(&req[0], MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
    OK(MPI_Request_free(&req[0]));
    for (int k = 0; k < 4; k++) {
        OK(MPI_Irecv(x, 1, MPI_INT, me, 1, comm, &req[0]));
        req[1] = MPI_REQUEST_NULL;
        OK(MPI_Send(x, 2, MPI_INT, me, 1, comm));
        if (k == 0)
            ON(comm, MPI_Test(&req[0], &flag, MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
        else if (k == 1)
            ON(comm, MPI_Waitall(2, req, MPI_STATUSES_IGNORE), MPI_ERR_IN_STATUS);
        else if (k == 2)
            ON(comm, MPI_Waitany(2, req, &index, MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
        else
            ON(comm, MPI_Waitsome(2, req, &index, indices, MPI_STATUSES_IGNORE),
               MPI_ERR_IN_STATUS);
        CHECK(req[0] == MPI_REQUEST_NULL);
    }
    OK(MPI_Send(x, 2, MPI_INT, me, 1, comm));
    OK(MPI_Mprobe(me, 1, comm, &msg, MPI_STATUS_IGNORE));
    ON(comm, MPI_Mrecv_c(x, (MPI_Count)1 << 62, MPI_INT, &msg, MPI_STATUS_IGNORE),
       MPI_ERR_COUNT);
    ON(comm, MPI_Mrecv(x, 1, MPI_INT, &msg, MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
    CHECK(msg == MPI_MESSAGE_NULL && last == MPI_ERR_TRUNCATE);
    OK(MPI_Psend_init(x, 2, 1, MPI_INT, MPI_PROC_NULL, 1, comm, MPI_INFO_NULL, &req[0]));
    OK(MPI_Start(&req[0]));
    ON(comm, MPI_Pready(2, req[0]), MPI_ERR_ARG);
    ON(comm, MPI_Pready_range(1, 0, req[0]), MPI_ERR_ARG);
    ON(comm, MPI_Pready_list(-1, indices, req[0]), MPI_ERR_ARG);
    OK(MPI_Pready_range(0, 1, req[0]));
    OK(MPI_Wait(&req[0], MPI_STATUS_IGNORE));
    OK(MPI_Request_free(&req[0]));
    OK(MPI_Comm_free(&comm));
    OK(MPI_Errhandler_free(&eh));
}

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
    whose(comm);
    return mt_end();
}
