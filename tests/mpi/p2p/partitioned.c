/* SPDX-License-Identifier: BSD-3-Clause */
/* Partitioned communication: partitions leave when they are ready and are seen one by one, numbers of
 * partitions differ, rounds, order of inits, threads, MPI_PROC_NULL, and what is refused. */
#include "mtest.h"
#include <pthread.h>
#include <stdlib.h>

enum { TOTAL = 6720 }; /* divisible by all numbers of partitions below */

static unsigned char *bytes_of(int n)
{
    return calloc((size_t)n + 1, 1);
}

/* One pair with these numbers of partitions, some rounds, in which the sender marks its partitions in
 * various ways. */
static void pair(MPI_Comm comm, int sparts, int rparts, int each)
{
    int total = TOTAL * each, s = total / sparts, r = total / rparts;
    unsigned char *buf = bytes_of(total);
    MPI_Request req;
    MPI_Status st;
    if (mt_rank == 0)
        OK(MPI_Psend_init(buf, sparts, s, MPI_BYTE, 1, 5, comm, MPI_INFO_NULL, &req));
    else
        OK(MPI_Precv_init(buf, rparts, r, MPI_BYTE, 0, 5, comm, MPI_INFO_NULL, &req));
    for (int round = 0; round < 4; round++) {
        OK(MPI_Start(&req));
        if (mt_rank == 0) {
            mt_fill(buf, (size_t)total, (unsigned)round);
            if (round == 0)
                OK(MPI_Pready_range(0, sparts - 1, req));
            for (int i = 0; round == 1 && i < sparts; i++)
                OK(MPI_Pready(i, req));
            for (int i = sparts - 1; round == 2 && i >= 0; i--)
                OK(MPI_Pready_list(1, &i, req));
            if (round == 3 && sparts > 1)
                OK(MPI_Pready_range(1, sparts - 1, req));
            if (round == 3)
                OK(MPI_Pready(0, req));
            OK(MPI_Wait(&req, &st));
        } else {
            int flag = 0;
            for (int i = 0; i < rparts; i++, flag = 0)
                while (!flag)
                    OK(MPI_Parrived(req, i, &flag));
            CHECK(mt_filled(buf, (size_t)total, (unsigned)round));
            OK(MPI_Wait(&req, &st));
            MPI_Count n;
            OK(MPI_Get_count_c(&st, MPI_BYTE, &n));
            CHECK_EQ(n, total);
            CHECK(st.MPI_SOURCE == 0 && st.MPI_TAG == 5);
            OK(MPI_Parrived(req, 0, &flag)); /* inactive: true */
            CHECK(flag);
        }
        CHECK(req != MPI_REQUEST_NULL);
    }
    OK(MPI_Request_free(&req));
    free(buf);
}

/* A partition is seen while the others have not been marked. */
static void one_by_one(MPI_Comm comm)
{
    int buf[4] = {0}, flag;
    MPI_Request req;
    if (mt_rank == 0) {
        OK(MPI_Psend_init(buf, 4, 1, MPI_INT, 1, 6, comm, MPI_INFO_NULL, &req));
        OK(MPI_Start(&req));
        for (int i = 0; i < 4; i++) {
            buf[3 - i] = 10 + i;
            OK(MPI_Pready(3 - i, req));
            OK(MPI_Test(&req, &flag, MPI_STATUS_IGNORE));
            CHECK(i == 3 || !flag);
            OK(MPI_Recv(NULL, 0, MPI_INT, 1, 7, comm, MPI_STATUS_IGNORE));
        }
    } else {
        OK(MPI_Precv_init(buf, 2, 2, MPI_INT, 0, 6, comm, MPI_INFO_NULL, &req));
        OK(MPI_Start(&req));
        for (int i = 0; i < 4; i++) {
            int upper = 0, lower = 0;
            while (i >= 1 && !upper)
                OK(MPI_Parrived(req, 1, &upper));
            OK(MPI_Parrived(req, 1, &upper));
            CHECK(i >= 1 || !upper);
            OK(MPI_Parrived(req, 0, &lower));
            CHECK(i == 3 || !lower);
            CHECK(!upper || (buf[3] == 10 && buf[2] == 11));
            OK(MPI_Send(NULL, 0, MPI_INT, 0, 7, comm));
        }
    }
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Request_free(&req));
}

/* Two pairs with one tag are paired in the order of their inits, and not with other messages. */
static void order(MPI_Comm comm)
{
    int a = 0, b = 0, x = 99;
    MPI_Request reqs[2];
    if (mt_rank == 0) {
        a = 1;
        b = 2;
        OK(MPI_Send(&x, 1, MPI_INT, 1, 8, comm));
        OK(MPI_Psend_init(&a, 1, 1, MPI_INT, 1, 8, comm, MPI_INFO_NULL, &reqs[0]));
        OK(MPI_Psend_init(&b, 1, 1, MPI_INT, 1, 8, comm, MPI_INFO_NULL, &reqs[1]));
        OK(MPI_Start(&reqs[1]));
        OK(MPI_Pready(0, reqs[1]));
        OK(MPI_Start(&reqs[0]));
        OK(MPI_Pready(0, reqs[0]));
    } else {
        OK(MPI_Precv_init(&a, 1, 1, MPI_INT, 0, 8, comm, MPI_INFO_NULL, &reqs[0]));
        OK(MPI_Precv_init(&b, 1, 1, MPI_INT, 0, 8, comm, MPI_INFO_NULL, &reqs[1]));
        OK(MPI_Startall(2, reqs));
    }
    OK(MPI_Waitall(2, reqs, MPI_STATUSES_IGNORE));
    CHECK(a == 1 && b == 2);
    if (mt_rank == 1) {
        x = 0;
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 8, comm, MPI_STATUS_IGNORE));
        CHECK_EQ(x, 99);
    }
    OK(MPI_Request_free(&reqs[0]));
    OK(MPI_Request_free(&reqs[1]));
}

enum { THREADS = 4, PER_THREAD = 25 };
static MPI_Request shared;
static int values[THREADS * PER_THREAD];

static void *mark(void *arg)
{
    int me = (int)(long)arg;
    for (int i = 0; i < PER_THREAD; i++) {
        values[i * THREADS + me] = 1000 + i * THREADS + me;
        OK(MPI_Pready(i * THREADS + me, shared));
    }
    return NULL;
}

static void threads(MPI_Comm comm)
{
    enum { N = THREADS * PER_THREAD };
    pthread_t t[THREADS];
    if (mt_rank == 0)
        OK(MPI_Psend_init(values, N, 1, MPI_INT, 1, 9, comm, MPI_INFO_NULL, &shared));
    else
        OK(MPI_Precv_init(values, 10, N / 10, MPI_INT, 0, 9, comm, MPI_INFO_NULL, &shared));
    OK(MPI_Start(&shared));
    for (long i = 0; mt_rank == 0 && i < THREADS; i++)
        pthread_create(&t[i], NULL, mark, (void *)i);
    OK(MPI_Wait(&shared, MPI_STATUS_IGNORE));
    for (int i = 0; mt_rank == 0 && i < THREADS; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < N; i++)
        CHECK_EQ(values[i], 1000 + i);
    OK(MPI_Request_free(&shared));
}

/* More was sent than the receiver has room for; then less. */
static void lengths(MPI_Comm comm)
{
    int buf[8] = {1, 2, 3, 4, 5, 6, 7, 8}, n;
    MPI_Request req;
    MPI_Status st;
    for (int parts = 2; parts <= 4; parts += 2) {
        if (mt_rank == 0) {
            OK(MPI_Psend_init(buf, parts, 2, MPI_INT, 1, 10, comm, MPI_INFO_NULL, &req));
            OK(MPI_Start(&req));
            OK(MPI_Pready_range(0, parts - 1, req));
            OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        } else {
            for (int i = 0; i < 8; i++)
                buf[i] = 0;
            OK(MPI_Precv_init(buf, 5, 1, MPI_INT, 0, 10, comm, MPI_INFO_NULL, &req));
            OK(MPI_Start(&req));
            CHECK_CLASS(MPI_Wait(&req, &st), parts == 4 ? MPI_ERR_TRUNCATE : MPI_SUCCESS);
            OK(MPI_Get_count(&st, MPI_INT, &n));
            CHECK_EQ(n, 2 * parts);
            CHECK(buf[0] == 1 && buf[3] == 4);
            CHECK(buf[4] == (parts == 4 ? 5 : 0) && buf[5] == 0);
        }
        OK(MPI_Request_free(&req));
    }
}

static void refused(MPI_Comm comm)
{
    int buf[4] = {0}, flag, list[] = {1, 1};
    MPI_Request s, r, other;
    MPI_Status st;
    OK(MPI_Psend_init(buf, 4, 1, MPI_INT, MPI_PROC_NULL, 0, comm, MPI_INFO_NULL, &s));
    OK(MPI_Precv_init(buf, 4, 1, MPI_INT, MPI_PROC_NULL, 0, comm, MPI_INFO_NULL, &r));
    OK(MPI_Recv_init(buf, 1, MPI_INT, MPI_PROC_NULL, 0, comm, &other));
    CHECK_CLASS(MPI_Pready(0, s), MPI_ERR_REQUEST); /* not started */
    OK(MPI_Start(&s));
    CHECK_CLASS(MPI_Start(&s), MPI_ERR_REQUEST);
    CHECK_CLASS(MPI_Pready(4, s), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Pready(-1, s), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Pready_range(2, 1, s), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Pready_range(2, 4, s), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Pready_list(-1, list, s), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Pready_list(1, NULL, s), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Pready_list(2, list, s), MPI_ERR_ARG); /* one twice: none is marked */
    OK(MPI_Pready(1, s));
    CHECK_CLASS(MPI_Pready(1, s), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Pready(0, r), MPI_ERR_REQUEST);
    CHECK_CLASS(MPI_Pready(0, other), MPI_ERR_REQUEST);
    CHECK_CLASS(MPI_Pready(0, MPI_REQUEST_NULL), MPI_ERR_REQUEST);
    CHECK_CLASS(MPI_Parrived(s, 0, &flag), MPI_ERR_REQUEST);
    CHECK_CLASS(MPI_Parrived(r, 4, &flag), MPI_ERR_ARG);
    OK(MPI_Test(&s, &flag, &st));
    CHECK(!flag);
    OK(MPI_Pready(0, s));
    OK(MPI_Pready_range(2, 3, s));
    OK(MPI_Wait(&s, &st));
    OK(MPI_Start(&r));
    OK(MPI_Parrived(r, 0, &flag));
    CHECK(flag);
    OK(MPI_Wait(&r, &st));
    CHECK_EQ(st.MPI_SOURCE, MPI_PROC_NULL);
    OK(MPI_Request_free(&s));
    OK(MPI_Request_free(&r));
    OK(MPI_Request_free(&other));
    CHECK_CLASS(MPI_Psend_init(buf, -1, 1, MPI_INT, 0, 0, comm, MPI_INFO_NULL, &s),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Psend_init(buf, 1, -1, MPI_INT, 0, 0, comm, MPI_INFO_NULL, &s),
                MPI_ERR_COUNT);
    CHECK_CLASS(MPI_Psend_init(buf, 1, 1, MPI_INT, mt_size, 0, comm, MPI_INFO_NULL, &s),
                MPI_ERR_RANK);
    CHECK_CLASS(MPI_Precv_init(buf, 1, 1, MPI_INT, MPI_ANY_SOURCE, 0, comm, MPI_INFO_NULL, &r),
                MPI_ERR_RANK);
    CHECK_CLASS(MPI_Precv_init(buf, 1, 1, MPI_INT, 0, MPI_ANY_TAG, comm, MPI_INFO_NULL, &r),
                MPI_ERR_TAG);
}

/* The receiver starts long before the sender is there, and both give up a pair that never started. */
static void late(MPI_Comm comm)
{
    int x = 5, flag;
    MPI_Request req, unused;
    if (mt_rank == 0) {
        OK(MPI_Recv(NULL, 0, MPI_INT, 1, 11, comm, MPI_STATUS_IGNORE));
        OK(MPI_Psend_init(&x, 1, 1, MPI_INT, 1, 12, comm, MPI_INFO_NULL, &req));
        OK(MPI_Psend_init(&x, 1, 1, MPI_INT, 1, 13, comm, MPI_INFO_NULL, &unused));
        OK(MPI_Start(&req));
        OK(MPI_Pready(0, req));
    } else {
        x = 0;
        OK(MPI_Precv_init(&x, 1, 1, MPI_INT, 0, 12, comm, MPI_INFO_NULL, &req));
        OK(MPI_Precv_init(&x, 1, 1, MPI_INT, 0, 13, comm, MPI_INFO_NULL, &unused));
        OK(MPI_Start(&req));
        OK(MPI_Parrived(req, 0, &flag));
        CHECK(!flag);
        OK(MPI_Send(NULL, 0, MPI_INT, 0, 11, comm));
    }
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    CHECK_EQ(x, 5);
    OK(MPI_Request_free(&req));
    OK(MPI_Request_free(&unused));
}

int main(int argc, char **argv)
{
    static const int parts[] = {1, 2, 3, 4, 7, 32};
    mt_thread_level = MPI_THREAD_MULTIPLE;
    MPI_Comm comm = mt_begin(&argc, &argv, 2);
    refused(comm);
    if (mt_rank < 2) {
        for (int i = 0; i < 6; i++)
            for (int k = 0; k < 6; k++)
                pair(comm, parts[i], parts[k], 1);
        pair(comm, 4, 7, 200); /* long ones: 1.3 MB */
        one_by_one(comm);
        order(comm);
        threads(comm);
        lengths(comm);
        late(comm);
    }
    return mt_end();
}
