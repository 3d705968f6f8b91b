/* SPDX-License-Identifier: BSD-3-Clause */
/* Rank 1 sends COUNT messages with different tags, which rank 0 does not expect; rank 0 then receives
 * them in the reverse order. usage: unexpected COUNT. Prints "unexpected microseconds": the time of
 * all these receives together, the median of 3 rounds. */
#include "timing.h"

#include <mpi.h>

enum { ROUNDS = 3 };

static void send_all(int count)
{
    for (int k = 0; k <= count; k++)
        MPI_Send(&k, 1, MPI_INT, 0, k, MPI_COMM_WORLD);
}

/* The message with the last tag comes last: when it is here, so are all others. */
static double receive_all(int count)
{
    int value;
    MPI_Recv(&value, 1, MPI_INT, 1, count, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    double begin = now_us();
    for (int k = count - 1; k >= 0; k--) {
        MPI_Recv(&value, 1, MPI_INT, 1, k, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (value != k)
            MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return now_us() - begin;
}

int main(int argc, char **argv)
{
    int rank, count = argc > 1 ? atoi(argv[1]) : 10000;
    double times[ROUNDS];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < ROUNDS; i++) {
        if (rank == 0)
            times[i] = receive_all(count);
        else if (rank == 1)
            send_all(count);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    if (rank == 0)
        result("unexpected", median(times, ROUNDS));
    MPI_Finalize();
    return 0;
}
