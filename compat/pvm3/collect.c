/* SPDX-License-Identifier: BSD-3-Clause */
/* Collecting the output of tasks in a thread.
 *
 * It comes through one socket for all tasks of a pvm_spawn, in records of the daemon, which reads a pipe of
 * each task; so the end of a task comes behind all that it has written. Ends of those of whom the daemon does
 * not know that they are collected (children on another host of a task there) are told from outside. Their
 * parents tell of them by messages; so the end of a task of another host is shown when a notice of it has
 * come too, behind its last message.
 *
 * Where the daemon is short of descriptors, tasks have the socket itself. Then the kernel says with each
 * piece which process has written it, hence the task: unless it was a helper that has ended since. */
#include "collect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pvmx/engine/dyn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* A task, one process of it, and the beginning of a line. */
struct writer {
    struct writer *next;
    pid_t pid; /* 0: none has written yet, or a task of another host */
    int tid;
    bool told;     /* its end will be told, by a notice    */
    bool recorded; /* and, or else, by a daemon's record   */
    bool noticed;  /* the one has come                     */
    bool over;     /* the other one                        */
    bool ended;
    bool wrote;
    size_t len;
    char line[4096];
};

/* Another process of a task, which may have ended when the rest of what it wrote is read. */
struct helper {
    pid_t pid;
    struct writer *of;
};
enum { HELPERS = 64 }; /* the last ones are remembered */

struct news {
    int tid;
    bool born; /* else it has ended */
    int parent;
};

struct p3_collector {
    pthread_t thread;
    int fd, wake;
    FILE *to; /* NULL: to the sink */
    struct p3_collect_sink sink;
    bool labels;
    char mark; /* between a task's label and what it has written */
    int host, self, ntids, *tids, *pids;
    struct writer *writers, **last;
    struct helper helpers[HELPERS];
    unsigned nhelpers;
    /* The daemon writes records. */
    pid_t daemon;
    struct pvmx_output record; /* the one that is being read */
    size_t head;               /* bytes of it that have come */
    struct writer *of;         /* whose it is */

    pthread_mutex_t lock; /* of what follows */
    struct news *news;
    size_t nnews, cap;
    int *known; /* tids whose ends are told */
    size_t nknown, cap_known;
    bool closed, leave, stop, done;
};

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

/* Several collectors may write to one file. */
static void label(const struct p3_collector *c, const struct writer *w, char mark,
                  const char *text, size_t len)
{
    flockfile(c->to);
    if (c->labels)
        fprintf(c->to, "[t%x]%c", (unsigned)w->tid, mark);
    fwrite(text, 1, len, c->to);
    putc('\n', c->to);
    funlockfile(c->to);
}

static struct writer *writer_of_task(struct p3_collector *c, int tid)
{
    struct writer *w = c->writers;
    while (w && w->tid != tid)
        w = w->next;
    return w;
}

static bool is_claimed(struct p3_collector *c, int tid)
{
    struct writer *w = writer_of_task(c, tid);
    return !w || w->pid || w->ended;
}

static bool is_here(const struct p3_collector *c, int tid)
{
    return (tid & ~0x3ffff) == c->host;
}

/* A task of this host, best one that has written nothing so far: a helper that has ended unseen was its. */
static int guess(struct p3_collector *c)
{
    int tid = 0;
    for (int i = 0; i < c->ntids; i++) {
        const struct writer *w = writer_of_task(c, c->tids[i]);
        if (!is_here(c, c->tids[i]) || (w && w->ended))
            continue;
        if (!w || !w->wrote)
            return c->tids[i];
        tid = tid ? tid : c->tids[i];
    }
    return tid ? tid : c->tids[0];
}

/* By the pids of the tasks, else by the process's environment or its parent's (a child of a task, or a
 * task's task); who cannot be asked any more is a task of this host whose pid was not known. */
static int task_of(struct p3_collector *c, pid_t pid)
{
    for (int i = 0; i < c->ntids; i++)
        if (c->pids[i] == pid)
            return c->tids[i];
    int tid = tid_of(pid);
    if (!tid)
        tid = tid_of(parent_of(pid));
    for (int i = 0; !tid && i < c->ntids; i++)
        if (!c->pids[i] && is_here(c, c->tids[i]) && !is_claimed(c, c->tids[i]))
            tid = c->tids[i];
    return tid ? tid : guess(c);
}

static struct writer *new_writer(struct p3_collector *c, pid_t pid, int tid, int parent)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->pid = pid;
    w->tid = tid;
    *c->last = w;
    c->last = &w->next;
    if (!c->to) {
        c->sink.say(&c->sink, tid, P3_SAID_SPAWNED, NULL, parent);
        c->sink.say(&c->sink, tid, P3_SAID_BORN, NULL, parent);
    } else if (c->labels)
        label(c, w, ' ', "BEGIN", 5);
    return w;
}

static struct writer *writer_of(struct p3_collector *c, pid_t pid)
{
    for (struct writer *w = c->writers; w; w = w->next)
        if (w->pid == pid)
            return w;
    for (int i = 0; i < HELPERS; i++)
        if (c->helpers[i].pid == pid)
            return c->helpers[i].of;
    int tid = task_of(c, pid);
    struct writer *w = writer_of_task(c, tid); /* maybe another process of the same task */
    if (w && !w->pid)
        w->pid = pid;
    else if (w)
        c->helpers[c->nhelpers++ % HELPERS] = (struct helper){pid, w};
    return w ? w : new_writer(c, pid, tid, 0);
}

/* Lines are written whole; a very long one in pieces. */
static void take(struct p3_collector *c, struct writer *w, const char *text, size_t len)
{
    w->wrote = true;
    if (!c->to) {
        c->sink.say(&c->sink, w->tid, (int)len, text, 0);
        return;
    }
    if (!c->labels) {
        fwrite(text, 1, len, c->to);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\n')
            w->line[w->len++] = text[i];
        if (text[i] == '\n' || w->len == sizeof w->line) {
            label(c, w, c->mark, w->line, w->len);
            w->len = 0;
        }
    }
}

static void end_writer(struct p3_collector *c, struct writer *w)
{
    if (w->len)
        label(c, w, c->mark, w->line, w->len);
    w->len = 0;
    if (!c->to && !w->ended)
        c->sink.say(&c->sink, w->tid, 0, NULL, 0);
    else if (c->labels && !w->ended)
        label(c, w, ' ', "EOF", 3);
    w->ended = true;
}

/* Its children are known by its messages, which the notice of its end comes behind. */
static bool needs_notice(const struct p3_collector *c, const struct writer *w)
{
    return w->told && (!w->recorded || !is_here(c, w->tid));
}

/* Something about its end has become known. */
static void settle(struct p3_collector *c, struct writer *w)
{
    if ((w->over || !w->recorded || c->closed) && (w->noticed || !needs_notice(c, w)))
        end_writer(c, w);
}

/* The head of a record has come. */
static void begin_record(struct p3_collector *c)
{
    const struct pvmx_output *r = &c->record;
    struct writer *w = writer_of_task(c, r->tid);
    if (!w && r->what != PVMX_OUTPUT_END) /* else one that could not be started after all */
        w = new_writer(c, 0, r->tid, r->parent);
    if (w && r->what == PVMX_OUTPUT_BORN)
        w->recorded = true;
    if (w && r->what == PVMX_OUTPUT_END) {
        w->over = true;
        settle(c, w);
    }
    c->of = w;
}

/* What the daemon has written: records, cut anywhere. */
static void take_records(struct p3_collector *c, const char *text, size_t len)
{
    while (len) {
        size_t n = sizeof c->record - c->head;
        if (n) {
            n = n < len ? n : len;
            memcpy((char *)&c->record + c->head, text, n);
            c->head += n;
            if (c->head == sizeof c->record)
                begin_record(c);
        } else {
            n = c->record.len < len ? c->record.len : len;
            if (c->of)
                take(c, c->of, text, n);
            c->record.len -= (uint32_t)n;
        }
        text += n;
        len -= n;
        if (c->head == sizeof c->record && c->record.len == 0)
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
    while ((n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    const struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    struct ucred who = {0};
    if (h && h->cmsg_type == SCM_CREDENTIALS)
        memcpy(&who, CMSG_DATA(h), sizeof who);
    *pid = who.pid;
    return n;
}

/* One read; false: there is nothing now. */
static bool read_some(struct p3_collector *c)
{
    char text[16384];
    pid_t pid;
    ssize_t n = receive(c->fd, text, sizeof text, &pid);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (n <= 0) {
        pthread_mutex_lock(&c->lock);
        c->closed = true;
        pthread_mutex_unlock(&c->lock);
        return false;
    }
    struct writer *w = pid == c->daemon ? NULL : writer_of(c, pid);
    if (w)
        take(c, w, text, (size_t)n);
    else if (pid == c->daemon)
        take_records(c, text, (size_t)n);
    return true;
}

static void take_news(struct p3_collector *c)
{
    uint64_t count;
    if (read(c->wake, &count, sizeof count) < 0)
        return;
    pthread_mutex_lock(&c->lock);
    struct news *list = c->news;
    size_t n = c->nnews;
    c->news = NULL;
    c->nnews = c->cap = 0;
    pthread_mutex_unlock(&c->lock);
    while (n && !c->closed && read_some(c))
        ;
    for (size_t i = 0; i < n; i++) {
        struct writer *w = writer_of_task(c, list[i].tid);
        if (!w)
            w = new_writer(c, 0, list[i].tid, list[i].parent);
        if (w && list[i].born)
            w->told = true;
        if (w && !list[i].born) {
            w->noticed = true;
            settle(c, w);
        }
    }
    free(list);
}

/* The socket is closed: is there a task whose end will be told? */
static bool any_lives(const struct p3_collector *c)
{
    const struct writer *w = c->writers;
    while (w && (w->ended || w->noticed || !needs_notice(c, w)))
        w = w->next;
    return w != NULL;
}

static bool goes_on(struct p3_collector *c)
{
    pthread_mutex_lock(&c->lock);
    bool stop = c->stop || (c->closed && c->leave), news = c->nnews > 0;
    pthread_mutex_unlock(&c->lock);
    return !stop && (!c->closed || news || any_lives(c));
}

static void flush(const struct p3_collector *c)
{
    if (c->to)
        fflush(c->to);
}

static void *run(void *arg)
{
    struct p3_collector *c = arg;
    for (int i = 0; i < c->ntids; i++) {
        struct writer *w = new_writer(c, c->pids[i], c->tids[i], c->self);
        if (w)
            w->told = w->recorded = true;
    }
    flush(c);
    while (goes_on(c)) {
        struct pollfd p[2] = {{.fd = c->wake, .events = POLLIN},
                              {.fd = c->closed ? -1 : c->fd, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents)
            read_some(c);
        if (p[0].revents)
            take_news(c);
        flush(c);
    }
    for (struct writer *w = c->writers, *next; w; w = next) {
        next = w->next;
        if (!c->stop)
            end_writer(c, w);
        free(w);
    }
    flush(c);
    pthread_mutex_lock(&c->lock);
    c->done = true;
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- from outside */

static void free_collector(struct p3_collector *c)
{
    close(c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c->tids);
    free(c->known);
    free(c->news);
    free(c);
}

/* With the lock. */
static void know(struct p3_collector *c, int tid)
{
    if (c->nknown == c->cap_known) {
        size_t cap = c->cap_known ? c->cap_known * 2 : 16;
        int *more = realloc(c->known, cap * sizeof *more);
        if (!more)
            return;
        c->known = more;
        c->cap_known = cap;
    }
    c->known[c->nknown++] = tid;
}

struct p3_collector *p3_collect_start(const struct p3_collect_args *args)
{
    size_t n = (size_t)args->ntids;
    struct p3_collector *c = calloc(1, sizeof *c);
    int *lists = malloc((n + 1) * 2 * sizeof *lists), wake = eventfd(0, EFD_CLOEXEC);
    if (!c || !lists || wake < 0) {
        free(c);
        free(lists);
        if (wake >= 0)
            close(wake);
        return NULL;
    }
    memcpy(lists, args->tids, n * sizeof *lists);
    memcpy(lists + n, args->pids, n * sizeof *lists);
    *c = (struct p3_collector){.fd = args->fd,
                               .wake = wake,
                               .to = args->to,
                               .sink = args->sink,
                               .self = args->self,
                               .labels = args->to && args->labels != 0,
                               .mark = args->labels == P3_LABELS_MARKED ? '|' : ' ',
                               .host = args->host,
                               .ntids = args->ntids,
                               .tids = lists,
                               .pids = lists + n,
                               .last = &c->writers,
                               .daemon = args->daemon,
                               .lock = PTHREAD_MUTEX_INITIALIZER};
    for (size_t i = 0; i < n; i++)
        know(c, lists[i]);
    if (pthread_create(&c->thread, NULL, run, c) == 0)
        return c;
    free_collector(c);
    return NULL;
}

static void wake_up(struct p3_collector *c)
{
    uint64_t one = 1;
    if (write(c->wake, &one, sizeof one) != sizeof one)
        return; /* it is awake */
}

static void tell(struct p3_collector *c, struct news news)
{
    pthread_mutex_lock(&c->lock);
    if (news.born)
        know(c, news.tid);
    if (c->nnews == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 16;
        struct news *more = realloc(c->news, cap * sizeof *more);
        if (more) {
            c->news = more;
            c->cap = cap;
        }
    }
    if (c->nnews < c->cap)
        c->news[c->nnews++] = news;
    pthread_mutex_unlock(&c->lock);
    wake_up(c);
}

void p3_collect_born(struct p3_collector *c, int tid, int parent)
{
    tell(c, (struct news){tid, true, parent});
}

void p3_collect_ended(struct p3_collector *c, int tid)
{
    tell(c, (struct news){tid, false, 0});
}

bool p3_collect_knows(struct p3_collector *c, int tid)
{
    size_t i = 0;
    while (i < c->nknown && c->known[i] != tid)
        i++;
    return i < c->nknown;
}

bool p3_collect_open(struct p3_collector *c)
{
    pthread_mutex_lock(&c->lock);
    bool open = !c->closed;
    pthread_mutex_unlock(&c->lock);
    return open;
}

bool p3_collect_done(struct p3_collector *c)
{
    pthread_mutex_lock(&c->lock);
    bool done = c->done;
    pthread_mutex_unlock(&c->lock);
    return done;
}

int p3_collect_finish(struct p3_collector *c, bool now)
{
    pthread_mutex_lock(&c->lock);
    c->leave = true;
    c->stop = now;
    pthread_mutex_unlock(&c->lock);
    wake_up(c);
    pthread_join(c->thread, NULL);
    int fd = c->fd;
    if (c->closed) {
        close(fd);
        fd = -1;
    }
    free_collector(c);
    return fd;
}
