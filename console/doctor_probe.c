/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: programs that are run for what they say. */
#include "doctor.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void probe_start(struct probe *p, char *const *argv)
{
    int fds[2];
    posix_spawn_file_actions_t io;
    *p = (struct probe){.fd = -1};
    if (pipe2(fds, O_CLOEXEC) != 0) {
        p->errnum = errno;
        return;
    }
    p->errnum = posix_spawn_file_actions_init(&io);
    if (!p->errnum) {
        posix_spawn_file_actions_addopen(&io, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&io, fds[1], 1);
        posix_spawn_file_actions_adddup2(&io, fds[1], 2);
        p->errnum = posix_spawn(&p->pid, argv[0], &io, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&io);
        p->fd = fds[0];
        fds[0] = -1;
    }
    px_fd_close(&fds[0]);
    px_fd_close(&fds[1]);
}

int probe_finish(struct probe *p, uint64_t until, char *said, size_t size)
{
    size_t used = 0;
    int status = 0, ready;
    while ((ready = link_wait_for(p->fd, -1, until)) > 0) {
        char rest[256];
        bool room = used + 1 < size;
        ssize_t n = room ? read(p->fd, said + used, size - 1 - used)
                         : read(p->fd, rest, sizeof rest);
        if (n <= 0)
            break;
        used += room ? (size_t)n : 0;
    }
    said[used] = '\0';
    px_fd_close(&p->fd);
    do {
        if (ready <= 0 || link_interrupted())
            kill(p->pid, SIGTERM);
    } while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
