/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports between programs that were started apart: single and whole groups, the ways in which a port
 * can be no good, limits of time, ends of the other side. */
#include "mtest.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char garbage[] = "pvmx:no:such:port", nonsense[] = "hello";

/* Sends its number and waits for the answer. */
static void greet(MPI_Comm inter, int number)
{
    int x = -1;
    OK(MPI_Send(&number, 1, MPI_INT, 0, 1, inter));
    OK(MPI_Recv(&x, 1, MPI_INT, 0, 2, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(x, number + 1);
}

static void answer(MPI_Comm inter, int number)
{
    int x = -1;
    OK(MPI_Recv(&x, 1, MPI_INT, MPI_ANY_SOURCE, 1, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(x, number);
    x++;
    OK(MPI_Send(&x, 1, MPI_INT, 0, 2, inter));
}

/* client PORT NUMBER: connects alone. */
static void client(char **argv)
{
    MPI_Comm inter, all;
    int rank;
    OK(MPI_Comm_connect(argv[1], MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter));
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    greet(inter, atoi(argv[2]));
    OK(MPI_Intercomm_merge(inter, 1, &all));
    OK(MPI_Comm_rank(all, &rank));
    CHECK_EQ(rank, 1);
    OK(MPI_Barrier(all));
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&inter));
}

static void one_client(void)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Comm inter, all;
    int size;
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    for (int round = 0; round < 3; round++) {
        int pid = mt_start("client", (const char *[]){port, "41", NULL});
        OK(MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter));
        MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
        OK(MPI_Comm_remote_size(inter, &size));
        CHECK_EQ(size, 1);
        answer(inter, 41);
        OK(MPI_Intercomm_merge(inter, 0, &all));
        OK(MPI_Barrier(all));
        OK(MPI_Comm_disconnect(&all));
        OK(MPI_Comm_disconnect(&inter));
        CHECK_EQ(mt_finish(pid), 0);
    }
    OK(MPI_Close_port(port));
    CHECK_CLASS(MPI_Close_port(port), MPI_ERR_PORT);
}

/* A world of 2 that its spawner has let go connects with root 1. */
static void group_client(char **argv)
{
    MPI_Comm parent, inter, all;
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Comm_disconnect(&parent));
    OK(MPI_Comm_connect(rank == 1 ? argv[1] : NULL, MPI_INFO_NULL, 1, MPI_COMM_WORLD, &inter));
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    OK(MPI_Comm_remote_size(inter, &size));
    CHECK_EQ(size, 3);
    OK(MPI_Intercomm_merge(inter, 1, &all));
    OK(MPI_Comm_size(all, &size));
    CHECK_EQ(size, 5);
    OK(MPI_Comm_rank(all, &size));
    CHECK_EQ(size, 3 + rank);
    OK(MPI_Barrier(all));
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&inter));
}

static void groups(MPI_Comm world)
{
    char port[MPI_MAX_PORT_NAME] = "";
    MPI_Comm inter, all;
    int size, rank;
    if (mt_rank == 2)
        OK(MPI_Open_port(MPI_INFO_NULL, port));
    OK(MPI_Bcast(port, sizeof(port), MPI_CHAR, 2, world));
    if (mt_rank == 0) {
        OK(mt_spawn(MPI_COMM_SELF, 0, "group", (const char *[]){port, NULL}, 2, &inter));
        OK(MPI_Comm_disconnect(&inter));
    }
    OK(MPI_Comm_accept(mt_rank == 2 ? port : NULL, MPI_INFO_NULL, 2, world, &inter));
    OK(MPI_Comm_remote_size(inter, &size));
    CHECK_EQ(size, 2);
    OK(MPI_Intercomm_merge(inter, 0, &all));
    OK(MPI_Comm_rank(all, &rank));
    CHECK_EQ(rank, mt_rank);
    OK(MPI_Barrier(all));
    OK(MPI_Comm_disconnect(&all));
    OK(MPI_Comm_disconnect(&inter));
    if (mt_rank == 2)
        OK(MPI_Close_port(port));
}

/* Errors come at once, and to everyone of the group. */
static void no_port(MPI_Comm world)
{
    MPI_Comm inter = MPI_COMM_WORLD;
    char said[MPI_MAX_ERROR_STRING];
    int len;
    double start = MPI_Wtime();
    int rc = MPI_Comm_connect(garbage, MPI_INFO_NULL, 0, world, &inter);
    CHECK_CLASS(rc, MPI_ERR_PORT);
    CHECK(inter == MPI_COMM_NULL);
    MPI_Error_string(rc, said, &len);
    CHECK(strstr(said, garbage) != NULL);
    CHECK_CLASS(MPI_Comm_connect(nonsense, MPI_INFO_NULL, 1, world, &inter), MPI_ERR_PORT);
    CHECK_CLASS(MPI_Comm_accept(nonsense, MPI_INFO_NULL, 0, world, &inter), MPI_ERR_PORT);
    CHECK_CLASS(MPI_Comm_accept(NULL, MPI_INFO_NULL, 0, world, &inter), MPI_ERR_PORT);
    CHECK_CLASS(MPI_Comm_connect(nonsense, MPI_INFO_NULL, 77, world, &inter), MPI_ERR_ROOT);
    CHECK_CLASS(MPI_Close_port(nonsense), MPI_ERR_PORT);
    CHECK_CLASS(MPI_Open_port(MPI_INFO_NULL, NULL), MPI_ERR_ARG);
    CHECK(MPI_Wtime() - start < 10);
    MPI_Comm dup;
    OK(MPI_Comm_dup(world, &dup));
    OK(MPI_Comm_disconnect(&dup));
}

static void closed_and_late(void)
{
    char port[MPI_MAX_PORT_NAME], other[MPI_MAX_PORT_NAME];
    MPI_Comm inter;
    MPI_Info info;
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    OK(MPI_Open_port(MPI_INFO_NULL, other));
    CHECK(strcmp(port, other) != 0);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "timeout", "0.2"));
    double start = MPI_Wtime();
    CHECK_CLASS(MPI_Comm_connect(port, info, 0, MPI_COMM_SELF, &inter), MPI_ERR_PORT);
    CHECK(MPI_Wtime() - start >= 0.19 && MPI_Wtime() - start < 10);
    CHECK_CLASS(MPI_Comm_accept(port, info, 0, MPI_COMM_SELF, &inter), MPI_ERR_PORT);
    OK(MPI_Info_set(info, "timeout", "0"));
    CHECK_CLASS(MPI_Comm_connect(port, info, 0, MPI_COMM_SELF, &inter), MPI_ERR_PORT);
    OK(MPI_Info_set(info, "timeout", "soon"));
    CHECK_CLASS(MPI_Comm_connect(port, info, 0, MPI_COMM_SELF, &inter), MPI_ERR_INFO_VALUE);
    OK(MPI_Info_free(&info));
    OK(MPI_Close_port(port));
    CHECK_CLASS(MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter),
                MPI_ERR_PORT);
    OK(MPI_Close_port(other));
}

static void *close_it(void *port)
{
    /* Whether it comes before or after the accept makes no difference to what is checked. */
    OK(MPI_Close_port(port));
    return NULL;
}

static void accept_is_cancelled(void)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Comm inter;
    pthread_t t;
    for (int i = 0; i < 20; i++) {
        OK(MPI_Open_port(MPI_INFO_NULL, port));
        pthread_create(&t, NULL, close_it, port);
        CHECK_CLASS(MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter),
                    MPI_ERR_PORT);
        pthread_join(t, NULL);
    }
}

/* opener FD: opens a port, says its name, and is killed. */
static void opener(char **argv)
{
    char port[MPI_MAX_PORT_NAME] = "";
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    if (write(atoi(argv[1]), port, sizeof(port)) < 0)
        _exit(3);
    pause();
}

/* Nobody waits at the port of one that has died, nor of one that dies. */
static void owner_dies(bool first)
{
    char port[MPI_MAX_PORT_NAME] = "", fd[16];
    MPI_Comm inter;
    int pipefd[2];
    if (pipe(pipefd) != 0)
        return;
    snprintf(fd, sizeof(fd), "%d", pipefd[1]);
    int pid = mt_start("opener", (const char *[]){fd, NULL});
    close(pipefd[1]);
    CHECK(read(pipefd[0], port, sizeof(port)) == sizeof(port));
    close(pipefd[0]);
    if (first) {
        mt_kill(pid);
        CHECK_EQ(mt_finish(pid), 128 + SIGKILL);
    } else if (fork() == 0) {
        usleep(50000); /* most likely the connect is waiting by then */
        kill(pid, SIGKILL);
        _exit(0);
    }
    CHECK_CLASS(MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter),
                MPI_ERR_PORT);
    if (!first)
        CHECK_EQ(mt_finish(pid), 128 + SIGKILL);
}

/* One that dies while it waits to be accepted is not accepted: the next one is. */
static void client_dies(void)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Comm inter;
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    int victim = mt_start("client", (const char *[]){port, "1", NULL});
    usleep(50000); /* most likely it is waiting by then */
    mt_kill(victim);
    CHECK_EQ(mt_finish(victim), 128 + SIGKILL);
    int pid = mt_start("killed-later", (const char *[]){port, "7", NULL});
    do { /* the victim's request may have been taken in before its end was seen */
        OK(MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter));
        MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
        int x = 0;
        if (MPI_Recv(&x, 1, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE) == MPI_SUCCESS) {
            CHECK_EQ(x, 7);
            break;
        }
        OK(MPI_Comm_disconnect(&inter));
    } while (1);
    /* It dies now: disconnect does not wait for it, and what comes after is not touched. */
    mt_kill(pid);
    CHECK_EQ(mt_finish(pid), 128 + SIGKILL);
    int x;
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 0, 5, inter, MPI_STATUS_IGNORE), MT_ERR_PROC_FAILED);
    OK(MPI_Comm_disconnect(&inter));
    OK(MPI_Close_port(port));
}

static void killed_later(char **argv)
{
    MPI_Comm inter;
    int x = atoi(argv[2]);
    OK(MPI_Comm_connect(argv[1], MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter));
    OK(MPI_Send(&x, 1, MPI_INT, 0, 1, inter));
    pause();
}

int main(int argc, char **argv)
{
    const char *role;
    mt_thread_level = MPI_THREAD_MULTIPLE;
    for (int i = 1; i < argc; i++) /* mt_begin(3) would start processes in a child */
        if (strcmp(argv[i], "--role") == 0 && strcmp(argv[i + 1], "member") != 0)
            mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        if (strcmp(role, "client") == 0)
            client(argv);
        else if (strcmp(role, "group") == 0)
            group_client(argv);
        else if (strcmp(role, "opener") == 0)
            opener(argv);
        else if (strcmp(role, "killed-later") == 0)
            killed_later(argv);
        return mt_end();
    }
    MPI_Comm world = mt_begin(&argc, &argv, 3);
    no_port(world);
    groups(world);
    if (mt_rank == 0) {
        one_client();
        closed_and_late();
        accept_is_cancelled();
        owner_dies(true);
        owner_dies(false);
        client_dies();
    }
    return mt_end();
}
