/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that list: conf, hosts, id, jobs, names, ports, ps. */
#include "cmds.h"
#include "target.h"

#include "proto/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- hosts ------------------------------------------------------------------------------------ */

static const char *host_state(uint32_t state)
{
    return state == 1 ? "up" : "down";
}

static int run_conf(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct out o;
    (void)a;
    int status = link_status(&c->link, false, &s, &zone) ? cmd_error() : CMD_OK;
    if (status == CMD_OK) {
        if (!c->json)
            printf("%zu host%s, 1 data format\n", s.n_hosts, s.n_hosts == 1 ? "" : "s");
        out_begin(&o, cmd->columns, c->json);
        for (size_t i = 0; i < s.n_hosts; i++) {
            const struct pxp_host_info *h = &s.hosts[i];
            out_row(&o, (struct out_cell[]){{.text = h->name},
                                            {.number = (uint32_t)h->tid},
                                            {.text = h->arch},
                                            {.number = h->slots}});
        }
        out_end(&o);
    }
    pxp_zone_free(&zone);
    return status;
}

static int run_hosts(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct out o;
    (void)a;
    int status = link_status(&c->link, false, &s, &zone) ? cmd_error() : CMD_OK;
    if (status == CMD_OK) {
        out_begin(&o, cmd->columns, c->json);
        for (size_t i = 0; i < s.n_hosts; i++) {
            const struct pxp_host_info *h = &s.hosts[i];
            out_row(&o, (struct out_cell[]){{.text = h->name},
                                            {.text = host_state(h->state)},
                                            {.number = h->slots},
                                            {.number = h->tasks},
                                            {.number = h->load},
                                            {.number = h->memory_kb},
                                            {.number = h->memory_free_kb},
                                            {.number = h->since_ms},
                                            {.text = h->arch},
                                            {.text = h->release},
                                            {.number = h->pid}});
        }
        out_end(&o);
    }
    pxp_zone_free(&zone);
    return status;
}

/* ---- tasks ------------------------------------------------------------------------------------ */

static const char *task_state(uint32_t state)
{
    switch (state) {
    case PX_SLOT_BORN:
        return "started";
    case PX_SLOT_LIVE:
        return "enrolled";
    case PX_SLOT_LEFT:
        return "left";
    default:
        return "ended";
    }
}

static int by_tid(const void *a, const void *b)
{
    const struct pxp_task_info *const *p = a, *const *q = b;
    return (*p)->tid < (*q)->tid ? -1 : (*p)->tid > (*q)->tid;
}

static int by_cpu(const void *a, const void *b)
{
    const struct pxp_task_info *const *p = a, *const *q = b;
    return (*p)->cpu_ms > (*q)->cpu_ms ? -1 : (*p)->cpu_ms < (*q)->cpu_ms;
}

static int by_memory(const void *a, const void *b)
{
    const struct pxp_task_info *const *p = a, *const *q = b;
    return (*p)->rss_kb > (*q)->rss_kb ? -1 : (*p)->rss_kb < (*q)->rss_kb;
}

static void task_row(struct out *o, const struct pxp_task_info *t)
{
    out_row(o, (struct out_cell[]){{.number = (uint32_t)t->tid},
                                   {.number = (uint32_t)t->parent},
                                   {.number = t->job},
                                   {.number = t->rank},
                                   {.text = t->host},
                                   {.number = t->pid},
                                   {.text = task_state(t->state)},
                                   {.number = t->cpu_ms},
                                   {.number = t->rss_kb},
                                   {.number = t->age_ms},
                                   {.text = t->cpus},
                                   {.text = t->program}});
}

static int list_tasks(struct console *c, const struct cmd *cmd, const struct args *a,
                      const struct pxp_status_is *s)
{
    struct target only = {0};
    const char *order = args_value(a, 's');
    int (*compare)(const void *, const void *) = by_tid;
    if (order && strcmp(order, "cpu") == 0)
        compare = by_cpu;
    else if (order && strcmp(order, "memory") == 0)
        compare = by_memory;
    else if (order && strcmp(order, "tid") != 0)
        return cmd_usage(cmd, "ps: -s %s: must be tid, cpu or memory", order);
    int status = target_read(s, a->n, a->words, &only);
    const struct pxp_task_info **tasks = malloc((s->n_tasks + 1) * sizeof *tasks);
    struct out o;
    if (status || !tasks) {
        target_free(&only);
        free(tasks);
        return status ? status : cmd_fail("out of memory");
    }
    for (size_t i = 0; i < s->n_tasks; i++)
        tasks[i] = &s->tasks[i];
    qsort(tasks, s->n_tasks, sizeof *tasks, compare);
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; i < s->n_tasks; i++) {
        bool wanted = a->n == 0;
        for (size_t k = 0; k < only.n; k++)
            wanted = wanted || only.tids[k] == tasks[i]->tid;
        if (wanted)
            task_row(&o, tasks[i]);
    }
    out_end(&o);
    target_free(&only);
    free(tasks);
    return CMD_OK;
}

static int run_ps(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    int status = link_status(&c->link, true, &s, &zone) ? cmd_error() : CMD_OK;
    if (status == CMD_OK)
        status = list_tasks(c, cmd, a, &s);
    pxp_zone_free(&zone);
    return status;
}

/* ---- jobs ------------------------------------------------------------------------------------- */

static int run_jobs(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct out o;
    (void)a;
    if (link_status(&c->link, false, &s, &zone))
        return cmd_error();
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; i < s.n_tasks; i++) {
        const struct pxp_task_info *t = &s.tasks[i];
        uint64_t n = 0, before = 0;
        for (size_t k = 0; k < s.n_tasks; k++) {
            n += s.tasks[k].job == t->job;
            before += k < i && s.tasks[k].job == t->job;
        }
        if (t->job && !before)
            out_row(&o, (struct out_cell[]){{.number = t->job},
                                            {.number = n},
                                            {.number = (uint32_t)t->parent},
                                            {.number = t->age_ms},
                                            {.text = t->program}});
    }
    out_end(&o);
    pxp_zone_free(&zone);
    return CMD_OK;
}

/* ---- names and ports -------------------------------------------------------------------------- */

static pvmx_err ask_catalog(struct link *l, struct pxp_catalog_is *out, struct pxp_zone *zone)
{
    struct pxp_catalog m = {.unused = 0};
    uint32_t serial = pxp_client_serial(&l->client);
    uint8_t *body = NULL;
    size_t len;
    pvmx_err err = pxp_catalog_encode(&l->client.out, serial, &m);
    if (!err)
        err = link_send(l, NULL, 0);
    if (!err)
        err = link_answer(l, serial, PXP_CATALOG_IS, &body, &len);
    if (!err)
        err = pxp_catalog_is_decode(body, len, out, zone);
    free(body);
    return err;
}

static int run_catalog(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_catalog_is m;
    struct pxp_zone zone = {0};
    struct out o;
    (void)a;
    if (ask_catalog(&c->link, &m, &zone)) {
        pxp_zone_free(&zone);
        return cmd_error();
    }
    out_begin(&o, cmd->columns, c->json);
    for (size_t i = 0; cmd == &cmd_names && i < m.n_names; i++)
        out_row(&o, (struct out_cell[]){{.text = m.names[i].name},
                                        {.number = (uint32_t)m.names[i].owner},
                                        {.text = m.names[i].port}});
    for (size_t i = 0; cmd == &cmd_ports && i < m.n_ports; i++)
        out_row(&o, (struct out_cell[]){{.text = m.ports[i].port},
                                        {.number = (uint32_t)m.ports[i].owner},
                                        {.number = m.ports[i].accepts},
                                        {.number = m.ports[i].connects}});
    out_end(&o);
    pxp_zone_free(&zone);
    return CMD_OK;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column conf_columns[] = {
    {"host", OUT_TEXT, "its name"},
    {"dtid", OUT_TID, "tid of its daemon"},
    {"arch", OUT_TEXT, "its processors' architecture"},
    {"slots", OUT_NUMBER, "tasks that it takes without oversubscription"},
    {0},
};

static const struct out_column hosts_columns[] = {
    {"host", OUT_TEXT, "its name"},
    {"state", OUT_TEXT, "\"up\" or \"down\""},
    {"slots", OUT_NUMBER, "tasks that it takes without oversubscription"},
    {"tasks", OUT_NUMBER, "tasks that run there"},
    {"load", OUT_CENTS, "runnable processes, mean of the last minute"},
    {"memory_kb", OUT_KB, "memory that it has"},
    {"free_kb", OUT_KB, "memory that is available"},
    {"since_ms", OUT_MS, "how long it has belonged to the VM"},
    {"arch", OUT_TEXT, "its processors' architecture"},
    {"release", OUT_TEXT, "version of its daemon"},
    {"pid", OUT_NUMBER, "process of its daemon"},
    {0},
};

static const struct out_column ps_columns[] = {
    {"tid", OUT_TID, "its task identifier"},
    {"parent", OUT_TID, "tid of its spawner; null: none"},
    {"job", OUT_NUMBER, "number of its job; 0: none"},
    {"rank", OUT_NUMBER, "its rank in the job"},
    {"host", OUT_TEXT, "where it runs"},
    {"pid", OUT_NUMBER, "its process there"},
    {"state", OUT_TEXT,
     "\"started\", \"enrolled\" (it has called the library), \"left\" (it will not any "
     "more) or "
     "\"ended\""},
    {"cpu_ms", OUT_MS, "processor time that it has used"},
    {"memory_kb", OUT_KB, "memory that it has resident"},
    {"age_ms", OUT_MS, "how long it has run"},
    {"cpus", OUT_TEXT, "processors that it is bound to; empty: not bound"},
    {"program", OUT_TEXT, "what runs"},
    {0},
};

static const struct out_column jobs_columns[] = {
    {"job", OUT_NUMBER, "its number"},
    {"tasks", OUT_NUMBER, "tasks of it that run"},
    {"parent", OUT_TID, "tid of its spawner; null: mpiexec or the console"},
    {"age_ms", OUT_MS, "how long it has run"},
    {"program", OUT_TEXT, "what its first task runs"},
    {0},
};

static const struct out_column names_columns[] = {
    {"name", OUT_TEXT, "as it was published"},
    {"owner", OUT_TID, "task that has published it"},
    {"port", OUT_TEXT, "what it stands for"},
    {0},
};

static const struct out_column ports_columns[] = {
    {"port", OUT_TEXT, "its name"},
    {"owner", OUT_TID, "task that has opened it"},
    {"accepting", OUT_NUMBER, "how many wait there to accept"},
    {"connecting", OUT_NUMBER, "how many wait there to connect"},
    {0},
};

const struct cmd cmd_conf = {"conf",
                             "",
                             "list the hosts of the virtual machine",
                             "",
                             "",
                             0,
                             0,
                             CMD_VM,
                             WORDS_NOTHING,
                             conf_columns,
                             run_conf};
const struct cmd cmd_hosts = {"hosts",
                              "",
                              "list the hosts with load and memory",
                              "",
                              "",
                              0,
                              0,
                              CMD_VM,
                              WORDS_NOTHING,
                              hosts_columns,
                              run_hosts};
const struct cmd cmd_ps = {
    "ps",
    "[-alx] [-s tid|cpu|memory] [TASK...]",
    "list tasks",
    "-s sorts. -a, -l and -x of PVM are accepted: all is listed anyway.",
    "alxs:",
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
const struct cmd cmd_names = {"names",
                              "",
                              "list published names",
                              "",
                              "",
                              0,
                              0,
                              CMD_VM,
                              WORDS_NOTHING,
                              names_columns,
                              run_catalog};
const struct cmd cmd_ports = {
    "ports",       "",         "list open ports", "", "", 0, 0, CMD_VM, WORDS_NOTHING,
    ports_columns, run_catalog};
