/* SPDX-License-Identifier: BSD-3-Clause */
/* Wildcards, order of messages, and matching by communicator, source and tag. */
#include "mtest.h"
#include <stdlib.h>

enum { ROUNDS = 500 };

/* Everyone sends numbered messages to rank 0, which takes them from anyone with any tag: all come,
 * and those of each sender in order. */
static void any_source(MPI_Comm comm)
{
    if (mt_rank != 0) {
        for (int i = 0; i < ROUNDS; i++)
            OK(MPI_Send(&i, 1, MPI_INT, 0, mt_rank * 1000 + i % 3, comm));
        return;
    }
    int *next = calloc((size_t)mt_size, sizeof(int));
    for (int i = 0; i < ROUNDS * (mt_size - 1); i++) {
        MPI_Status st;
        int x;
        OK(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &st));
        if (!CHECK(st.MPI_SOURCE > 0 && st.MPI_SOURCE < mt_size))
            continue;
        CHECK_EQ(x, next[st.MPI_SOURCE]);
        CHECK_EQ(st.MPI_TAG, st.MPI_SOURCE * 1000 + x % 3);
        next[st.MPI_SOURCE] = x + 1;
    }
    for (int r = 1; r < mt_size; r++)
        CHECK_EQ(next[r], ROUNDS);
    free(next);
}

/* Tags taken out of order. */
static void by_tag(MPI_Comm comm)
{
    if (mt_rank == 1)
        for (int i = 0; i < ROUNDS; i++)
            OK(MPI_Send(&i, 1, MPI_INT, 0, i, comm));
    for (int i = ROUNDS - 1; i >= 0 && mt_rank == 0; i--) {
        int x = -1;
        OK(MPI_Recv(&x, 1, MPI_INT, 1, i, comm, MPI_STATUS_IGNORE));
        CHECK_EQ(x, i);
    }
}

/* Posted receives with and without wildcards match in the order posted. */
static void posted_order(MPI_Comm comm)
{
    int got[4] = {-1, -1, -1, -1};
    MPI_Request req[4];
    if (mt_rank == 0) {
        OK(MPI_Irecv(&got[0], 1, MPI_INT, MPI_ANY_SOURCE, 5, comm, &req[0]));
        OK(MPI_Irecv(&got[1], 1, MPI_INT, 1, MPI_ANY_TAG, comm, &req[1]));
        OK(MPI_Irecv(&got[2], 1, MPI_INT, 1, 5, comm, &req[2]));
        OK(MPI_Irecv(&got[3], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &req[3]));
        OK(MPI_Send(NULL, 0, MPI_INT, 1, 0, comm));
        OK(MPI_Waitall(4, req, MPI_STATUSES_IGNORE));
        for (int i = 0; i < 4; i++)
            CHECK_EQ(got[i], i);
    } else if (mt_rank == 1) {
        OK(MPI_Recv(NULL, 0, MPI_INT, 0, 0, comm, MPI_STATUS_IGNORE));
        for (int i = 0; i < 4; i++)
            OK(MPI_Send(&i, 1, MPI_INT, 0, 5, comm));
    }
}

/* Messages of another communicator are never seen, not even by wildcards. */
static void contexts(MPI_Comm comm)
{
    MPI_Comm other;
    int x = -1;
    OK(MPI_Comm_dup(comm, &other));
    if (mt_rank == 1) {
        int a = 1, b = 2;
        OK(MPI_Send(&a, 1, MPI_INT, 0, 7, other));
        OK(MPI_Send(&b, 1, MPI_INT, 0, 7, comm));
    } else if (mt_rank == 0) {
        OK(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm, MPI_STATUS_IGNORE));
        CHECK_EQ(x, 2);
        OK(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, other, MPI_STATUS_IGNORE));
        CHECK_EQ(x, 1);
    }
    OK(MPI_Comm_free(&other));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 4);
    /* Messages of the next part must not meet the wildcards of the last. */
    any_source(comm);
    OK(MPI_Barrier(comm));
    by_tag(comm);
    posted_order(comm);
    OK(MPI_Barrier(comm));
    contexts(comm);
    return mt_end();
}
