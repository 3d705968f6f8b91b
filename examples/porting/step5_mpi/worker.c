/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker of step 5: MPI only, and nothing beside the standard. */
#include "../plate.h"

#include <mpi.h>

enum { TAG_WORK = 1, TAG_RESULT = 2, TAG_STEPS = 3, TAG_UP = 4, TAG_DOWN = 5 };

struct job {
    int workers, me, most;
    double eps;
};

/* What all have to know is broadcast; of which rows it has charge a worker finds by its rank. */
static void receive_work(struct job *j, struct strip *s, MPI_Comm master)
{
    int numbers[2];
    MPI_Bcast(numbers, 2, MPI_INT, 0, master);
    MPI_Bcast(&j->eps, 1, MPI_DOUBLE, 0, master);
    struct plate p = {.n = numbers[0], .workers = j->workers};
    j->most = numbers[1];
    strip_init(s, p.n, plate_first(&p, j->me + 1) - plate_first(&p, j->me));
    MPI_Recv(s->now, (s->rows + 2) * (s->n + 2), MPI_DOUBLE, 0, TAG_WORK, master,
             MPI_STATUS_IGNORE);
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
    receive_work(&j, &s, master);
    int steps = compute(&j, &s);

    MPI_Send(strip_row(&s, 1), s.rows * (s.n + 2), MPI_DOUBLE, 0, TAG_RESULT, master);
    if (j.me == 0)
        MPI_Send(&steps, 1, MPI_INT, 0, TAG_STEPS, master);
    strip_free(&s);
    MPI_Comm_disconnect(&master);
    MPI_Finalize();
    return 0;
}
