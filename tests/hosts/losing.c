/* SPDX-License-Identifier: BSD-3-Clause */
/* losing N SEED: a master and N children over the hosts of the VM. In every round the daemon of the lowest
 * host is killed, and its tasks with it, at some moment before, in or after an agreement and a shrink;
 * all that are left must come to the same. Ends when only the master's host is left. */
#include <mpi.h>
#include <mpix_pvmx.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 256, HOST_SHIFT = 18 };

static int failures, round_no;

static void check(int ok, const char *what, int value)
{
    if (ok)
        return;
    fprintf(stderr, "losing: round %d: %s (%d)\n", round_no, what, value);
    failures++;
}

static int class_of(int rc)
{
    int class = rc;
    if (rc != MPI_SUCCESS)
        MPI_Error_class(rc, &class);
    return class;
}

/* Hosts of the members: the lowest, how many there are, and my own. */
struct where {
    int lowest, hosts, mine;
    int first; /* I am the first member on my host */
};

static struct where look(MPI_Comm comm)
{
    int tids[MOST], size, rank, last = 0;
    struct where w = {.first = 1};
    MPI_Comm_size(comm, &size);
    MPI_Comm_rank(comm, &rank);
    MPIX_Comm_get_tids(comm, size, tids);
    w.mine = tids[rank] >> HOST_SHIFT;
    for (int at = 1; at != 0;) { /* in ascending order */
        at = 0;
        for (int i = 0; i < size; i++) {
            int host = tids[i] >> HOST_SHIFT;
            if (host > last && (at == 0 || host < at))
                at = host;
        }
        last = at != 0 ? at : last;
        w.hosts += at != 0;
        if (w.lowest == 0)
            w.lowest = at;
    }
    for (int i = 0; i < rank; i++)
        if (tids[i] >> HOST_SHIFT == w.mine)
            w.first = 0;
    return w;
}

static void kill_daemon_soon(void)
{
    int daemon = (int)getppid(), delay = rand() % 3000;
    if (fork() == 0) {
        setsid();
        usleep((useconds_t)delay);
        kill(daemon, SIGKILL);
        _exit(0);
    }
}

/* What one has come to, the others have. */
static void same_everywhere(MPI_Comm left, int value, int cls)
{
    int mine[3] = {value, cls, 0}, low[3], high[3];
    MPI_Comm_size(left, &mine[2]);
    int rc = MPI_Allreduce(mine, low, 3, MPI_INT, MPI_MIN, left);
    if (rc == MPI_SUCCESS)
        rc = MPI_Allreduce(mine, high, 3, MPI_INT, MPI_MAX, left);
    if (rc != MPI_SUCCESS) { /* lost after the agreement: nobody is to wait for us here */
        check(MPIX_Comm_revoke(left) == MPI_SUCCESS, "revoke", 0);
        return;
    }
    for (int i = 0; i < 3; i++)
        check(low[i] == high[i], "not the same everywhere", i);
}

static void settle_failures(MPI_Comm comm)
{
    int acked = 0, flag, cls;
    do {
        flag = 1;
        cls = class_of(MPIX_Comm_agree(comm, &flag));
        check(cls == MPI_SUCCESS || cls == MPIX_ERR_PROC_FAILED, "class of agree", cls);
        MPIX_Comm_ack_failed(comm, MOST, &acked);
    } while (cls != MPI_SUCCESS && failures == 0);
}

static void work(MPI_Comm all)
{
    MPI_Comm comm = all, left;
    MPI_Request req;
    for (round_no = 0; failures == 0; round_no++) {
        struct where w = look(comm);
        if (w.hosts <= 1)
            break;
        int victim = w.mine == w.lowest, rank, flag;
        MPI_Comm_rank(comm, &rank);
        flag = 0xff & ~(1 << (rank % 8));
        if (victim && w.first)
            kill_daemon_soon();
        int cls = class_of(MPIX_Comm_agree(comm, &flag));
        check(cls == MPI_SUCCESS || cls == MPIX_ERR_PROC_FAILED, "class of agree", cls);
        if (round_no % 2) {
            check(MPIX_Comm_ishrink(comm, &left, &req) == MPI_SUCCESS, "ishrink", 0);
            check(MPI_Wait(&req, MPI_STATUS_IGNORE) == MPI_SUCCESS, "ishrink", 1);
        } else {
            check(MPIX_Comm_shrink(comm, &left) == MPI_SUCCESS, "shrink", 0);
        }
        MPI_Comm_set_errhandler(left, MPI_ERRORS_RETURN);
        same_everywhere(left, flag, cls);
        while (victim)
            pause();
        settle_failures(left);
        if (comm != all)
            MPI_Comm_free(&comm);
        comm = left;
    }
    if (comm != all)
        MPI_Comm_free(&comm);
}

int main(int argc, char **argv)
{
    MPI_Comm parent, inter, all;
    int n = argc > 1 ? atoi(argv[1]) : 2, rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    inter = parent;
    if (parent == MPI_COMM_NULL) /* an error ends us, with its reason */
        MPI_Comm_spawn(argv[0], argv + 1, n, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter,
                       MPI_ERRCODES_IGNORE);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Intercomm_merge(inter, parent != MPI_COMM_NULL, &all);
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
    MPI_Comm_rank(all, &rank);
    srand((unsigned)(argc > 2 ? atoi(argv[2]) * 100 : 0) + (unsigned)rank);
    MPI_Barrier(all);
    work(all);
    if (parent == MPI_COMM_NULL)
        printf("%d rounds, %d failures\n", round_no, failures);
    fflush(stdout);
    MPI_Comm_free(&all);
    MPI_Comm_disconnect(&inter);
    MPI_Finalize();
    return failures != 0;
}
