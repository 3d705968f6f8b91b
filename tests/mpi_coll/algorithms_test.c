/* SPDX-License-Identifier: BSD-3-Clause */
/* Every algorithm of the table on 1 to 9 processes: all roots, odd counts, several operations and
 * types, in place and not, blocking and not. */
#include "cases.h"

#include <stdio.h>

enum { PROCESSES = 9 };

/* Short, odd, more and fewer than processes, beyond one record, beyond the eager limit. */
static const int counts[] = {0, 1, 7, 100, 1500, 40000};

/* Two of the six ways for each root and operation; which follows from the rest, so that in all calls
 * of an algorithm together every way meets everything. */
enum { TURNS = 2, WAYS = 2 * COLL_FORMS };

static void variants(enum xmpi_coll_kind kind, MPI_Comm comm, int p, int count,
                     const char *name)
{
    bool reduces = coll_case_reduction(kind);
    int roots = coll_case_rooted(kind) ? p : 1, step = count > 1000 ? (p + 1) / 2 : 1;
    for (int root = 0; root < roots; root += step)
        for (int k = 0; k < (reduces ? coll_case_ops : 1); k++)
            for (int i = 0; i < TURNS; i++) {
                unsigned turn = (unsigned)(5 * p + 7 * (int)kind + count + root + k + 3 * i);
                unsigned way = turn % WAYS;
                struct coll_case c = {.comm = comm,
                                      .count = count,
                                      .root = root,
                                      .in_place = way % 2,
                                      .form = (enum coll_form)(way / 2),
                                      .salt = turn % 1000,
                                      .op = k};
                lab_context("%s/%s on %d, count %d, root %d, %s%s, %s",
                            xmpi_algo_lists[kind].name, name, p, count, root,
                            reduces ? coll_case_op_name(k) : "-",
                            c.in_place ? ", in place" : "", coll_form_names[c.form]);
                coll_case_run(kind, &c);
            }
}

static void one_algorithm(enum xmpi_coll_kind kind, const struct xmpi_algo *a,
                          MPI_Comm comm, int p)
{
    if (a && !(a->flags & XMPI_ALGO_INTRA))
        return;
    lab_force(kind, a);
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        bool once = kind == XMPI_COLL_BARRIER && i > 0; /* it has no count */
        bool long_run = counts[i] > 1000 && p % 3 != 2; /* 2, 5 and 8 processes will do */
        if (!once && !long_run)
            variants(kind, comm, p, counts[i], a ? a->name : "auto");
    }
    lab_force(kind, NULL);
}

int main(int argc, char **argv)
{
    int size, rank;
    MPI_Comm all = lab_start(argc, argv, PROCESSES);
    MPI_Comm_size(all, &size);
    MPI_Comm_rank(all, &rank);
    for (int p = 1; p <= size; p++) {
        MPI_Comm comm = lab_first(all, p);
        if (comm != MPI_COMM_NULL) {
            for (int kind = 0; kind < XMPI_COLL_KINDS; kind++) {
                one_algorithm((enum xmpi_coll_kind)kind, NULL, comm, p);
                for (int k = 0; k < xmpi_algo_lists[kind].count; k++)
                    one_algorithm((enum xmpi_coll_kind)kind,
                                  &xmpi_algo_lists[kind].algos[k], comm, p);
            }
            MPI_Comm_free(&comm);
        }
        MPI_Barrier(all);
    }
    coll_cases_free();
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("all algorithms on 1 to %d processes\n", size);
    return lab_end();
}
