/* SPDX-License-Identifier: BSD-3-Clause */
/* Every algorithm for intercommunicators, between groups of 1 to 5 and 1 to 4 processes, roots on
 * either side. */
#include "cases.h"

#include <stdio.h>

enum { PROCESSES = 9, LOW_MAX = 5, HIGH_MAX = 4 };

static const int counts[] = {0, 1, 7, 1501, 9001};
enum { LONG = 1000 }; /* with one operation and one root only */

static void run(enum xmpi_coll_kind kind, const char *name, struct coll_case c, int low,
                int high)
{
    int ops = coll_case_reduction(kind) ? coll_case_ops : 1;
    int turn = c.root + c.count + 2 * low + high + (int)kind;
    for (int op = c.count > LONG ? turn % ops : 0, n = c.count > LONG ? op + 1 : ops;
         op < n; op++) {
        int form = (turn + op) % COLL_FORMS;
        c.shape = (turn + op) / COLL_FORMS % COLL_SHAPES;
        c.op = op;
        c.form = (enum coll_form)form;
        lab_context("%s/%s on %d and %d, count %d, root %d of the %s group, %s",
                    xmpi_algo_lists[kind].name, name, low, high, c.count, c.root,
                    c.from_high ? "high" : "low", coll_form_names[form]);
        coll_case_run(kind, &c);
    }
}

static void one_algorithm(enum xmpi_coll_kind kind, const struct xmpi_algo *a,
                          MPI_Comm comm, int low, int high, bool is_high)
{
    const char *name = a ? a->name : "auto";
    if (a && !(a->flags & XMPI_ALGO_INTER))
        return;
    lab_force(kind, a);
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct coll_case c = {.comm = comm, .count = counts[i], .high = is_high, .salt = i};
        if (!coll_case_rooted(kind)) {
            run(kind, name, c, low, high);
            continue;
        }
        for (int root = 0; root < low + high; root++) {
            if (counts[i] > LONG && root != (3 * low + 5 * high) % (low + high))
                continue;
            c.from_high = root >= low;
            c.root = c.from_high ? root - low : root;
            run(kind, name, c, low, high);
        }
    }
    lab_force(kind, NULL);
}

/* The processes [0, low) and [LOW_MAX, LOW_MAX + high) of all. */
static void pair(MPI_Comm all, int rank, int low, int high)
{
    MPI_Comm side, inter;
    bool is_high = rank >= LOW_MAX;
    bool in = is_high ? rank < LOW_MAX + high : rank < low;
    MPI_Comm_split(all, in ? is_high : MPI_UNDEFINED, rank, &side);
    if (!in)
        return;
    MPI_Intercomm_create(side, 0, all, is_high ? 0 : LOW_MAX, 7, &inter);
    for (int kind = 0; kind < XMPI_COLL_KINDS; kind++) {
        if (!coll_case_inter((enum xmpi_coll_kind)kind))
            continue;
        one_algorithm((enum xmpi_coll_kind)kind, NULL, inter, low, high, is_high);
        for (int k = 0; k < xmpi_algo_lists[kind].count; k++)
            one_algorithm((enum xmpi_coll_kind)kind, &xmpi_algo_lists[kind].algos[k],
                          inter, low, high, is_high);
    }
    MPI_Comm_free(&inter);
    MPI_Comm_free(&side);
}

int main(int argc, char **argv)
{
    int rank, size;
    MPI_Comm all = lab_start(argc, argv, PROCESSES);
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    lab_check(size == PROCESSES);
    for (int low = 1; low <= LOW_MAX; low += 2)
        for (int high = 1; high <= HIGH_MAX; high++) {
            pair(all, rank, low, high);
            MPI_Barrier(all);
        }
    coll_cases_free();
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("all algorithms between groups of processes\n");
    return lab_end();
}
