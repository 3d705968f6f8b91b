/* SPDX-License-Identifier: BSD-3-Clause */
/* Traces of jobs in SDDF, as PVM's tracers read it: hosts, tasks, their output, and (calls.c)
 * their calls. Each kind of record is described before the first one. */
#include "sddf.h"
#include "console.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum kind { HOST_ADD, NEW_TASK, OUTPUT, KINDS };

struct field {
    char id[4], text[24];
    bool is_text;
};
static const struct record {
    char name[10];
    int number, nfields;
    struct field fields[4];
} records[KINDS] = {
    [HOST_ADD] = {"host_add",
                  1802,
                  4,
                  {{"HN", "Host Name", true},
                   {"HNA", "Host Name Alias", true},
                   {"HA", "Host Architecture", true},
                   {"HSP", "Host Speed", false}}},
    [NEW_TASK] = {"newtask",
                  1150,
                  3,
                  {{"PT", "Parent Task ID", false},
                   {"TF", "Task Flags", false},
                   {"TN", "Task Name", true}}},
    [OUTPUT] = {"output", 1808, 1, {{"OS", "Output String", true}}},
};

struct trace {
    FILE *to; /* NULL: the terminal */
    int job;
    bool described[KINDS];
    struct calls calls;
    int *tids, ntids, cap; /* of tasks that have been told of */
};

struct trace *trace_new(FILE *to)
{
    struct trace *t = calloc(1, sizeof *t);
    if (t)
        t->to = to;
    return t;
}

/* The beginning of a line. */
static FILE *line(struct trace *t, unsigned tid)
{
    if (!t->to)
        printf("[T%d:t%x] ", t->job, tid);
    return t->to ? t->to : stdout;
}

void trace_describe_begin(struct trace *t, unsigned who, int number, const char *name)
{
    fputs("\n", line(t, who));
    fprintf(line(t, who), "#%d: \"%s\"\n", number, name);
    fputs("{\n", line(t, who));
}

void trace_describe_field(struct trace *t, unsigned who, const char *id, const char *text,
                          bool is_text, bool is_list)
{
    fprintf(line(t, who), "\t// \"%s\" \"%s\"\n", id, text);
    fprintf(line(t, who), "\t%s \"%s\"%s%s;\n", is_text ? "char" : "int", id,
            is_text ? "[]" : "", is_list ? "[]" : "");
}

void trace_describe_end(struct trace *t, unsigned who)
{
    fputs("};;\n", line(t, who));
    fputs("\n", line(t, who));
}

static void describe_field(struct trace *t, unsigned tid, const struct field *f)
{
    trace_describe_field(t, tid, f->id, f->text, f->is_text, false);
}

static void describe(struct trace *t, enum kind kind, unsigned tid)
{
    static const struct field first[] = {{"TS", "Time Seconds", false},
                                         {"TU", "Time Microseconds", false},
                                         {"TID", "Task ID", false}};
    const struct record *r = &records[kind];
    char name[16];
    snprintf(name, sizeof name, "%s(0)", r->name);
    trace_describe_begin(t, tid, r->number, name);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        describe_field(t, tid, &first[i]);
    for (int i = 0; i < r->nfields; i++)
        describe_field(t, tid, &r->fields[i]);
    trace_describe_end(t, tid);
    t->described[kind] = true;
}

static void put_text(FILE *f, const char *text)
{
    fprintf(f, ", [%zu] { \"%s\" }", strlen(text) + 1, text);
}

/* "[2] { 1, 2 }", "[2] [4] { "one", "two" }" */
static void put_list(FILE *f, const struct calls_value *v)
{
    const char *quote = v->width ? "\"" : "";
    fprintf(f, ", [%d]", v->number);
    if (v->width)
        fprintf(f, " [%d]", v->width);
    fputs(" { ", f);
    for (int i = 0; i < v->number; i++)
        fprintf(f, "%s%s%s%s", i ? ", " : "", quote, v->list[i], quote);
    fputs(" }", f);
}

void trace_record(struct trace *t, unsigned who, const char *name,
                  const struct calls_value *values, int n)
{
    FILE *f = line(t, who);
    fprintf(f, "\"%s\" { %d", name, values[0].number);
    for (int i = 1; i < n; i++)
        if (values[i].list)
            put_list(f, &values[i]);
        else if (values[i].text)
            put_text(f, values[i].text);
        else
            fprintf(f, ", %d", values[i].number);
    fputs(" };;\n", f);
}

/* A record up to its own fields; who: the tid in front of the line, about: that in the record. */
static FILE *begin(struct trace *t, enum kind kind, unsigned who, int about)
{
    struct timeval now;
    if (!t->described[kind])
        describe(t, kind, who);
    gettimeofday(&now, NULL);
    FILE *f = line(t, who);
    fprintf(f, "\"%s(0)\" { %lld, %lld, %d", records[kind].name, (long long)now.tv_sec,
            (long long)now.tv_usec, about);
    return f;
}

static void output(struct trace *t, int tid, const char *text)
{
    FILE *f = begin(t, OUTPUT, (unsigned)tid, tid);
    put_text(f, text);
    fputs(" };;\n", f);
}

void trace_begin(struct trace *t, int job)
{
    struct pvmhostinfo *h;
    struct timeval now;
    unsigned self = (unsigned)pvm_mytid();
    char date[32];
    int n;
    t->job = job;
    gettimeofday(&now, NULL);
    ctime_r(&now.tv_sec, date);
    date[strcspn(date, "\n")] = 0;
    fputs("/*\n", line(t, self));
    fprintf(line(t, self), " * \"Creation Date\" \"%s\"\n", date);
    fprintf(line(t, self), " * \"Machine\" \"Console %s (PVM %s)\"\n", pvm_version(),
            pvm_version());
    fputs(" */ ;;\n", line(t, self));
    fputs("\n", line(t, self));
    for (int i = 0; pvm_config(&n, NULL, &h) >= 0 && i < n; i++) {
        FILE *f = begin(t, HOST_ADD, (unsigned)h[i].hi_tid, h[i].hi_tid);
        put_text(f, h[i].hi_name);
        put_text(f, h[i].hi_name);
        put_text(f, h[i].hi_arch);
        fprintf(f, ", %d };;\n", h[i].hi_speed);
    }
}

/* True: it has been told of before. Without memory it is told again. */
static bool remember(struct trace *t, int tid)
{
    for (int i = 0; i < t->ntids; i++)
        if (t->tids[i] == tid)
            return true;
    if (t->ntids == t->cap) {
        int cap = t->cap ? t->cap * 2 : 16;
        int *more = realloc(t->tids, (size_t)cap * sizeof *more);
        if (!more)
            return false;
        t->tids = more;
        t->cap = cap;
    }
    t->tids[t->ntids++] = tid;
    return false;
}

void trace_task(struct trace *t, int tid, const char *program)
{
    struct pvmtaskinfo *info;
    int n;
    if (remember(t, tid))
        return;
    unsigned host = 0x80000000u | (unsigned)pvm_tidtohost(tid);
    bool known = pvm_pstat(tid) == PvmOk && pvm_tasks(tid, &n, &info) >= 0 && n > 0;
    printf("[%d] libpvmtrc: Task TID=0x%x Connected to Console\n", t->job, (unsigned)tid);
    FILE *f = begin(t, NEW_TASK, host, tid);
    fprintf(f, ", %d, %d",
            program ? PvmParentNotSet
            : known ? info->ti_ptid
                    : 0,
            known ? info->ti_flag : 0);
    put_text(f, program ? program : known ? info->ti_a_out : "-");
    fputs(" };;\n", f);
    output(t, tid, "CREATION");
}

void trace_line(struct trace *t, int tid, const char *text)
{
    output(t, tid, text);
}

void trace_calls(struct trace *t)
{
    calls_take(t, &t->calls);
}

void trace_end(struct trace *t)
{
    printf("[%d] libpvmtrc: Trace File Complete\n", t->job);
    if (t->to)
        fclose(t->to);
    free(t->tids);
    free(t);
}
