/* SPDX-License-Identifier: BSD-3-Clause */
/* Processor time of rank 1 while it waits 5 s in MPI_Recv for rank 0, which sleeps. Prints "blocked
 * percent". With the argument "daemon" rank 0 sleeps 20 s instead: time to watch an idle daemon. */
#include "timing.h"

#include <mpi.h>
#include <string.h>
#include <sys/resource.h>

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    int rank;
    char byte = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        struct timespec t = {argc > 1 ? 20 : 5, 0};
        nanosleep(&t, NULL);
        MPI_Send(&byte, 1, MPI_BYTE, 1, 1, MPI_COMM_WORLD);
    } else if (rank == 1) {
        double begin = now_us(), cpu = cpu_us();
        MPI_Recv(&byte, 1, MPI_BYTE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        result("blocked", 100 * (cpu_us() - cpu) / (now_us() - begin));
    }
    MPI_Finalize();
    return 0;
}
