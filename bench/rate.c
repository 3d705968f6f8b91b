/* SPDX-License-Identifier: BSD-3-Clause */
/* How many messages a second go from one process to another when many are in flight. usage: rate
 * BYTES. Rank 1 posts 64 receives, rank 0 starts 64 sends, both wait for theirs, and rank 1 answers
 * with an empty message, as in the usual benchmarks of this kind. Prints "rate messages-per-second":
 * the median of 5 batches of about 20 ms. */
#include "timing.h"

#include <mpi.h>

enum { BATCHES = 5, WINDOW = 64, WARM_UP = 200 };
static const double batch_us = 20e3;

static void windows(char *buf, int size, int n, int rank)
{
    MPI_Request r[WINDOW];
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < WINDOW; k++)
            if (rank == 0)
                MPI_Isend(buf + k * size, size, MPI_BYTE, 1, 1, MPI_COMM_WORLD, &r[k]);
            else
                MPI_Irecv(buf + k * size, size, MPI_BYTE, 0, 1, MPI_COMM_WORLD, &r[k]);
        MPI_Waitall(WINDOW, r, MPI_STATUSES_IGNORE);
        if (rank == 0)
            MPI_Recv(NULL, 0, MPI_BYTE, 1, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        else
            MPI_Send(NULL, 0, MPI_BYTE, 0, 2, MPI_COMM_WORLD);
    }
}

int main(int argc, char **argv)
{
    int rank, size = argc > 1 ? atoi(argv[1]) : 8;
    double rates[BATCHES];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    char *buf = calloc(WINDOW, (size_t)size + 1);
    windows(buf, size, WARM_UP, rank);
    double begin = now_us();
    windows(buf, size, WARM_UP, rank);
    int n = (int)(batch_us * WARM_UP / (now_us() - begin)) + 1;
    MPI_Bcast(&n, 1, MPI_INT, 0, MPI_COMM_WORLD);
    for (int b = 0; b < BATCHES; b++) {
        begin = now_us();
        windows(buf, size, n, rank);
        rates[b] = (double)n * WINDOW / (now_us() - begin) * 1e6;
    }
    if (rank == 0)
        result("rate", median(rates, BATCHES));
    free(buf);
    MPI_Finalize();
    return 0;
}
