/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker of step 4: MPI has started it, so MPI_COMM_WORLD is all workers and no list of tids is needed.
 * PVM brings the work and takes the result. */
#include "../plate.h"

#include <mpi.h>
#include <pvm3.h>

enum { TAG_WORK = 1, TAG_RESULT = 2, TAG_UP = 4, TAG_DOWN = 5 };

struct job {
    int workers, me, most;
    double eps;
};

static void receive_work(struct job *j, struct strip *s)
{
    int n, rows;
    pvm_recv(pvm_parent(), TAG_WORK);
    pvm_upkint(&n, 1, 1);
    pvm_upkint(&rows, 1, 1);
    pvm_upkint(&j->most, 1, 1);
    pvm_upkdouble(&j->eps, 1, 1);
    strip_init(s, n, rows);
    pvm_upkdouble(s->now, (rows + 2) * (n + 2), 1);
}

/* MPI_Sendrecv, since MPI_Send may wait; at the edges there is MPI_PROC_NULL, which needs no question. */
static void exchange(const struct job *j, struct strip *s)
{
    int above = j->me > 0 ? j->me - 1 : MPI_PROC_NULL;
    int below = j->me + 1 < j->workers ? j->me + 1 : MPI_PROC_NULL;
    MPI_Sendrecv(strip_row(s, 1), s->n + 2, MPI_DOUBLE, above, TAG_UP,
                 strip_row(s, s->rows + 1), s->n + 2, MPI_DOUBLE, below, TAG_UP,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv(strip_row(s, s->rows), s->n + 2, MPI_DOUBLE, below, TAG_DOWN,
                 strip_row(s, 0), s->n + 2, MPI_DOUBLE, above, TAG_DOWN, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
}

static double largest_of_all(double change)
{
    MPI_Allreduce(MPI_IN_PLACE, &change, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return change;
}

static int compute(const struct job *j, struct strip *s)
{
    for (int step = 1;; step++) {
        exchange(j, s);
        double change = strip_step(s);
        if (step == j->most)
            return step;
        if (step % CHECK_EVERY == 0 && largest_of_all(change) <= j->eps)
            return step;
    }
}

int main(int argc, char **argv)
{
    struct job j;
    struct strip s;
    MPI_Comm master;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&master);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ABORT); /* workers only, not the master */
    MPI_Comm_rank(MPI_COMM_WORLD, &j.me);
    MPI_Comm_size(MPI_COMM_WORLD, &j.workers);
    receive_work(&j, &s);
    int steps = compute(&j, &s);

    pvm_initsend(PvmDataDefault);
    pvm_pkint(&steps, 1, 1);
    pvm_pkdouble(strip_row(&s, 1), s.rows * (s.n + 2), 1);
    pvm_send(pvm_parent(), TAG_RESULT);
    strip_free(&s);
    pvm_exit();
    MPI_Comm_disconnect(&master);
    MPI_Finalize();
    return 0;
}
