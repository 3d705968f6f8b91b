/* SPDX-License-Identifier: BSD-3-Clause */
/* The command limit: rules for runaway tasks. */
#include "cmds.h"
#include "survey.h"
#include "target.h"

#include "base/err.h"
#include "proto/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const actions[] = {"", "report", "stop", "kill", "refuse"};

enum { NACTIONS = sizeof actions / sizeof *actions };

/* What people see of rules, and of tasks. */
static const struct out_column rule_columns[] = {
    {"rule", OUT_NUMBER, ""}, {"action", OUT_TEXT, ""},     {"job", OUT_NUMBER, ""},
    {"hits", OUT_NUMBER, ""}, {"expression", OUT_TEXT, ""}, {0},
};
static const struct out_column hit_columns[] = {
    {"tid", OUT_TID, ""},
    {"job", OUT_NUMBER, ""},
    {"host", OUT_TEXT, ""},
    {"pid", OUT_NUMBER, ""},
    {"program", OUT_TEXT, ""},
    {"values", OUT_TEXT, ""},
    {0},
};

static void begin(struct console *c, const struct cmd *cmd, struct out *o,
                  const struct out_column *columns)
{
    out_begin(o, c->json ? cmd->columns : columns, c->json);
}

static void rule_row(struct out *o, const struct pxp_limit_rule *r)
{
    const struct out_cell number = {.number = r->number},
                          action = {.text = r->action < NACTIONS ? actions[r->action] : "?"},
                          job = {.number = r->job}, hits = {.number = r->hits},
                          expr = {.text = r->expr}, no_text = {.text = ""},
                          none = {.number = 0};
    if (o->json)
        out_row(o, (struct out_cell[]){number, action, job, hits, expr, none, no_text,
                                       none, no_text, no_text});
    else
        out_row(o, (struct out_cell[]){number, action, job, hits, expr});
}

static void hit_row(struct out *o, const char *expr, const struct pxp_limit_hit *h)
{
    const struct out_cell tid = {.number = (uint32_t)h->tid}, job = {.number = h->job},
                          host = {.text = h->host}, pid = {.number = h->pid},
                          program = {.text = h->program}, values = {.text = h->text},
                          none = {.number = 0};
    if (o->json)
        out_row(o,
                (struct out_cell[]){
                    none, {.text = ""}, job, none, {.text = expr}, tid, host, pid, program, values});
    else
        out_row(o, (struct out_cell[]){tid, job, host, pid, program, values});
}

/* ---- rules ------------------------------------------------------------------------------------ */

/* Rules of all hosts, with what they have done everywhere. */
struct rules {
    struct pxp_limit_rule *all;
    size_t n, cap;
    struct pxp_zone zone;
};

static bool same(const struct pxp_limit_rule *a, const struct pxp_limit_rule *b)
{
    return a->number == b->number && (a->number != 0 || a->job == b->job);
}

static pvmx_err take_rules(void *arg, const uint8_t *body, size_t len)
{
    struct rules *r = arg;
    struct pxp_limits_are m;
    pvmx_err err = pxp_limits_are_decode(body, len, &m, &r->zone);
    for (size_t i = 0; !err && i < m.n_rules; i++) {
        size_t k = 0;
        while (k < r->n && !same(&r->all[k], &m.rules[i]))
            k++;
        if (k < r->n) {
            r->all[k].hits += m.rules[i].hits;
            continue;
        }
        if (r->n == r->cap) {
            size_t cap = r->cap ? r->cap * 2 : 16;
            struct pxp_limit_rule *grown = realloc(r->all, cap * sizeof *grown);
            if (!grown)
                return px_fail(PVMX_ERR_NOMEM, "out of memory");
            r->all = grown;
            r->cap = cap;
        }
        r->all[r->n++] = m.rules[i];
    }
    return err;
}

static int list(struct console *c, const struct cmd *cmd)
{
    struct survey s;
    struct px_buf frame = {0};
    struct rules r = {.n = 0};
    struct pxp_limits m = {.unused = 0};
    struct out o;
    bool complete = true;
    pvmx_err err = survey_begin(&s, &c->link, PXP_LIMITS_ARE);
    if (!err)
        err = pxp_limits_encode(&frame, s.serial, &m);
    err = survey_run(&s, err, &frame, take_rules, &r, &complete);
    if (!err) {
        begin(c, cmd, &o, rule_columns);
        for (size_t i = 0; i < r.n; i++)
            rule_row(&o, &r.all[i]);
        out_end(&o);
    }
    pxp_zone_free(&r.zone);
    free(r.all);
    return err ? cmd_error() : complete ? CMD_OK : CMD_FAILED;
}

/* -j: the job, and how long it has run. */
static int read_job(struct console *c, const char *word, struct pxp_limit_rule *rule)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    bool found = false;
    if (!target_job(word, &rule->job))
        return cmd_fail("limit: -j %s is no job (jobs lists them)", word);
    if (survey_status(&c->link, false, &s, &zone, NULL)) {
        pxp_zone_free(&zone);
        return cmd_error();
    }
    for (size_t i = 0; i < s.n_tasks; i++)
        if (s.tasks[i].job == rule->job) {
            found = true;
            if (s.tasks[i].age_ms > rule->age_ms)
                rule->age_ms = s.tasks[i].age_ms;
        }
    pxp_zone_free(&zone);
    return found ? CMD_OK : cmd_fail("limit: no task of job %u is running", rule->job);
}

static int add(struct console *c, const struct cmd *cmd, const struct pxp_limit_rule *rule)
{
    struct pxp_limit_add m = {.rule = *rule};
    struct pxp_limits_are are;
    struct pxp_zone zone = {0};
    struct out o;
    uint8_t *body = NULL;
    size_t len;
    uint32_t serial = pxp_client_serial(&c->link.client);
    pvmx_err err = pxp_limit_add_encode(&c->link.client.out, serial, &m);
    if (!err)
        err = link_ask(&c->link, serial, PXP_LIMITS_ARE, &body, &len);
    if (!err)
        err = pxp_limits_are_decode(body, len, &are, &zone);
    if (!err) {
        begin(c, cmd, &o, rule_columns);
        for (size_t i = 0; i < are.n_rules; i++)
            rule_row(&o, &are.rules[i]);
        out_end(&o);
    }
    pxp_zone_free(&zone);
    free(body);
    return err ? cmd_error() : CMD_OK;
}

static int del(struct console *c, const struct cmd *cmd, int n, char **words)
{
    for (int i = 0; i < n; i++) {
        char *end;
        unsigned long number = strtoul(words[i], &end, 10);
        struct pxp_limit_del m = {.number = (uint32_t)number};
        uint32_t serial = pxp_client_serial(&c->link.client), count;
        if (*end || end == words[i] || number == 0 || number > UINT32_MAX)
            return cmd_fail("limit del: \"%s\" is no number of a rule (limit list)",
                            words[i]);
        pvmx_err err = pxp_limit_del_encode(&c->link.client.out, serial, &m);
        if (!err)
            err = link_done(&c->link, serial, &count);
        if (err)
            return cmd_error();
    }
    return c->json ? list(c, cmd) : CMD_OK;
}

/* ---- test ------------------------------------------------------------------------------------- */

/* What hosts answer, put together. */
struct hits {
    struct pxp_limit_hits all;
    struct pxp_zone zone;
};

static pvmx_err take_hits(void *arg, const uint8_t *body, size_t len)
{
    struct hits *h = arg;
    struct pxp_limit_hits *all = &h->all, one;
    pvmx_err err = pxp_limit_hits_decode(body, len, &one, &h->zone);
    if (err)
        return err;
    size_t nhits = all->n_hits + one.n_hits, nsums = all->n_sums + one.n_sums;
    struct pxp_limit_hit *hits = pxp_zone_alloc(&h->zone, (nhits + 1) * sizeof *hits);
    struct pxp_job_sum *sums = pxp_zone_alloc(&h->zone, (nsums + 1) * sizeof *sums);
    if (!hits || !sums)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < nhits; i++)
        hits[i] = i < all->n_hits ? all->hits[i] : one.hits[i - all->n_hits];
    for (size_t i = 0; i < nsums; i++)
        sums[i] = i < all->n_sums ? all->sums[i] : one.sums[i - all->n_sums];
    *all =
        (struct pxp_limit_hits){.hits = hits, .n_hits = nhits, .sums = sums, .n_sums = nsums};
    return PVMX_OK;
}

static int ask_test(struct console *c, const struct pxp_limit_test *m, struct hits *h)
{
    struct survey s;
    struct px_buf frame = {0};
    bool complete = true;
    h->all = (struct pxp_limit_hits){.n_hits = 0};
    pvmx_err err = survey_begin(&s, &c->link, PXP_LIMIT_HITS);
    if (!err)
        err = pxp_limit_test_encode(&frame, s.serial, m);
    err = survey_run(&s, err, &frame, take_hits, h, &complete);
    return err ? cmd_error() : complete ? CMD_OK : CMD_FAILED;
}

static int by_tid(const void *a, const void *b)
{
    const struct pxp_limit_hit *p = a, *q = b;
    return p->tid < q->tid ? -1 : p->tid > q->tid;
}

/* app: what a rule that refuses would be asked for; NULL: the rule is about tasks that there are. */
static int test(struct console *c, const struct cmd *cmd,
                const struct pxp_limit_rule *rule, struct pxp_app *app)
{
    struct pxp_limit_test m = {.rule = *rule, .apps = app, .n_apps = app != NULL};
    struct hits h = {.all.n_hits = 0};
    struct out o;
    int status = ask_test(c, &m, &h);
    if (!status && h.all.n_sums) { /* sums over all hosts are known only now */
        m.sums = h.all.sums;
        m.n_sums = h.all.n_sums;
        status = ask_test(c, &m, &h);
    }
    if (h.all.n_hits || !status) {
        if (h.all.n_hits)
            qsort(h.all.hits, h.all.n_hits, sizeof *h.all.hits, by_tid);
        begin(c, cmd, &o, hit_columns);
        for (size_t i = 0; i < h.all.n_hits; i++)
            hit_row(&o, rule->expr, &h.all.hits[i]);
        out_end(&o);
    }
    pxp_zone_free(&h.zone);
    return status;
}

/* ---- the command ------------------------------------------------------------------------------ */

/* The options may stand behind the first word too, or at the end. */
static void read_late_options(struct console *c, struct args *a)
{
    if (a->n > 1 && strcmp(a->words[a->n - 1], "--json") == 0) {
        c->json = true;
        a->n--;
    }
    if (a->n > 2 && strcmp(a->words[1], "-j") == 0) {
        a->values['j' - 'a'] = a->words[2];
        a->words[2] = a->words[0];
        a->words += 2;
        a->n -= 2;
    }
    if (a->n > 4 && strcmp(a->words[0], "add") == 0 && strcmp(a->words[a->n - 2], "-j") == 0) {
        a->values['j' - 'a'] = a->words[a->n - 1];
        a->n -= 2;
    }
}

/* -n */
static int read_count(const char *word, uint32_t *count)
{
    char *end;
    unsigned long n = word ? strtoul(word, &end, 10) : 1;
    if (word && (*word < '0' || *word > '9' || *end || n == 0 || n > UINT32_MAX - 1))
        return cmd_fail("limit: -n %s is no number of tasks", word);
    *count = (uint32_t)n;
    return CMD_OK;
}

/* An expression may be several words: words 1 to end. NULL: no memory. */
static char *join_expression(const struct args *a, int end)
{
    size_t len = 1;
    for (int i = 1; i < end; i++)
        len += strlen(a->words[i]) + 1;
    char *text = malloc(len), *at = text;
    for (int i = 1; text && i < end; i++) {
        at = stpcpy(at, i > 1 ? " " : "");
        at = stpcpy(at, a->words[i]);
    }
    if (text)
        *at = '\0';
    return text;
}

/* Which word behind the first of the expression is "refuse"; a->n: none. */
static int find_refuse(const struct args *a)
{
    int at = 2;
    while (at < a->n && strcmp(a->words[at], actions[PXP_LIMIT_REFUSE]) != 0)
        at++;
    return at < a->n ? at : a->n;
}

/* test EXPR refuse PROGRAM [ARG...]; at: of refuse */
static int test_refuse(struct console *c, const struct cmd *cmd, struct args *a, int at,
                       struct pxp_limit_rule *rule)
{
    struct pxp_app app = {.command = a->words[at + 1],
                          .args = (const char **)a->words + at + 2,
                          .n_args = (size_t)(a->n - at - 2),
                          .wdir = "",
                          .path = "",
                          .place = "",
                          .where = ""};
    int status = read_count(args_value(a, 'n'), &app.count);
    rule->action = PXP_LIMIT_REFUSE;
    return status ? status : test(c, cmd, rule, &app);
}

static uint32_t read_action(const char *word)
{
    for (uint32_t i = 1; i < NACTIONS; i++)
        if (strcmp(word, actions[i]) == 0)
            return i;
    return 0;
}

/* add EXPR ACTION, test EXPR [refuse PROGRAM [ARG...]] */
static int add_or_test(struct console *c, const struct cmd *cmd, struct args *a, bool adds)
{
    const char *job = args_value(a, 'j');
    int at = adds ? a->n - 1 : find_refuse(a);
    struct pxp_limit_rule rule = {.action = adds ? read_action(a->words[at]) : 0};
    if (adds && !rule.action)
        return cmd_usage(cmd, "limit: \"%s\" is not report, stop, kill or refuse",
                         a->words[at]);
    if (!adds && at == a->n - 1)
        return cmd_usage(cmd, "limit test: refuse what? A program must follow");
    if (args_has(a, 'n') && (adds || at == a->n))
        return cmd_usage(cmd, "limit: -n goes with test EXPR refuse PROGRAM only");
    int status = job ? read_job(c, job, &rule) : CMD_OK;
    char *expr = status ? NULL : join_expression(a, at);
    if (status)
        return status;
    if (!expr)
        return cmd_fail("out of memory");
    rule.expr = expr;
    status = adds        ? add(c, cmd, &rule)
             : at < a->n ? test_refuse(c, cmd, a, at, &rule)
                         : test(c, cmd, &rule, NULL);
    free(expr);
    return status;
}

static int run_limit(struct console *c, const struct cmd *cmd, struct args *a)
{
    read_late_options(c, a);
    const char *what = a->words[0];
    bool adds = strcmp(what, "add") == 0, tests = strcmp(what, "test") == 0;
    if (!adds && !tests && (args_has(a, 'j') || args_has(a, 'n')))
        return cmd_usage(cmd, "limit: -j goes with add and test only, -n with test");
    if (strcmp(what, "list") == 0 && a->n == 1)
        return list(c, cmd);
    if (strcmp(what, "del") == 0 && a->n > 1)
        return del(c, cmd, a->n - 1, a->words + 1);
    if ((adds && a->n > 2) || (tests && a->n > 1))
        return add_or_test(c, cmd, a, adds);
    return cmd_usage(
        cmd, "limit: must be add EXPR ACTION, list, del NUMBER, test EXPR or test "
             "EXPR refuse PROGRAM");
}

static const struct out_column limit_columns[] = {
    {"rule", OUT_NUMBER, "its number; 0: a job's own, from mpiexec -timeout; test: 0"},
    {"action", OUT_TEXT, "\"report\", \"stop\", \"kill\" or \"refuse\""},
    {"job", OUT_NUMBER, "the job that it is about, 0: all; test: the task's"},
    {"hits", OUT_NUMBER, "how often it was applied, on all hosts"},
    {"expression", OUT_TEXT, "when it is applied"},
    {"tid", OUT_TID,
     "test: a task that it would be applied to; else null, as what follows is empty, but "
     "for "
     "what it would refuse"},
    {"host", OUT_TEXT, "where it runs"},
    {"pid", OUT_NUMBER, "its process there"},
    {"program", OUT_TEXT, "what it runs"},
    {"values", OUT_TEXT, "by which the expression holds"},
    {0},
};

const struct cmd cmd_limit = {
    "limit",
    "[-j JOB] [-n COUNT] add EXPR report|stop|kill|refuse | list | del NUMBER... | "
    "test EXPR [refuse PROGRAM [ARG...]]",
    "rules for runaway tasks: report, stop or kill those for which an expression holds, "
    "or "
    "refuse to spawn them",
    "Rules hold on all hosts, also on those that come later, and for tasks whose spawner "
    "has ended. With -j "
    "a rule is about that job and all that it has spawned or will spawn. test lists the "
    "tasks that a rule would be applied "
    "to, and does nothing. "
    "An expression compares name, command or host with a text (= != \"text\") or a "
    "regular expression (=~ !~ "
    "/re/), and with numbers (< <= > >= = !=): cpu and elapsed (seconds, or with ms s m "
    "h d), memory (bytes, "
    "or with k M G T), job; job.cpu, job.elapsed, job.memory and job.tasks of the task's "
    "job (with -j: of that job and all "
    "that it has spawned); vm.cpu, vm.elapsed, vm.memory and vm.tasks of all tasks. "
    "Comparisons are "
    "joined by and, or, not and parentheses: 'name =~ /worker/ and (cpu > 600 or elapsed "
    "> 1.5h)'. What a task's process "
    "group uses counts as the task's. "
    "kill is SIGTERM, then SIGKILL after PVMX_DAEMON_GRACE; stop is SIGSTOP (sig CONT "
    "TASK continues it). A rule is "
    "applied to a task once, and again only after it has not held meanwhile. "
    "refuse is applied to spawn requests instead: none of the request's tasks is started "
    "and its spawner gets an "
    "error with the rule's text. Such a rule knows name, command and host of what would "
    "be "
    "spawned, vm.* and, with "
    "-j, job.*; job.tasks and vm.tasks count the new ones, without -j job.tasks is the "
    "request's number: 'vm.tasks > 200', 'name = \"solver\" and job.tasks > 16'. test "
    "EXPR "
    "refuse PROGRAM shows on which hosts "
    "COUNT (-n, 1) tasks of a program would be refused. "
    "What was "
    "done is told by events and in "
    "the daemon's log. Tasks are looked at every PVMX_DAEMON_LIMIT_LOOK (1 s).",
    "j:n:",
    1,
    CMD_MANY,
    CMD_VM,
    WORDS_LIMIT,
    limit_columns,
    run_limit};
