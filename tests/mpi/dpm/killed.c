/* SPDX-License-Identifier: BSD-3-Clause */
/* A child dies by kill -9: specific and wildcard receives, sends, probes, pending requests and
 * collectives end with an error that names it; the other children and new ones go on. */
#include "mtest.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 3, VICTIM = 1 };

static int child(void)
{
    MPI_Comm parent;
    int pid = (int)getpid(), x = 0;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Send(&pid, 1, MPI_INT, 0, 1, parent));
    /* Echo until the answer is to stop; the victim is killed in here. */
    for (;;) {
        if (!OK(MPI_Recv(&x, 1, MPI_INT, 0, 2, parent, MPI_STATUS_IGNORE)) || x < 0)
            break;
        OK(MPI_Send(&x, 1, MPI_INT, 0, 3, parent));
    }
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

static void echo(MPI_Comm inter, int rank)
{
    int x = 50 + rank, y = 0;
    OK(MPI_Send(&x, 1, MPI_INT, rank, 2, inter));
    OK(MPI_Recv(&y, 1, MPI_INT, rank, 3, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(y, x);
}

static MPI_Comm start(int pids[N])
{
    MPI_Comm inter;
    memset(pids, 0, N * sizeof(pids[0]));
    OK(mt_spawn(MPI_COMM_SELF, 0, "child", NULL, N, &inter));
    for (int i = 0; i < N; i++)
        OK(MPI_Recv(&pids[i], 1, MPI_INT, i, 1, inter, MPI_STATUS_IGNORE));
    return inter;
}

static void names_victim(int rc)
{
    char said[MPI_MAX_ERROR_STRING];
    int len;
    MPI_Error_string(rc, said, &len);
    if (!strstr(said, "rank 1") || !strstr(said, "signal 9"))
        mt_fail(__FILE__, __LINE__, "rank 1 and signal 9 do not stand in: %s", said);
}

static void stop(MPI_Comm inter)
{
    int end = -1;
    for (int i = 0; i < N; i++)
        if (i != VICTIM)
            OK(MPI_Send(&end, 1, MPI_INT, i, 2, inter));
    OK(MPI_Comm_disconnect(&inter)); /* does not wait for the dead */
}

/* Waiting in the call when it happens: nobody else wakes it. */
static void specific(bool nonblocking)
{
    int pids[N], x, rc;
    MPI_Status st;
    MPI_Request req;
    MPI_Comm inter = start(pids);
    if (nonblocking)
        OK(MPI_Irecv(&x, 1, MPI_INT, VICTIM, 3, inter, &req));
    mt_kill(pids[VICTIM]);
    rc = nonblocking ? MPI_Wait(&req, &st) : MPI_Recv(&x, 1, MPI_INT, VICTIM, 3, inter, &st);
    CHECK_CLASS(rc, MT_ERR_PROC_FAILED);
    CHECK_EQ(st.MPI_SOURCE, VICTIM);
    names_victim(rc);
    /* Known now: later operations fail at once. */
    CHECK_CLASS(MPI_Send(&x, 1, MPI_INT, VICTIM, 2, inter), MT_ERR_PROC_FAILED);
    CHECK_CLASS(MPI_Ssend(&x, 1, MPI_INT, VICTIM, 2, inter), MT_ERR_PROC_FAILED);
    CHECK_CLASS(MPI_Probe(VICTIM, 3, inter, &st), MT_ERR_PROC_FAILED);
    OK(MPI_Isend(&x, 1, MPI_INT, VICTIM, 2, inter, &req));
    CHECK_CLASS(MPI_Wait(&req, &st), MT_ERR_PROC_FAILED);
    echo(inter, 0);
    echo(inter, 2);
    stop(inter);
}

static void wildcard(bool nonblocking)
{
    int pids[N], x, rc, y = 9;
    MPI_Status st;
    MPI_Request req;
    MPI_Comm inter = start(pids);
    if (nonblocking)
        OK(MPI_Irecv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 3, inter, &req));
    mt_kill(pids[VICTIM]);
    rc = nonblocking ? MPI_Wait(&req, &st)
                     : MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 3, inter, &st);
    CHECK_CLASS(rc, MT_ERR_PROC_FAILED_PENDING);
    names_victim(rc);
    if (nonblocking) { /* it is still pending, and would take the answer to the next */
        int cancelled = 0;
        CHECK(req != MPI_REQUEST_NULL);
        OK(MPI_Cancel(&req));
        OK(MPI_Wait(&req, &st));
        OK(MPI_Test_cancelled(&st, &cancelled));
        CHECK(cancelled && req == MPI_REQUEST_NULL);
    }
    echo(inter, 0);
    /* What has arrived can be received by a wildcard all the same. */
    OK(MPI_Send(&y, 1, MPI_INT, 2, 2, inter));
    OK(MPI_Probe(2, 3, inter, &st));
    OK(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 3, inter, &st));
    CHECK(st.MPI_SOURCE == 2 && x == 9);
    stop(inter);
}

/* A long message to one that dies before it has taken it. */
static void long_send(void)
{
    enum { LONG = 8 << 20 };
    int pids[N];
    char *buf = malloc(LONG);
    MPI_Request req;
    MPI_Comm inter = start(pids);
    mt_fill(buf, LONG, 1);
    OK(MPI_Isend(buf, LONG, MPI_BYTE, VICTIM, 77, inter, &req));
    mt_kill(pids[VICTIM]);
    CHECK_CLASS(MPI_Wait(&req, MPI_STATUS_IGNORE), MT_ERR_PROC_FAILED);
    free(buf);
    stop(inter);
}

static void collective(void)
{
    int pids[N], x = 0, end = -1;
    MPI_Comm inter = start(pids);
    mt_kill(pids[VICTIM]);
    /* The victim takes part in no barrier, so none can succeed. */
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, VICTIM, 3, inter, MPI_STATUS_IGNORE),
                MT_ERR_PROC_FAILED);
    for (int i = 0; i < N; i++)
        if (i != VICTIM)
            OK(MPI_Send(&end, 1, MPI_INT, i, 2, inter));
    CHECK(MPI_Comm_disconnect(&inter) == MPI_SUCCESS);
}

/* Ended without a word, by exit: also a failure, with the status in words. */
static void exits(void)
{
    MPI_Comm inter;
    char said[MPI_MAX_ERROR_STRING];
    int x, len;
    OK(mt_spawn(MPI_COMM_SELF, 0, "exit", NULL, 1, &inter));
    int rc = MPI_Recv(&x, 1, MPI_INT, 0, 3, inter, MPI_STATUS_IGNORE);
    CHECK_CLASS(rc, MT_ERR_PROC_FAILED);
    MPI_Error_string(rc, said, &len);
    if (!strstr(said, "exit status 7"))
        mt_fail(__FILE__, __LINE__, "exit status 7 does not stand in: %s", said);
    OK(MPI_Comm_disconnect(&inter));
}

/* A program that never calls MPI and ends: nobody waits for it for ever. */
static void never_inits(void)
{
    MPI_Comm inter;
    int x;
    OK(MPI_Comm_spawn("true", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter,
                      MPI_ERRCODES_IGNORE));
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 0, 3, inter, MPI_STATUS_IGNORE), MT_ERR_PROC_FAILED);
    CHECK(MPI_Barrier(inter) != MPI_SUCCESS);
    OK(MPI_Comm_disconnect(&inter));
}

/* A program that never calls MPI and goes on: given up when its time for MPI_Init is over. By a process that
 * has set a short one: the others' children may take longer on a busy machine. */
static void never_calls(void)
{
    static char duration[] = "30";
    char *args[] = {duration, NULL}, said[MPI_MAX_ERROR_STRING];
    MPI_Comm inter;
    double start = MPI_Wtime();
    int x, len;
    OK(MPI_Comm_spawn("sleep", args, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter,
                      MPI_ERRCODES_IGNORE));
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    int rc = MPI_Recv(&x, 1, MPI_INT, 0, 3, inter, MPI_STATUS_IGNORE);
    CHECK_CLASS(rc, MT_ERR_PROC_FAILED);
    CHECK(MPI_Wtime() - start < 20);
    MPI_Error_string(rc, said, &len);
    if (!strstr(said, "MPI_Init"))
        mt_fail(__FILE__, __LINE__, "MPI_Init does not stand in: %s", said);
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        if (strcmp(role, "exit") == 0)
            _exit(7);
        if (strcmp(role, "impatient") != 0)
            return child();
        never_calls();
        return mt_end();
    }
    specific(false);
    specific(true);
    wildcard(false);
    wildcard(true);
    long_send();
    collective();
    exits();
    never_inits();
    setenv("PVMX_INIT_TIMEOUT", "1s", 1);
    CHECK_EQ(mt_finish(mt_start("impatient", NULL)), 0);
    return mt_end();
}
