/* SPDX-License-Identifier: BSD-3-Clause */
/* A master that spawns itself over the hosts of the VM: spread N [COMMAND]. Merges, passes messages of many
 * sizes between all pairs, reduces, disconnects; prints one line that says where the children ran. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAG = 7, BIG = 3 * 1024 * 1024 };

static int failures;

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "spread: %s\n", what);
        failures++;
    }
}

static void exchange(MPI_Comm comm, int rank, int size)
{
    static const int sizes[] = {0, 1, 100, 5000, 70000, BIG};
    char *out = malloc(BIG), *in = malloc(BIG);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int step = 1; step < size; step++) {
            int to = (rank + step) % size, from = (rank + size - step) % size, n = 0;
            MPI_Status st;
            memset(out, rank + (int)s, (size_t)sizes[s]);
            memset(in, 0, (size_t)sizes[s]);
            MPI_Sendrecv(out, sizes[s], MPI_CHAR, to, TAG, in, BIG, MPI_CHAR, from, TAG,
                         comm, &st);
            MPI_Get_count(&st, MPI_CHAR, &n);
            check(n == sizes[s] && st.MPI_SOURCE == from,
                  "a message came with another length");
            for (int i = 0; i < n; i += 997)
                if (in[i] != (char)(from + (int)s)) {
                    check(0, "a message came with other bytes");
                    break;
                }
        }
    free(out);
    free(in);
}

static void work(MPI_Comm comm)
{
    int rank, size, sum = 0;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    exchange(comm, rank, size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, comm);
    check(sum == size * (size - 1) / 2, "allreduce");
    MPI_Barrier(comm);
}

int main(int argc, char **argv)
{
    MPI_Comm parent, children, all;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) {
        work(MPI_COMM_WORLD);
        MPI_Intercomm_merge(parent, 1, &all);
        work(all);
        printf("child in %s done\n",
               getenv("PVMX_TEST_SHOW") ? getenv("PVMX_TEST_SHOW") : "?");
        fflush(stdout);
        MPI_Comm_free(&all);
        MPI_Comm_disconnect(&parent);
        MPI_Finalize();
        return failures != 0;
    }
    int n = argc > 1 ? atoi(argv[1]) : 2, *universe = NULL, flag = 0;
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, &universe, &flag);
    MPI_Comm_spawn(argc > 2 ? argv[2] : argv[0], MPI_ARGV_NULL, n, MPI_INFO_NULL, 0,
                   MPI_COMM_WORLD, &children, MPI_ERRCODES_IGNORE);
    MPI_Intercomm_merge(children, 0, &all);
    work(all);
    MPI_Comm_free(&all);
    MPI_Comm_disconnect(&children);
    printf("universe %d done\n", flag ? *universe : -1);
    MPI_Finalize();
    return failures != 0;
}
