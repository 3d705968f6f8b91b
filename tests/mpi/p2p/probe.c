/* SPDX-License-Identifier: BSD-3-Clause */
/* Probe, Iprobe, and the matched forms with Mrecv and Imrecv. */
#include "mtest.h"
#include <stdlib.h>

static void plain(MPI_Comm comm)
{
    MPI_Status st;
    int flag = 1, count, x[5] = {1, 2, 3, 4, 5};
    if (mt_rank == 1) {
        OK(MPI_Recv(NULL, 0, MPI_INT, 0, 1, comm, MPI_STATUS_IGNORE));
        OK(MPI_Send(x, 5, MPI_INT, 0, 33, comm));
    }
    if (mt_rank != 0)
        return;
    OK(MPI_Iprobe(MPI_ANY_SOURCE, 33, comm, &flag, &st));
    CHECK(!flag);
    OK(MPI_Send(NULL, 0, MPI_INT, 1, 1, comm));
    OK(MPI_Probe(MPI_ANY_SOURCE, 33, comm, &st));
    CHECK_EQ(st.MPI_SOURCE, 1);
    CHECK_EQ(st.MPI_TAG, 33);
    OK(MPI_Get_count(&st, MPI_INT, &count));
    CHECK_EQ(count, 5);
    OK(MPI_Iprobe(1, MPI_ANY_TAG, comm, &flag, &st)); /* still there */
    CHECK(flag);
    OK(MPI_Recv(x, count, MPI_INT, st.MPI_SOURCE, st.MPI_TAG, comm, MPI_STATUS_IGNORE));
    CHECK_EQ(x[4], 5);
    OK(MPI_Iprobe(MPI_ANY_SOURCE, 33, comm, &flag, &st));
    CHECK(!flag);
}

/* What a matched probe has taken, no other receive gets. */
static void matched(MPI_Comm comm, int size)
{
    MPI_Message msg = MPI_MESSAGE_NULL, second = MPI_MESSAGE_NULL;
    MPI_Status st;
    MPI_Request req;
    int flag, count;
    char *a = malloc((size_t)size + 1), *b = malloc((size_t)size + 1);
    if (mt_rank == 1) {
        mt_fill(a, (size_t)size, 1);
        mt_fill(b, (size_t)size, 2);
        OK(MPI_Isend(a, size, MPI_BYTE, 0, 4, comm, &req));
        OK(MPI_Send(b, size, MPI_BYTE, 0, 4, comm));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    } else if (mt_rank == 0) {
        OK(MPI_Mprobe(1, 4, comm, &msg, &st));
        CHECK(msg != MPI_MESSAGE_NULL && msg != MPI_MESSAGE_NO_PROC);
        OK(MPI_Get_count(&st, MPI_BYTE, &count));
        CHECK_EQ(count, size);
        do
            OK(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &flag, &second, &st));
        while (!flag);
        OK(MPI_Imrecv(b, size, MPI_BYTE, &second, &req));
        CHECK(second == MPI_MESSAGE_NULL);
        OK(MPI_Wait(&req, &st));
        CHECK(mt_filled(b, (size_t)size, 2));
        CHECK_EQ(st.MPI_TAG, 4);
        OK(MPI_Mrecv(a, size, MPI_BYTE, &msg, &st));
        CHECK(msg == MPI_MESSAGE_NULL);
        CHECK(mt_filled(a, (size_t)size, 1));
        CHECK_EQ(st.MPI_SOURCE, 1);
    }
    free(a);
    free(b);
}

static void truncated(MPI_Comm comm)
{
    MPI_Message msg;
    MPI_Status st;
    int x[4] = {1, 2, 3, 4};
    if (mt_rank == 1)
        OK(MPI_Send(x, 4, MPI_INT, 0, 8, comm));
    if (mt_rank == 0) {
        OK(MPI_Mprobe(1, 8, comm, &msg, &st));
        CHECK_CLASS(MPI_Mrecv(x, 1, MPI_INT, &msg, &st), MPI_ERR_TRUNCATE);
        CHECK(msg == MPI_MESSAGE_NULL);
    }
}

static void proc_null(MPI_Comm comm)
{
    MPI_Message msg;
    MPI_Request req;
    MPI_Status st;
    int flag = 0, x;
    OK(MPI_Probe(MPI_PROC_NULL, 1, comm, &st));
    CHECK(st.MPI_SOURCE == MPI_PROC_NULL && st.MPI_TAG == MPI_ANY_TAG);
    OK(MPI_Iprobe(MPI_PROC_NULL, 1, comm, &flag, &st));
    CHECK(flag);
    OK(MPI_Mprobe(MPI_PROC_NULL, 1, comm, &msg, &st));
    CHECK(msg == MPI_MESSAGE_NO_PROC);
    OK(MPI_Mrecv(&x, 1, MPI_INT, &msg, &st));
    CHECK(msg == MPI_MESSAGE_NULL && st.MPI_SOURCE == MPI_PROC_NULL);
    OK(MPI_Improbe(MPI_PROC_NULL, 1, comm, &flag, &msg, &st));
    CHECK(flag && msg == MPI_MESSAGE_NO_PROC);
    OK(MPI_Imrecv(&x, 1, MPI_INT, &msg, &req));
    OK(MPI_Wait(&req, &st));
    CHECK_EQ(st.MPI_SOURCE, MPI_PROC_NULL);
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    plain(comm);
    matched(comm, 0);
    matched(comm, 1000);
    matched(comm, 2 << 20);
    truncated(comm);
    proc_null(comm);
    return mt_end();
}
