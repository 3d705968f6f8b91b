/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has failed, acknowledging it, and what that means for wildcard receives; deaths inside
 * collectives and merges. */
#include "family.h"
#include <string.h>

static void known(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Group failed;
    int x = 0, ranks[64], acked = -1;
    (void)inter;
    OK(MPIX_Comm_get_failed(all, &failed));
    CHECK(failed == MPI_GROUP_EMPTY);
    OK(MPI_Barrier(all)); /* nobody dies before everyone has looked */
    if (rank == 2 || rank == 4)
        die();
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 2, 1, all, MPI_STATUS_IGNORE), MPIX_ERR_PROC_FAILED);
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 4, 1, all, MPI_STATUS_IGNORE), MPIX_ERR_PROC_FAILED);
    OK(MPIX_Comm_get_failed(all, &failed));
    CHECK_EQ(ranks_of(&failed, all, ranks), 2);
    CHECK((ranks[0] == 2 && ranks[1] == 4) || (ranks[0] == 4 && ranks[1] == 2));
    int first = ranks[0];
    OK(MPIX_Comm_failure_get_acked(all, &failed));
    CHECK(failed == MPI_GROUP_EMPTY);
    OK(MPIX_Comm_ack_failed(all, 0, &acked));
    CHECK_EQ(acked, 0);
    OK(MPIX_Comm_ack_failed(all, 1, &acked));
    CHECK_EQ(acked, 1);
    OK(MPIX_Comm_ack_failed(all, 0, &acked));
    CHECK_EQ(acked, 1);
    OK(MPIX_Comm_failure_get_acked(all, &failed));
    CHECK_EQ(ranks_of(&failed, all, ranks), 1);
    CHECK_EQ(ranks[0], first);
    OK(MPIX_Comm_ack_failed(all, 99, &acked));
    CHECK_EQ(acked, 2);
    CHECK_CLASS(MPIX_Comm_ack_failed(all, -1, &acked), MPI_ERR_ARG);
    CHECK_CLASS(MPIX_Comm_ack_failed(all, 1, NULL), MPI_ERR_ARG);
    CHECK_CLASS(MPIX_Comm_get_failed(MPI_COMM_NULL, &failed), MPI_ERR_COMM);
}

/* Rank 1 dies; rank 2 sends when it is told to; the others listen to anybody. */
static void wildcard(MPI_Comm all, MPI_Comm inter, int rank)
{
    int x = 0, flag, acked;
    MPI_Request req;
    MPI_Status st;
    (void)inter;
    OK(MPI_Barrier(all));
    if (rank == 1)
        die();
    if (rank == 2) {
        for (int to = 0; to <= 3; to += 3) {
            OK(MPI_Recv(&x, 1, MPI_INT, to, 8, all, MPI_STATUS_IGNORE));
            OK(MPI_Send(&x, 1, MPI_INT, to, 9, all));
        }
        return;
    }
    OK(MPI_Irecv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 9, all, &req));
    CHECK_CLASS(MPI_Wait(&req, &st), MPIX_ERR_PROC_FAILED_PENDING);
    CHECK(req != MPI_REQUEST_NULL);
    CHECK_CLASS(MPI_Waitall(1, &req, &st), MPI_ERR_IN_STATUS);
    CHECK_CLASS(st.MPI_ERROR, MPIX_ERR_PROC_FAILED_PENDING);
    CHECK_CLASS(MPI_Test(&req, &flag, &st), MPIX_ERR_PROC_FAILED_PENDING);
    CHECK(req != MPI_REQUEST_NULL);
    int y = 0;
    CHECK_CLASS(MPI_Recv(&y, 1, MPI_INT, MPI_ANY_SOURCE, 9, all, &st),
                MPIX_ERR_PROC_FAILED_PENDING);
    CHECK_CLASS(MPI_Probe(MPI_ANY_SOURCE, 9, all, &st), MPIX_ERR_PROC_FAILED_PENDING);
    OK(MPIX_Comm_ack_failed(all, 1, &acked));
    CHECK_EQ(acked, 1);
    OK(MPI_Test(&req, &flag, &st));
    CHECK(!flag);
    y = 17 + rank;
    OK(MPI_Send(&y, 1, MPI_INT, 2, 8, all));
    OK(MPI_Wait(&req, &st));
    CHECK(req == MPI_REQUEST_NULL);
    CHECK_EQ(st.MPI_SOURCE, 2);
    CHECK_EQ(x, 17 + rank);
}

/* Posted before and while acknowledged: both wait again, and are served in their order. */
static void order(MPI_Comm all, MPI_Comm inter, int rank)
{
    int a = 0, b = 0, acked, x;
    MPI_Request req[2];
    (void)inter;
    OK(MPI_Barrier(all));
    if (rank == 1)
        die();
    if (rank == 0) {
        OK(MPI_Irecv(&a, 1, MPI_INT, MPI_ANY_SOURCE, 1, all, &req[0]));
        CHECK_CLASS(MPI_Wait(&req[0], MPI_STATUS_IGNORE), MPIX_ERR_PROC_FAILED_PENDING);
        OK(MPI_Irecv(&b, 1, MPI_INT, MPI_ANY_SOURCE, 1, all, &req[1]));
        OK(MPIX_Comm_ack_failed(all, 1, &acked));
        x = 1;
        OK(MPI_Send(&x, 1, MPI_INT, 2, 2, all));
        OK(MPI_Waitall(2, req, MPI_STATUSES_IGNORE));
        CHECK(a == 100 && b == 101);
    } else {
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 2, all, MPI_STATUS_IGNORE));
        for (x = 100; x < 102; x++)
            OK(MPI_Send(&x, 1, MPI_INT, 0, 1, all));
    }
}

/* In each collective someone notices, nobody hangs, and the next one fails for good. */
static void collectives(MPI_Comm all, MPI_Comm inter, int rank)
{
    enum { N = 5000 };
    static int in[N], out[N * 8];
    int size, x;
    (void)inter;
    OK(MPI_Comm_size(all, &size));
    for (int i = 0; i < 6; i++)
        OK(MPI_Barrier(all));
    if (rank == 3)
        die();
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 3, 1, all, MPI_STATUS_IGNORE), MPIX_ERR_PROC_FAILED);
    for (int i = 0; i < 3; i++) {
        CHECK_CLASS(MPI_Barrier(all), MPIX_ERR_PROC_FAILED);
        CHECK_CLASS(MPI_Allreduce(in, out, i ? N : 1, MPI_INT, MPI_SUM, all),
                    MPIX_ERR_PROC_FAILED);
        int rc = MPI_Alltoall(in, i, MPI_INT, out, i, MPI_INT, all);
        if (i > 0 || rc != MPI_SUCCESS) /* of nothing: may succeed */
            CHECK_CLASS(rc, MPIX_ERR_PROC_FAILED);
        CHECK_CLASS(MPI_Allgather(in, N / 8, MPI_INT, out, N / 8, MPI_INT, all),
                    MPIX_ERR_PROC_FAILED);
    }
}

static void merge(MPI_Comm all, MPI_Comm inter, int rank)
{
    MPI_Comm again = MPI_COMM_NULL;
    int x;
    OK(MPI_Barrier(all));
    if (rank == 2)
        die();
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 2, 1, all, MPI_STATUS_IGNORE), MPIX_ERR_PROC_FAILED);
    CHECK_CLASS(MPI_Intercomm_merge(inter, rank > 0, &again), MPIX_ERR_PROC_FAILED);
    CHECK(again == MPI_COMM_NULL);
}

int main(int argc, char **argv)
{
    static const struct family_case cases[] = {
        {"known", 5, known}, {"wildcard", 3, wildcard},       {"order", 2, order},
        {"merge", 4, merge}, {"collectives", 5, collectives}, {NULL, 0, NULL},
    };
    return family_main(argc, argv, cases);
}
