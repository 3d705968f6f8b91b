/* SPDX-License-Identifier: BSD-3-Clause */
/* Intercommunicators from groups: two halves of a process set, any leaders, the same name again,
 * and what is wrong with arguments at the leader reaching all of its group. */
#include "mtest.h"
#include <stdlib.h>

static void half(MPI_Group world, int size, bool low, MPI_Group *out)
{
    int range[1][3] = {{low ? 0 : size / 2, low ? size / 2 - 1 : size - 1, 1}};
    OK(MPI_Group_range_incl(world, 1, range, out));
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 5), inter, merged;
    MPI_Group all, mine, theirs;
    OK(MPI_Comm_group(comm, &all));
    bool low = mt_rank < mt_size / 2;
    half(all, mt_size, low, &mine);
    half(all, mt_size, !low, &theirs);
    int n, m, high_leader = mt_size - mt_size / 2 - 1;
    OK(MPI_Group_size(mine, &n));
    OK(MPI_Group_size(theirs, &m));
    for (int round = 0; round < 20; round++) {
        int rank, size, remote, flag, order;
        int own = low ? 0 : high_leader, other = low ? high_leader : 0;
        OK(MPI_Intercomm_create_from_groups(mine, own, theirs, other, "halves",
                                            MPI_INFO_NULL, MPI_ERRORS_RETURN, &inter));
        OK(MPI_Comm_test_inter(inter, &flag));
        OK(MPI_Comm_size(inter, &size));
        OK(MPI_Comm_remote_size(inter, &remote));
        CHECK(flag && size == n && remote == m);
        OK(MPI_Intercomm_merge(inter, !low, &merged));
        OK(MPI_Comm_rank(merged, &rank));
        CHECK_EQ(rank, mt_rank);
        OK(MPI_Comm_compare(comm, merged, &order));
        CHECK_EQ(order, MPI_CONGRUENT);
        OK(MPI_Comm_free(&merged));
        OK(MPI_Comm_free(&inter));
    }
    /* Only the leaders see it, all hear of it. */
    CHECK_CLASS(MPI_Intercomm_create_from_groups(mine, 0, theirs, m, "bad", MPI_INFO_NULL,
                                                 MPI_ERRORS_RETURN, &inter),
                MPI_ERR_RANK);
    CHECK_CLASS(MPI_Intercomm_create_from_groups(mine, n, theirs, 0, "bad", MPI_INFO_NULL,
                                                 MPI_ERRORS_RETURN, &inter),
                MPI_ERR_RANK);
    CHECK_CLASS(MPI_Intercomm_create_from_groups(mine, 0, mine, 0, "bad", MPI_INFO_NULL,
                                                 MPI_ERRORS_RETURN, &inter),
                MPI_ERR_RANK);
    OK(MPI_Group_free(&mine));
    OK(MPI_Group_free(&theirs));
    OK(MPI_Group_free(&all));
    return mt_end();
}
