/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting the daemon of this host when none runs. */
#include "proto/start.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/param.h"
#include "proto/arena.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READY_FD = 3, /* the daemon's end of the ready pipe */
    JOIN_ROUNDS = 10, /* daemons may leave between our connect and our hello, but not for ever */
};

extern char **environ;

static const char *daemon_setting;
static int64_t start_timeout, greet_timeout; /* ns */
static const struct px_param settings[] = {
    {.name = "daemon",
     .type = PX_PARAM_TEXT,
     .dflt = "",
     .help = "path of the daemon program; empty: pvmxd beside this library",
     .at_start = true,
     .store.text = &daemon_setting},
    {.name = "daemon.start_timeout",
     .type = PX_PARAM_TIME,
     .dflt = "10s",
     .min = (int64_t)(10 * PX_MS),
     .max = (int64_t)(3600 * PX_SEC),
     .help = "how long a starting daemon may take",
     .at_start = true,
     .store.number = &start_timeout},
    {.name = "daemon.timeout",
     .type = PX_PARAM_TIME,
     .dflt = "10s",
     .min = (int64_t)(10 * PX_MS),
     .max = (int64_t)(3600 * PX_SEC),
     .help = "how long the daemon may take to answer a greeting",
     .at_start = true,
     .store.number = &greet_timeout},
};

static void register_settings(void)
{
    px_param_register(settings, sizeof settings / sizeof settings[0]);
}

void pxp_start_settings(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_settings);
}

/* The places beside a file that belongs to PVMX: prefix/lib/x.so or prefix/bin/x. */
static bool find_beside(const char *file, char *path, size_t size)
{
    static const char *const places[] = {"../bin/pvmxd", "pvmxd", "../../bin/pvmxd"};
    char real[PATH_MAX];
    if (realpath(file, real) == NULL)
        return false;
    char *slash = strrchr(real, '/');
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int n = snprintf(path, size, "%s/%s", real, places[i]);
        if (n > 0 && (size_t)n < size && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

pvmx_err pxp_daemon_find(char *path, size_t size)
{
    pxp_start_settings();
    const char *set = __atomic_load_n(&daemon_setting, __ATOMIC_ACQUIRE);
    char real[PATH_MAX];
    if (set[0] != '\0') {
        if (access(set, X_OK) != 0 || realpath(set, real) == NULL)
            return px_fail_errno(errno,
                                 "the daemon program %s (PVMX_DAEMON) cannot be run", set);
        int n = snprintf(path, size, "%s", real);
        return n > 0 && (size_t)n < size
                   ? PVMX_OK
                   : px_fail(PVMX_ERR_TOOBIG, "the path %s is too long", real);
    }
    Dl_info info;
    const char *self = "/proc/self/exe";
    /* For a program itself dli_fname is only its argv[0], which realpath may resolve wrongly. */
    if (dladdr((void *)pxp_daemon_find, &info) != 0 && info.dli_fname != NULL &&
        strstr(info.dli_fname, ".so") != NULL) {
        if (find_beside(info.dli_fname, path, size))
            return PVMX_OK;
        self = info.dli_fname;
    }
    if (find_beside("/proc/self/exe", path, size))
        return PVMX_OK;
    return px_fail(
        PVMX_ERR_NOENT,
        "the daemon program pvmxd was found neither in ../bin nor beside %s: set "
        "PVMX_DAEMON to its path",
        realpath(self, real) != NULL ? real : self);
}

/* ---- between fork and exec: async-signal-safe calls only -------------------------------------- */

/* A fork whose child sends no SIGCHLD: the program's own handler and wait() never see it. With
 * CLONE_VFORK debuggers are told of a process; without, of a new thread of the program, which then runs
 * another program before their eyes: gdb gives up. */
static pid_t quiet_fork(void)
{
    return (pid_t)syscall(SYS_clone, (unsigned long)CLONE_VFORK, NULL, NULL, NULL, NULL);
}

struct launch {
    const char *path;
    char *const *argv;
    char *const *env;
    int pipe;
};

__attribute__((noreturn)) static void run_daemon(const struct launch *l)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &dfl, NULL);
    int null = open("/dev/null", O_RDWR);
    /* The pipe moves away from the places that are about to be overwritten. */
    int pipe = fcntl(l->pipe, F_DUPFD, READY_FD + 1);
    if (null < 0 || pipe < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
        dup2(null, 2) < 0 || dup2(pipe, READY_FD) < 0 || chdir("/") < 0)
        goto fail;
    close_range(READY_FD + 1, ~0u, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(l->path, l->argv, l->env);
    pipe = READY_FD;
fail:;
    const char *text = strerrordesc_np(errno);
    if (text != NULL && write(pipe < 0 ? l->pipe : pipe, text, strlen(text)) < 0)
        _exit(126);
    _exit(127);
}

/* The process in between ends at once, so that the daemon is nobody's child but init's. */
static pid_t launch(const struct launch *l)
{
    pid_t middle = quiet_fork();
    if (middle != 0)
        return middle;
    setsid();
    pid_t daemon = quiet_fork();
    if (daemon == 0)
        run_daemon(l);
    _exit(daemon < 0 ? errno : 0);
}

/* ---- before and after ------------------------------------------------------------------------- */

/* The environment without what makes a process a task. The array is the caller's. */
static char **daemon_env(void)
{
    size_t n = 0, k = 0, len = strlen(PX_TASK_ENV);
    while (environ != NULL && environ[n] != NULL)
        n++;
    char **env = malloc((n + 1) * sizeof *env);
    if (env == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], PX_TASK_ENV, len) != 0 || environ[i][len] != '=')
            env[k++] = environ[i];
    env[k] = NULL;
    return env;
}

/* Tells what the daemon has for the user and drops these lines, each whole; what is left of the text. */
static size_t take_notes(char *text)
{
    static const char note[] = "note: ";
    char *end;
    while (strncmp(text, note, sizeof note - 1) == 0 && (end = strchr(text, '\n')) != NULL) {
        *end = '\0';
        px_log(PX_LOG_WARN, "DAEMON-NOTE", "the daemon says: %s", text + sizeof note - 1);
        memmove(text, end + 1, strlen(end + 1) + 1);
    }
    return strlen(text);
}

/* The daemon's line without its newline; false: the time is over. */
static bool read_line(int fd, char *line, size_t size)
{
    uint64_t deadline = px_now_ns() + (uint64_t)start_timeout;
    size_t len = 0;
    for (;;) {
        uint64_t now = px_now_ns();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int rc = now < deadline ? poll(&p, 1, (int)((deadline - now) / PX_MS) + 1) : 0;
        if (rc == 0)
            break;
        if (rc < 0 && (pxp_client_given_up == NULL || !pxp_client_given_up()))
            continue; /* EINTR */
        if (rc < 0)
            break;
        ssize_t n = read(fd, line + len, size - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0)
            len += (size_t)n;
        line[len] = '\0';
        len = take_notes(line);
        if (n <= 0 || len == size - 1 || strchr(line, '\n') != NULL) {
            line[strcspn(line, "\n")] = '\0';
            return true;
        }
    }
    line[len] = '\0';
    return false;
}

static pvmx_err await_ready(int fd, const char *path, const char *vm)
{
    char line[2048];
    if (!read_line(fd, line, sizeof line))
        return px_fail(PVMX_ERR_NO_VM,
                       "the daemon %s was not ready within %d ms "
                       "(PVMX_DAEMON_START_TIMEOUT)",
                       path, (int)(start_timeout / (int64_t)PX_MS));
    if (strcmp(line, "ready") == 0)
        return PVMX_OK;
    if (line[0] != '\0')
        return px_fail(PVMX_ERR_NO_VM, "the daemon %s could not start: %s", path, line);
    return px_fail(
        PVMX_ERR_NO_VM,
        "the daemon %s ended before it was ready; to see why, run: %s --foreground "
        "--vm %s",
        path, path, vm);
}

static pvmx_err run(const char *path, const char *vm, bool ephemeral, int ready[2])
{
    char fd[16];
    const char *argv[8] = {path, "--vm", vm, "--ready-fd", fd};
    if (ephemeral)
        argv[5] = "--ephemeral";
    snprintf(fd, sizeof fd, "%d", READY_FD);
    char **env = daemon_env();
    if (env == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory to start the daemon");
    struct launch l = {path, (char *const *)argv, env, ready[1]};
    /* No handler of the program may run in the child before its signals are reset. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t middle = launch(&l);
    int errnum = middle < 0 ? errno : 0, status = 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(env);
    px_fd_close(&ready[1]);
    if (middle > 0) {
        while (waitpid(middle, &status, __WCLONE) < 0 && errno == EINTR)
            continue;
        if (WIFEXITED(status))
            errnum = WEXITSTATUS(status);
    }
    if (errnum != 0) {
        px_fail_errno(errnum, "cannot fork to start the daemon");
        return errnum == EAGAIN || errnum == ENOMEM ? PVMX_ERR_LIMIT : PVMX_ERR_NO_VM;
    }
    return await_ready(ready[0], path, vm);
}

pvmx_err pxp_daemon_start(const char *vm, bool ephemeral)
{
    char path[PATH_MAX];
    int ready[2];
    pxp_start_settings();
    pvmx_err err = px_rundir_vm(vm, &vm);
    if (err == PVMX_OK)
        err = pxp_daemon_find(path, sizeof path);
    if (err != PVMX_OK)
        return err;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return px_fail_errno(errno, "cannot make a pipe to start the daemon");
    err = run(path, vm, ephemeral, ready);
    px_fd_close(&ready[0]);
    px_fd_close(&ready[1]);
    return err;
}

pvmx_err pxp_client_join(struct pxp_client *c, const char *vm, uint32_t role,
                         bool ephemeral, struct px_rundir *dir, struct pxp_welcome_info *w)
{
    pxp_start_settings();
    unsigned timeout_ms = (unsigned)(greet_timeout / (int64_t)PX_MS);
    *c = (struct pxp_client){.fd = -1};
    pvmx_err err = PVMX_OK;
    for (int round = 0; round < JOIN_ROUNDS; round++) {
        err = px_rundir_open(vm, false, dir);
        if (err == PVMX_OK)
            err = pxp_client_open(c, dir, role, timeout_ms, w);
        if (err != PVMX_ERR_NO_VM && err != PVMX_ERR_NOENT)
            return err;
        err = pxp_daemon_start(vm, ephemeral);
        if (err != PVMX_OK)
            return err;
    }
    return px_fail(PVMX_ERR_NO_VM, "the daemon was started %d times and left each time",
                   JOIN_ROUNDS);
}
