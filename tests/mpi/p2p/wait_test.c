/* SPDX-License-Identifier: BSD-3-Clause */
/* The wait and test families: one, any, all, some; null and inactive requests; statuses with
 * errors; looking without collecting. */
#include "mtest.h"
#include <string.h>

enum { N = 8 };

static void go(MPI_Comm comm, int tag)
{
    OK(MPI_Send(&tag, 1, MPI_INT, 1 - mt_rank, tag, comm));
}

static void post(MPI_Comm comm, int values[N], MPI_Request reqs[N])
{
    for (int i = 0; i < N; i++) {
        values[i] = -1;
        OK(MPI_Irecv(&values[i], 1, MPI_INT, 1, i, comm, &reqs[i]));
    }
}

static void empty_sets(void)
{
    MPI_Request reqs[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_Status st[2];
    int flag = 0, index = 5, n = 5, indices[2], count;
    OK(MPI_Wait(&reqs[0], &st[0]));
    CHECK_EQ(st[0].MPI_SOURCE, MPI_ANY_SOURCE);
    CHECK_EQ(st[0].MPI_TAG, MPI_ANY_TAG);
    OK(MPI_Get_count(&st[0], MPI_INT, &count));
    CHECK_EQ(count, 0);
    OK(MPI_Test(&reqs[0], &flag, MPI_STATUS_IGNORE));
    CHECK(flag);
    OK(MPI_Waitany(2, reqs, &index, &st[0]));
    CHECK_EQ(index, MPI_UNDEFINED);
    OK(MPI_Testany(2, reqs, &index, &flag, &st[0]));
    CHECK(flag && index == MPI_UNDEFINED);
    OK(MPI_Waitsome(2, reqs, &n, indices, st));
    CHECK_EQ(n, MPI_UNDEFINED);
    OK(MPI_Testsome(2, reqs, &n, indices, st));
    CHECK_EQ(n, MPI_UNDEFINED);
    OK(MPI_Waitall(2, reqs, st));
    OK(MPI_Testall(2, reqs, &flag, st));
    CHECK(flag);
    OK(MPI_Waitall(0, NULL, MPI_STATUSES_IGNORE));
    OK(MPI_Request_get_status(MPI_REQUEST_NULL, &flag, &st[0]));
    CHECK(flag);
    flag = index = n = 5;
    OK(MPI_Request_get_status_any(2, reqs, &index, &flag, &st[1]));
    CHECK(flag == 1 && index == MPI_UNDEFINED && st[1].MPI_SOURCE == MPI_ANY_SOURCE);
    memset(st, 0, sizeof(st));
    OK(MPI_Request_get_status_all(2, reqs, &flag, st));
    CHECK(flag == 1 && st[0].MPI_TAG == MPI_ANY_TAG && st[1].MPI_TAG == MPI_ANY_TAG);
    OK(MPI_Request_get_status_some(2, reqs, &n, indices, st));
    CHECK_EQ(n, MPI_UNDEFINED);
    OK(MPI_Request_get_status_any(0, NULL, &index, &flag, MPI_STATUS_IGNORE));
    CHECK(flag == 1 && index == MPI_UNDEFINED);
    OK(MPI_Request_get_status_all(0, NULL, &flag, MPI_STATUSES_IGNORE));
    CHECK_EQ(flag, 1);
    OK(MPI_Request_get_status_some(0, NULL, &n, NULL, MPI_STATUSES_IGNORE));
    CHECK_EQ(n, MPI_UNDEFINED);
}

/* Rank 1 sends what rank 0 asks for, until it is told to stop by tag N. */
static void serve(MPI_Comm comm)
{
    MPI_Status st;
    int x;
    do {
        OK(MPI_Recv(&x, 1, MPI_INT, 0, MPI_ANY_TAG, comm, &st));
        if (st.MPI_TAG < N)
            OK(MPI_Send(&x, 1, MPI_INT, 0, st.MPI_TAG, comm));
    } while (st.MPI_TAG != N);
}

static void any(MPI_Comm comm)
{
    int values[N], index, flag;
    MPI_Request reqs[N];
    MPI_Status st;
    post(comm, values, reqs);
    OK(MPI_Testany(N, reqs, &index, &flag, &st));
    CHECK(!flag);
    for (int k = N - 1; k >= 0; k--) { /* the last one first */
        go(comm, k);
        OK(MPI_Waitany(N, reqs, &index, &st));
        CHECK_EQ(index, k);
        CHECK_EQ(values[k], k);
        CHECK_EQ(st.MPI_TAG, k);
        CHECK(reqs[k] == MPI_REQUEST_NULL);
    }
    OK(MPI_Waitany(N, reqs, &index, &st));
    CHECK_EQ(index, MPI_UNDEFINED);
}

static void all(MPI_Comm comm)
{
    int values[N], flag = 1;
    MPI_Request reqs[N];
    MPI_Status st[N];
    post(comm, values, reqs);
    for (int k = 0; k < N - 1; k++)
        go(comm, k);
    OK(MPI_Testall(N, reqs, &flag, st));
    CHECK(!flag && reqs[0] != MPI_REQUEST_NULL);
    go(comm, N - 1);
    OK(MPI_Waitall(N, reqs, st));
    for (int k = 0; k < N; k++)
        CHECK(values[k] == k && st[k].MPI_TAG == k && reqs[k] == MPI_REQUEST_NULL);
    post(comm, values, reqs);
    for (int k = 0; k < N; k++)
        go(comm, k);
    for (flag = 0; !flag;)
        OK(MPI_Testall(N, reqs, &flag, MPI_STATUSES_IGNORE));
    CHECK_EQ(values[N - 1], N - 1);
}

static void some(MPI_Comm comm)
{
    int values[N], n, indices[N], seen = 0;
    MPI_Request reqs[N];
    MPI_Status st[N];
    post(comm, values, reqs);
    OK(MPI_Testsome(N, reqs, &n, indices, st));
    CHECK_EQ(n, 0);
    for (int k = 0; k < N; k++)
        go(comm, k);
    while (seen < N) {
        OK(MPI_Waitsome(N, reqs, &n, indices, st));
        if (!CHECK(n >= 1 && n <= N))
            return;
        for (int i = 0; i < n; i++)
            CHECK_EQ(st[i].MPI_TAG, indices[i]);
        seen += n;
    }
    CHECK_EQ(seen, N);
}

/* One truncated message among good ones. */
static void errors_in_status(MPI_Comm comm)
{
    int small[1], values[2], rc;
    MPI_Request reqs[3];
    MPI_Status st[3];
    OK(MPI_Irecv(&values[0], 1, MPI_INT, 1, 0, comm, &reqs[0]));
    OK(MPI_Irecv(small, 1, MPI_CHAR, 1, 1, comm, &reqs[1]));
    OK(MPI_Irecv(&values[1], 1, MPI_INT, 1, 2, comm, &reqs[2]));
    for (int k = 0; k < 3; k++)
        go(comm, k);
    memset(st, 0xff, sizeof(st));
    rc = MPI_Waitall(3, reqs, st);
    CHECK_CLASS(rc, MPI_ERR_IN_STATUS);
    CHECK_CLASS(st[0].MPI_ERROR, MPI_SUCCESS);
    CHECK_CLASS(st[1].MPI_ERROR, MPI_ERR_TRUNCATE);
    CHECK_CLASS(st[2].MPI_ERROR, MPI_SUCCESS);
    for (int k = 0; k < 3; k++)
        CHECK(reqs[k] == MPI_REQUEST_NULL);
    CHECK_EQ(values[1], 2);
}

static void get_status(MPI_Comm comm)
{
    int values[N], flag = 0, index, n, indices[N];
    MPI_Request reqs[N];
    MPI_Status st, sts[N];
    post(comm, values, reqs);
    OK(MPI_Request_get_status(reqs[3], &flag, &st));
    CHECK(!flag);
    OK(MPI_Request_get_status_all(N, reqs, &flag, sts));
    CHECK(!flag);
    go(comm, 3);
    while (!flag)
        OK(MPI_Request_get_status(reqs[3], &flag, &st));
    CHECK_EQ(st.MPI_TAG, 3);
    CHECK(reqs[3] != MPI_REQUEST_NULL);
    OK(MPI_Request_get_status_any(N, reqs, &index, &flag, &st));
    CHECK(flag && index == 3 && st.MPI_TAG == 3);
    OK(MPI_Request_get_status_some(N, reqs, &n, indices, sts));
    CHECK(n == 1 && indices[0] == 3 && sts[0].MPI_TAG == 3);
    OK(MPI_Wait(&reqs[3], &st)); /* still there to be collected, with the same status */
    CHECK_EQ(st.MPI_TAG, 3);
    CHECK_EQ(values[3], 3);
    for (int k = 0; k < N; k++)
        if (k != 3)
            go(comm, k);
    for (flag = 0; !flag;)
        OK(MPI_Request_get_status_all(N, reqs, &flag, sts));
    CHECK_EQ(sts[5].MPI_TAG, 5);
    OK(MPI_Waitall(N, reqs, MPI_STATUSES_IGNORE));
}

/* Many more requests than any cache holds. */
static void many(MPI_Comm comm)
{
    enum { MANY = 3000 };
    static int values[MANY];
    static MPI_Request reqs[MANY];
    for (int i = 0; i < MANY; i++) {
        values[i] = i;
        if (mt_rank == 0)
            OK(MPI_Irecv(&values[i], 1, MPI_INT, 1, MANY - i, comm, &reqs[i]));
        else
            OK(MPI_Isend(&values[i], 1, MPI_INT, 0, i + 1, comm, &reqs[i]));
    }
    OK(MPI_Waitall(MANY, reqs, MPI_STATUSES_IGNORE));
    for (int i = 0; i < MANY && mt_rank == 0; i++)
        if (!CHECK_EQ(values[i], MANY - i - 1))
            break;
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    empty_sets();
    if (mt_rank == 0) {
        any(comm);
        all(comm);
        some(comm);
        errors_in_status(comm);
        get_status(comm);
        go(comm, N);
    } else if (mt_rank == 1) {
        serve(comm);
    }
    if (mt_rank < 2)
        many(comm);
    return mt_end();
}
