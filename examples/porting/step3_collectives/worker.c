/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker of step 3: the group has gone too, MPI_Allreduce finds the largest change. PVM brings the work
 * and takes the result; the master is still that of step 1. */
#include "../plate.h"

#include <mpi.h>
#include <mpix_pvmx.h>
#include <pvm3.h>
#include <stddef.h>

enum { TAG_WORK = 1, TAG_RESULT = 2, TAG_UP = 4, TAG_DOWN = 5 };

struct job {
    int workers, me, most, tids[MOST_WORKERS];
    double eps;
    MPI_Comm all; /* the workers; ranks are in the order of tids */
};

static void receive_work(struct job *j, struct strip *s)
{
    int n, rows;
    pvm_recv(pvm_parent(), TAG_WORK);
    pvm_upkint(&n, 1, 1);
    pvm_upkint(&rows, 1, 1);
    pvm_upkint(&j->workers, 1, 1);
    pvm_upkint(&j->me, 1, 1);
    pvm_upkint(&j->most, 1, 1);
    pvm_upkint(j->tids, j->workers, 1);
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
                 strip_row(s, s->rows + 1), s->n + 2, MPI_DOUBLE, below, TAG_UP, j->all,
                 MPI_STATUS_IGNORE);
    MPI_Sendrecv(strip_row(s, s->rows), s->n + 2, MPI_DOUBLE, below, TAG_DOWN,
                 strip_row(s, 0), s->n + 2, MPI_DOUBLE, above, TAG_DOWN, j->all,
                 MPI_STATUS_IGNORE);
}

static double largest_of_all(const struct job *j, double change)
{
    MPI_Allreduce(MPI_IN_PLACE, &change, 1, MPI_DOUBLE, MPI_MAX, j->all);
    return change;
}

static int compute(const struct job *j, struct strip *s)
{
    for (int step = 1;; step++) {
        exchange(j, s);
        double change = strip_step(s);
        if (step == j->most)
            return step;
        if (step % CHECK_EVERY == 0 && largest_of_all(j, change) <= j->eps)
            return step;
    }
}

int main(void)
{
    struct job j;
    struct strip s;
    receive_work(&j, &s);
    MPI_Init(NULL, NULL);
    MPIX_Comm_from_tids(j.workers, j.tids, &j.all);
    int steps = compute(&j, &s);
    MPI_Comm_free(&j.all);
    MPI_Finalize();

    pvm_initsend(PvmDataDefault);
    pvm_pkint(&steps, 1, 1);
    pvm_pkdouble(strip_row(&s, 1), s.rows * (s.n + 2), 1);
    pvm_send(pvm_parent(), TAG_RESULT);
    strip_free(&s);
    pvm_exit();
    return 0;
}
