/* SPDX-License-Identifier: BSD-3-Clause */
/* Every algorithm of the table on 1 to 17 processes: all roots, odd counts, several operations and
 * types, in place and not, blocking and not. */
#include "cases.h"

#include <stdio.h>

enum { PROCESSES = 17, WAYS = 2 * COLL_FORMS };

/* Short: nothing, one, odd, more and fewer than processes. Long ones, beyond one record, the eager
 * limit, and what a board holds, with fewer numbers of processes. */
static const int short_counts[] = {0, 1, 7, 100}, long_counts[] = {1501, 9001};

enum { SHORTS = 4, LONGS = 2 };

/* Which operation and which of the six ways follow from the rest, so that in all calls of an algorithm
 * together every way meets every operation and length. */
static void one(enum xmpi_coll_kind kind, MPI_Comm comm, int p, int count, int turn,
                const char *name)
{
    bool reduces = coll_case_reduction(kind);
    int roots = coll_case_rooted(kind) ? p : 1, way = (turn + 2 * p + (int)kind) % WAYS;
    struct coll_case c = {.comm = comm,
                          .count = count,
                          .root = turn % roots,
                          .in_place = way % 2,
                          .form = (enum coll_form)(way / 2),
                          .salt = (unsigned)(turn + 31 * p) % 1000,
                          .op = (turn + p) % coll_case_ops,
                          .shape = turn / 2 % COLL_SHAPES};
    lab_context("%s/%s on %d, count %d, root %d, %s%s, %s, shape %d",
                xmpi_algo_lists[kind].name, name, p, count, c.root,
                reduces ? coll_case_op_name(c.op) : "-", c.in_place ? ", in place" : "",
                coll_form_names[c.form], c.shape);
    coll_case_run(kind, &c);
}

static void one_algorithm(enum xmpi_coll_kind kind, const struct xmpi_algo *a,
                          MPI_Comm comm, int p)
{
    if (a && !(a->flags & XMPI_ALGO_INTRA))
        return;
    const char *name = a ? a->name : "auto";
    int roots = coll_case_rooted(kind) ? p : 1, rounds = roots > WAYS ? roots : WAYS;
    bool counts = kind != XMPI_COLL_BARRIER; /* it has none */
    bool some = p == 2 || p == 3 || p == 8 || p == 17;
    lab_force(kind, a);
    for (int i = 0; i < rounds; i++) /* i % roots takes every value; the count goes round with p */
        one(kind, comm, p, counts ? short_counts[(i + p) % SHORTS] : 0, i, name);
    for (int k = 0; some && counts && k < LONGS; k++)
        one(kind, comm, p, long_counts[k], 5 * p + 7 * k + (int)kind, name);
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
    }
    coll_cases_free();
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("all algorithms on 1 to %d processes\n", size);
    return lab_end();
}
