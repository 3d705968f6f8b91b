/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_THREAD_MULTIPLE: several threads of each process talk at once, with their own tags, with
 * wildcards on their own communicators, and with matched probes on a shared one. */
#include "mtest.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 300 };

static MPI_Comm comms[THREADS], shared;
static atomic_int taken;

static void ping_pong(int me)
{
    static const int sizes[] = {4, 2000, 30000, 200000};
    int size = sizes[me % 4], other = 1 - mt_rank;
    char *buf = malloc((size_t)size);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned seed = (unsigned)(i * THREADS + me);
        if (mt_rank == 0) {
            mt_fill(buf, (size_t)size, seed);
            OK(MPI_Send(buf, size, MPI_BYTE, other, me, shared));
            OK(MPI_Recv(buf, size, MPI_BYTE, other, me, shared, MPI_STATUS_IGNORE));
        } else {
            OK(MPI_Recv(buf, size, MPI_BYTE, other, me, shared, MPI_STATUS_IGNORE));
            OK(MPI_Send(buf, size, MPI_BYTE, other, me, shared));
        }
        if (!CHECK(mt_filled(buf, (size_t)size, seed)))
            break;
    }
    free(buf);
}

static void wildcards(int me)
{
    for (int i = 0; i < ROUNDS; i++) {
        MPI_Request req;
        MPI_Status st;
        int x = i, y = -1, index;
        OK(MPI_Irecv(&y, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comms[me], &req));
        OK(MPI_Send(&x, 1, MPI_INT, 1 - mt_rank, i, comms[me]));
        OK(MPI_Waitany(1, &req, &index, &st));
        CHECK(y == i && st.MPI_TAG == i);
    }
}

/* All threads of rank 1 take messages from one stream; each is taken exactly once. */
static void matched(int me)
{
    MPI_Message msg;
    MPI_Status st;
    int x;
    if (mt_rank == 0) {
        for (int i = 0; i < ROUNDS; i++)
            OK(MPI_Send(&i, 1, MPI_INT, 1, 1000 + me, shared));
        return;
    }
    for (int i = 0; i < ROUNDS; i++) {
        OK(MPI_Mprobe(0, 1000 + i % THREADS, shared, &msg, &st));
        OK(MPI_Mrecv(&x, 1, MPI_INT, &msg, MPI_STATUS_IGNORE));
        atomic_fetch_add(&taken, x + 1);
    }
}

static void *run(void *arg)
{
    int me = (int)(intptr_t)arg;
    ping_pong(me);
    wildcards(me);
    matched(me);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int provided;
    mt_thread_level = MPI_THREAD_MULTIPLE;
    MPI_Comm comm = mt_begin(&argc, &argv, 2), two;
    OK(MPI_Query_thread(&provided));
    CHECK_EQ(provided, MPI_THREAD_MULTIPLE);
    OK(MPI_Comm_split(comm, mt_rank < 2 ? 0 : MPI_UNDEFINED, mt_rank, &two));
    if (two != MPI_COMM_NULL) {
        OK(MPI_Comm_dup(two, &shared));
        for (int i = 0; i < THREADS; i++)
            OK(MPI_Comm_dup(two, &comms[i]));
        for (intptr_t i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, run, (void *)i);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        if (mt_rank == 1)
            CHECK_EQ(taken, THREADS * ROUNDS * (ROUNDS + 1) / 2);
        for (int i = 0; i < THREADS; i++)
            OK(MPI_Comm_free(&comms[i]));
        OK(MPI_Comm_free(&shared));
        OK(MPI_Comm_free(&two));
    }
    return mt_end();
}
