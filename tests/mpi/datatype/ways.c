/* SPDX-License-Identifier: BSD-3-Clause */
/* A derived type through every kind of communication: the columns of one process's matrix become the
 * columns of another's, and nothing else is touched. */
#include "typetest.h"
#include <stdlib.h>

enum { ROWS = 40, COLS = 6, TAG = 5 };

static MPI_Comm comm;
static MPI_Datatype column; /* its extent is one int: the next one is the next column */

typedef int matrix[ROWS][COLS];

/* Element (i, j) of the matrix of a rank. */
static int value(int rank, int i, int j)
{
    return 10000 * (rank + 1) + 100 * i + j;
}

static void fill(matrix m, int rank)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++)
            m[i][j] = rank < 0 ? -1 : value(rank, i, j);
}

/* Columns from..from+n-1 are columns of0.. of that rank's matrix. */
static void holds(matrix m, int from, int n, int rank, int of0)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = from; j < from + n; j++)
            if (!CHECK_EQ(m[i][j], rank < 0 ? -1 : value(rank, i, j - from + of0)))
                return;
}

/* Columns 0 and 1 of rank 0 to columns 3 and 4 of rank 1. */
static void point_to_point(void)
{
    static matrix a, b;
    MPI_Request req;
    MPI_Message msg;
    MPI_Status st;
    int n, room = 8192 + MPI_BSEND_OVERHEAD;
    char *attached = malloc((size_t)room);
    OK(MPI_Buffer_attach(attached, room));
    for (int way = 0; way < 6 && mt_rank < 2; way++) {
        fill(a, 0);
        fill(b, -1);
        if (mt_rank == 0) {
            if (way == 0)
                OK(MPI_Bsend(a, 2, column, 1, TAG, comm));
            else if (way == 1)
                OK(MPI_Ssend(a, 2, column, 1, TAG, comm));
            else if (way == 2) {
                OK(MPI_Psend_init(a, 2, 1, column, 1, TAG, comm, MPI_INFO_NULL, &req));
                OK(MPI_Start(&req));
                OK(MPI_Pready_range(0, 1, req));
                OK(MPI_Wait(&req, &st));
                OK(MPI_Request_free(&req));
            } else
                OK(MPI_Send(a, 2, column, 1, TAG, comm));
            continue;
        }
        if (way == 2) {
            OK(MPI_Precv_init(&b[0][3], 1, 2, column, 0, TAG, comm, MPI_INFO_NULL, &req));
            OK(MPI_Start(&req));
            OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
            OK(MPI_Request_free(&req));
        } else if (way == 3) {
            OK(MPI_Mprobe(0, TAG, comm, &msg, &st));
            OK(MPI_Get_count(&st, column, &n));
            CHECK_EQ(n, 2);
            OK(MPI_Mrecv(&b[0][3], 2, column, &msg, &st));
        } else if (way == 4) {
            OK(MPI_Recv(&b[0][3], 2 * ROWS, MPI_INT, 0, TAG, comm, &st)); /* as it was packed */
            CHECK(b[0][3] == value(0, 0, 0) && b[0][4] == value(0, 1, 0));
            continue;
        } else {
            OK(MPI_Irecv(&b[0][3], 2, column, MPI_ANY_SOURCE, TAG, comm, &req));
            OK(MPI_Wait(&req, &st));
            OK(MPI_Get_elements(&st, column, &n));
            CHECK_EQ(n, 2 * ROWS);
        }
        holds(b, 3, 2, 0, 0);
        holds(b, 0, 3, -1, 0);
        holds(b, 5, 1, -1, 0);
    }
    OK(MPI_Buffer_detach(&attached, &room));
    free(attached);
    if (mt_rank < 2) {
        fill(a, mt_rank);
        OK(MPI_Sendrecv_replace(&a[0][2], 1, column, 1 - mt_rank, TAG, 1 - mt_rank, TAG,
                                comm, &st));
        holds(a, 2, 1, 1 - mt_rank, 2);
        holds(a, 0, 2, mt_rank, 0);
        holds(a, 3, 3, mt_rank, 3);
    }
}

/* Column r of everybody goes to column r of the others. */
static void collectives(void)
{
    static matrix a, b;
    int n = mt_size < COLS ? mt_size : COLS, counts[COLS], displs[COLS], bytes[COLS];
    MPI_Datatype types[COLS];
    MPI_Request req;
    fill(a, mt_rank);
    OK(MPI_Allgather(MPI_IN_PLACE, 0, MPI_INT, a, 1, column, comm));
    for (int r = 0; r < n; r++)
        holds(a, r, 1, r, r);
    fill(a, mt_rank);
    fill(b, -1);
    OK(MPI_Ialltoall(a, 1, column, b, 1, column, comm, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    for (int r = 0; r < n; r++)
        holds(b, r, 1, r, mt_rank);
    holds(b, n, COLS - n, -1, 0);
    for (int r = 0; r < n; r++) {
        counts[r] = 1;
        displs[r] = n - 1 - r;
        bytes[r] = displs[r] * (int)sizeof(int);
        types[r] = column;
    }
    fill(b, -1);
    OK(MPI_Gatherv(&a[0][mt_rank], 1, column, b, counts, displs, column, 0, comm));
    for (int r = 0; r < n && mt_rank == 0; r++)
        holds(b, n - 1 - r, 1, r, r);
    fill(b, -1);
    OK(MPI_Alltoallw(a, counts, bytes, types, b, counts, bytes, types, comm));
    for (int r = 0; r < n; r++)
        holds(b, n - 1 - r, 1, r, n - 1 - mt_rank);
    fill(b, mt_rank == 0 ? 0 : -1);
    OK(MPI_Bcast(&b[0][1], 2, column, 0, comm));
    holds(b, 1, 2, 0, 1);
    holds(b, 3, 3, mt_rank == 0 ? 0 : -1, 3);
    OK(MPI_Scatter(a, 1, column, mt_rank == 0 ? MPI_IN_PLACE : (void *)&b[0][5], 1,
                   column, 0, comm));
    if (mt_rank > 0)
        holds(b, 5, 1, 0, mt_rank);
}

/* Adds the ints of columns: not commutative in its own eyes, so that the order counts too. */
static void add(void *in, void *inout, int *n, MPI_Datatype *type)
{
    matrix *from = in, *to = inout;
    CHECK(*type == column);
    for (int k = 0; k < *n; k++)
        for (int i = 0; i < ROWS; i++)
            (*to)[i][k] += (*from)[i][k];
}

static void reductions(void)
{
    static matrix a, b;
    MPI_Op op;
    OK(MPI_Op_create(add, 0, &op));
    fill(a, mt_rank);
    fill(b, -1);
    OK(MPI_Allreduce(&a[0][1], &b[0][2], 3, column, op, comm));
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++) {
            int want = -1;
            for (int r = 0; r < mt_size && j >= 2 && j < 5; r++)
                want = (r ? want : 0) + value(r, i, j - 1);
            if (!CHECK_EQ(b[i][j], want))
                return;
        }
    OK(MPI_Op_free(&op));
}

int main(int argc, char **argv)
{
    comm = mt_begin(&argc, &argv, 3);
    MPI_Datatype bare;
    OK(MPI_Type_vector(ROWS, 1, COLS, MPI_INT, &bare));
    OK(MPI_Type_create_resized(bare, 0, sizeof(int), &column));
    OK(MPI_Type_free(&bare));
    OK(MPI_Type_commit(&column));
    point_to_point();
    collectives();
    reductions();
    OK(MPI_Type_free(&column));
    return mt_end();
}
