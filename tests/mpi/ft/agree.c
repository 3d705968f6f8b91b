/* SPDX-License-Identifier: BSD-3-Clause */
/* Agree and shrink come to the same end in all that are left, with deaths before and in the middle
 * of them, blocking and not. */
#include "family.h"
#include <stdlib.h>
#include <unistd.h>

static void values(MPI_Comm all, MPI_Comm inter, int rank)
{
    int flag = ~(1 << rank), size, alone = 6;
    MPI_Request req[3];
    MPI_Comm left;
    (void)inter;
    OK(MPIX_Comm_agree(all, &flag));
    CHECK_EQ(flag, ~0x1f);
    OK(MPIX_Comm_agree(MPI_COMM_SELF, &alone));
    CHECK_EQ(alone, 6);
    /* Several at once, and something else, collected together. */
    int a = rank ? 3 : 6, b = 1, x = 0;
    OK(MPIX_Comm_iagree(all, &a, &req[0]));
    OK(MPIX_Comm_ishrink(all, &left, &req[1]));
    OK(MPI_Ibcast(&b, 1, MPI_INT, 0, all, &req[2]));
    OK(MPI_Waitall(3, req, MPI_STATUSES_IGNORE));
    CHECK_EQ(a, 2);
    OK(MPI_Comm_size(left, &size));
    CHECK_EQ(size, 5);
    OK(MPI_Allreduce(&rank, &x, 1, MPI_INT, MPI_SUM, left));
    CHECK_EQ(x, 10);
    OK(MPI_Comm_disconnect(&left));
    OK(MPIX_Comm_iagree(all, &a, &req[0]));
    for (int done = 0; !done;)
        OK(MPI_Test(&req[0], &done, MPI_STATUS_IGNORE));
    CHECK_EQ(a, 2);
    CHECK_CLASS(MPIX_Comm_agree(all, NULL), MPI_ERR_ARG);
    CHECK_CLASS(MPIX_Comm_shrink(all, NULL), MPI_ERR_ARG);
    CHECK_CLASS(MPIX_Comm_iagree(all, &a, NULL), MPI_ERR_ARG);
    CHECK_CLASS(MPIX_Comm_agree(MPI_COMM_NULL, &a), MPI_ERR_COMM);
}

/* The same class everywhere: an error until all have acknowledged. */
static void acknowledged(MPI_Comm all, MPI_Comm inter, int rank)
{
    int flag = 1, acked, x;
    (void)inter;
    if (rank == 2)
        die();
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 2, 1, all, MPI_STATUS_IGNORE), MPIX_ERR_PROC_FAILED);
    flag = rank == 1 ? 0 : 1;
    CHECK_CLASS(MPIX_Comm_agree(all, &flag), MPIX_ERR_PROC_FAILED);
    CHECK_EQ(flag, 0);
    if (rank != 3)
        OK(MPIX_Comm_ack_failed(all, 1, &acked));
    flag = 3;
    CHECK_CLASS(MPIX_Comm_agree(all, &flag), MPIX_ERR_PROC_FAILED);
    CHECK_EQ(flag, 3);
    if (rank == 3)
        OK(MPIX_Comm_failure_ack(all));
    OK(MPIX_Comm_agree(all, &flag));
    CHECK_EQ(flag, 3);
}

/* What one has come to is what the others have: sum and size over those that are left. */
static void same_everywhere(MPI_Comm left, int value, int cls)
{
    int mine[3] = {value, cls, 0}, low[3], high[3];
    MPI_Comm_size(left, &mine[2]);
    int rc = MPI_Allreduce(mine, low, 3, MPI_INT, MPI_MIN, left);
    if (rc == MPI_SUCCESS)
        rc = MPI_Allreduce(mine, high, 3, MPI_INT, MPI_MAX, left);
    if (rc != MPI_SUCCESS) { /* somebody has died after the agreement: nobody waits for us here */
        OK(MPIX_Comm_revoke(left));
        return;
    }
    for (int i = 0; i < 3; i++)
        CHECK_EQ(low[i], high[i]);
}

/* In every round one or two die, some time before, in or after the calls. */
static void dying(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm comm = all, left;
    int size, me;
    (void)inter;
    srand((unsigned)(1000 + rank));
    for (int round = 0;; round++) {
        MPI_Comm_size(comm, &size);
        MPI_Comm_rank(comm, &me);
        if (size <= 3)
            break;
        int flag = 0xff & ~(1 << (me % 8));
        bool victim = me == size - 1 || (round % 2 && me == 1);
        if (victim && rand() % 3 == 0)
            die();
        int pid = victim ? fork() : 1;
        if (pid == 0) { /* kills its parent in a moment */
            usleep((useconds_t)(rand() % 800));
            mt_kill((int)getppid());
            _exit(0);
        }
        int cls = MPIX_Comm_agree(comm, &flag);
        CHECK(cls == MPI_SUCCESS || cls == MPIX_ERR_PROC_FAILED);
        OK(MPIX_Comm_shrink(comm, &left));
        MPI_Comm_set_errhandler(left, MPI_ERRORS_RETURN);
        same_everywhere(left, flag, cls);
        if (victim)
            pause();
        if (comm != all)
            OK(MPI_Comm_free(&comm));
        comm = left;
    }
    if (comm != all)
        OK(MPI_Comm_free(&comm));
}

/* A shrunk communicator goes on: all its work is done by those that are left, in the old order. */
static void goes_on(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm left;
    MPI_Request req;
    int size, me, ranks[5] = {0}, want[] = {0, 2, 3, 5};
    (void)inter;
    if (rank == 1 || rank == 4)
        die();
    OK(MPIX_Comm_ishrink(all, &left, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Comm_size(left, &size));
    if (!CHECK(size == 4)) /* those two never took part, so they have ended */
        return;
    OK(MPI_Comm_rank(left, &me));
    CHECK_EQ(want[me], rank);
    for (int i = 0; i < 8; i++)
        OK(MPI_Allgather(&rank, 1, MPI_INT, ranks, 1, MPI_INT, left));
    for (int i = 0; i < 4; i++)
        CHECK_EQ(ranks[i], want[i]);
    OK(MPI_Comm_disconnect(&left));
}

int main(int argc, char **argv)
{
    static const struct family_case cases[] = {
        {"values", 4, values}, {"acknowledged", 4, acknowledged}, {"goes-on", 5, goes_on},
        {"dying", 15, dying},  {"dying-again", 9, dying},         {NULL, 0, NULL},
    };
    return family_main(argc, argv, cases);
}
