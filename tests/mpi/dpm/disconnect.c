/* SPDX-License-Identifier: BSD-3-Clause */
/* Disconnect: waits for what is pending, then either side may end at once; the dead are not waited
 * for. (What becomes of children whose spawner ends: lifetime.c.) */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LONG = 1 << 20, ROUNDS = 30 };

/* Ends the moment the call has returned, without MPI_Finalize. */
static int child_leaves(void)
{
    MPI_Comm parent;
    int x = 5;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Send(&x, 1, MPI_INT, 0, 1, parent));
    OK(MPI_Comm_disconnect(&parent));
    _exit(0);
}

static void leaves(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        MPI_Comm inter;
        int x = 0;
        if (!OK(mt_spawn(MPI_COMM_SELF, 0, "leaves", NULL, 2, &inter)))
            return;
        OK(MPI_Recv(&x, 1, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE));
        OK(MPI_Recv(&x, 1, MPI_INT, 1, 1, inter, MPI_STATUS_IGNORE));
        OK(MPI_Comm_disconnect(&inter));
    }
}

/* Requests in progress are complete when the communicator is gone, and can still be collected. */
static int child_pending(void)
{
    MPI_Comm parent;
    char *buf = malloc(LONG);
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Recv(buf, LONG, MPI_BYTE, 0, 1, parent, MPI_STATUS_IGNORE));
    CHECK(mt_filled(buf, LONG, 8));
    mt_fill(buf, LONG, 9);
    OK(MPI_Send(buf, LONG, MPI_BYTE, 0, 2, parent));
    OK(MPI_Comm_disconnect(&parent));
    free(buf);
    return mt_end();
}

static void pending(void)
{
    MPI_Comm inter;
    MPI_Request reqs[2];
    int flag;
    char *out = malloc(LONG), *in = malloc(LONG);
    mt_fill(out, LONG, 8);
    OK(mt_spawn(MPI_COMM_SELF, 0, "pending", NULL, 1, &inter));
    OK(MPI_Isend(out, LONG, MPI_BYTE, 0, 1, inter, &reqs[0]));
    OK(MPI_Irecv(in, LONG, MPI_BYTE, 0, 2, inter, &reqs[1]));
    OK(MPI_Comm_disconnect(&inter));
    OK(MPI_Testall(2, reqs, &flag, MPI_STATUSES_IGNORE));
    CHECK(flag);
    CHECK(mt_filled(in, LONG, 9));
    free(out);
    free(in);
}

/* A child that is gone already. */
static void gone(void)
{
    MPI_Comm inter;
    int pid = 0;
    OK(mt_spawn(MPI_COMM_SELF, 0, "sits", NULL, 1, &inter));
    OK(MPI_Recv(&pid, 1, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE));
    mt_kill(pid);
    OK(MPI_Comm_disconnect(&inter));
}

static int child_sits(void)
{
    MPI_Comm parent;
    int pid = (int)getpid();
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Send(&pid, 1, MPI_INT, 0, 1, parent));
    pause(); /* until it is killed */
    return 1;
}

/* Without room for what it takes to talk to its parent it hears why, and may try again; before, its parent
 * waited for ever for a word that could not be sent. */
static int child_narrow(void)
{
    MPI_Comm parent;
    struct rlimit all, now;
    OK(MPI_Comm_get_parent(&parent));
    CHECK(getrlimit(RLIMIT_AS, &all) == 0);
    now = all;
    now.rlim_cur = 1 << 20; /* no more than there is */
    CHECK(setrlimit(RLIMIT_AS, &now) == 0);
    CHECK_CLASS(MPI_Comm_disconnect(&parent), MPI_ERR_NO_MEM);
    CHECK(parent != MPI_COMM_NULL);
    CHECK(setrlimit(RLIMIT_AS, &all) == 0);
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

static void narrow(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which needs more addresses all the time */
    MPI_Comm inter;
    OK(mt_spawn(MPI_COMM_SELF, 0, "narrow", NULL, 1, &inter));
    OK(MPI_Comm_disconnect(&inter));
#endif
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        if (strcmp(role, "leaves") == 0)
            return child_leaves();
        if (strcmp(role, "pending") == 0)
            return child_pending();
        if (strcmp(role, "narrow") == 0)
            return child_narrow();
        return child_sits();
    }
    leaves();
    pending();
    gone();
    narrow();
    return mt_end();
}
