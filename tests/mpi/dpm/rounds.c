/* SPDX-License-Identifier: BSD-3-Clause */
/* Thousands of spawn/disconnect rounds leave neither descriptors nor memory behind in the spawner.
 * rounds [number], default 2000. */
#include "mtest.h"
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
enum { allowed_kb = 256 * 1024 }; /* freed memory is kept in quarantine */
#else
enum { allowed_kb = 384 };
#endif

static void one_round(int i)
{
    MPI_Comm inter, all;
    int x = i, y = -1;
    if (!OK(mt_spawn(MPI_COMM_SELF, 0, "child", NULL, 1, &inter)))
        return;
    OK(MPI_Send(&x, 1, MPI_INT, 0, 1, inter));
    OK(MPI_Recv(&y, 1, MPI_INT, 0, 2, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(y, x);
    if (i % 10 == 0) {
        OK(MPI_Intercomm_merge(inter, 0, &all));
        OK(MPI_Comm_disconnect(&all));
    }
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        MPI_Comm parent, all;
        int x = 0;
        OK(MPI_Comm_get_parent(&parent));
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 1, parent, MPI_STATUS_IGNORE));
        OK(MPI_Send(&x, 1, MPI_INT, 0, 2, parent));
        if (x % 10 == 0) {
            OK(MPI_Intercomm_merge(parent, 1, &all));
            OK(MPI_Comm_disconnect(&all));
        }
        OK(MPI_Comm_disconnect(&parent));
        return mt_end();
    }
    int rounds = argc > 1 ? atoi(argv[1]) : 2000, warm = rounds / 4;
    for (int i = 0; i < warm; i++)
        one_round(i);
    int fds = mt_count_fds();
    long rss = mt_rss_kb();
    for (int i = warm; i < rounds; i++)
        one_round(i);
    CHECK_EQ(mt_count_fds(), fds);
    long grown = mt_rss_kb() - rss;
    /* 256 bytes a round; what was seen is 60 to 170 KiB, whatever the number of rounds. */
    if (grown > allowed_kb)
        mt_fail(__FILE__, __LINE__, "%ld KiB more after %d rounds", grown, rounds - warm);
    return mt_end();
}
