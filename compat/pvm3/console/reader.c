/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading traces of a job that another console has started (console/pvm.h says what is said on standard
 * input). That console keeps what the tasks write, and "pvmx logs" shows it. */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { END_TAG = 666, TRACE_TAG };

struct member {
    int tid;
    bool ended, closed; /* closed: all that it has written was told */
};
static struct {
    struct trace *trace;
    struct member *members;
    int n, cap, living;
} job;

/* What the tasks write. */
static struct {
    int fd; /* -1: it has ended, or never began */
    pid_t pid;
    size_t len;
    char line[8192];
} output = {.fd = -1};

static bool add(int tid)
{
    for (int i = 0; i < job.n; i++)
        if (job.members[i].tid == tid)
            return false;
    if (job.n == job.cap) {
        int cap = job.cap ? job.cap * 2 : 16;
        struct member *more = realloc(job.members, (size_t)cap * sizeof *more);
        if (!more)
            return false;
        job.members = more;
        job.cap = cap;
    }
    job.members[job.n++] = (struct member){.tid = tid};
    job.living++;
    return true;
}

/* program: NULL for one that a task of the job has spawned. */
static void join(int tid, const char *program)
{
    if (!add(tid))
        return;
    trace_task(job.trace, tid, program);
    pvm_notify(PvmTaskExit, END_TAG, 1, &tid);
}

/* Children that have not told anything yet, or never will. */
static void join_children(void)
{
    struct pvmtaskinfo *t;
    int n, known = job.n;
    if (pvm_tasks(0, &n, &t) < 0)
        return;
    int *children = malloc(((size_t)n + 1) * sizeof *children), count = 0;
    for (int i = 0; children && i < n; i++)
        for (int k = 0; k < known; k++)
            if (t[i].ti_ptid == job.members[k].tid)
                children[count++] = t[i].ti_tid;
    for (int i = 0; i < count; i++)
        join(children[i], NULL);
    free(children);
}

/* As PVM's console tells it: when the task has ended and nothing more of it can come. */
static void close_ended(void)
{
    for (int i = 0; i < job.n && output.fd < 0; i++)
        if (job.members[i].ended && !job.members[i].closed) {
            job.members[i].closed = true;
            trace_line(job.trace, job.members[i].tid, "GOTEOF");
        }
}

static void end(int tid)
{
    for (int i = 0; i < job.n; i++)
        if (job.members[i].tid == tid && !job.members[i].ended) {
            job.members[i].ended = true;
            job.living--;
        }
}

static void take(int buf)
{
    int bytes, tag, tid;
    if (pvm_bufinfo(buf, &bytes, &tag, &tid) >= 0 && tag == END_TAG) {
        if (pvm_upkint(&tid, 1, 1) >= 0)
            end(tid);
    } else if (tag == TRACE_TAG) {
        if (tid > 0) /* its daemon's would be negative */
            join(tid, NULL);
        trace_calls(job.trace);
    }
    pvm_freebuf(buf);
}

/* ---- what the tasks write */

/* Starts pvmx, beside this program. */
static void output_open(int number)
{
    char path[PATH_MAX], word[16], verb[] = "logs", how[] = "-fl";
    char *argv[] = {path, verb, how, word, NULL};
    posix_spawn_file_actions_t actions;
    int fds[2];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    dirname(path);
    strncat(path, "/pvmx", sizeof path - strlen(path) - 1);
    snprintf(word, sizeof word, "%d", number);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    if (posix_spawn(&output.pid, path, &actions, NULL, argv, environ) == 0)
        output.fd = fds[0];
    else
        close(fds[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
}

/* "[tTID] what it writes". A very long line is told in parts: then the label stays. */
static void take_line(bool whole)
{
    unsigned tid;
    int at = 0;
    output.line[output.len] = 0;
    output.len = 0;
    if (sscanf(output.line, "[t%x]%n", &tid, &at) != 1 || output.line[at] != ' ')
        return;
    trace_line(job.trace, (int)tid, output.line + at + 1);
    output.len = whole ? 0 : (size_t)at + 1;
}

static void output_read(void)
{
    char bytes[4096];
    ssize_t n = read(output.fd, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            take_line(true);
            continue;
        }
        output.line[output.len++] = bytes[i];
        if (output.len == sizeof output.line - 1)
            take_line(false);
    }
    if (n > 0 || (n < 0 && errno == EINTR))
        return;
    close(output.fd);
    output.fd = -1;
    while (waitpid(output.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* ---- all */

/* "JOB PROGRAM", then tids. The job's number; 0: there is none. */
static int read_job(void)
{
    char *line = NULL;
    size_t size = 0;
    char *program = NULL;
    int number = 0;
    while (getline(&line, &size, stdin) >= 0) {
        line[strcspn(line, "\n")] = 0;
        if (number) {
            join(tid_of_word(line), program);
            continue;
        }
        char *space = strchr(line, ' ');
        program = strdup(space ? space + 1 : "-");
        number = atoi(line);
        trace_begin(job.trace, number);
    }
    free(program);
    free(line);
    return number;
}

/* Waits for something to read, and reads what is there. False: it cannot be waited for. */
static bool read_some(void)
{
    int *list, buf;
    if (pvm_getfds(&list) <= 0)
        return false;
    struct pollfd p[2] = {{.fd = list[0], .events = POLLIN},
                          {.fd = output.fd, .events = POLLIN}};
    if (poll(p, 2, -1) < 0)
        return errno == EINTR;
    if (p[1].revents)
        output_read();
    while ((buf = pvm_nrecv(-1, -1)) > 0)
        take(buf);
    return buf == 0;
}

int reader_run(const char *file)
{
    FILE *to = *file ? fopen(file, "we") : NULL;
    if (*file && !to) {
        dprintf(0, "!spawn: cannot write to %s: %s\n", file, strerror(errno));
        return 1;
    }
    job.trace = console_enrol() == 0 ? trace_new(to) : NULL;
    if (!job.trace) {
        dprintf(0, "!spawn: the reader of traces cannot become a task\n");
        if (to)
            fclose(to);
        return 1;
    }
    dprintf(0, "t%x %d\n", (unsigned)pvm_mytid(), TRACE_TAG);
    int number = read_job();
    if (number)
        output_open(number);
    for (bool going = number; going && (job.living > 0 || output.fd >= 0);) {
        going = read_some();
        close_ended();
        if (job.living == 0)
            join_children();
        fflush(to);
        fflush(stdout);
    }
    if (number)
        trace_end(job.trace);
    pvm_exit();
    free(job.members);
    return 0;
}
