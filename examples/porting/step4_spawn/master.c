/* SPDX-License-Identifier: BSD-3-Clause */
/* The master of step 4: MPI starts the workers; their tids serve what is left of PVM, which is the work, the
 * results, and the notice when a worker ends. */
#include "../plate.h"

#include <mpi.h>
#include <mpix_pvmx.h>
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_WORK = 1, TAG_RESULT = 2, TAG_GONE = 3 };

/* When they cannot be started, the error handler ends the program with the reason. */
static MPI_Comm start_workers(const struct plate *p, int *tids)
{
    MPI_Comm workers;
    MPI_Comm_spawn(WORKER, MPI_ARGV_NULL, p->workers, MPI_INFO_NULL, 0, MPI_COMM_SELF,
                   &workers, MPI_ERRCODES_IGNORE);
    MPIX_Comm_get_tids(workers, p->workers, tids);
    return workers;
}

static void send_work(const struct plate *p, int *tids, double *all)
{
    int n = p->n, most = p->most;
    double eps = p->eps;
    for (int i = 0; i < p->workers; i++) {
        int first = plate_first(p, i), rows = plate_first(p, i + 1) - first;
        pvm_initsend(PvmDataDefault);
        pvm_pkint(&n, 1, 1);
        pvm_pkint(&rows, 1, 1);
        pvm_pkint(&most, 1, 1);
        pvm_pkdouble(&eps, 1, 1);
        pvm_pkdouble(all + (first - 1) * (n + 2), (rows + 2) * (n + 2), 1);
        pvm_send(tids[i], TAG_WORK);
    }
}

static void worker_has_ended(MPI_Comm workers, int who)
{
    fprintf(stderr, "worker %d has ended before its work was done\n", who);
    MPI_Abort(workers, 1);
}

static int index_of(const struct plate *p, const int *tids, int tid)
{
    int i = 0;
    while (i < p->workers && tids[i] != tid)
        i++;
    return i;
}

/* Results and notices come in any order; a worker's result comes before its notice. */
static int collect(const struct plate *p, MPI_Comm workers, int *tids, double *all)
{
    int steps = 0, tag, tid, done[MOST_WORKERS] = {0};
    for (int left = p->workers; left > 0;) {
        int id = pvm_recv(-1, -1);
        pvm_bufinfo(id, NULL, &tag, &tid);
        if (tag == TAG_GONE)
            pvm_upkint(&tid, 1, 1);
        int i = index_of(p, tids, tid);
        if (i == p->workers)
            continue;
        if (tag == TAG_GONE && !done[i])
            worker_has_ended(workers, i);
        if (tag != TAG_RESULT)
            continue;
        int first = plate_first(p, i), rows = plate_first(p, i + 1) - first;
        pvm_upkint(&steps, 1, 1);
        pvm_upkdouble(all + first * (p->n + 2), rows * (p->n + 2), 1);
        done[i] = 1;
        left--;
    }
    return steps;
}

int main(int argc, char **argv)
{
    struct plate p;
    int tids[MOST_WORKERS];
    plate_options(&p, argc, argv);
    double *all = plate_start(p.n);

    MPI_Init(&argc, &argv);
    MPI_Comm workers = start_workers(&p, tids);
    pvm_notify(PvmTaskExit, TAG_GONE, p.workers, tids);
    send_work(&p, tids, all);
    int steps = collect(&p, workers, tids, all);
    plate_print(&p, all, steps);
    free(all);
    pvm_exit();
    MPI_Comm_disconnect(&workers);
    MPI_Finalize();
    return 0;
}
