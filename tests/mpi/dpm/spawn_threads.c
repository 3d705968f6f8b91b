/* SPDX-License-Identifier: BSD-3-Clause */
/* Several threads spawn at once, each its own children, again and again. */
#include "mtest.h"
#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 6 };

static MPI_Comm own[THREADS];

static void *run(void *arg)
{
    int me = (int)(intptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        MPI_Comm inter, all;
        int n = 1 + (me + i) % 3, sum = 0, x = me * 100 + i;
        if (!OK(mt_spawn(own[me], 0, "child", NULL, n, &inter)))
            return NULL;
        for (int r = 0; r < n; r++)
            OK(MPI_Send(&x, 1, MPI_INT, r, 1, inter));
        for (int r = 0; r < n; r++) {
            int y = -1;
            OK(MPI_Recv(&y, 1, MPI_INT, MPI_ANY_SOURCE, 2, inter, MPI_STATUS_IGNORE));
            CHECK_EQ(y, x);
            sum++;
        }
        CHECK_EQ(sum, n);
        OK(MPI_Intercomm_merge(inter, 0, &all));
        OK(MPI_Comm_disconnect(&inter));
        OK(MPI_Comm_disconnect(&all));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *role;
    pthread_t threads[THREADS];
    mt_thread_level = MPI_THREAD_MULTIPLE;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        MPI_Comm parent, all;
        int x;
        OK(MPI_Comm_get_parent(&parent));
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 1, parent, MPI_STATUS_IGNORE));
        OK(MPI_Send(&x, 1, MPI_INT, 0, 2, parent));
        OK(MPI_Intercomm_merge(parent, 1, &all));
        OK(MPI_Comm_disconnect(&parent));
        OK(MPI_Comm_disconnect(&all));
        return mt_end();
    }
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_dup(MPI_COMM_SELF, &own[i]));
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_free(&own[i]));
    return mt_end();
}
