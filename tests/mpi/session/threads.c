/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads with sessions of their own, opened and closed at the same time, without the world model:
 * communicators of the same process set by different names, buffers, attributes of each. */
#include "mtest.h"
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 6, ROUNDS = 5, MESSAGE = 500 };

static MPI_Info multiple;

static int count_delete(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm, (void)key, (void)extra;
    ++*(int *)value;
    return MPI_SUCCESS;
}

/* Buffered messages to the neighbour, through the session's buffer. */
static void buffered(MPI_Session session, MPI_Comm comm, int seed)
{
    char out[MESSAGE], in[MESSAGE], room[MESSAGE + MPI_BSEND_OVERHEAD];
    void *was = NULL;
    int rank, size, n = 0;
    OK(MPI_Comm_rank(comm, &rank));
    OK(MPI_Comm_size(comm, &size));
    OK(MPI_Session_attach_buffer(session, room, sizeof(room)));
    mt_fill(out, MESSAGE, (unsigned)(seed + rank));
    OK(MPI_Bsend(out, MESSAGE, MPI_BYTE, (rank + 1) % size, seed, comm));
    OK(MPI_Recv(in, MESSAGE, MPI_BYTE, MPI_ANY_SOURCE, seed, comm, MPI_STATUS_IGNORE));
    CHECK(mt_filled(in, MESSAGE, (unsigned)(seed + (rank + size - 1) % size)));
    OK(MPI_Session_detach_buffer(session, &was, &n));
    CHECK(was == (void *)room && n == (int)sizeof(room));
}

static void round_of(int me, int round)
{
    MPI_Session session;
    MPI_Group world, same;
    MPI_Comm comm, dup, again;
    char name[32];
    int size, sum = 0, key, deleted = 0, mine = me + round;
    OK(MPI_Session_init(multiple, MPI_ERRORS_RETURN, &session));
    OK(MPI_Group_from_session_pset(session, "mpi://WORLD", &world));
    snprintf(name, sizeof(name), "thread %d", me);
    OK(MPI_Comm_create_from_group(world, name, MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    OK(MPI_Comm_size(comm, &size));
    OK(MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, comm));
    CHECK_EQ(sum, size * mine); /* of this thread's in all processes */
    OK(MPI_Comm_create_keyval(MPI_COMM_DUP_FN, count_delete, &key, NULL));
    OK(MPI_Comm_set_attr(comm, key, &deleted));
    OK(MPI_Comm_dup(comm, &dup));
    buffered(session, dup, 10 * me + round);
    OK(MPI_Comm_group(comm, &same));
    OK(MPI_Comm_create_group(comm, same, me, &again));
    OK(MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_MAX, again));
    CHECK_EQ(sum, mine);
    OK(MPI_Comm_free(&again));
    OK(MPI_Group_free(&same));
    OK(MPI_Comm_free(&dup));
    OK(MPI_Comm_free(&comm));
    CHECK_EQ(deleted, 2);
    OK(MPI_Comm_free_keyval(&key));
    OK(MPI_Group_free(&world));
    OK(MPI_Session_finalize(&session));
}

static void *run(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        round_of((int)(intptr_t)arg, i);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    setenv("PVMX_INITIAL_ERRHANDLER", "mpi_errors_return", 1);
    mt_prepare(&argc, &argv);
    OK(MPI_Info_create(&multiple));
    OK(MPI_Info_set(multiple, "thread_level", "MPI_THREAD_MULTIPLE"));
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    OK(MPI_Info_free(&multiple));
    return mt_failures() != 0;
}
