/* SPDX-License-Identifier: BSD-3-Clause */
/* A member of a communicator dies. Every collective on it then ends for every survivor, with
 * MPIX_ERR_PROC_FAILED wherever the result would need the dead; other communicators are not
 * disturbed. And: mismatched lengths are errors, not silent damage. */
#include "lab.h"

#include "rt/err.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES = 6, VICTIM = 3, LONGEST = 40000, SECONDS = 100 };

static MPI_Comm all, survivors;
static int rank, size;
static int send_buf[LONGEST * PROCESSES], recv_buf[LONGEST * PROCESSES];
static int counts[PROCESSES], displs[PROCESSES];
static MPI_Datatype types[PROCESSES];

static int call(enum xmpi_coll_kind kind, int n, int root)
{
    for (int k = 0; k < size; k++) {
        counts[k] = n;
        displs[k] = n * k * (kind == XMPI_COLL_ALLTOALLW ? (int)sizeof(int) : 1);
        types[k] = MPI_INT;
    }
    int *s = send_buf, *r = recv_buf;
    switch (kind) {
    case XMPI_COLL_BARRIER:
        return MPI_Barrier(all);
    case XMPI_COLL_BCAST:
        return MPI_Bcast(s, n, MPI_INT, root, all);
    case XMPI_COLL_REDUCE:
        return MPI_Reduce(s, r, n, MPI_INT, MPI_SUM, root, all);
    case XMPI_COLL_ALLREDUCE:
        return MPI_Allreduce(s, r, n, MPI_INT, MPI_SUM, all);
    case XMPI_COLL_GATHER:
        return MPI_Gather(s, n, MPI_INT, r, n, MPI_INT, root, all);
    case XMPI_COLL_GATHERV:
        return MPI_Gatherv(s, n, MPI_INT, r, counts, displs, MPI_INT, root, all);
    case XMPI_COLL_SCATTER:
        return MPI_Scatter(s, n, MPI_INT, r, n, MPI_INT, root, all);
    case XMPI_COLL_SCATTERV:
        return MPI_Scatterv(s, counts, displs, MPI_INT, r, n, MPI_INT, root, all);
    case XMPI_COLL_ALLGATHER:
        return MPI_Allgather(s, n, MPI_INT, r, n, MPI_INT, all);
    case XMPI_COLL_ALLGATHERV:
        return MPI_Allgatherv(s, n, MPI_INT, r, counts, displs, MPI_INT, all);
    case XMPI_COLL_ALLTOALL:
        return MPI_Alltoall(s, n, MPI_INT, r, n, MPI_INT, all);
    case XMPI_COLL_ALLTOALLV:
        return MPI_Alltoallv(s, counts, displs, MPI_INT, r, counts, displs, MPI_INT, all);
    case XMPI_COLL_ALLTOALLW:
        return MPI_Alltoallw(s, counts, displs, types, r, counts, displs, types, all);
    case XMPI_COLL_SCAN:
        return MPI_Scan(s, r, n, MPI_INT, MPI_SUM, all);
    case XMPI_COLL_EXSCAN:
        return MPI_Exscan(s, r, n, MPI_INT, MPI_SUM, all);
    case XMPI_COLL_REDUCE_SCATTER_BLOCK:
        return MPI_Reduce_scatter_block(s, r, n, MPI_INT, MPI_SUM, all);
    case XMPI_COLL_REDUCE_SCATTER:
        return MPI_Reduce_scatter(s, r, counts, MPI_INT, MPI_SUM, all);
    default:
        return MPI_ERR_OTHER;
    }
}

/* Does what this process gets depend on the victim? */
static bool must_fail(enum xmpi_coll_kind kind, int root)
{
    switch (kind) {
    case XMPI_COLL_BCAST:
    case XMPI_COLL_SCATTER:
    case XMPI_COLL_SCATTERV:
        return root == VICTIM;
    case XMPI_COLL_REDUCE:
    case XMPI_COLL_GATHER:
    case XMPI_COLL_GATHERV:
        return rank == root;
    case XMPI_COLL_SCAN:
    case XMPI_COLL_EXSCAN:
        return rank > VICTIM;
    default:
        return true;
    }
}

static void check_class(int rc, bool failed)
{
    int cls;
    char text[MPI_MAX_ERROR_STRING];
    if (rc == MPI_SUCCESS) {
        lab_check(!failed);
        return;
    }
    int len;
    MPI_Error_class(rc, &cls);
    MPI_Error_string(rc, text, &len);
    if (cls != XMPI_ERR_PROC_FAILED)
        fprintf(stderr, "%s\n", text);
    lab_check(cls == XMPI_ERR_PROC_FAILED);
}

static void after_death(enum xmpi_coll_kind kind, const struct xmpi_algo *a)
{
    static const int lengths[] = {1, 1000, LONGEST};
    lab_force(kind, a);
    for (int i = 0; i < 3; i++)
        for (int root = 0; root <= VICTIM; root += VICTIM) {
            lab_context("%s/%s, count %d, root %d, after a death",
                        xmpi_algo_lists[kind].name, a ? a->name : "auto", lengths[i], root);
            check_class(call(kind, lengths[i], root), must_fail(kind, root));
            int n = rank, sum;
            lab_check(MPI_Allreduce(&n, &sum, 1, MPI_INT, MPI_SUM, survivors) == MPI_SUCCESS);
            lab_check(sum == size * (size - 1) / 2 - VICTIM);
        }
    lab_force(kind, NULL);
}

/* Dies between two barriers; the survivors notice in theirs. */
static void die_amid_barriers(void)
{
    lab_context("barriers until a death is noticed");
    for (int i = 0;; i++) {
        if (rank == VICTIM && i == 100)
            raise(SIGKILL);
        int rc = MPI_Barrier(all);
        if (rc) {
            lab_check(i >= 100);
            check_class(rc, true);
            return;
        }
        lab_check(i <= 100);
    }
}

/* The receiver expects another length than comes. */
static void mismatch(int root_count, int other_count, int want)
{
    int cls;
    lab_context("a broadcast of %d received as %d", root_count, other_count);
    int rc = MPI_Bcast(send_buf, rank == 0 ? root_count : other_count, MPI_INT, 0, all);
    MPI_Error_class(rc, &cls);
    lab_check(cls == (rank == 0 ? MPI_SUCCESS : want));
    lab_check(MPI_Barrier(all) == MPI_SUCCESS);
}

int main(int argc, char **argv)
{
    all = lab_start(argc, argv, PROCESSES);
    alarm(SECONDS); /* nobody may hang */
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    lab_check(size == PROCESSES);
    MPI_Comm_split(all, rank == VICTIM, rank, &survivors);
    MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(survivors, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);

    mismatch(10, 5, MPI_ERR_TRUNCATE);
    mismatch(5, 10, MPI_ERR_COUNT);
    mismatch(40000, 20000, MPI_ERR_TRUNCATE);
    die_amid_barriers();
    for (int kind = 0; kind < XMPI_COLL_NEIGHBOR_ALLGATHER; kind++) {
        after_death((enum xmpi_coll_kind)kind, NULL);
        for (int k = 0; k < xmpi_algo_lists[kind].count; k++)
            if (xmpi_algo_lists[kind].algos[k].flags & XMPI_ALGO_INTRA)
                after_death((enum xmpi_coll_kind)kind, &xmpi_algo_lists[kind].algos[k]);
    }
    MPI_Comm_free(&survivors);
    if (rank == 0)
        printf("all collectives ended after a death\n");
    return lab_end();
}
