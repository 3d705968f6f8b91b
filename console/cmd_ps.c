/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that list tasks of all hosts: ps, jobs, pstat. */
#include "cmds.h"
#include "survey.h"
#include "target.h"
#include "tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ------------------------------------------------------------------------------------- */

/* For people a task stands below its parent, moved to the right. */
static void task_row(struct out *o, const struct pxp_task_info *t, unsigned depth)
{
    char text[400];
    const char *command = tasks_command(t);
    if (!o->json && depth > 0) {
        snprintf(text, sizeof text, "%*s\\_ %s", (int)(depth < 20 ? depth : 20) * 2 - 2,
                 "", command);
        command = text;
    }
    out_row(o, (struct out_cell[]){{.number = (uint32_t)t->tid},
                                   {.number = (uint32_t)t->parent},
                                   {.number = t->job},
                                   {.number = t->rank},
                                   {.text = t->host},
                                   {.number = t->pid},
                                   {.text = target_state(t)},
                                   {.number = t->cpu_ms},
                                   {.number = t->rss_kb},
                                   {.number = t->age_ms},
                                   {.text = t->cpus},
                                   {.text = t->program},
                                   {.text = command}});
}

static void add_rows(struct out *o, const struct pxp_status_is *s, const char *order)
{
    struct tasks_view v;
    if (!tasks_arrange(&v, s, order ? order : o->json ? "tid" : "tree")) {
        o->failed = true;
        return;
    }
    for (size_t i = 0; i < v.n; i++)
        task_row(o, v.tasks[i], v.depths[i]);
    tasks_view_free(&v);
}

/* On the host of this name, or of this tid. */
static bool is_on(const struct pxp_task_info *t, const char *host)
{
    int32_t tid;
    return strcmp(t->host, host) == 0 ||
           (target_tid(host, &tid) && tid >> 18 == t->tid >> 18 && (tid & 0x3ffff) == 0);
}

/* Only those that words mean. */
static int choose(const char *host, int n, char **words, struct pxp_status_is *s)
{
    struct target only = {0};
    size_t kept = 0;
    bool known = !host;
    for (size_t i = 0; !known && i < s->n_hosts; i++)
        known = strcmp(s->hosts[i].name, host) == 0;
    if (!known)
        return cmd_fail("ps: there is no host %s in the virtual machine", host);
    int status = target_read(s, n, words, &only);
    for (size_t i = 0; !status && i < s->n_tasks; i++) {
        const struct pxp_task_info *t = &s->tasks[i];
        bool wanted = n == 0;
        for (size_t k = 0; k < only.n; k++)
            wanted = wanted || only.tids[k] == t->tid;
        if (wanted && (!host || is_on(t, host)))
            s->tasks[kept++] = *t;
    }
    s->n_tasks = kept;
    target_free(&only);
    return status;
}

static int run_ps(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct out o;
    const char *order = args_value(a, 's');
    const char *host = args_value(a, args_has(a, 'n') ? 'n' : 'h');
    bool complete = true;
    if (order && !tasks_is_order(order))
        return cmd_usage(cmd, "ps: -s %s: must be %s", order, tasks_orders);
    int status = survey_status(&c->link, true, &s, &zone, &complete) ? cmd_error() : CMD_OK;
    if (!status)
        status = choose(host, a->n, a->words, &s);
    if (!status) {
        out_begin(&o, cmd->columns, c->json);
        o.wide = args_has(a, 'l');
        add_rows(&o, &s, order);
        out_end(&o);
    }
    pxp_zone_free(&zone);
    return status ? status : complete ? CMD_OK : CMD_FAILED;
}

/* ---- jobs ------------------------------------------------------------------------------------- */

static int by_job(const void *a, const void *b)
{
    const struct pxp_task_info *p = a, *q = b;
    if (p->job != q->job)
        return p->job < q->job ? -1 : 1;
    return p->tid < q->tid ? -1 : p->tid > q->tid;
}

/* The job that begins at tasks[at]; how many tasks it has. Tasks are sorted: host by host. */
static size_t job_row(struct out *o, const struct pxp_status_is *s, size_t at)
{
    const struct pxp_task_info *t = &s->tasks[at], *first = t;
    char hosts[400] = "";
    size_t n = 0, len = 0;
    for (; at + n < s->n_tasks && t[n].job == t->job; n++) {
        if (t[n].rank < first->rank)
            first = &t[n];
        bool again = n > 0 && strcmp(t[n].host, t[n - 1].host) == 0;
        if (!again && len < sizeof hosts - 4)
            len += (size_t)snprintf(hosts + len, sizeof hosts - len, "%s%s",
                                    len ? "," : "", t[n].host);
        if (len >= sizeof hosts) {
            len = sizeof hosts - 1;
            memcpy(hosts + len - 3, "...", 3);
        }
    }
    out_row(o, (struct out_cell[]){{.number = t->job},
                                   {.number = n},
                                   {.text = hosts},
                                   {.number = (uint32_t)t->parent},
                                   {.number = first->age_ms},
                                   {.text = first->program}});
    return n;
}

static int run_jobs(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct out o;
    bool complete = true;
    (void)a;
    if (survey_status(&c->link, false, &s, &zone, &complete)) {
        pxp_zone_free(&zone);
        return cmd_error();
    }
    if (s.n_tasks)
        qsort(s.tasks, s.n_tasks, sizeof *s.tasks, by_job);
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; i < s.n_tasks;)
        i += s.tasks[i].job ? job_row(&o, &s, i) : 1; /* root tasks have none */
    out_end(&o);
    pxp_zone_free(&zone);
    return complete ? CMD_OK : CMD_FAILED;
}

/* ---- pstat ------------------------------------------------------------------------------------ */

static int run_pstat(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct target t = {0};
    struct out o;
    bool complete = true;
    int status = survey_status(&c->link, true, &s, &zone, &complete) ? cmd_error() : CMD_OK;
    if (!status)
        status = target_read(&s, a->n, a->words, &t);
    if (status) {
        pxp_zone_free(&zone);
        return status;
    }
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; i < t.n; i++) {
        const char *state = "no such task", *host = "";
        for (size_t k = 0; k < s.n_tasks; k++)
            if (s.tasks[k].tid == t.tids[i]) {
                state = target_state(&s.tasks[k]);
                host = s.tasks[k].host;
            }
        status = *host ? status : CMD_FAILED;
        out_row(&o, (struct out_cell[]){{.number = (uint32_t)t.tids[i]},
                                        {.text = state},
                                        {.text = host}});
    }
    out_end(&o);
    target_free(&t);
    pxp_zone_free(&zone);
    return complete ? status : CMD_FAILED;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column ps_columns[] = {
    {"tid", OUT_TID, "its task identifier"},
    {"parent", OUT_TID, "tid of its spawner; null: none"},
    {"job", OUT_NUMBER, "number of its job; 0: none"},
    {"rank", OUT_NUMBER, "its rank in the job"},
    {"host", OUT_TEXT, "where it runs"},
    {"pid", OUT_NUMBER | OUT_MORE, "its process there"},
    {"state", OUT_TEXT,
     "\"started\", \"enrolled\" (it has called the library), \"left\" (it will not any "
     "more), \"stopped\" (by a signal or a rule) or \"ended\""},
    {"cpu_ms", OUT_MS, "processor time that it has used"},
    {"memory_kb", OUT_KB, "memory that it has resident"},
    {"age_ms", OUT_MS, "how long it has run"},
    {"cpus", OUT_TEXT | OUT_MORE, "processors that it is bound to; empty: not bound"},
    {"program", OUT_TEXT | OUT_MORE, "what was started"},
    {"command", OUT_TEXT | OUT_CUT, "what runs now, with its arguments"},
    {0},
};

static const struct out_column jobs_columns[] = {
    {"job", OUT_NUMBER, "its number"},
    {"tasks", OUT_NUMBER, "tasks of it that run"},
    {"hosts", OUT_TEXT, "where they run, with commas between"},
    {"parent", OUT_TID, "tid of its spawner; null: mpiexec or the console"},
    {"age_ms", OUT_MS, "how long it has run"},
    {"program", OUT_TEXT, "what its first task runs"},
    {0},
};

static const struct out_column pstat_columns[] = {
    {"tid", OUT_TID, "as it was named"},
    {"state", OUT_TEXT, "as in ps, or \"no such task\""},
    {"host", OUT_TEXT, "where it runs"},
    {0},
};

const struct cmd cmd_ps = {
    "ps",
    "[-alx] [-h HOST | -n HOST] [-s tree|tid|cpu|memory|age|host|job|program] [TASK...]",
    "list tasks of all hosts",
    "Tasks stand below those that have spawned them; -s sorts instead. -h, -n: of one "
    "host, "
    "by its name or tid. "
    "-l: more of each, and whole commands, which a terminal shows as far as there is "
    "room. -a and -x of PVM are accepted: all is listed anyway. TASK is t40002, "
    "job:3, host:alpha, name:REGEX, parent:t40001 or state:enrolled.",
    "alxs:h:n:",
    0,
    CMD_MANY,
    CMD_VM,
    WORDS_TASK | WORDS_JOB | WORDS_HOST,
    ps_columns,
    run_ps};
const struct cmd cmd_jobs = {"jobs",
                             "[-l]",
                             "list jobs: tasks that were started together",
                             "",
                             "l",
                             0,
                             0,
                             CMD_VM,
                             WORDS_NOTHING,
                             jobs_columns,
                             run_jobs};
const struct cmd cmd_pstat = {"pstat",
                              "TASK...",
                              "tell the state of tasks",
                              "The exit status is 0 when all are there.",
                              "",
                              1,
                              CMD_MANY,
                              CMD_VM,
                              WORDS_TASK | WORDS_JOB | WORDS_HOST,
                              pstat_columns,
                              run_pstat};
