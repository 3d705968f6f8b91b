/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors: flags, Unix sockets, descriptor passing. */
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void px_fd_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

int px_fd_up(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int up = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    px_fd_close(&fd);
    return up;
}

int px_fd_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -1;
    return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int px_fd_set_cloexec(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0); /* the only flag that there is */
}

/* Fills in the address. A path that does not fit is reached through a descriptor of its folder,
 * which must stay open (*dir, else -1) until the address has been used. */
static int unix_address(const char *path, struct sockaddr_un *sa, int *dir)
{
    memset(sa, 0, sizeof *sa);
    sa->sun_family = AF_UNIX;
    *dir = -1;
    size_t len = strlen(path);
    if (len < sizeof sa->sun_path) {
        memcpy(sa->sun_path, path, len + 1);
        return 0;
    }
    char folder[4096];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    *dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0)
        return -1;
    int n = snprintf(sa->sun_path, sizeof sa->sun_path, "/proc/self/fd/%d%s", *dir, slash);
    if (n < 0 || (size_t)n >= sizeof sa->sun_path) {
        px_fd_close(dir);
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

int px_unix_connect(const char *path, int *err_no)
{
    struct sockaddr_un sa;
    int dir, fd = -1;
    if (unix_address(path, &sa, &dir) == 0)
        fd = px_fd_up(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd >= 0) {
        int rc;
        do
            rc = connect(fd, (struct sockaddr *)&sa, sizeof sa);
        while (rc < 0 && errno == EINTR);
        if (rc < 0)
            px_fd_close(&fd);
    }
    *err_no = fd < 0 ? errno : 0;
    px_fd_close(&dir);
    return fd;
}

int px_unix_listen(const char *path, int backlog)
{
    struct sockaddr_un sa;
    int dir;
    if (unix_address(path, &sa, &dir) < 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool bound = false;
    if (fd < 0)
        goto out;
    /* Linux makes the socket's file with the descriptor's mode less umask: never wider than 0600,
     * not even for a moment; chmod then undoes a narrow umask. */
    if (fchmod(fd, 0600) < 0)
        goto fail;
    if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
        goto fail;
    bound = true;
    if (chmod(sa.sun_path, 0600) == 0 && listen(fd, backlog) == 0)
        goto out;
fail:
    px_fd_close(&fd);
    if (bound) {
        int saved = errno;
        unlink(sa.sun_path);
        errno = saved;
    }
out:
    px_fd_close(&dir);
    return fd;
}

int px_unix_peer(int fd, uid_t *uid, gid_t *gid, pid_t *pid)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -1;
    *uid = cred.uid;
    *gid = cred.gid;
    *pid = cred.pid;
    return 0;
}

union pass_space {
    char bytes[CMSG_SPACE(PX_FD_PASS_MAX * sizeof(int))];
    struct cmsghdr align;
};

ssize_t px_unix_send(int fd, const void *bytes, size_t n, const int *fds, size_t nfds)
{
    struct iovec iov = {.iov_base = (void *)bytes, .iov_len = n};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    union pass_space space;
    if (nfds > PX_FD_PASS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (nfds > 0) {
        memset(&space, 0, sizeof space);
        msg.msg_control = space.bytes;
        msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t px_unix_recv(int fd, void *bytes, size_t n, int *fds, size_t *nfds)
{
    struct iovec iov = {.iov_base = bytes, .iov_len = n};
    union pass_space space;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = space.bytes,
                         .msg_controllen = sizeof space.bytes};
    size_t room = nfds != NULL ? *nfds : 0, got = 0;
    ssize_t len;
    do
        len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    if (nfds != NULL)
        *nfds = 0;
    if (len < 0)
        return len;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one;
            memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof one);
            if (got >= room)
                px_fd_close(&one); /* more than the caller expects: never keep a stranger's file open */
            else if ((one = px_fd_up(one)) >= 0)
                fds[got++] = one;
        }
    }
    if (nfds != NULL)
        *nfds = got;
    return len;
}
