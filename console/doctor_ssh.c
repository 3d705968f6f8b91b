/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: hosts that could be added by ssh. */
#include "doctor.h"

#include "base/fd.h"
#include "proto/start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pvmx/version.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_MAX = 2000, AT_ONE_TIME = 16 };

extern char **environ;

/* One ssh that runs. */
struct probe {
    const char *host;
    pid_t pid;
    int fd, errnum;
};

/* The shell splits the setting into words, as the daemon does; "$@" stays what it is. */
static void start(struct probe *p, const char *host)
{
    const char *ssh = getenv("PVMX_SSH");
    char daemon[PATH_MAX] = "pvmxd", *line = NULL, *remote = NULL;
    int fds[2] = {-1, -1};
    posix_spawn_file_actions_t io;
    *p = (struct probe){.host = host, .fd = -1};
    pxp_daemon_find(daemon, sizeof daemon);
    if (asprintf(&line, "exec %s -oBatchMode=yes -oConnectTimeout=8 -xT -- \"$@\"",
                 ssh && *ssh ? ssh : "ssh") < 0 ||
        asprintf(&remote, "p='%s'; test -x \"$p\" || p=pvmxd; exec \"$p\" --version",
                 daemon) < 0 ||
        strchr(daemon, '\'') || pipe2(fds, O_CLOEXEC) != 0 ||
        posix_spawn_file_actions_init(&io) != 0) {
        p->errnum = errno ? errno : EINVAL;
    } else {
        char sh[] = "sh", c[] = "-c",
             *argv[] = {sh, c, line, sh, strdup(host), remote, NULL};
        posix_spawn_file_actions_addopen(&io, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&io, fds[1], 1);
        posix_spawn_file_actions_adddup2(&io, fds[1], 2);
        p->errnum = posix_spawn(&p->pid, "/bin/sh", &io, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&io);
        free(argv[4]);
        p->fd = fds[0];
        fds[0] = -1;
    }
    px_fd_close(&fds[0]);
    px_fd_close(&fds[1]);
    free(line);
    free(remote);
}

static int finish(struct probe *p, char *said, size_t size)
{
    size_t used = 0;
    int status = 0;
    for (;;) {
        char rest[256];
        bool room = used + 1 < size;
        if (link_wait_for(p->fd, -1, 0) < 0)
            break;
        ssize_t n = room ? read(p->fd, said + used, size - 1 - used)
                         : read(p->fd, rest, sizeof rest);
        if (n <= 0)
            break;
        used += room ? (size_t)n : 0;
    }
    said[used] = '\0';
    px_fd_close(&p->fd);
    do {
        if (link_interrupted())
            kill(p->pid, SIGTERM);
    } while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static const char *advice_for(const char *said)
{
    static const struct {
        char word[32];
        char advice[160];
    } known[] = {
        {"Could not resolve",
         "check the name, or give it an address in ~/.ssh/config (HostName)"},
        {"Name or service not known",
         "check the name, or give it an address in ~/.ssh/config (HostName)"},
        {"Connection refused",
         "start sshd there, or give its port in ~/.ssh/config (Port)"},
        {"timed out", "check that the host is up and that firewalls let ssh through"},
        {"No route to host", "check the network between this machine and the host"},
        {"Permission denied", "make a key (ssh-keygen) and take it there (ssh-copy-id "
                              "HOST), or load it (ssh-add)"},
        {"Host key verification failed",
         "log in once by hand and accept its key, if it is the right one (ssh HOST)"},
        {"IDENTIFICATION HAS CHANGED",
         "if the host was set up anew, forget its old key (ssh-keygen -R HOST)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(said, known[i].word))
            return known[i].advice;
    return "try: ssh -oBatchMode=yes HOST true";
}

/* The line of the answer that tells most: the last. */
static const char *last_line(char *said)
{
    size_t len = strlen(said);
    while (len > 0 && (said[len - 1] == '\n' || said[len - 1] == '\r'))
        said[--len] = '\0';
    char *nl = strrchr(said, '\n');
    return nl ? nl + 1 : said;
}

static void judge(struct checkup *k, struct probe *p)
{
    static const char ours[] = "pvmxd (PVMX) ";
    char what[300], said[SAID_MAX];
    snprintf(what, sizeof what, "ssh to %.250s", p->host);
    if (p->errnum) {
        doctor_note(k, what, false, strerror(p->errnum), "install an ssh client");
        return;
    }
    int status = finish(p, said, sizeof said);
    const char *advice = advice_for(said), *line = last_line(said);
    bool there = strncmp(line, ours, sizeof ours - 1) == 0;
    if (status == 0 && there)
        doctor_note(k, what, strcmp(line + sizeof ours - 1, PVMX_VERSION) == 0, line,
                    "install the same version there");
    else if (status == 255)
        doctor_note(k, what, false, *line ? line : "ssh failed", advice);
    else if (status == 127 && strstr(said, "pvmxd") == NULL)
        doctor_note(k, what, false, *line ? line : "no ssh", "install an ssh client");
    else
        doctor_note(
            k, what, false, *line ? line : "pvmxd does not run there",
            "install PVMX there in the same place, or on the PATH of ssh's commands, or "
            "say where pvmxd is (add -d)");
}

void doctor_ssh(struct checkup *k, int n, char **hosts)
{
    struct probe probes[AT_ONE_TIME];
    for (int i = 0; i < n && !link_interrupted(); i += AT_ONE_TIME) {
        int m = n - i < AT_ONE_TIME ? n - i : AT_ONE_TIME;
        for (int j = 0; j < m; j++)
            start(&probes[j], hosts[i + j]);
        for (int j = 0; j < m; j++)
            judge(k, &probes[j]);
    }
}
