/* SPDX-License-Identifier: BSD-3-Clause */
/* Time of one barrier and of one allreduce (a double, sum) over the world. Prints "barrier
 * microseconds" and "allreduce microseconds": the median of 9 batches of about 100 ms. */
#include "timing.h"

#include <mpi.h>
#include <string.h>

enum { BATCHES = 9 };
static const double batch_us = 100e3;

static void run(int allreduce, int n)
{
    double in = 1, out;
    for (int i = 0; i < n; i++) {
        if (allreduce)
            MPI_Allreduce(&in, &out, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        else
            MPI_Barrier(MPI_COMM_WORLD);
    }
}

static void measure(const char *name, int allreduce, int rank)
{
    double times[BATCHES];
    int n;
    run(allreduce, 3);
    double begin = now_us();
    run(allreduce, 5);
    double each = (now_us() - begin) / 5;
    n = each < batch_us ? (int)(batch_us / (each > 0.1 ? each : 0.1)) + 1 : 1;
    MPI_Bcast(&n, 1, MPI_INT, 0, MPI_COMM_WORLD);
    for (int b = 0; b < BATCHES; b++) {
        MPI_Barrier(MPI_COMM_WORLD);
        begin = now_us();
        run(allreduce, n);
        times[b] = (now_us() - begin) / n;
    }
    if (rank == 0)
        result(name, median(times, BATCHES));
}

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    measure("barrier", 0, rank);
    measure("allreduce", 1, rank);
    MPI_Finalize();
    return 0;
}
