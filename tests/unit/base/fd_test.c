/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors: sockets at long paths, modes, passing of descriptors. */
#include "base/fd.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char *temp_dir(void)
{
    static char path[] = "/tmp/pvmx-test-XXXXXX";
    cr_assert_not_null(mkdtemp(path));
    return path;
}

static void connects_through(const char *path)
{
    struct stat st;
    int errnum;
    uid_t uid;
    gid_t gid;
    pid_t pid;
    umask(0277);
    int listener = px_unix_listen(path, 5);
    cr_assert_geq(listener, 0, "%s", strerror(errno));
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert(fcntl(listener, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(listener, F_GETFD) & FD_CLOEXEC);
    int fd = px_unix_connect(path, &errnum);
    cr_assert_geq(fd, 0);
    cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(px_unix_peer(fd, &uid, &gid, &pid), 0);
    cr_assert_eq(uid, geteuid());
    cr_assert_eq(pid, getpid());
    px_fd_close(&fd);
    cr_assert_eq(fd, -1);
    px_fd_close(&listener);
    cr_assert_eq(px_unix_connect(path, &errnum), -1);
    cr_assert_eq(errnum, ECONNREFUSED);
    cr_assert_eq(px_unix_listen(path, 5), -1);
    cr_assert_eq(errno, EADDRINUSE);
    unlink(path);
    cr_assert_eq(px_unix_connect(path, &errnum), -1);
    cr_assert_eq(errnum, ENOENT);
}

Test(fd, a_socket_at_a_short_path)
{
    char path[200], *dir = temp_dir();
    snprintf(path, sizeof path, "%s/ctl", dir);
    connects_through(path);
    rmdir(dir);
}

Test(fd, a_socket_at_a_path_longer_than_its_address)
{
    char path[500], *dir = temp_dir();
    snprintf(path, sizeof path, "%s/%0200d", dir, 7);
    cr_assert_eq(mkdir(path, 0700), 0);
    strcat(path, "/ctl");
    connects_through(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(dir);
}

Test(fd, an_impossible_path_is_an_error)
{
    char path[9000];
    int errnum;
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    cr_assert_eq(px_unix_connect(path, &errnum), -1);
    cr_assert_eq(errnum, ENAMETOOLONG);
    path[0] = '/', path[8000] = '/';
    cr_assert_eq(px_unix_listen(path, 1), -1);
    cr_assert_eq(errno, ENAMETOOLONG);
}

Test(fd, descriptors_travel_and_are_close_on_exec)
{
    int pair[2], pipe_fds[2], got[PX_FD_PASS_MAX];
    size_t ngot = PX_FD_PASS_MAX;
    char bytes[16];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    cr_assert_eq(pipe(pipe_fds), 0);
    cr_assert_eq(px_unix_send(pair[0], "hello", 5, pipe_fds, 2), 5);
    cr_assert_eq(px_unix_recv(pair[1], bytes, sizeof bytes, got, &ngot), 5);
    cr_assert_eq(ngot, 2);
    cr_assert(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(write(got[1], "x", 1), 1);
    cr_assert_eq(read(pipe_fds[0], bytes, 1), 1);
    int nine[PX_FD_PASS_MAX + 1] = {0};
    cr_assert_eq(px_unix_send(pair[0], "x", 1, nine, PX_FD_PASS_MAX + 1), -1);
    cr_assert_eq(errno, EINVAL);
}

static int count_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

Test(fd, descriptors_that_nobody_expects_are_closed)
{
    int pair[2], fds[3] = {0, 1, 2}, got[1];
    size_t ngot = 1;
    char bytes[4];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int before = count_fds();
    cr_assert_eq(px_unix_send(pair[0], "a", 1, fds, 3), 1);
    cr_assert_eq(px_unix_recv(pair[1], bytes, sizeof bytes, NULL, NULL), 1);
    cr_assert_eq(count_fds(), before);
    cr_assert_eq(px_unix_send(pair[0], "a", 1, fds, 3), 1);
    cr_assert_eq(px_unix_recv(pair[1], bytes, sizeof bytes, got, &ngot), 1);
    cr_assert_eq(ngot, 1);
    cr_assert_eq(count_fds(), before + 1);
}

Test(fd, a_closed_peer_is_an_error_not_a_signal)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[1]);
    cr_assert_eq(px_unix_send(pair[0], "x", 1, NULL, 0), -1);
    cr_assert_eq(errno, EPIPE);
    errno = EDOM;
    px_fd_close(&pair[0]);
    px_fd_close(&pair[0]);
    cr_assert_eq(errno, EDOM);
}

Test(fd, flags_are_set_and_taken_back)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(px_fd_set_nonblock(fds[0], true), 0);
    cr_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    cr_assert_eq(px_fd_set_nonblock(fds[0], false), 0);
    cr_assert_not(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    cr_assert_eq(px_fd_set_cloexec(fds[0], true), 0);
    cr_assert_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    cr_assert_eq(px_fd_set_cloexec(-1, true), -1);
    cr_assert_eq(px_fd_set_nonblock(-1, true), -1);
}
