/* SPDX-License-Identifier: BSD-3-Clause */
/* Thousands of spawn/disconnect rounds leave neither descriptors nor memory behind, in the spawner as
 * in the daemon. rounds [NUMBER [CHILDREN]], default 2000 (under AddressSanitizer 500) and 1; what
 * is promised is 10000 and 2. */
#include "mtest.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
enum { allowed_kb = 256 * 1024 }; /* freed memory is kept in quarantine */
enum { ROUNDS = 500 };            /* a child takes 20 times as long to start */
#else
enum { allowed_kb = 384 };
enum { ROUNDS = 2000 };
#endif

static int children = 1, daemon_pid;

/* Resident kilobytes of the daemon, which is our children's parent. */
static long daemon_kb(void)
{
    char path[64];
    long size = 0, rss = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", daemon_pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%ld %ld", &size, &rss) != 2)
        mt_fail(__FILE__, __LINE__, "%s cannot be read", path);
    if (f)
        fclose(f);
    return rss * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The last children may be on their way out: how many there are is known when they have gone. */
static bool no_more_fds(void *most)
{
    return mt_fds_of(daemon_pid) <= *(int *)most;
}

static void one_round(int i)
{
    MPI_Comm inter, all;
    int x = i, y = -1;
    if (!OK(mt_spawn(MPI_COMM_SELF, 0, "child", NULL, children, &inter)))
        return;
    for (int k = 0; k < children; k++)
        OK(MPI_Send(&x, 1, MPI_INT, k, 1, inter));
    for (int k = 0; k < children; k++) {
        OK(MPI_Recv(&y, 1, MPI_INT, k, 2, inter, MPI_STATUS_IGNORE));
        CHECK(y > 1 && (daemon_pid == 0 || y == daemon_pid));
        daemon_pid = y;
    }
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
        int of = (int)getppid();
        OK(MPI_Send(&of, 1, MPI_INT, 0, 2, parent));
        if (x % 10 == 0) {
            OK(MPI_Intercomm_merge(parent, 1, &all));
            OK(MPI_Comm_disconnect(&all));
        }
        OK(MPI_Comm_disconnect(&parent));
        return mt_end();
    }
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS, warm = rounds / 4;
    children = argc > 2 ? atoi(argv[2]) : 1;
    for (int i = 0; i < warm; i++)
        one_round(i);
    int fds = mt_count_fds(), theirs;
    long rss = mt_rss_kb(), their_rss;
    theirs = mt_fds_of(daemon_pid);
    their_rss = daemon_kb();
    for (int i = warm; i < rounds; i++)
        one_round(i);
    CHECK_EQ(mt_count_fds(), fds);
    long grown = mt_rss_kb() - rss;
    /* 256 bytes a round; what was seen is 60 to 170 KiB, whatever the number of rounds. */
    if (grown > allowed_kb)
        mt_fail(__FILE__, __LINE__, "%ld KiB more after %d rounds", grown, rounds - warm);
    /* What it counted above may hold a few of children that were not reaped yet. */
    if (!mt_until(no_more_fds, &theirs, 20))
        mt_fail(__FILE__, __LINE__, "the daemon has %d descriptors, not %d",
                mt_fds_of(daemon_pid), theirs);
    /* 100 to 230 KiB whatever the number of rounds; 1500 when its threads were not all begun before. */
    grown = daemon_kb() - their_rss;
    if (grown > allowed_kb + 1664)
        mt_fail(__FILE__, __LINE__, "the daemon has %ld KiB more after %d rounds", grown,
                rounds - warm);
    return mt_end();
}
