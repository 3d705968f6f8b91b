/* SPDX-License-Identifier: BSD-3-Clause */
/* Half round trips of two processes. usage: pingpong world SIZE... (two ranks of one world) or
 * pingpong parent SIZE... (one process that spawns the other). Prints "SIZE microseconds": the median
 * of 5 batches of about 10 ms. */
#include "timing.h"

#include <mpi.h>
#include <string.h>

enum { BATCHES = 5 };
static const double batch_us = 10e3, warm_up_us = 5e3;

static void pings(char *buf, int size, int n, int first, int peer, MPI_Comm comm)
{
    for (int i = 0; i < n; i++) {
        if (first)
            MPI_Send(buf, size, MPI_BYTE, peer, 1, comm);
        MPI_Recv(buf, size, MPI_BYTE, peer, 1, comm, MPI_STATUS_IGNORE);
        if (!first)
            MPI_Send(buf, size, MPI_BYTE, peer, 1, comm);
    }
}

/* How many round trips make a batch: the first side finds out, in runs of growing length that warm up
 * processors and caches, and tells the other before each. */
static int choose_count(char *buf, int size, int first, int peer, MPI_Comm comm)
{
    int n = 20, last = 0;
    while (!last) {
        double begin = now_us();
        pings(buf, size, n, first, peer, comm);
        double all = now_us() - begin;
        if (first) {
            last = all >= warm_up_us;
            n = last ? (int)(n * batch_us / all) + 1 : 2 * n;
            MPI_Send((int[]){n, last}, 2, MPI_INT, peer, 2, comm);
        } else {
            int said[2];
            MPI_Recv(said, 2, MPI_INT, peer, 2, comm, MPI_STATUS_IGNORE);
            n = said[0];
            last = said[1];
        }
    }
    return n;
}

static void measure(int size, int first, int peer, MPI_Comm comm)
{
    double times[BATCHES];
    char *buf = malloc(size ? (size_t)size : 1), name[24];
    memset(buf, 1, size ? (size_t)size : 1);
    int n = choose_count(buf, size, first, peer, comm);
    for (int b = 0; b < BATCHES; b++) {
        double begin = now_us();
        pings(buf, size, n, first, peer, comm);
        times[b] = (now_us() - begin) / n / 2;
    }
    snprintf(name, sizeof name, "%d", size);
    if (first)
        result(name, median(times, BATCHES));
    free(buf);
}

int main(int argc, char **argv)
{
    MPI_Comm comm = MPI_COMM_WORLD, parent;
    int rank = 0, peer;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    peer = !rank;
    if (argc < 3) {
        fprintf(stderr, "usage: pingpong world|parent SIZE...\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    if (strcmp(argv[1], "parent") == 0) {
        rank = parent != MPI_COMM_NULL;
        peer = 0;
        if (rank)
            comm = parent;
        else
            MPI_Comm_spawn(argv[0], argv + 1, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF, &comm,
                           MPI_ERRCODES_IGNORE);
    }
    for (int i = 2; i < argc; i++)
        measure(atoi(argv[i]), rank == 0, peer, comm);
    if (comm != MPI_COMM_WORLD)
        MPI_Comm_disconnect(&comm);
    MPI_Finalize();
    return 0;
}
