/* SPDX-License-Identifier: BSD-3-Clause */
/* Failures in intercommunicators: both groups count. A master gets along without the dead and fills
 * up their places. */
#include "family.h"
#include <string.h>

static void both_groups(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Group failed;
    MPI_Comm left;
    int x, ranks[64], flag = 1, size, remote, acked;
    if (rank == 3)
        die();
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 3, 1, all, MPI_STATUS_IGNORE), MPIX_ERR_PROC_FAILED);
    OK(MPIX_Comm_get_failed(inter, &failed));
    CHECK_EQ(ranks_of(&failed, all, ranks), 1);
    CHECK_EQ(ranks[0], 3);
    flag = rank == 0 ? 6 : 3;
    CHECK_CLASS(MPIX_Comm_agree(inter, &flag), MPIX_ERR_PROC_FAILED);
    CHECK_EQ(flag, 2);
    OK(MPIX_Comm_ack_failed(inter, 1, &acked));
    CHECK_EQ(acked, 1);
    OK(MPIX_Comm_agree(inter, &flag));
    OK(MPIX_Comm_shrink(inter, &left));
    OK(MPI_Comm_size(left, &size));
    OK(MPI_Comm_remote_size(left, &remote));
    CHECK_EQ(size, rank == 0 ? 1 : 3);
    CHECK_EQ(remote, rank == 0 ? 3 : 1);
    OK(MPI_Comm_test_inter(left, &flag));
    CHECK(flag);
    OK(MPI_Barrier(left));
    x = rank;
    if (rank == 0)
        for (int i = 0; i < remote; i++)
            OK(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 1, left, MPI_STATUS_IGNORE));
    else
        OK(MPI_Send(&x, 1, MPI_INT, 0, 1, left));
    OK(MPI_Comm_disconnect(&left));
}

/* Worker 2 dies, the parent starts another in its place, and all four work together again. */
static void respawn(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm left, more, whole;
    int x = 0, size;
    (void)inter;
    if (rank == 2)
        die();
    OK(MPIX_Comm_shrink(all, &left));
    OK(mt_spawn(left, 0, "fresh", NULL, 1, &more));
    OK(MPI_Intercomm_merge(more, 0, &whole));
    OK(MPI_Comm_size(whole, &size));
    CHECK_EQ(size, 4);
    OK(MPI_Allreduce(&rank, &x, 1, MPI_INT, MPI_SUM, whole));
    CHECK_EQ(x, 0 + 1 + 3 + 40);
    OK(MPI_Comm_disconnect(&whole));
    OK(MPI_Comm_disconnect(&more));
    OK(MPI_Comm_disconnect(&left));
}

static int fresh(void)
{
    MPI_Comm parent, whole;
    int me = 40, x = 0;
    MPI_Comm_get_parent(&parent);
    OK(MPI_Intercomm_merge(parent, 1, &whole));
    OK(MPI_Allreduce(&me, &x, 1, MPI_INT, MPI_SUM, whole));
    OK(MPI_Comm_disconnect(&whole));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

int main(int argc, char **argv)
{
    static const struct family_case cases[] = {
        {"groups", 4, both_groups},
        {"respawn", 3, respawn},
        {NULL, 0, NULL},
    };
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--role") == 0 && strcmp(argv[i + 1], "fresh") == 0) {
            mt_begin(&argc, &argv, 0);
            return fresh();
        }
    return family_main(argc, argv, cases);
}
