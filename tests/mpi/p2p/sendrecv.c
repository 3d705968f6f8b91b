/* SPDX-License-Identifier: BSD-3-Clause */
/* Send and receive in one call, in place, nonblocking; rings of any size cannot deadlock. */
#include "mtest.h"
#include <stdlib.h>

static const int sizes[] = {0, 4, 1000, 40000, 2 << 20};
enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]), LARGEST = 2 << 20 };

static void ring(MPI_Comm comm, int size)
{
    int next = (mt_rank + 1) % mt_size, prev = (mt_rank + mt_size - 1) % mt_size, count;
    char *a = malloc((size_t)size + 1), *b = malloc((size_t)size + 1);
    MPI_Status st;
    MPI_Request req;
    mt_fill(a, (size_t)size, (unsigned)mt_rank);
    OK(MPI_Sendrecv(a, size, MPI_BYTE, next, 1, b, size, MPI_BYTE, prev, 1, comm, &st));
    CHECK(mt_filled(b, (size_t)size, (unsigned)prev));
    CHECK_EQ(st.MPI_SOURCE, prev);
    OK(MPI_Get_count(&st, MPI_BYTE, &count));
    CHECK_EQ(count, size);

    OK(MPI_Sendrecv_replace(a, size, MPI_BYTE, next, 2, MPI_ANY_SOURCE, 2, comm, &st));
    CHECK(mt_filled(a, (size_t)size, (unsigned)prev));

    mt_fill(a, (size_t)size, (unsigned)mt_rank);
    OK(MPI_Isendrecv(a, size, MPI_BYTE, next, 3, b, size, MPI_BYTE, prev, MPI_ANY_TAG,
                     comm, &req));
    OK(MPI_Wait(&req, &st));
    CHECK(mt_filled(b, (size_t)size, (unsigned)prev));
    CHECK_EQ(st.MPI_TAG, 3);

    OK(MPI_Isendrecv_replace(a, size, MPI_BYTE, next, 4, prev, 4, comm, &req));
    OK(MPI_Wait(&req, &st));
    CHECK(mt_filled(a, (size_t)size, (unsigned)prev));
    free(a);
    free(b);
}

/* The ends of an open chain. */
static void chain(MPI_Comm comm)
{
    int right = mt_rank + 1 < mt_size ? mt_rank + 1 : MPI_PROC_NULL;
    int left = mt_rank > 0 ? mt_rank - 1 : MPI_PROC_NULL;
    int x = -1, mine = mt_rank;
    MPI_Status st;
    OK(MPI_Sendrecv(&mine, 1, MPI_INT, right, 5, &x, 1, MPI_INT, left, 5, comm, &st));
    CHECK_EQ(x, left == MPI_PROC_NULL ? -1 : left);
    CHECK_EQ(st.MPI_SOURCE, left);
}

static void truncated(MPI_Comm comm)
{
    int two[2] = {1, 2}, one = 0, other = 1 - mt_rank;
    MPI_Status st;
    if (mt_rank > 1)
        return;
    CHECK_CLASS(MPI_Sendrecv(two, 2, MPI_INT, other, 6, &one, 1, MPI_INT, other, 6, comm, &st),
                MPI_ERR_TRUNCATE);
    CHECK_EQ(st.MPI_SOURCE, other);
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 4);
    for (int s = 0; s < NSIZES; s++)
        ring(comm, sizes[s]);
    chain(comm);
    truncated(comm);
    return mt_end();
}
