/* SPDX-License-Identifier: BSD-3-Clause */
/* What the processes do that may be killed, and what both sides do alike. */
#include "chaos.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int class_of(int rc)
{
    int class = rc;
    if (rc != MPI_SUCCESS)
        MPI_Error_class(rc, &class);
    return class;
}

bool tolerable(int rc, const char *what)
{
    int class = class_of(rc), len;
    char said[MPI_MAX_ERROR_STRING];
    if (class == MPI_SUCCESS || class == MPIX_ERR_PROC_FAILED ||
        class == MPIX_ERR_PROC_FAILED_PENDING || class == MPIX_ERR_REVOKED)
        return true;
    MPI_Error_string(rc, said, &len);
    mt_fail(__FILE__, __LINE__, "%s: class %d: %s", what, class, said);
    return false;
}

int work_together(MPI_Comm inter, bool high, int die_at, int pid)
{
    MPI_Comm all = MPI_COMM_NULL, left = MPI_COMM_NULL;
    int rc = MPI_Intercomm_merge(inter, high, &all), merged = rc == MPI_SUCCESS, n = 0;
    tolerable(rc, "merge");
    if (merged)
        MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
    tolerable(MPIX_Comm_agree(inter, &merged), "agree");
    if (!merged) { /* somebody has none */
        if (all != MPI_COMM_NULL) {
            tolerable(MPIX_Comm_revoke(all), "revoke");
            tolerable(MPI_Comm_free(&all), "free");
        }
        return 0;
    }
    rc = MPI_SUCCESS;
    for (int i = 1; i <= ROUNDS && rc == MPI_SUCCESS; i++) {
        int in[512] = {1}, out[512], size;
        if (i == die_at)
            mt_kill(pid);
        MPI_Comm_size(all, &size);
        rc = i % 3 == 0   ? MPI_Barrier(all)
             : i % 3 == 1 ? MPI_Allreduce(in, out, 512, MPI_INT, MPI_SUM, all)
                          : MPI_Bcast(in, 512, MPI_INT, i % size, all);
        tolerable(rc, "a collective");
    }
    if (rc != MPI_SUCCESS)
        tolerable(MPIX_Comm_revoke(all), "revoke");
    rc = MPIX_Comm_shrink(all, &left);
    tolerable(rc, "shrink");
    if (rc == MPI_SUCCESS) {
        MPI_Comm_set_errhandler(left, MPI_ERRORS_RETURN);
        MPI_Comm_size(left, &n);
        tolerable(MPI_Barrier(left), "barrier of those left");
        tolerable(MPI_Comm_disconnect(&left), "disconnect");
    }
    tolerable(MPI_Comm_free(&all), "free");
    return n;
}

/* Connects and is greeted; the accepting side may have given up. */
static void connect_to(const char *port)
{
    MPI_Comm inter = MPI_COMM_NULL;
    MPI_Info info;
    int x = 0;
    MPI_Info_create(&info);
    MPI_Info_set(info, "timeout", "10");
    int rc = MPI_Comm_connect(port, info, 0, MPI_COMM_SELF, &inter);
    MPI_Info_free(&info);
    if (class_of(rc) == MPI_ERR_PORT || !tolerable(rc, "connect") || inter == MPI_COMM_NULL)
        return;
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    tolerable(MPI_Recv(&x, 1, MPI_INT, 0, TAG_ANSWER, inter, MPI_STATUS_IGNORE),
              "greeting");
    tolerable(MPI_Comm_disconnect(&inter), "disconnect");
}

static void spawn_some(void)
{
    MPI_Comm inter;
    int failures = 0;
    int rc = mt_spawn(MPI_COMM_SELF, 0, "worker", NULL, 2, &inter);
    if (!tolerable(rc, "spawn of grandchildren") || rc != MPI_SUCCESS)
        return;
    for (int i = 0; i < 2; i++)
        tolerable(MPI_Send((int[]){CMD_STOP, 0}, 2, MPI_INT, i, TAG_CMD, inter), "send");
    for (int i = 0; i < 2; i++) {
        tolerable(MPI_Recv(&failures, 1, MPI_INT, i, TAG_ANSWER, inter, MPI_STATUS_IGNORE),
                  "last words");
        CHECK_EQ(failures, 0);
    }
    tolerable(MPI_Comm_disconnect(&inter), "disconnect");
}

static void answer(MPI_Comm parent, int x)
{
    tolerable(MPI_Send(&x, 1, MPI_INT, 0, TAG_ANSWER, parent), "answer");
}

/* False: it is over. */
static bool obey(MPI_Comm parent, const int cmd[2])
{
    char text[MPI_MAX_PORT_NAME];
    switch (cmd[0]) {
    case CMD_ECHO:
        answer(parent, cmd[1]);
        return true;
    case CMD_CONNECT:
        if (MPI_Recv(text, sizeof(text), MPI_CHAR, 0, TAG_TEXT, parent,
                     MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return false;
        connect_to(text);
        return true;
    case CMD_MERGE:
        work_together(parent, true, 0, 0);
        return true;
    case CMD_ABORT: /* its words are not for the log of the test */
        if (!freopen("/dev/null", "w", stderr))
            return false;
        MPI_Abort(MPI_COMM_WORLD, 3);
        return false;
    case CMD_PUBLISH:
        snprintf(text, sizeof(text), "chaos-%d", cmd[1]);
        answer(parent, class_of(MPI_Publish_name(text, MPI_INFO_NULL, "some port")));
        return true;
    case CMD_EXIT:
        _exit(cmd[1]);
    case CMD_SPAWN:
        spawn_some();
        return true;
    default:
        return false;
    }
}

int worker(void)
{
    MPI_Comm parent;
    int cmd[2], pid = (int)getpid();
    MPI_Comm_get_parent(&parent);
    MPI_Send(&pid, 1, MPI_INT, 0, TAG_PID, parent);
    do {
        /* The master may end, too: then there is nobody to work for. */
        if (MPI_Recv(cmd, 2, MPI_INT, 0, TAG_CMD, parent, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return 1;
    } while (obey(parent, cmd));
    answer(parent, mt_failures());
    tolerable(MPI_Comm_disconnect(&parent), "disconnect");
    return mt_end();
}

int stranger(const char *port)
{
    connect_to(port);
    return mt_end();
}
