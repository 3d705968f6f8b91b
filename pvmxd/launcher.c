/* SPDX-License-Identifier: BSD-3-Clause */
/* The launchers: fork (this machine), ssh, and any command with %h, %u, %l and %c in it. */
#include "launcher.h"
#include "base/err.h"
#include "base/fd.h"
#include "conf.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ARGS_MAX = 24, TEXT_MAX = 16 * 1024, NOT_FOUND = 127, CANNOT_RUN = 126 };

/* A command line: its words lie in text. */
struct command {
    char *argv[ARGS_MAX];
    unsigned argc;
    char text[TEXT_MAX];
    size_t used;
};

struct launcher {
    const char *name;
    pvmx_err (*make)(const struct pxp_host_spec *spec, struct command *c);
    /* exit status 255 is the launcher's own, as ssh has it */
    bool own_255;
};

/* ---- text ------------------------------------------------------------------------------------- */

static void put(struct command *c, const char *bytes, size_t n)
{
    if (c->used + n < sizeof c->text) /* else it stays too long, which word() sees */
        memcpy(c->text + c->used, bytes, n);
    c->used += n;
}

static void put_text(struct command *c, const char *text)
{
    put(c, text, strlen(text));
}

/* For a POSIX shell: as it is when that is safe, else between quotes. */
static void put_quoted(struct command *c, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "_-./:@%+,=[]";
    if (*text != '\0' && text[strspn(text, plain)] == '\0') {
        put_text(c, text);
        return;
    }
    put_text(c, "'");
    for (; *text != '\0'; text++)
        if (*text == '\'')
            put_text(c, "'\\''");
        else
            put(c, text, 1);
    put_text(c, "'");
}

/* For a POSIX shell over there, which is to replace ~ and $NAME. */
static void put_expanding(struct command *c, const char *text)
{
    if (strchr(text, '$') == NULL && *text != '~') {
        put_quoted(c, text);
        return;
    }
    size_t user = *text == '~' && (text[1] == '/' || text[1] == '\0'); /* ~ itself, unquoted */
    put(c, text, user);
    put_text(c, "\"");
    for (text += user; *text != '\0'; text++) {
        if (strchr("\"\\`", *text) != NULL)
            put_text(c, "\\");
        put(c, text, 1);
    }
    put_text(c, "\"");
}

static void end_word(struct command *c, size_t from)
{
    put(c, "", 1);
    if (c->argc < ARGS_MAX - 1 && from < sizeof c->text)
        c->argv[c->argc++] = c->text + from;
    else
        c->used = sizeof c->text; /* too much */
}

static void word(struct command *c, const char *text)
{
    size_t from = c->used;
    put_text(c, text);
    end_word(c, from);
}

static const char *own_program(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    path[n > 0 ? n : 0] = '\0';
    return path;
}

static const char *program_of(const struct pxp_host_spec *spec)
{
    return *spec->daemon != '\0' ? spec->daemon : conf.program;
}

/* What a shell over there is to run. Without a path of its own our path is tried, then PATH. */
static void put_remote(struct command *c, const struct pxp_host_spec *spec, const char *args)
{
    char own[PATH_MAX];
    if (*program_of(spec) != '\0') {
        put_expanding(c, program_of(spec));
        put_text(c, " ");
        put_text(c, args);
        return;
    }
    struct command inner = {.argc = 0};
    put_text(&inner, "p=");
    put_quoted(&inner, own_program(own, sizeof own));
    put_text(&inner, "; test -x \"$p\" || p=pvmxd; exec \"$p\" ");
    put_text(&inner, args);
    put(&inner, "", 1);
    put_text(c, "exec sh -c ");
    put_quoted(c, inner.text);
}

bool launcher_command(const struct pxp_host_spec *spec, const char *args, char *out,
                      size_t size)
{
    struct command c = {.argc = 0};
    put_remote(&c, spec, args);
    put(&c, "", 1);
    if (c.used > sizeof c.text || c.used > size)
        return false;
    memcpy(out, c.text, c.used);
    return true;
}

/* ---- the launchers ---------------------------------------------------------------------------- */

static pvmx_err make_fork(const struct pxp_host_spec *spec, struct command *c)
{
    char own[PATH_MAX];
    word(c, *program_of(spec) != '\0' ? program_of(spec) : own_program(own, sizeof own));
    word(c, "--join");
    return PVMX_OK;
}

static bool words(struct command *c, const char *text)
{
    char *save = NULL, *copy = strdup(text);
    if (copy == NULL)
        return false;
    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        word(c, w);
    free(copy);
    return true;
}

static pvmx_err make_ssh(const struct pxp_host_spec *spec, struct command *c)
{
    char number[16];
    if (!words(c, conf.ssh) || !words(c, spec->options))
        return px_fail(PVMX_ERR_NOMEM, "no memory to start ssh");
    /* Nobody is there to answer a question; the user's own configuration decides about all else. */
    word(c, "-oBatchMode=yes");
    word(c, "-xT");
    if (spec->port != 0) {
        snprintf(number, sizeof number, "%u", spec->port);
        word(c, "-p");
        word(c, number);
    }
    if (*spec->user != '\0') {
        word(c, "-l");
        word(c, spec->user);
    }
    word(c, "--");
    word(c, *spec->address != '\0' ? spec->address : spec->name);
    size_t from = c->used;
    put_remote(c, spec, "--join");
    end_word(c, from);
    return PVMX_OK;
}

static const char *user_name(const struct pxp_host_spec *spec)
{
    const struct passwd *me = *spec->user == '\0' ? getpwuid(geteuid()) : NULL;
    return *spec->user != '\0' ? spec->user : me != NULL ? me->pw_name : "";
}

static pvmx_err make_command(const struct pxp_host_spec *spec, struct command *c)
{
    char own[PATH_MAX];
    const char *text = *spec->launcher != '\0' ? spec->launcher : conf.launcher;
    word(c, "/bin/sh");
    word(c, "-c");
    size_t from = c->used;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '%') {
            put(c, at, 1);
            continue;
        }
        switch (*++at) {
        case 'h':
            put_quoted(c, *spec->address != '\0' ? spec->address : spec->name);
            break;
        case 'u':
            put_quoted(c, user_name(spec));
            break;
        case 'l':
            put_text(c, *spec->user != '\0' ? "-l " : "");
            if (*spec->user != '\0')
                put_quoted(c, spec->user);
            break;
        case 'c':
            put_quoted(c, *program_of(spec) != '\0' ? program_of(spec)
                                                    : own_program(own, sizeof own));
            put_text(c, " --join");
            break;
        case '%':
            put_text(c, "%");
            break;
        default:
            return px_fail(PVMX_ERR_ARG,
                           "launcher \"%.200s\": %% is followed by %%, h (host), u "
                           "(user), l (\"-l USER\" where a user is said) or c (command)",
                           text);
        }
    }
    end_word(c, from);
    return PVMX_OK;
}

static const struct launcher launchers[] = {
    {.name = "fork", .make = make_fork},
    {.name = "ssh", .make = make_ssh, .own_255 = true},
    {.name = "command", .make = make_command},
};

static const struct launcher *find(const struct pxp_host_spec *spec)
{
    const char *name = *spec->launcher != '\0' ? spec->launcher : conf.launcher;
    if (strchr(name, '%') != NULL)
        name = "command";
    for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; i++)
        if (strcmp(launchers[i].name, name) == 0)
            return &launchers[i];
    return NULL;
}

const char *launcher_name(const struct pxp_host_spec *spec)
{
    const struct launcher *l = find(spec);
    return l != NULL ? l->name : "";
}

bool launcher_apart(const struct pxp_host_spec *spec)
{
    const struct launcher *l = find(spec);
    return l != NULL && l->make == make_fork;
}

/* ---- the process ------------------------------------------------------------------------------ */

/* Between fork and exec only what is safe in a process that had threads. */
static _Noreturn void child(struct command *c, int in, int out)
{
    static const char text[] = "cannot run this program: ";
    sigset_t none;
    setsid();
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(CANNOT_RUN);
    close_range(3, ~0u, 0); /* the low numbers are placeholders that would be inherited */
    execvp(c->argv[0], c->argv);
    const char *why = strerror(errno);
    if (write(2, text, sizeof text - 1) < 0 || write(2, why, strlen(why)) < 0)
        _exit(CANNOT_RUN);
    _exit(CANNOT_RUN);
}

static int run(struct command *c, int in, int out, pid_t *pid)
{
    *pid = fork();
    if (*pid == 0)
        child(c, in, out);
    return *pid < 0 ? errno : 0;
}

void launcher_kill(pid_t pid)
{
    kill(pid, SIGKILL); /* first, and by itself: it may not have its group yet */
    kill(-pid, SIGKILL);
}

pvmx_err launcher_start(const struct pxp_host_spec *spec, struct launched *out)
{
    const struct launcher *l = find(spec);
    struct command *c = calloc(1, sizeof *c);
    int in[2] = {-1, -1}, err[2] = {-1, -1};
    if (c == NULL || l == NULL) {
        free(c);
        return l != NULL
                   ? px_fail(PVMX_ERR_NOMEM, "no memory to start a host")
                   : px_fail(
                         PVMX_ERR_ARG,
                         "\"%.80s\" is no launcher: use fork, ssh, or a command with %%h "
                         "(host) and %%c (command) in it",
                         *spec->launcher != '\0' ? spec->launcher : conf.launcher);
    }
    pvmx_err e = l->make(spec, c);
    if (e == PVMX_OK && c->used >= sizeof c->text)
        e = px_fail(PVMX_ERR_TOOBIG, "the command that starts host %.80s is too long",
                    spec->name);
    if (e == PVMX_OK && (pipe2(in, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0))
        e = px_fail_errno(errno, "cannot make pipes to start host %.80s", spec->name);
    int errnum = e == PVMX_OK ? run(c, in[0], err[1], &out->pid) : 0;
    if (errnum != 0)
        e = px_fail_errno(errnum, "cannot run %.200s to start host %.80s", c->argv[0],
                          spec->name);
    px_fd_close(&in[0]);
    px_fd_close(&err[1]);
    free(c);
    if (e == PVMX_OK) {
        out->pidfd = pidfd_open(out->pid, 0);
        if (out->pidfd < 0) {
            e = px_fail_errno(errno, "cannot watch the launcher of host %.80s", spec->name);
            launcher_kill(out->pid);
            waitpid(out->pid, NULL, 0);
        }
    }
    if (e != PVMX_OK) {
        px_fd_close(&in[1]);
        px_fd_close(&err[0]);
        return e;
    }
    px_fd_set_nonblock(in[1], true);
    px_fd_set_nonblock(err[0], true);
    out->in = in[1];
    out->err = err[0];
    return PVMX_OK;
}

/* ---- what a failure means --------------------------------------------------------------------- */

/* The last line that says something; what a daemon wrote has "pvmxd: " in front. */
static const char *last_line(const char *said, char *line, size_t size)
{
    const char *best = "", *at = said;
    size_t n = 0;
    while (*at != '\0') {
        size_t len = strcspn(at, "\r\n");
        if (len > 0) {
            best = at;
            n = len;
        }
        at += len + (at[len] != '\0');
    }
    if (strncmp(best, "pvmxd: ", 7) == 0) {
        best += 7;
        n -= 7;
    }
    snprintf(line, size, "%.*s", (int)(n < size ? n : size - 1), best);
    return line;
}

/* What to do about what ssh says. */
static const char *advice(const char *said)
{
    static const struct {
        char says[40], advice[96];
    } known[] = {
        {"Could not resolve hostname", " (check the name, or give its address: ip=)"},
        {"Permission denied",
         " (ssh needs a key there that it can use without a question: ssh-copy-id)"},
        {"REMOTE HOST IDENTIFICATION", " (its key has changed: see ssh-keygen -R)"},
        {"Host key verification failed", /* said of a changed one, too */
         " (connect once by hand, so that ssh knows its key)"},
        {"Connection refused", " (is sshd running there, on this port?)"},
        {"Connection timed out", " (is it up, and does a firewall let ssh through?)"},
        {"No route to host", " (is it up, and is there a route?)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(said, known[i].says) != NULL)
            return known[i].advice;
    return "";
}

pvmx_err launcher_explain(const struct pxp_host_spec *spec, int status, const char *said)
{
    const struct launcher *l = find(spec);
    char line[400];
    last_line(said, line, sizeof line);
    const char *more = *line != '\0' ? line : "it said nothing";
    if (WIFSIGNALED(status))
        return px_fail(PVMX_ERR_SYS, "the launcher of host %s was ended by signal %d: %s",
                       spec->name, WTERMSIG(status), more);
    if (WEXITSTATUS(status) == NOT_FOUND)
        return px_fail(
            PVMX_ERR_NOENT,
            "pvmxd is not installed on host %s (%s): install PVMX there in the same "
            "place as here or in PATH, or say where it is (dx=PATH)",
            spec->name, more);
    if (WEXITSTATUS(status) == CANNOT_RUN)
        return px_fail(PVMX_ERR_NOENT, "cannot start host %s with launcher %s: %s",
                       spec->name, l != NULL ? l->name : "?", more);
    if (WEXITSTATUS(status) == 255 && l != NULL && l->own_255)
        return px_fail(PVMX_ERR_SYS, "cannot reach host %s: %s%s", spec->name, more,
                       advice(said));
    if (WEXITSTATUS(status) == 0)
        return px_fail(PVMX_ERR_CLOSED, "host %s: the daemon started there did not come: %s",
                       spec->name, more);
    return px_fail(PVMX_ERR_SYS, "host %s: %s", spec->name, more);
}
