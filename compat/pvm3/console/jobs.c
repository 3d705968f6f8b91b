/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs: spawned tasks whose output is collected.
 *
 * The library collects it in threads (pvm_catchout), into a stream of each job whose bytes come to one
 * queue. A queue that is not read makes the threads wait, and so the tasks. */
#include "console.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    QUEUE_MAX = 1 << 20,
    LINE_MAX_BYTES = 8192,
    TRACE_TAG = 666000, /* and the job's number: of messages about calls in its tasks */
};

struct member {
    int tid;
    bool ended;
};

struct job {
    struct job *next;
    int number;
    FILE *in;  /* what the library writes to */
    FILE *out; /* NULL: the terminal */
    bool discard, finished;
    struct trace *trace;
    char *program;
    struct member *members; /* what the console has started comes first */
    int n, cap, started;
    char *line; /* the beginning of one: LINE_MAX_BYTES */
    size_t len;
};

/* Bytes of one job. */
struct piece {
    struct piece *next;
    struct job *job;
    size_t len;
    char bytes[];
};

static struct job *jobs;
static int last_number;
static struct {
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct piece *first, **last;
    size_t bytes;
    bool closed; /* nobody reads any more */
    int fd;      /* readable: there is something; + 1, 0: none */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER};

/* ---- the threads' end */

static ssize_t enqueue(void *cookie, const char *bytes, size_t len)
{
    struct piece *p = malloc(sizeof *p + len);
    uint64_t one = 1;
    if (!p)
        return 0;
    p->next = NULL;
    p->job = cookie;
    p->len = len;
    memcpy(p->bytes, bytes, len);
    pthread_mutex_lock(&queue.lock);
    while (queue.bytes > QUEUE_MAX && !queue.closed)
        pthread_cond_wait(&queue.room, &queue.lock);
    bool closed = queue.closed;
    if (!closed) {
        *queue.last = p;
        queue.last = &p->next;
        queue.bytes += len;
    }
    pthread_mutex_unlock(&queue.lock);
    if (closed)
        free(p);
    else if (write(queue.fd - 1, &one, sizeof one) != sizeof one)
        return 0;
    return (ssize_t)len;
}

static bool open_queue(void)
{
    if (queue.fd)
        return true;
    queue.last = &queue.first;
    queue.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) + 1;
    return queue.fd != 0;
}

/* All that is there; NULL: nothing. */
static struct piece *take_all(void)
{
    uint64_t count;
    if (!queue.fd || read(queue.fd - 1, &count, sizeof count) < 0)
        return NULL;
    pthread_mutex_lock(&queue.lock);
    struct piece *p = queue.first;
    queue.first = NULL;
    queue.last = &queue.first;
    queue.bytes = 0;
    pthread_cond_broadcast(&queue.room);
    pthread_mutex_unlock(&queue.lock);
    return p;
}

/* ---- jobs */

struct job *job_new(FILE *out, bool discard, struct trace *trace)
{
    struct job *j = calloc(1, sizeof *j), **at = &jobs;
    if (!j || !open_queue()) {
        free(j);
        return NULL;
    }
    j->line = malloc(LINE_MAX_BYTES);
    j->in = j->line ? fopencookie(j, "w", (cookie_io_functions_t){.write = enqueue}) : NULL;
    if (!j->in) {
        free(j->line);
        free(j);
        return NULL;
    }
    setvbuf(j->in, NULL, _IOFBF, 1024);
    j->number = ++last_number;
    j->out = out;
    j->discard = discard;
    j->trace = trace;
    while (*at)
        at = &(*at)->next;
    *at = j;
    if (trace)
        trace_begin(trace, j->number);
    return j;
}

int job_number(const struct job *job)
{
    return job->number;
}

static struct member *find(const struct job *j, int tid)
{
    for (int i = 0; i < j->n; i++)
        if (j->members[i].tid == tid)
            return &j->members[i];
    return NULL;
}

static struct member *add(struct job *j, int tid)
{
    struct member *m = find(j, tid);
    if (m)
        return m;
    if (j->n == j->cap) {
        int cap = j->cap ? j->cap * 2 : 8;
        struct member *more = realloc(j->members, (size_t)cap * sizeof *more);
        if (!more)
            return NULL;
        j->members = more;
        j->cap = cap;
    }
    j->members[j->n] = (struct member){.tid = tid};
    return &j->members[j->n++];
}

/* The stream stays: threads of the library may hold it until pvm_exit. */
static void finish(struct job *j)
{
    j->finished = true;
    if (j->out)
        fclose(j->out);
    j->out = NULL;
    if (j->trace)
        trace_end(j->trace);
    j->trace = NULL;
    free(j->members);
    free(j->line);
    j->members = NULL;
    free(j->program);
    j->line = j->program = NULL;
    j->n = j->cap = j->started = 0;
}

int job_spawn(struct job *job, char *file, char **argv, int flags, char *where, int n,
              int *tids)
{
    enum { MARKED = 2 }; /* what tasks write can be told from BEGIN and EOF */
    int shown = pvm_setopt(PvmShowTids, MARKED);
    int tracer = pvm_getopt(PvmTraceTid), tag = pvm_getopt(PvmTraceCode);
    if (job->trace) {
        pvm_setopt(PvmTraceTid, pvm_mytid());
        pvm_setopt(PvmTraceCode, TRACE_TAG + job->number);
    }
    pvm_catchout(job->in);
    int cc = pvm_spawn(file, argv, flags, where, n, tids);
    pvm_catchout(NULL);
    if (job->trace) {
        pvm_setopt(PvmTraceTid, tracer);
        pvm_setopt(PvmTraceCode, tag);
    }
    pvm_setopt(PvmShowTids, shown);
    for (int i = 0; i < n && i < cc; i++)
        add(job, tids[i]);
    job->started = job->n;
    job->program = strdup(file);
    if (cc <= 0)
        finish(job);
    return cc;
}

const struct job *job_next(const struct job *job)
{
    job = job ? job->next : jobs;
    while (job && job->finished)
        job = job->next;
    return job;
}

int job_task(const struct job *job, int i)
{
    for (int k = 0; k < job->n; k++)
        if (!job->members[k].ended && i-- == 0)
            return job->members[k].tid;
    return 0;
}

bool job_has(const struct job *job, int tid)
{
    const struct member *m = find(job, tid);
    return m && !m->ended;
}

/* ---- showing */

static void show(struct job *j, int tid, const char *text)
{
    if (!j->discard)
        fprintf(j->out ? j->out : stdout, "[%d:t%x] %s\n", j->number, (unsigned)tid, text);
    if (j->out)
        fflush(j->out);
}

static void end_member(struct job *j, struct member *m)
{
    int living = 0;
    m->ended = true;
    for (int i = 0; i < j->n; i++)
        living += !j->members[i].ended;
    if (living)
        return;
    int number = j->number;
    finish(j);
    printf("[%d] finished\n", number);
}

static void tell_task(const struct job *j, int tid)
{
    const struct member *m = find(j, tid);
    if (j->trace)
        trace_task(j->trace, tid, m && m - j->members < j->started ? j->program : NULL);
}

/* "[tTID] BEGIN", "[tTID]|what it writes", "[tTID] EOF". */
static void take_line(struct job *j, const char *line)
{
    unsigned tid;
    int at = 0;
    if (sscanf(line, "[t%x]%n", &tid, &at) != 1 || !at || !line[at])
        return;
    const char *text = line + at + 1;
    bool mark = line[at] == ' ', end = mark && strcmp(text, "EOF") == 0;
    struct member *m = mark ? add(j, (int)tid) : find(j, (int)tid);
    if (mark && !end) {
        tell_task(j, (int)tid);
        return;
    }
    if (j->trace)
        trace_line(j->trace, (int)tid, end ? "GOTEOF" : text);
    show(j, (int)tid, text);
    if (end && m)
        end_member(j, m);
}

static void take_bytes(struct job *j, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && !j->finished; i++) {
        if (bytes[i] != '\n') {
            if (j->len < LINE_MAX_BYTES - 1)
                j->line[j->len++] = bytes[i];
            continue;
        }
        j->line[j->len] = 0;
        j->len = 0;
        take_line(j, j->line);
    }
}

void job_fds(int fds[2])
{
    int *list;
    fds[0] = queue.fd ? queue.fd - 1 : -1;
    fds[1] = queue.fd && pvm_getfds(&list) > 0 ? list[0] : -1;
}

/* What tasks tell of their calls, and how the library gets on. */
static void read_messages(void (*shown)(void), bool *told)
{
    int buf, bytes, tag, tid;
    while ((buf = pvm_nrecv(-1, -1)) > 0) {
        struct job *j = pvm_bufinfo(buf, &bytes, &tag, &tid) >= 0 ? jobs : NULL;
        while (j && (tag != TRACE_TAG + j->number || !j->trace))
            j = j->next;
        if (j && !*told)
            shown();
        *told = *told || j;
        if (j && tid > 0) /* its daemon's would be negative */
            tell_task(j, tid);
        if (j)
            trace_calls(j->trace);
        pvm_freebuf(buf);
    }
}

void job_read(void (*shown)(void))
{
    bool told = false;
    struct piece *p = take_all();
    read_messages(shown, &told); /* what a task has sent is here before its end is shown */
    if (p && !told)
        shown();
    while (p) {
        struct piece *next = p->next;
        take_bytes(p->job, p->bytes, p->len);
        free(p);
        p = next;
    }
    fflush(stdout);
}

void jobs_end(void)
{
    pthread_mutex_lock(&queue.lock);
    queue.closed = true;
    pthread_cond_broadcast(&queue.room);
    pthread_mutex_unlock(&queue.lock);
    pvm_exit(); /* after this no thread writes */
    struct piece *p = take_all();
    while (p) {
        struct piece *next = p->next;
        free(p);
        p = next;
    }
    while (jobs) {
        struct job *j = jobs;
        jobs = j->next;
        if (!j->finished)
            finish(j);
        fclose(j->in);
        free(j);
    }
    if (queue.fd)
        close(queue.fd - 1);
    queue.fd = 0;
}
