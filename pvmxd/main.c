/* SPDX-License-Identifier: BSD-3-Clause */
/* pvmxd, the daemon of one host: arguments, going into the background, exit status. */
#include "await.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/param.h"
#include "conf.h"
#include "exec.h"
#include "join.h"
#include "server.h"
#include "urgent.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pvmx/version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_RUNS_ALREADY = 3 };

struct options {
    const char *vm, *host, *file;
    const char *await; /* see await.h; NULL: no */
    bool foreground, ephemeral, join, lenient;
    int ready_fd; /* -1: none */
};

static const char help[] =
    "Usage: pvmxd [OPTION]... [HOSTFILE]\n"
    "Runs the daemon of this host for one of your virtual machines. Programs start it "
    "by\n"
    "themselves when they need it; started by hand it stays until it is halted. With a "
    "host\n"
    "file (of PVM, LAM, MPICH or Open MPI) it adds the hosts that stand in it.\n"
    "\n"
    "      --vm NAME       name of the virtual machine (default: $PVMX_VM, else "
    "\"default\")\n"
    "      --host NAME     what this host is called (default: the machine's name)\n"
    "      --foreground    do not go into the background; log to standard error\n"
    "      --ephemeral     leave when the last task and client have gone\n"
    "      --join          join the virtual machine that standard input tells of (for "
    "pvmxd\n"
    "                      itself, which starts the daemons of other hosts with it)\n"
    "      --await KEY     the same, for tasks that start daemons: join what the daemon "
    "with\n"
    "                      this key tells\n"
    "      --lenient       leave out lines of the host file that make no sense, after "
    "telling of\n"
    "                      them\n"
    "      --ready-fd N    write one line to descriptor N: \"ready\", or why not; before "
    "it lines\n"
    "                      \"note: TEXT\" for the user\n"
    "      --help          show this and exit\n"
    "      --version       show the version and exit\n"
    "\n"
    "Exit status: 0 after a regular end (or when the daemon runs in the background), 1 "
    "on\n"
    "failure, 2 for wrong arguments, 3 when a daemon runs already for this virtual "
    "machine.\n"
    "Settings: PVMX_LOG (error, warn, info, debug), PVMX_DAEMON_LOG (file), "
    "PVMX_DAEMON_LINGER,\n"
    "PVMX_DAEMON_GRACE, PVMX_DAEMON_GREETING, PVMX_DAEMON_SPAWNERS.\n";

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {
        {"vm", required_argument, NULL, 'v'},
        {"host", required_argument, NULL, 'H'},
        {"foreground", no_argument, NULL, 'f'},
        {"ephemeral", no_argument, NULL, 'e'},
        {"join", no_argument, NULL, 'j'},
        {"await", required_argument, NULL, 'a'},
        {"lenient", no_argument, NULL, 'l'},
        {"ready-fd", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        char *end = NULL;
        switch (c) {
        case 'v':
            o->vm = optarg;
            break;
        case 'H':
            o->host = optarg;
            break;
        case 'f':
            o->foreground = true;
            break;
        case 'e':
            o->ephemeral = true;
            break;
        case 'j':
            o->join = true;
            break;
        case 'a':
            o->await = optarg;
            o->join = true;
            break;
        case 'l':
            o->lenient = true;
            break;
        case 'r':
            errno = 0;
            o->ready_fd = (int)strtol(optarg, &end, 10);
            if (errno != 0 || *end != '\0' || end == optarg || o->ready_fd < 0 ||
                fcntl(o->ready_fd, F_GETFD) < 0) {
                fprintf(stderr, "pvmxd: --ready-fd %s: not an open descriptor\n", optarg);
                return EXIT_USAGE;
            }
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        case 'V':
            printf("pvmxd (PVMX) %s\n", PVMX_VERSION);
            return 0;
        default:
            fputs("Try 'pvmxd --help'.\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc && !o->join)
        o->file = argv[optind++];
    if (optind < argc) {
        fprintf(stderr, "pvmxd: unexpected argument '%s'\nTry 'pvmxd --help'.\n",
                argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

/* Closes what we inherited and fills the low numbers, so that descriptors made later never have
 * the number that one is to get in a new task. */
static bool arrange_fds(int ready_fd)
{
    if (ready_fd > 2) {
        if (ready_fd > 3)
            close_range(3, (unsigned)ready_fd - 1, 0);
        close_range((unsigned)ready_fd + 1, ~0u, 0);
        px_fd_set_cloexec(ready_fd, true);
    } else {
        close_range(3, ~0u, 0);
    }
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < EXEC_FIRST_FD - 1);
    if (fd >= EXEC_FIRST_FD)
        close(fd);
    return fd >= 0;
}

/* Nothing that the starter ignored or blocked reaches our children, and nothing interrupts the
 * threads: signals come by descriptor, a broken pipe by errno. */
static void arrange_signals(void)
{
    sigset_t set;
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigfillset(&set);
    /* Our own faults must not be held back. */
    sigdelset(&set, SIGSEGV);
    sigdelset(&set, SIGBUS);
    sigdelset(&set, SIGFPE);
    sigdelset(&set, SIGILL);
    sigdelset(&set, SIGABRT);
    sigdelset(&set, SIGTRAP);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static void raise_limits(void)
{
    static const int wanted[] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_AS};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct rlimit rl;
        if (getrlimit(wanted[i], &rl) == 0 && rl.rlim_cur != rl.rlim_max) {
            rl.rlim_cur = rl.rlim_max;
            setrlimit(wanted[i], &rl);
        }
    }
}

/* One line to whoever started us. The descriptor's number stays taken. */
static void report(int ready_fd, const char *line)
{
    char text[1200];
    if (ready_fd < 0)
        return;
    int n = snprintf(text, sizeof text, "%.1100s\n", line); /* one write: it comes whole */
    if (write(ready_fd, text, (size_t)n) != n)
        px_log(PX_LOG_WARN, "MAIN-READY", "nobody reads the ready line");
    close(ready_fd);
    if (ready_fd < EXEC_FIRST_FD && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
        px_log(PX_LOG_WARN, "MAIN-NULL", "cannot open /dev/null: %s", strerror(errno));
}

/* The parent's part of going into the background: its exit status is known when the child's line
 * has come. */
static int await_child(int fd)
{
    static char line[256 * 1024]; /* a host file can have many hosts that do not come */
    size_t len = 0;
    ssize_t n;
    while (len < sizeof line - 1 && ((n = read(fd, line + len, sizeof line - 1 - len)) > 0 ||
                                     (n < 0 && errno == EINTR)))
        len += n > 0 ? (size_t)n : 0;
    line[len] = '\0';
    bool already = strstr(line, "runs already") != NULL, ready = false;
    char *save = NULL, *at = strtok_r(line, "\n", &save);
    if (at == NULL)
        fputs("pvmxd: ended before it was ready\n", stderr);
    for (; at != NULL; at = strtok_r(NULL, "\n", &save))
        if (!(ready = strcmp(at, "ready") == 0))
            fprintf(stderr, "pvmxd: %s\n", at);
    return ready ? 0 : already ? EXIT_RUNS_ALREADY : 1;
}

/* Returns the child's ready descriptor in the child; does not return in the parent. */
static int go_background(void)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) < 0) {
        fprintf(stderr, "pvmxd: cannot make a pipe: %s\n", strerror(errno));
        exit(1);
    }
    pid_t pid = fork();
    if (pid < 0) {
        fprintf(stderr, "pvmxd: cannot fork: %s\n", strerror(errno));
        exit(1);
    }
    if (pid > 0) {
        close(pipes[1]);
        _exit(await_child(pipes[0]));
    }
    close(pipes[0]);
    setsid();
    return pipes[1];
}

static void detach_stdio(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    if (null >= 0)
        close(null);
}

static void say(const char *sentence)
{
    fprintf(stderr, "pvmxd: %s\n", sentence);
}

static pvmx_err read_hostfile(const struct options *o, struct pxp_hostfile *file)
{
    if (o->file == NULL || !o->lenient)
        return o->file == NULL ? PVMX_OK : pxp_hostfile_read(o->file, file);
    pxp_hostfile_salvage(o->file, say, file);
    return PVMX_OK;
}

static int ready_to = -1; /* where to say that the daemon can be used */
static bool in_background;

/* A host of the file has not come. */
static void on_said(const char *line)
{
    if (ready_to < 0 || dprintf(ready_to, "%s\n", line) < 0)
        say(line);
}

/* Our standard error is nobody's. */
static void note(const char *text)
{
    if (dprintf(ready_to, "note: %.1000s\n", text) < 0)
        return; /* the starter has gone */
}

static void on_ready(pvmx_err err)
{
    report(ready_to, err == PVMX_OK ? "ready" : pvmx_last_error());
    if (err != PVMX_OK && ready_to < 0)
        say(pvmx_last_error());
    ready_to = -1;
    if (in_background)
        detach_stdio();
}

int main(int argc, char **argv)
{
    static struct server server;
    static struct join join;
    struct pxp_hostfile file = {0};
    struct options o = {.ready_fd = -1};
    int status = parse(argc, argv, &o);
    if (status >= 0)
        return status;
    ready_to = o.ready_fd;
    bool notes = ready_to >= 0 && !o.foreground;
    px_log_also(notes ? note : NULL);
    conf_init();
    px_log_also(NULL);
    px_log_set_name("pvmxd");
    if (o.join &&
        (o.await != NULL ? await_join(o.await, &join) : join_read(0, &join)) != PVMX_OK) {
        say(pvmx_last_error());
        return 1;
    }
    if (read_hostfile(&o, &file) != PVMX_OK) {
        say(pvmx_last_error());
        return EXIT_USAGE;
    }
    if (*conf.ports == '\0' && *join.ports != '\0')
        px_param_set("daemon.ports", join.ports);
    if (*conf.address == '\0' && *join.listen != '\0')
        px_param_set("daemon.address", join.listen);
    /* Who gave us --ready-fd has put us where we are to be. */
    bool background = !o.foreground && !o.ephemeral && o.ready_fd < 0 && o.await == NULL;
    int ready_fd = background ? go_background() : o.ready_fd;
    if (!arrange_fds(ready_fd)) {
        report(ready_fd, "cannot open /dev/null");
        return 1;
    }
    arrange_signals();
    raise_limits();
    umask(077);
    px_log_settings(); /* behind arrange_fds: its file is no low descriptor */
    px_log_also(notes ? note : NULL);
    conf_log();
    px_log_also(NULL);
    if (chdir("/") != 0)
        px_log(PX_LOG_WARN, "MAIN-CHDIR", "cannot change to /");
    ready_to = ready_fd;
    in_background = background;
    struct server_options so = {.vm = o.vm,
                                .host = o.host,
                                .ephemeral = o.ephemeral,
                                .join = o.join ? &join : NULL,
                                .file = o.file != NULL ? &file : NULL,
                                .said = on_said,
                                .ready = on_ready};
    pvmx_err err = server_start(&server, &so);
    if (err == PVMX_ERR_EXISTS) {
        /* For a starter that is as good as ready: it will find the other daemon. */
        report(ready_fd, background ? pvmx_last_error() : "ready");
        if (ready_fd < 0)
            say(pvmx_last_error());
        return EXIT_RUNS_ALREADY;
    }
    if (err != PVMX_OK) {
        report(ready_fd, pvmx_last_error());
        if (ready_fd < 0)
            say(pvmx_last_error());
        return 1;
    }
    join_free(&join); /* the server has its own copy of the key */
    urgent_thread();
    err = server_run(&server);
    server_stop(&server);
    return err == PVMX_OK ? 0 : 1;
}
