/* SPDX-License-Identifier: BSD-3-Clause */
/* Cancelled receives match nothing; requests given up by MPI_Request_free complete all the same. */
#include "mtest.h"
#include <stdlib.h>

static void cancel_receive(MPI_Comm comm, int source)
{
    MPI_Request req;
    MPI_Status st;
    int flag = 0, x = 11;
    if (mt_rank == 0) {
        OK(MPI_Irecv(&x, 1, MPI_INT, source, 3, comm, &req));
        OK(MPI_Cancel(&req));
        OK(MPI_Wait(&req, &st));
        OK(MPI_Test_cancelled(&st, &flag));
        CHECK(flag);
        CHECK(req == MPI_REQUEST_NULL);
        OK(MPI_Send(NULL, 0, MPI_INT, 1, 4, comm));
        OK(MPI_Recv(&x, 1, MPI_INT, 1, 3, comm, &st)); /* not lost in the cancelled one */
        CHECK_EQ(x, 12);
        OK(MPI_Test_cancelled(&st, &flag));
        CHECK(!flag);
    } else if (mt_rank == 1) {
        x = 12;
        OK(MPI_Recv(NULL, 0, MPI_INT, 0, 4, comm, MPI_STATUS_IGNORE));
        OK(MPI_Send(&x, 1, MPI_INT, 0, 3, comm));
    }
}

/* Too late: the message is there already, so the receive succeeds. */
static void cancel_late(MPI_Comm comm)
{
    MPI_Request req;
    MPI_Status st;
    int flag = 1, x = 0;
    if (mt_rank == 0) {
        OK(MPI_Irecv(&x, 1, MPI_INT, 1, 5, comm, &req));
        OK(MPI_Recv(NULL, 0, MPI_INT, 1, 6, comm, MPI_STATUS_IGNORE)); /* sent after it */
        OK(MPI_Cancel(&req));
        OK(MPI_Wait(&req, &st));
        OK(MPI_Test_cancelled(&st, &flag));
        CHECK(!flag);
        CHECK_EQ(x, 77);
    } else if (mt_rank == 1) {
        x = 77;
        OK(MPI_Send(&x, 1, MPI_INT, 0, 5, comm));
        OK(MPI_Send(NULL, 0, MPI_INT, 0, 6, comm));
    }
}

enum { MANY = 200, LONG = 300000 };

typedef int send_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);

static send_fn *const sends[] = {MPI_Isend, MPI_Issend, MPI_Send_init, MPI_Ssend_init};

/* A send that its receiver has not matched, and never does, can be taken back: the wait returns, and
 * nothing is left of the message. Short ones of standard mode may have been sent and stay so. */
static void cancel_send(MPI_Comm comm, int to, send_fn *start, int count)
{
    static int values[LONG], got[LONG];
    MPI_Request req;
    MPI_Status st;
    int cancelled = 0, flag = 1;
    static int tag = 100;
    tag++; /* the next one may be on its way when this one is looked for */
    if (mt_rank == 0) {
        OK(start(values, count, MPI_INT, to, tag, comm, &req));
        bool persistent = start == MPI_Send_init || start == MPI_Ssend_init;
        if (persistent)
            OK(MPI_Start(&req));
        OK(MPI_Cancel(&req));
        OK(MPI_Wait(&req, &st));
        OK(MPI_Test_cancelled(&st, &cancelled));
        CHECK(cancelled || (count == 1 && (start == MPI_Isend || start == MPI_Send_init)));
        if (persistent) /* can be used again */
            OK(MPI_Request_free(&req));
        if (to != 0)
            OK(MPI_Send(&cancelled, 1, MPI_INT, to, 21, comm));
    }
    if (mt_rank == to) {
        if (to != 0)
            OK(MPI_Recv(&cancelled, 1, MPI_INT, 0, 21, comm, MPI_STATUS_IGNORE));
        OK(MPI_Iprobe(0, tag, comm, &flag, MPI_STATUS_IGNORE));
        CHECK_EQ(flag, !cancelled);
        if (!cancelled)
            OK(MPI_Recv(got, count, MPI_INT, 0, tag, comm, MPI_STATUS_IGNORE));
    }
}

/* Too late: the receive is posted, so the message is received. */
static void cancel_send_late(MPI_Comm comm, int count)
{
    static int values[LONG], got[LONG];
    MPI_Request req;
    MPI_Status st;
    int cancelled = 1;
    if (mt_rank == 1)
        OK(MPI_Irecv(got, count, MPI_INT, 0, 22, comm, &req));
    OK(MPI_Barrier(comm));
    if (mt_rank == 0) {
        values[count - 1] = count;
        OK(MPI_Issend(values, count, MPI_INT, 1, 22, comm, &req));
        OK(MPI_Cancel(&req));
    }
    if (mt_rank < 2) {
        OK(MPI_Wait(&req, &st));
        OK(MPI_Test_cancelled(&st, &cancelled));
        CHECK(!cancelled);
    }
    if (mt_rank == 1)
        CHECK_EQ(got[count - 1], count);
}

/* Sends and receives that nobody waits for. */
static void given_up(MPI_Comm comm)
{
    MPI_Request req;
    char *bufs = malloc((size_t)LONG);
    static int values[MANY];
    mt_fill(bufs, LONG, 9);
    for (int i = 0; i < MANY; i++) {
        values[i] = i;
        if (mt_rank == 0) {
            if (i % 10 == 0)
                OK(MPI_Isend(bufs, LONG, MPI_BYTE, 1, 1000 + i, comm, &req));
            else
                OK(MPI_Isend(&values[i], 1, MPI_INT, 1, 1000 + i, comm, &req));
            OK(MPI_Request_free(&req));
            CHECK(req == MPI_REQUEST_NULL);
        }
    }
    if (mt_rank == 1)
        for (int i = MANY - 1; i >= 0; i--) {
            char *got = malloc(LONG);
            int x = -1;
            if (i % 10 == 0) {
                OK(MPI_Recv(got, LONG, MPI_BYTE, 0, 1000 + i, comm, MPI_STATUS_IGNORE));
                CHECK(mt_filled(got, LONG, 9));
            } else {
                OK(MPI_Recv(&x, 1, MPI_INT, 0, 1000 + i, comm, MPI_STATUS_IGNORE));
                CHECK_EQ(x, i);
            }
            free(got);
        }
    /* The buffers of rank 0 must live till all is received. */
    if (mt_rank == 1)
        OK(MPI_Send(NULL, 0, MPI_INT, 0, 7, comm));
    if (mt_rank == 0)
        OK(MPI_Recv(NULL, 0, MPI_INT, 1, 7, comm, MPI_STATUS_IGNORE));
    free(bufs);
}

/* A receive that was given up still takes its message. */
static void given_up_receive(MPI_Comm comm)
{
    static int x;
    MPI_Request req;
    if (mt_rank == 0) {
        OK(MPI_Irecv(&x, 1, MPI_INT, 1, 8, comm, &req));
        OK(MPI_Request_free(&req));
        OK(MPI_Send(NULL, 0, MPI_INT, 1, 8, comm));
        OK(MPI_Recv(NULL, 0, MPI_INT, 1, 9, comm, MPI_STATUS_IGNORE));
        CHECK_EQ(x, 5);
    } else if (mt_rank == 1) {
        int five = 5;
        OK(MPI_Recv(NULL, 0, MPI_INT, 0, 8, comm, MPI_STATUS_IGNORE));
        OK(MPI_Send(&five, 1, MPI_INT, 0, 8, comm));
        OK(MPI_Send(NULL, 0, MPI_INT, 0, 9, comm));
    }
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    cancel_receive(comm, 1);
    cancel_receive(comm, MPI_ANY_SOURCE);
    cancel_late(comm);
    for (size_t i = 0; i < sizeof(sends) / sizeof(sends[0]); i++)
        for (int to = 0; to < 2; to++) {
            cancel_send(comm, to, sends[i], 1);
            cancel_send(comm, to, sends[i], LONG);
        }
    cancel_send_late(comm, 1);
    cancel_send_late(comm, LONG);
    given_up(comm);
    given_up_receive(comm);
    return mt_end();
}
