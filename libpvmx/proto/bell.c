/* SPDX-License-Identifier: BSD-3-Clause */
/* Bells that sockets hear. */
#include "proto/bell.h"
#include "base/fd.h"
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t address(uint64_t name, struct sockaddr_un *a)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "pvmx-bell-%016llx",
                     (unsigned long long)name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static int datagram_socket(void)
{
    return px_fd_up(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int pxp_bell_open(uint64_t *name)
{
    struct sockaddr_un a;
    int fd = datagram_socket();
    if (fd < 0)
        return -1;
    if (getrandom(name, sizeof *name, 0) != sizeof *name ||
        bind(fd, (struct sockaddr *)&a, address(*name, &a)) != 0)
        px_fd_close(&fd);
    return fd;
}

void pxp_bell_send(uint64_t name)
{
    static _Atomic int shared = -1;
    struct sockaddr_un a;
    socklen_t len = address(name, &a);
    int fd = atomic_load(&shared), none = -1;
    if (fd < 0) {
        fd = datagram_socket();
        if (fd >= 0 && !atomic_compare_exchange_strong(&shared, &none, fd)) {
            close(fd); /* another thread was quicker */
            fd = none;
        }
    }
    if (fd >= 0)
        sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a, len);
}

void pxp_bell_drain(int fd)
{
    char byte;
    while (recv(fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0)
        ;
}
