/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of a type that has a gap (MPI_DOUBLE_INT): only its data travel, in every way to send and
 * to receive, and the gap in the receiver's memory stays as it is. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>

struct pair {
    double d;
    int i;
    int gap;
};

enum { SIZE = 12, TAG = 3 };
static MPI_Comm comm;

static struct pair *pairs(int n, int from)
{
    struct pair *p = malloc(sizeof(*p) * (size_t)(n + 1));
    for (int k = 0; k <= n; k++)
        p[k] = (struct pair){from + k, 2 * (from + k), 77};
    return p;
}

/* n pairs that were made with `from` have come, behind them and in the gaps nothing. */
static void check_pairs(const struct pair *p, int n, int from)
{
    for (int k = 0; k < n; k++)
        if (!CHECK(p[k].d == from + k && p[k].i == 2 * (from + k) && p[k].gap == 77))
            return;
    CHECK(p[n].gap == 77 && p[n].d != from + n);
}

/* Sends with one of the ways; returns when the buffer may be used again. */
static void send_as(int how, const struct pair *p, int n)
{
    MPI_Request req = MPI_REQUEST_NULL;
    switch (how) {
    case 0:
        OK(MPI_Send(p, n, MPI_DOUBLE_INT, 1, TAG, comm));
        break;
    case 1:
        OK(MPI_Ssend(p, n, MPI_DOUBLE_INT, 1, TAG, comm));
        break;
    case 2:
        OK(MPI_Bsend(p, n, MPI_DOUBLE_INT, 1, TAG, comm));
        break;
    case 3:
        OK(MPI_Isend(p, n, MPI_DOUBLE_INT, 1, TAG, comm, &req));
        break;
    case 4:
        OK(MPI_Ssend_init(p, n, MPI_DOUBLE_INT, 1, TAG, comm, &req));
        OK(MPI_Start(&req));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        OK(MPI_Request_free(&req));
        break;
    case 5:
        OK(MPI_Ibsend(p, n, MPI_DOUBLE_INT, 1, TAG, comm, &req));
        break;
    default:
        OK(MPI_Sendrecv(p, n, MPI_DOUBLE_INT, 1, TAG, NULL, 0, MPI_INT, MPI_PROC_NULL, 0,
                        comm, MPI_STATUS_IGNORE));
    }
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
}

static void receive_as(int how, struct pair *p, int n, MPI_Status *st)
{
    MPI_Request req = MPI_REQUEST_NULL;
    MPI_Message m;
    switch (how) {
    case 0:
        OK(MPI_Recv(p, n, MPI_DOUBLE_INT, 0, TAG, comm, st));
        return;
    case 1:
        OK(MPI_Irecv(p, n, MPI_DOUBLE_INT, MPI_ANY_SOURCE, TAG, comm, &req));
        break;
    case 2:
        OK(MPI_Mprobe(0, TAG, comm, &m, st));
        OK(MPI_Imrecv(p, n, MPI_DOUBLE_INT, &m, &req));
        break;
    case 3:
        OK(MPI_Mprobe(0, TAG, comm, &m, st));
        OK(MPI_Mrecv(p, n, MPI_DOUBLE_INT, &m, st));
        return;
    case 4:
        OK(MPI_Recv_init(p, n, MPI_DOUBLE_INT, 0, MPI_ANY_TAG, comm, &req));
        OK(MPI_Start(&req));
        OK(MPI_Wait(&req, st));
        OK(MPI_Request_free(&req));
        return;
    default:
        OK(MPI_Sendrecv(NULL, 0, MPI_INT, MPI_PROC_NULL, 0, p, n, MPI_DOUBLE_INT, 0, TAG,
                        comm, st));
        return;
    }
    OK(MPI_Wait(&req, st));
}

static void ways(int n)
{
    for (int how = 0; how < 7; how++)
        for (int into = 0; into < 6; into++) {
            int from = 100 * how + into, got;
            struct pair *p = pairs(n, mt_rank == 0 ? from : -5000000);
            MPI_Status st;
            if (mt_rank == 0) {
                send_as(how, p, n);
            } else {
                receive_as(into, p, n, &st);
                check_pairs(p, n, from);
                OK(MPI_Get_count(&st, MPI_DOUBLE_INT, &got));
                CHECK_EQ(got, n);
                OK(MPI_Get_count(&st, MPI_BYTE, &got));
                CHECK_EQ(got, n * SIZE);
            }
            free(p);
        }
}

static void replace(int n)
{
    struct pair *p = pairs(n, 10000 * (mt_rank + 1));
    MPI_Request req;
    int other = 1 - mt_rank;
    OK(MPI_Sendrecv_replace(p, n, MPI_DOUBLE_INT, other, 5, other, 5, comm,
                            MPI_STATUS_IGNORE));
    p[n].d = -1;
    check_pairs(p, n, 10000 * (other + 1));
    OK(MPI_Isendrecv_replace(p, n, MPI_DOUBLE_INT, other, 5, other, 5, comm, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    check_pairs(p, n, 10000 * (mt_rank + 1));
    free(p);
}

/* Too long: the elements and bytes that fit have come, nothing behind them is touched. */
static void truncated(int n)
{
    struct pair *p = pairs(2 * n, mt_rank == 0 ? 0 : -5000000);
    MPI_Status st;
    if (mt_rank == 0) {
        OK(MPI_Send(p, 2 * n, MPI_DOUBLE_INT, 1, TAG, comm));
    } else {
        CHECK_CLASS(MPI_Recv(p, n, MPI_DOUBLE_INT, 0, TAG, comm, &st), MPI_ERR_TRUNCATE);
        check_pairs(p, n, 0);
    }
    free(p);
}

/* The sender's partitions are bytes and end within the receiver's elements. */
static void partitioned(int n, int parts, int rparts)
{
    struct pair *p = pairs(n, mt_rank == 0 ? 0 : -5000000);
    char *bytes = malloc((size_t)n * SIZE);
    MPI_Request req;
    if (mt_rank == 0) {
        for (int k = 0; k < n; k++)
            memcpy(bytes + k * SIZE, &p[k], SIZE);
        OK(MPI_Psend_init(bytes, parts, n * SIZE / parts, MPI_BYTE, 1, 6, comm,
                          MPI_INFO_NULL, &req));
    } else {
        OK(MPI_Precv_init(p, rparts, n / rparts, MPI_DOUBLE_INT, 0, 6, comm,
                          MPI_INFO_NULL, &req));
    }
    for (int round = 0; round < 2; round++) {
        OK(MPI_Start(&req));
        for (int k = 0; k < parts && mt_rank == 0; k++)
            OK(MPI_Pready((k + 3) % parts, req));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        if (mt_rank == 1)
            check_pairs(p, n, 0);
    }
    OK(MPI_Request_free(&req));
    free(bytes);
    free(p);
}

int main(int argc, char **argv)
{
    static const int counts[] = {0, 1, 7, 100, 5000, 40000};
    comm = mt_begin(&argc, &argv, 2);
    int space = 14 * (40000 * SIZE + MPI_BSEND_OVERHEAD);
    char *attached = malloc((size_t)space), *same;
    OK(MPI_Buffer_attach(attached, space));
    for (int i = 0; i < 6 && mt_rank < 2; i++) {
        ways(counts[i]);
        replace(counts[i]);
        if (counts[i] > 0)
            truncated(counts[i]);
    }
    if (mt_rank < 2) {
        partitioned(60, 16, 4);
        partitioned(60, 3, 4);
        partitioned(60, 20, 1);
    }
    OK(MPI_Buffer_detach(&same, &space));
    free(attached);
    return mt_end();
}
