/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Comm_join of two programs over a socket of theirs, Unix and TCP; the socket is empty and open
 * afterwards. What cannot be joined gives an error or MPI_COMM_NULL, on both sides. */
#include "mtest.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What each side does once it has a socket. */
static void join(int fd, int number)
{
    MPI_Comm inter;
    char c = 0;
    int size, x = number, y = -1;
    if (!OK(MPI_Comm_join(fd, &inter)) || !CHECK(inter != MPI_COMM_NULL))
        return;
    MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
    OK(MPI_Comm_remote_size(inter, &size));
    CHECK_EQ(size, 1);
    OK(MPI_Sendrecv(&x, 1, MPI_INT, 0, 1, &y, 1, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(y, 3 - number);
    /* Nothing of ours is left in the socket. */
    char mine = (char)('a' + number);
    CHECK(write(fd, &mine, 1) == 1 && read(fd, &c, 1) == 1);
    CHECK_EQ(c, 'a' + 3 - number);
    CHECK(recv(fd, &c, 1, MSG_DONTWAIT) < 0);
    OK(MPI_Comm_disconnect(&inter));
}

static void child(char **argv)
{
    MPI_Comm inter = MPI_COMM_WORLD;
    int fd = atoi(argv[1]);
    if (strcmp(argv[2], "tcp") == 0) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fd)};
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    }
    if (strcmp(argv[2], "stranger") == 0) {
        OK(MPI_Comm_join(fd, &inter));
        CHECK(inter == MPI_COMM_NULL);
    } else if (strcmp(argv[2], "mute") != 0) {
        join(fd, 2);
    }
}

static int start(const int pair[2], const char *how)
{
    char fd[16];
    snprintf(fd, sizeof(fd), "%d", pair[1]);
    int pid = mt_start("child", (const char *[]){fd, how, NULL});
    close(pair[1]);
    return pid;
}

static void over_unix(void)
{
    int pair[2];
    if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0))
        return;
    int pid = start(pair, "unix");
    join(pair[0], 1);
    CHECK_EQ(mt_finish(pid), 0);
    close(pair[0]);
}

static void over_tcp(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);
    char port[16];
    int l = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!CHECK(bind(l, (struct sockaddr *)&a, len) == 0 && listen(l, 1) == 0 &&
               getsockname(l, (struct sockaddr *)&a, &len) == 0))
        return;
    snprintf(port, sizeof(port), "%d", ntohs(a.sin_port));
    int pid = mt_start("child", (const char *[]){port, "tcp", NULL});
    int fd = accept(l, NULL, NULL);
    join(fd, 1);
    CHECK_EQ(mt_finish(pid), 0);
    close(fd);
    close(l);
}

/* One of another virtual machine: no communicator, no error, on either side. */
static void stranger(void)
{
    int pair[2];
    char vm[80], other[96];
    MPI_Comm inter = MPI_COMM_WORLD;
    snprintf(vm, sizeof(vm), "%s", getenv("PVMX_VM"));
    snprintf(other, sizeof(other), "%s-b", vm);
    if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0))
        return;
    setenv("PVMX_VM", other, 1);
    int pid = start(pair, "stranger");
    setenv("PVMX_VM", vm, 1);
    OK(MPI_Comm_join(pair[0], &inter));
    CHECK(inter == MPI_COMM_NULL);
    CHECK_EQ(mt_finish(pid), 0);
    close(pair[0]);
}

static void no_partner(void)
{
    int pair[2], pipefd[2];
    static const char text[] = "220 ready\r\n"; /* and waits for an answer */
    MPI_Comm inter;
    if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(pipefd) == 0))
        return;
    int pid = start(pair, "mute");
    CHECK_CLASS(MPI_Comm_join(pair[0], &inter), MPI_ERR_OTHER);
    CHECK_EQ(mt_finish(pid), 0);
    close(pair[0]);
    CHECK_CLASS(MPI_Comm_join(pipefd[0], &inter), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Comm_join(-1, &inter), MPI_ERR_ARG);
    close(pipefd[0]);
    close(pipefd[1]);
    if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0))
        return;
    CHECK(write(pair[1], text, sizeof(text)) == sizeof(text));
    CHECK_CLASS(MPI_Comm_join(pair[0], &inter), MPI_ERR_OTHER);
    close(pair[0]);
    close(pair[1]);
}

int main(int argc, char **argv)
{
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(NULL)) {
        child(argv);
        return mt_end();
    }
    for (int i = 0; i < 3; i++)
        over_unix();
    over_tcp();
    stranger();
    no_partner();
    return mt_end();
}
