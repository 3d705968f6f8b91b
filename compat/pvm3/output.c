/* SPDX-License-Identifier: BSD-3-Clause */
/* Output of spawned tasks. Not collected, it goes to this task's stderr: what a program writes to its own
 * stdout stays clean, as with PVM, where the output of tasks ended in a log.
 *
 * Collected (pvm_catchout), it comes through one socket for all tasks of a pvm_spawn. The kernel says
 * with each piece which process has written it, so that lines get the tid of their task, and a thread
 * writes them while the program computes. The end of the file is the end of all that could write. */
#include <stdio.h>

#include "output.h"
#include <pvmx/engine/vm.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One writing process and the beginning of a line. */
struct writer {
    struct writer *next;
    pid_t pid; /* 0: a task of another host */
    int tid;
    size_t len;
    char line[4096];
};

/* What one pvm_spawn collects. */
struct catcher {
    struct catcher *next;
    pthread_t thread;
    int fd;
    FILE *to;
    bool labels;
    int ntids, *tids, *pids; /* of the tasks; pid 0: it had ended before we looked */
    struct writer *writers;
    /* Output of other hosts comes from the daemon, in records. */
    pid_t daemon;
    struct pvmx_output record; /* the one that is being read */
    size_t head;               /* bytes of it that have come */
};

static FILE *collect_to;
static struct catcher *catchers;

/* ---- in the thread */

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC), ppid = 0;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *end = strrchr(text, ')');
    return end && sscanf(end + 1, " %*c %d", &ppid) == 1 ? ppid : 0;
}

/* The task that a process is, or descends from: PVMX_TASK ends with its tid. 0: not known. */
static int tid_of(pid_t pid)
{
    char path[64], text[32768];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    for (const char *at = text; n > 0 && at < text + n; at += strlen(at) + 1) {
        unsigned tid;
        if (strncmp(at, "PVMX_TASK=", 10) == 0 && sscanf(at + 10, "%*d,%*d,%*u,%x", &tid) == 1)
            return (int)tid;
    }
    return 0;
}

static void label(const struct catcher *c, const struct writer *w, const char *text,
                  size_t len)
{
    if (c->labels)
        fprintf(c->to, "[t%x] ", (unsigned)w->tid);
    fwrite(text, 1, len, c->to);
    putc('\n', c->to);
}

static bool is_claimed(const struct catcher *c, int tid)
{
    const struct writer *w = c->writers;
    while (w && w->tid != tid)
        w = w->next;
    return w != NULL;
}

/* By the pids of the tasks, else by the process's environment or its parent's (a child of a task, or a
 * task's task); who cannot be asked any more is a task whose pid was not known. */
static int task_of(const struct catcher *c, pid_t pid)
{
    for (int i = 0; i < c->ntids; i++)
        if (c->pids[i] == pid)
            return c->tids[i];
    int tid = tid_of(pid);
    if (!tid)
        tid = tid_of(parent_of(pid));
    for (int i = 0; !tid && i < c->ntids; i++)
        if (!c->pids[i] && !is_claimed(c, c->tids[i]))
            tid = c->tids[i];
    return tid ? tid : c->tids[0];
}

static struct writer *new_writer(struct catcher *c, pid_t pid, int tid)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->pid = pid;
    w->tid = tid;
    w->next = c->writers;
    c->writers = w;
    if (c->labels)
        label(c, w, "BEGIN", 5);
    return w;
}

static struct writer *writer_of_task(struct catcher *c, int tid)
{
    struct writer *w = c->writers;
    while (w && w->tid != tid)
        w = w->next;
    return w;
}

static struct writer *writer_of(struct catcher *c, pid_t pid)
{
    for (struct writer *w = c->writers; w; w = w->next)
        if (w->pid == pid)
            return w;
    int tid = task_of(c, pid);
    struct writer *w =
        tid ? writer_of_task(c, tid) : NULL; /* another process of the same task */
    return w ? w : new_writer(c, pid, tid);
}

/* Lines are written whole; a very long one in pieces. */
static void take(struct catcher *c, struct writer *w, const char *text, size_t len)
{
    if (!c->labels) {
        fwrite(text, 1, len, c->to);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\n')
            w->line[w->len++] = text[i];
        if (text[i] == '\n' || w->len == sizeof w->line) {
            label(c, w, w->line, w->len);
            w->len = 0;
        }
    }
}

/* What the daemon has written: records, cut anywhere. */
static void take_records(struct catcher *c, const char *text, size_t len)
{
    while (len) {
        if (c->head < sizeof c->record) {
            size_t n = sizeof c->record - c->head;
            n = n < len ? n : len;
            memcpy((char *)&c->record + c->head, text, n);
            c->head += n;
            text += n;
            len -= n;
            continue;
        }
        size_t n = c->record.len < len ? c->record.len : len;
        struct writer *w = writer_of_task(c, c->record.tid);
        if (!w)
            w = new_writer(c, 0, c->record.tid);
        if (w)
            take(c, w, text, n);
        text += n;
        len -= n;
        if ((c->record.len -= (uint32_t)n) == 0)
            c->head = 0;
    }
}

static ssize_t receive(int fd, char *text, size_t size, pid_t *pid)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec v = {text, size};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    ssize_t n;
    while ((n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    const struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    struct ucred who = {0};
    if (h && h->cmsg_type == SCM_CREDENTIALS)
        memcpy(&who, CMSG_DATA(h), sizeof who);
    *pid = who.pid;
    return n;
}

static void *run(void *arg)
{
    struct catcher *c = arg;
    char text[16384];
    pid_t pid;
    ssize_t n;
    while ((n = receive(c->fd, text, sizeof text, &pid)) > 0) {
        struct writer *w = pid == c->daemon ? NULL : writer_of(c, pid);
        if (w)
            take(c, w, text, (size_t)n);
        else if (pid == c->daemon)
            take_records(c, text, (size_t)n);
        fflush(c->to);
    }
    for (struct writer *w = c->writers, *next; w; w = next) {
        next = w->next;
        if (w->len)
            label(c, w, w->line, w->len);
        if (c->labels)
            label(c, w, "EOF", 3);
        free(w);
    }
    fflush(c->to);
    return NULL;
}

/* ---- in the program */

static pvmx_err spawn_plain(struct pvmx_spawn_args *args, struct pvmx_spawn_result *out)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int stdio[3] = {null, 2, 2};
    args->stdio = stdio;
    pvmx_err err = pvmx_engine_spawn(args, out);
    if (null >= 0)
        close(null);
    return err;
}

static void free_catcher(struct catcher *c)
{
    close(c->fd);
    free(c->tids);
    free(c);
}

static struct catcher *new_catcher(int *theirs)
{
    int fds[2], on = 1;
    struct catcher *c = calloc(1, sizeof *c);
    if (!c || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        free(c);
        return NULL;
    }
    setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    shutdown(fds[0], SHUT_WR); /* a task that reads its output's end sees the end */
    c->fd = fds[0];
    c->to = collect_to;
    c->labels = p3.opt[PvmShowTids] != 0;
    c->daemon = pvmx_engine_daemon_pid();
    *theirs = fds[1];
    return c;
}

static void start(struct catcher *c, const struct pvmx_spawn_result *res)
{
    c->tids = calloc((size_t)res->count + 1, 2 * sizeof *c->tids);
    c->pids = c->tids + res->count;
    for (int i = 0; c->tids && res->tids && i < res->count; i++)
        if (res->tids[i]) {
            c->pids[c->ntids] = pvmx_engine_pid_of(res->tids[i]);
            c->tids[c->ntids++] = res->tids[i];
        }
    if (!c->tids || !c->ntids || pthread_create(&c->thread, NULL, run, c) != 0) {
        free_catcher(c);
        return;
    }
    c->next = catchers;
    catchers = c;
}

pvmx_err p3_output_spawn(struct pvmx_spawn_args *args, struct pvmx_spawn_result *out)
{
    int theirs, null;
    struct catcher *c = collect_to ? new_catcher(&theirs) : NULL;
    if (!c)
        return spawn_plain(args, out);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int stdio[3] = {null, theirs, theirs};
    args->stdio = stdio;
    args->flags |= PVMX_SPAWN_TAGGED;
    pvmx_err err = pvmx_engine_spawn(args, out);
    close(theirs);
    if (null >= 0)
        close(null);
    start(c, out);
    return err;
}

void p3_output_finish(void)
{
    struct catcher *c;
    while ((c = catchers) != NULL) {
        catchers = c->next;
        if (pthread_tryjoin_np(c->thread, NULL) == 0) {
            free_catcher(c);
            continue;
        }
        fprintf(stderr, "libpvm [t%x]: waiting for the output of tasks that still run\n",
                (unsigned)pvmmytid);
        pvmx_engine_unlock(); /* tasks may need answers of ours until they end */
        pthread_join(c->thread, NULL);
        pvmx_engine_lock();
        free_catcher(c);
    }
}

P3_PUBLIC int pvm_catchout(FILE *ff)
{
    int cc = p3_enter();
    collect_to = ff;
    return p3_leave("pvm_catchout", cc);
}
