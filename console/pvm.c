/* SPDX-License-Identifier: BSD-3-Clause */
/* See pvm.h. The reader's standard input is a socket of ours: it says who it is ("t40002 667") or what is
 * wrong ("!text"), and gets "JOB PROGRAM", then a tid in each line. */
#include "pvm.h"

#include "cmd.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "proto/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (30 * PX_SEC) /* to become a task */

/* path: PATH_MAX bytes. */
static void find(char *path)
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof "pvm");
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "pvm");
}

int pvm_become(const char *vm, char **argv)
{
    char path[PATH_MAX];
    find(path);
    if (vm)
        setenv("PVMX_VM", vm, 1);
    argv[0] = path;
    execv(path, argv);
    return cmd_fail("%s: %s", path, strerror(errno));
}

/* In the new process. Output that nobody sees must not keep a pipe open. */
__attribute__((noreturn)) static void run_reader(int fd, const char *vm, const char *file)
{
    char path[PATH_MAX], option[PATH_MAX + 2];
    char *argv[] = {path, option, NULL};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    find(path);
    snprintf(option, sizeof option, "-@%s", file);
    unsetenv(PX_TASK_ENV);
    if (vm)
        setenv("PVMX_VM", vm, 1);
    dup2(fd, STDIN_FILENO);
    if (*file)
        dup2(null, STDOUT_FILENO);
    if (!isatty(STDERR_FILENO))
        dup2(null, STDERR_FILENO);
    execv(path, argv);
    dprintf(STDIN_FILENO, "!%s: %s\n", path, strerror(errno));
    _exit(1);
}

/* One line, without its end. */
static pvmx_err take_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    uint64_t until = px_now_ns() + PATIENCE;
    for (;;) {
        int ready = link_wait_for(fd, -1, until);
        if (ready <= 0)
            return ready < 0
                       ? px_fail(PVMX_ERR_CANCELLED, "interrupted")
                       : px_fail(PVMX_ERR_TIMEDOUT, "the reader of traces (pvm) does "
                                                    "not become a task");
        ssize_t got = n + 1 < size ? read(fd, line + n, size - 1 - n) : 0;
        if (got <= 0)
            return px_fail(PVMX_ERR_CLOSED, "the reader of traces (pvm) has ended");
        n += (size_t)got;
        line[n] = '\0';
        char *end = strchr(line, '\n');
        if (end) {
            *end = '\0';
            return PVMX_OK;
        }
    }
}

pvmx_err pvm_reader_start(struct pvm_reader *r, const char *vm, const char *file)
{
    int pair[2];
    char line[PATH_MAX + 200];
    *r = (struct pvm_reader){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return px_fail_errno(errno, "the reader of traces cannot be started");
    fflush(stdout);
    pid_t middle = fork(); /* which ends at once: nobody has to wait for the reader */
    if (middle == 0) {
        setsid();
        pid_t pid = fork();
        if (pid == 0)
            run_reader(pair[1], vm, file);
        _exit(pid < 0);
    }
    int status = 0, err_no = errno;
    close(pair[1]);
    r->fd = pair[0];
    if (middle > 0)
        while (waitpid(middle, &status, 0) < 0 && errno == EINTR)
            continue;
    pvmx_err err = middle < 0 || status != 0
                       ? px_fail_errno(middle < 0 ? err_no : EAGAIN,
                                       "the reader of traces cannot be started")
                       : take_line(r->fd, line, sizeof line);
    if (!err && *line == '!')
        err = px_fail(PVMX_ERR_SYS, "%s", line + 1);
    else if (!err && sscanf(line, "t%x %d", (unsigned *)&r->tid, &r->code) != 2)
        err = px_fail(PVMX_ERR_PROTO, "the reader of traces (pvm) says \"%.100s\"", line);
    if (err)
        pvm_reader_drop(r);
    return err;
}

void pvm_reader_tell(struct pvm_reader *r, const struct pxp_spawned *job, const char *program)
{
    FILE *f = fdopen(r->fd, "w");
    if (!f) {
        pvm_reader_drop(r);
        return;
    }
    fprintf(f, "%u %s\n", job->job, program);
    for (size_t i = 0; i < job->n_tids; i++)
        fprintf(f, "t%x\n", (unsigned)job->tids[i]);
    fclose(f);
    r->fd = -1;
}

void pvm_reader_drop(struct pvm_reader *r)
{
    px_fd_close(&r->fd);
}
