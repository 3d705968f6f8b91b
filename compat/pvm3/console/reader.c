/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading traces of a job that another console has started (console/pvm.h says what is said on standard
 * input). */
#include "console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { END_TAG = 666, TRACE_TAG };

struct member {
    int tid;
    bool ended;
};
static struct {
    struct trace *trace;
    struct member *members;
    int n, cap, living;
} job;

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

/* "JOB PROGRAM", then tids. False: there is no job. */
static bool read_job(void)
{
    char *line = NULL;
    size_t size = 0;
    char *program = NULL;
    bool begun = false;
    while (getline(&line, &size, stdin) >= 0) {
        line[strcspn(line, "\n")] = 0;
        if (begun) {
            join(tid_of_word(line), program);
            continue;
        }
        char *space = strchr(line, ' ');
        program = strdup(space ? space + 1 : "-");
        trace_begin(job.trace, atoi(line));
        begun = true;
    }
    free(program);
    free(line);
    return begun;
}

int reader_run(const char *file)
{
    FILE *to = *file ? fopen(file, "we") : NULL;
    int buf;
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
    bool begun = read_job();
    while (begun && job.living > 0 && (buf = pvm_recv(-1, -1)) > 0) {
        take(buf);
        while ((buf = pvm_nrecv(-1, -1)) > 0)
            take(buf);
        if (job.living == 0)
            join_children();
        fflush(to);
        fflush(stdout);
    }
    if (begun)
        trace_end(job.trace);
    pvm_exit();
    free(job.members);
    return 0;
}
