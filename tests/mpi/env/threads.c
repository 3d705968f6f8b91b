/* SPDX-License-Identifier: BSD-3-Clause */
/* Eight threads in each of two processes at once: messages by tag on a shared communicator,
 * collectives on communicators of their own, probes and matched probes, duplicates, splits,
 * communicators of a group by tag and from a session's group by name. */
#include "mtest.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8, ROUNDS = 16 };

static MPI_Comm comms[THREADS], shared;
static MPI_Group both;
static MPI_Session session;

static void messages(int me, int round)
{
    static const int sizes[] = {1, 100, 5000, 70000};
    int n = sizes[(me + round) % 4], other = 1 - mt_rank;
    char *out = malloc((size_t)n), *in = malloc((size_t)n);
    MPI_Request reqs[2];
    unsigned seed = (unsigned)(round * THREADS + me);
    mt_fill(out, (size_t)n, seed);
    OK(MPI_Irecv(in, n, MPI_BYTE, other, me, shared, &reqs[0]));
    OK(MPI_Isend(out, n, MPI_BYTE, other, me, shared, &reqs[1]));
    OK(MPI_Waitall(2, reqs, MPI_STATUSES_IGNORE));
    CHECK(mt_filled(in, (size_t)n, seed));
    free(out);
    free(in);
}

static void probes(int me, int round)
{
    int x = round, y = -1, flag = 0, tag = 100 + me;
    MPI_Request req;
    MPI_Message msg;
    MPI_Status st;
    OK(MPI_Isend(&x, 1, MPI_INT, 1 - mt_rank, tag, shared, &req));
    if (round % 2) {
        OK(MPI_Probe(1 - mt_rank, tag, shared, &st));
        OK(MPI_Recv(&y, 1, MPI_INT, st.MPI_SOURCE, st.MPI_TAG, shared, MPI_STATUS_IGNORE));
    } else {
        while (!flag) {
            if (!OK(MPI_Improbe(MPI_ANY_SOURCE, tag, shared, &flag, &msg, &st)))
                return;
            sched_yield();
        }
        OK(MPI_Mrecv(&y, 1, MPI_INT, &msg, MPI_STATUS_IGNORE));
    }
    CHECK_EQ(y, round);
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
}

static void collectives(MPI_Comm comm, int me)
{
    int x = me + mt_rank, sum = 0, all[2] = {-1, -1};
    OK(MPI_Allreduce(&x, &sum, 1, MPI_INT, MPI_SUM, comm));
    CHECK_EQ(sum, 2 * me + 1);
    OK(MPI_Allgather(&x, 1, MPI_INT, all, 1, MPI_INT, comm));
    CHECK(all[0] == me && all[1] == me + 1);
    OK(MPI_Bcast(&x, 1, MPI_INT, 0, comm));
    CHECK_EQ(x, me);
}

static void communicators(int me, int round)
{
    MPI_Comm dup, part, made;
    char name[32];
    OK(MPI_Comm_dup(comms[me], &dup));
    collectives(dup, me);
    OK(MPI_Comm_split(dup, 0, mt_rank, &part));
    collectives(part, me);
    OK(MPI_Comm_free(&part));
    OK(MPI_Comm_free(&dup));
    if (round % 8)
        return;
    OK(MPI_Comm_create_group(shared, both, me, &made)); /* several at once, by tag */
    collectives(made, me);
    OK(MPI_Comm_free(&made));
    snprintf(name, sizeof(name), "thread %d", me);
    OK(MPI_Comm_create_from_group(both, name, MPI_INFO_NULL, MPI_ERRORS_RETURN, &made));
    collectives(made, me);
    OK(MPI_Comm_free(&made));
}

static void *run(void *arg)
{
    int me = (int)(intptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        messages(me, i);
        collectives(comms[me], me);
        probes(me, i);
        communicators(me, i);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int provided;
    MPI_Info info;
    mt_thread_level = MPI_THREAD_MULTIPLE;
    MPI_Comm comm = mt_begin(&argc, &argv, 2), two;
    OK(MPI_Query_thread(&provided));
    CHECK_EQ(provided, MPI_THREAD_MULTIPLE);
    OK(MPI_Comm_split(comm, mt_rank < 2 ? 0 : MPI_UNDEFINED, mt_rank, &two));
    if (two != MPI_COMM_NULL) {
        OK(MPI_Info_create(&info));
        OK(MPI_Info_set(info, "thread_level", "MPI_THREAD_MULTIPLE"));
        OK(MPI_Session_init(info, MPI_ERRORS_RETURN, &session));
        OK(MPI_Info_free(&info));
        OK(MPI_Comm_dup(two, &shared));
        OK(MPI_Comm_group(two, &both));
        for (int i = 0; i < THREADS; i++)
            OK(MPI_Comm_dup(two, &comms[i]));
        for (intptr_t i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, run, (void *)i);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        for (int i = 0; i < THREADS; i++)
            OK(MPI_Comm_free(&comms[i]));
        OK(MPI_Group_free(&both));
        OK(MPI_Comm_free(&shared));
        OK(MPI_Comm_free(&two));
        OK(MPI_Session_finalize(&session));
    }
    return mt_end();
}
