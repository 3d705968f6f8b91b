/* SPDX-License-Identifier: BSD-3-Clause */
/* Traces of jobs in SDDF, as PVM's tracers read it: hosts, tasks, and their output. There are no events of
 * the calls in tasks. Each kind of record is described before the first one. */
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

static void describe_field(struct trace *t, unsigned tid, const struct field *f)
{
    fprintf(line(t, tid), "\t// \"%s\" \"%s\"\n", f->id, f->text);
    fprintf(line(t, tid), "\t%s \"%s\"%s;\n", f->is_text ? "char" : "int", f->id,
            f->is_text ? "[]" : "");
}

static void describe(struct trace *t, enum kind kind, unsigned tid)
{
    static const struct field first[] = {{"TS", "Time Seconds", false},
                                         {"TU", "Time Microseconds", false},
                                         {"TID", "Task ID", false}};
    const struct record *r = &records[kind];
    fputs("\n", line(t, tid));
    fprintf(line(t, tid), "#%d: \"%s(0)\"\n", r->number, r->name);
    fputs("{\n", line(t, tid));
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        describe_field(t, tid, &first[i]);
    for (int i = 0; i < r->nfields; i++)
        describe_field(t, tid, &r->fields[i]);
    fputs("};;\n", line(t, tid));
    fputs("\n", line(t, tid));
    t->described[kind] = true;
}

static void put_text(FILE *f, const char *text)
{
    fprintf(f, ", [%zu] { \"%s\" }", strlen(text) + 1, text);
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

void trace_task(struct trace *t, int tid, const char *program)
{
    struct pvmtaskinfo *info;
    int n;
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

void trace_end(struct trace *t)
{
    printf("[%d] libpvmtrc: Trace File Complete\n", t->job);
    if (t->to)
        fclose(t->to);
    free(t);
}
