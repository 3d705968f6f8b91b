/* SPDX-License-Identifier: BSD-3-Clause */
/* A process is killed while all are inside a collective, at whatever point of it: whoever notices says so by
 * a revocation, nobody hangs, and those that are left go on together. */
#include "family.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { CHILDREN = 4, VICTIM = 3, LONGEST = 20000, KINDS = 14, MOST = CHILDREN + 1 };

static const bool has_root[KINDS] = {
    [1] = true, [2] = true, [4] = true, [5] = true, [11] = true, [12] = true};
static int in[LONGEST * MOST], out[LONGEST * MOST], counts[MOST], displs[MOST];

static int call(int kind, int n, int root, MPI_Comm all)
{
    for (int i = 0; i < MOST; i++) {
        counts[i] = n;
        displs[i] = n * i;
    }
    switch (kind) {
    case 0:
        return MPI_Barrier(all);
    case 1:
        return MPI_Bcast(in, n, MPI_INT, root, all);
    case 2:
        return MPI_Reduce(in, out, n, MPI_INT, MPI_SUM, root, all);
    case 3:
        return MPI_Allreduce(in, out, n, MPI_INT, MPI_SUM, all);
    case 4:
        return MPI_Gather(in, n, MPI_INT, out, n, MPI_INT, root, all);
    case 5:
        return MPI_Scatter(in, n, MPI_INT, out, n, MPI_INT, root, all);
    case 6:
        return MPI_Allgather(in, n, MPI_INT, out, n, MPI_INT, all);
    case 7:
        return MPI_Alltoall(in, n, MPI_INT, out, n, MPI_INT, all);
    case 8:
        return MPI_Scan(in, out, n, MPI_INT, MPI_SUM, all);
    case 9:
        return MPI_Exscan(in, out, n, MPI_INT, MPI_SUM, all);
    case 10:
        return MPI_Reduce_scatter_block(in, out, n, MPI_INT, MPI_SUM, all);
    case 11:
        return MPI_Gatherv(in, n, MPI_INT, out, counts, displs, MPI_INT, root, all);
    case 12:
        return MPI_Scatterv(in, counts, displs, MPI_INT, out, n, MPI_INT, root, all);
    default:
        return MPI_Alltoallv(in, counts, displs, MPI_INT, out, counts, displs, MPI_INT, all);
    }
}

static void on_time(int sig)
{
    (void)sig;
    die();
}

/* Again and again until somebody has noticed. */
static void until_it_fails(MPI_Comm all, int rank, int kind, int n, int root)
{
    int rc, class;
    if (rank == VICTIM) { /* in the middle of some round, a moment from now */
        struct itimerval soon = {.it_value = {.tv_usec = 200 + 37 * kind}};
        signal(SIGALRM, on_time);
        setitimer(ITIMER_REAL, &soon, NULL);
    }
    do {
        rc = call(kind, n, root, all);
    } while (rc == MPI_SUCCESS);
    MPI_Error_class(rc, &class);
    if (class != MPIX_ERR_PROC_FAILED && class != MPIX_ERR_REVOKED)
        mt_fail(__FILE__, __LINE__, "collective %d of %d, root %d: class %d", kind, n,
                root, class);
    OK(MPIX_Comm_revoke(all));
}

static int counts_of[] = {1, 3000, LONGEST};

static void one(MPI_Comm inter, int rank, int kind)
{
    MPI_Comm all, left;
    int size, n = counts_of[kind % 3];
    OK(MPI_Intercomm_merge(inter, rank > 0, &all));
    OK(MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN));
    (void)MPI_Barrier(all); /* the first ones may be further, and the victim dead, before the last is here */
    until_it_fails(all, rank, kind / 3 % KINDS, n, kind / 3 / KINDS ? VICTIM : 0);
    OK(MPIX_Comm_shrink(all, &left));
    OK(MPI_Comm_set_errhandler(left, MPI_ERRORS_RETURN));
    OK(MPI_Comm_size(left, &size));
    CHECK_EQ(size, MOST - 1);
    OK(MPI_Barrier(left));
    int good = mt_failures() == 0;
    OK(MPIX_Comm_agree(left, &good));
    CHECK(good);
    OK(MPI_Comm_disconnect(&left));
    OK(MPI_Comm_free(&all));
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    const char *role;
    char number[16];
    MPI_Comm inter;
    int rank;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        MPI_Comm_get_parent(&inter);
        MPI_Comm_rank(inter, &rank);
        one(inter, rank + 1, atoi(argv[1]));
        return mt_end();
    }
    for (int kind = 0; kind < 3 * KINDS * 2; kind++) {
        if (kind / 3 >= KINDS && !has_root[kind / 3 % KINDS])
            continue;
        snprintf(number, sizeof(number), "%d", kind);
        if (OK(mt_spawn(MPI_COMM_SELF, 0, "child", (const char *[]){number, NULL},
                        CHILDREN, &inter)))
            one(inter, 0, kind);
    }
    return mt_end();
}
