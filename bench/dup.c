/* SPDX-License-Identifier: BSD-3-Clause */
/* Time of MPI_Comm_dup of the world and of giving the new communicator back. usage: dup MILLISECONDS.
 * Prints "dup microseconds": the median of single calls of dup (a batch cannot be longer: peers run
 * out of communicators), as long as for the slowest process, in about so many milliseconds. */
#include "timing.h"

#include <mpi.h>

enum { MOST = 400, WARM_UP = 3 };

static double one(void)
{
    MPI_Comm dup;
    double each, most;
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = now_us();
    MPI_Comm_dup(MPI_COMM_WORLD, &dup);
    each = now_us() - begin;
    MPI_Comm_free(&dup);
    MPI_Allreduce(&each, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return most;
}

int main(int argc, char **argv)
{
    int rank, n = 0;
    double times[MOST], budget_us = argc > 1 ? atof(argv[1]) * 1e3 : 300e3;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < WARM_UP; i++)
        one();
    double begin = now_us();
    for (int more = 1; more;) {
        times[n++] = one();
        more = n < MOST && now_us() - begin < budget_us;
        MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
    if (rank == 0)
        result("dup", median(times, n));
    MPI_Finalize();
    return 0;
}
