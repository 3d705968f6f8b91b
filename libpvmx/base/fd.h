/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors: flags, whole reads and writes, Unix sockets with descriptor passing. */
#ifndef PX_FD_H
#define PX_FD_H

#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PX_FD_PASS_MAX = 32 }; /* descriptors that travel with one write */

/* Closes *fd when it is >= 0 and sets it to -1; keeps errno. */
void px_fd_close(int *fd);
/* A new close-on-exec descriptor of ours must not take the place of a standard one that the program has
 * closed: what the program writes to "standard output" would go there. Returns it as a number above
 * 2, or -1 with errno; fd -1 is passed on. */
int px_fd_up(int fd);
int px_fd_set_nonblock(int fd, bool on);
int px_fd_set_cloexec(int fd, bool on);

/* The beginning of a line is kept back for so long (ns), in hope of the rest. On a busy machine a process
 * may well not run for a quarter of that between two parts of a line. */
#define PX_FD_REST UINT64_C(1000000000)
/* What a pipe has given in one read is whole blocks, as the C library writes them when its buffer is full;
 * they end anywhere in a line. Anything else was written like that on purpose: a question, or progress. */
static inline bool px_fd_blocks(size_t nread)
{
    return nread % 512 == 0;
}

/* Connects a close-on-exec stream socket to path; *err_no tells ENOENT and ECONNREFUSED (nobody
 * there) from the rest. Returns the descriptor or -1. Paths beyond sockaddr_un's 107 bytes work. */
int px_unix_connect(const char *path, int *err_no);
/* Binds and listens (mode 0600). Returns the nonblocking close-on-exec descriptor or -1 (errno). */
int px_unix_listen(const char *path, int backlog);
/* uid, gid, pid of the other side; 0 or -1 (errno). */
int px_unix_peer(int fd, uid_t *uid, gid_t *gid, pid_t *pid);

/* One sendmsg/recvmsg with descriptors; results as of send/recv (-1 with errno, EAGAIN included).
 * Received descriptors are close-on-exec; *nfds in: capacity, out: number. */
ssize_t px_unix_send(int fd, const void *bytes, size_t n, const int *fds, size_t nfds);
ssize_t px_unix_recv(int fd, void *bytes, size_t n, int *fds, size_t *nfds);

#endif
