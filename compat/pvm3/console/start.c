/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting the daemon: pvmxd, beside this program. */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { RUNS_ALREADY = 3 }; /* pvmxd's exit status */

bool start_options(const char *program, int argc, char **argv, struct start *s)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strncmp(a, "-d", 2) == 0) {
            s->debug = strtol(a + 2, NULL, 0) != 0;
        } else if (strncmp(a, "-n", 2) == 0 && a[2]) {
            s->name = a + 2;
        } else if (strcmp(a, "-s") == 0 || strcmp(a, "-S") == 0 || strcmp(a, "-f") == 0) {
            fprintf(stderr,
                    "%s: %s: daemons of other hosts are started by the first one (pvm: "
                    "add), not by "
                    "hand\n",
                    program, a);
            return false;
        } else if (*a == '-' || i + 1 < argc) {
            fprintf(stderr, "%s: %s makes no sense; usage: %s [-dMASK] [-nNAME] [HOSTFILE]\n",
                    program, a, program);
            return false;
        } else {
            s->hostfile = a;
        }
    }
    return true;
}

/* PVMX_DAEMON, else beside this program. */
static void find_daemon(char *path, size_t size)
{
    const char *set = getenv("PVMX_DAEMON");
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    if (set && *set)
        snprintf(path, size, "%s", set);
    else
        snprintf(path, size, "%s/pvmxd", dirname(self));
}

/* Its status; what it says goes into text. */
static int run(char *const *argv, char *text, size_t size)
{
    posix_spawn_file_actions_t actions;
    int fds[2], status = -1;
    size_t len = 0;
    ssize_t n;
    pid_t pid;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
    int err = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    while (!err && len + 1 < size && (n = read(fds[0], text + len, size - 1 - len)) != 0)
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            break;
    text[len] = 0;
    close(fds[0]);
    if (err) {
        snprintf(text, size, "%s: %s\n", argv[0], strerror(err));
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What the library says for hosts that are added, the daemon has to know for those of its file. */
static void how_to_start_others(void)
{
    const char *rsh = getenv("PVM_RSH"), *daemon = getenv("PVM_DPATH");
    char *command;
    if (rsh && *rsh && !strchr(rsh, '%') && asprintf(&command, "%s %%h %%l %%c", rsh) > 0) {
        setenv("PVMX_LAUNCHER", command, 1);
        free(command);
    }
    if (daemon && *daemon)
        setenv("PVMX_DAEMON_PROGRAM", daemon, 0);
}

int start_daemon(const char *program, const struct start *s)
{
    const char *id = getenv("PVM_VMID");
    char path[PATH_MAX], text[8192], host[] = "--host", lenient[] = "--lenient";
    char *argv[6] = {path};
    int argc = 1;
    if (s->name) {
        argv[argc++] = host;
        argv[argc++] = (char *)(unsigned long)s->name;
    }
    if (s->hostfile) { /* PVM leaves out what makes no sense; here it is told */
        argv[argc++] = lenient;
        argv[argc] = (char *)(unsigned long)s->hostfile;
    }
    if (id && *id)
        setenv("PVMX_VM", id, 0); /* as the library does */
    if (s->debug)
        setenv("PVMX_LOG", "debug", 0);
    how_to_start_others();
    find_daemon(path, sizeof path);
    int status = run(argv, text, sizeof text);
    if (status == 0)
        fputs(text, stderr); /* hosts of the file that have not come */
    if (status == 0 || status == RUNS_ALREADY)
        return status == RUNS_ALREADY;
    fprintf(stderr, "%s: the daemon cannot be started: %s", program,
            *text ? text : "no reason given\n");
    return -1;
}
