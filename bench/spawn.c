/* SPDX-License-Identifier: BSD-3-Clause */
/* Time of MPI_Comm_spawn of n + their MPI_Init + merge + barrier, with the VM already running.
 * usage: spawn N ROUNDS; ends early after 20 s when at least 3 rounds are done. */
#include "timing.h"

#include <mpi.h>
#include <signal.h>
#include <unistd.h>

static void child(MPI_Comm parent)
{
    MPI_Comm all;
    int pid = (int)getpid();
    MPI_Intercomm_merge(parent, 1, &all);
    MPI_Barrier(all);
    MPI_Gather(&pid, 1, MPI_INT, NULL, 0, MPI_INT, 0, all);
    MPI_Comm_free(&all);
    MPI_Comm_disconnect(&parent);
}

/* The next round is to begin on a quiet machine: waits until the children are gone, 5 s at most. */
static void wait_gone(const int *pids, int n)
{
    double limit = now_us() + 5e6;
    for (int i = 0; i < n; i++)
        while (kill((pid_t)pids[i], 0) == 0 && now_us() < limit)
            usleep(200);
}

static double one_round(char *self, int n, int *pids)
{
    MPI_Comm inter, all;
    int mine = 0;
    double begin = now_us();
    MPI_Comm_spawn(self, MPI_ARGV_NULL, n, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter,
                   MPI_ERRCODES_IGNORE);
    MPI_Intercomm_merge(inter, 0, &all);
    MPI_Barrier(all);
    double time = now_us() - begin;
    MPI_Gather(&mine, 1, MPI_INT, pids, 1, MPI_INT, 0, all);
    MPI_Comm_free(&all);
    MPI_Comm_disconnect(&inter);
    wait_gone(pids + 1, n);
    return time;
}

int main(int argc, char **argv)
{
    MPI_Comm parent;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) {
        child(parent);
    } else if (argc == 3) {
        int n = atoi(argv[1]), rounds = atoi(argv[2]), done = 0;
        double *times = malloc((size_t)rounds * sizeof *times);
        int *pids = malloc(((size_t)n + 1) * sizeof *pids);
        one_round(argv[0], n, pids); /* starts the VM */
        double limit = now_us() + 20e6;
        while (done < rounds && (done < 3 || now_us() < limit))
            times[done++] = one_round(argv[0], n, pids);
        result("spawn", median(times, done));
        free(times);
        free(pids);
    } else {
        fprintf(stderr, "usage: spawn N ROUNDS\n");
    }
    MPI_Finalize();
    return 0;
}
