/* SPDX-License-Identifier: BSD-3-Clause */
/* See lab.h. */
#include "lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char context[256] = "start";

MPI_Comm lab_start(int argc, char **argv, int n)
{
    MPI_Comm parent, inter, all;
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (parent != MPI_COMM_NULL) {
        MPI_Intercomm_merge(parent, 1, &all);
        MPI_Comm_disconnect(&parent);
        return all;
    }
    if (size > 1 || n == 1) {
        MPI_Comm_dup(MPI_COMM_WORLD, &all);
        return all;
    }
    MPI_Comm_spawn(argv[0], argv + 1, n - 1, MPI_INFO_NULL, 0, MPI_COMM_WORLD, &inter,
                   MPI_ERRCODES_IGNORE);
    MPI_Intercomm_merge(inter, 0, &all);
    MPI_Comm_disconnect(&inter);
    return all;
}

int lab_end(void)
{
    MPI_Finalize();
    return 0;
}

void lab_context(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
}

void lab_check_failed(const char *file, int line, const char *what)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    fprintf(stderr, "%s:%d: rank %d of its world: %s does not hold; testing %s\n", file,
            line, rank, what, context);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

MPI_Comm lab_first(MPI_Comm comm, int p)
{
    MPI_Comm sub;
    int rank;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_split(comm, rank < p ? 0 : MPI_UNDEFINED, rank, &sub);
    return sub;
}

void lab_force(enum xmpi_coll_kind kind, const struct xmpi_algo *a)
{
    xmpi_algo_force(kind, a);
}
