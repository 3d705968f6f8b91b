/* SPDX-License-Identifier: BSD-3-Clause */
/* The master of step 5: MPI only, and nothing beside the standard. That a worker has ended is an error of the
 * receive that waits for its result. */
#include "../plate.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_WORK = 1, TAG_RESULT = 2, TAG_STEPS = 3 };

/* When they cannot be started, the error handler ends the program with the reason. */
static MPI_Comm start_workers(const struct plate *p)
{
    MPI_Comm workers;
    MPI_Comm_spawn(WORKER, MPI_ARGV_NULL, p->workers, MPI_INFO_NULL, 0, MPI_COMM_SELF,
                   &workers, MPI_ERRCODES_IGNORE);
    MPI_Comm_set_errhandler(workers, MPI_ERRORS_RETURN);
    return workers;
}

static void worker_has_ended(MPI_Comm workers, int who)
{
    fprintf(stderr, "worker %d has ended before its work was done\n", who);
    MPI_Abort(workers, 1);
}

static void send_work(const struct plate *p, MPI_Comm workers, const double *all)
{
    int numbers[2] = {p->n, p->most}, width = p->n + 2;
    double eps = p->eps;
    MPI_Bcast(numbers, 2, MPI_INT, MPI_ROOT, workers);
    MPI_Bcast(&eps, 1, MPI_DOUBLE, MPI_ROOT, workers);
    for (int i = 0; i < p->workers; i++) {
        int first = plate_first(p, i), rows = plate_first(p, i + 1) - first;
        if (MPI_Send(all + (first - 1) * width, (rows + 2) * width, MPI_DOUBLE, i,
                     TAG_WORK, workers) != MPI_SUCCESS)
            worker_has_ended(workers, i);
    }
}

/* A receive for each worker, at the place of its rows; the first worker says how many steps it were. */
static int collect(const struct plate *p, MPI_Comm workers, double *all)
{
    MPI_Request wait[MOST_WORKERS + 1];
    int steps = 0, width = p->n + 2;
    for (int i = 0; i < p->workers; i++) {
        int first = plate_first(p, i), rows = plate_first(p, i + 1) - first;
        MPI_Irecv(all + first * width, rows * width, MPI_DOUBLE, i, TAG_RESULT, workers,
                  &wait[i]);
    }
    MPI_Irecv(&steps, 1, MPI_INT, 0, TAG_STEPS, workers, &wait[p->workers]);
    for (int left = p->workers + 1; left > 0; left--) {
        int i;
        if (MPI_Waitany(p->workers + 1, wait, &i, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            worker_has_ended(workers, i % p->workers);
    }
    return steps;
}

int main(int argc, char **argv)
{
    struct plate p;
    plate_options(&p, argc, argv);
    double *all = plate_start(p.n);

    MPI_Init(&argc, &argv);
    MPI_Comm workers = start_workers(&p);
    send_work(&p, workers, all);
    int steps = collect(&p, workers, all);
    plate_print(&p, all, steps);
    free(all);
    MPI_Comm_disconnect(&workers);
    MPI_Finalize();
    return 0;
}
