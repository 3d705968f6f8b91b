/* SPDX-License-Identifier: BSD-3-Clause */
/* Applying rules to the tasks of this host.
 *
 * One timer, which runs only while there is a rule. A look at rules that ask for cpu or memory reads one
 * file for each process of the host (3 us): what a task's process group uses counts, so that a script does
 * not hide what it runs. It comes every PVMX_DAEMON_LIMIT_LOOK, and more seldom when it would take more than
 * a hundredth of a processor. Rules that ask for elapsed time only read nothing, and are looked at when one
 * of their times has come. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf.h"
#include "events.h"
#include "limit.h"
#include "look.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include "usage.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHARE 100 /* part of a processor that looking may take */
#define SHORTEST (10 * PX_MS)

enum { TEXT_SIZE = RULE_TEXT_MAX + 400 };

/* ---- measuring -------------------------------------------------------------------------------- */

static void add_usage(void *arg, const struct usage *u)
{
    const struct px_map *by_pid = arg;
    struct task *t = px_map_get(by_pid, (uint64_t)u->group);
    if (t == NULL || t->job == NULL) /* a root task's group is its shell's affair */
        t = px_map_get(by_pid, (uint64_t)u->pid);
    if (t == NULL)
        return;
    t->cpu_ms += u->cpu_ms;
    t->memory += u->memory;
}

static bool measure(struct server *sv)
{
    struct px_map by_pid = {0};
    bool ok = true;
    px_list_foreach(it, &sv->all_tasks) {
        struct task *t = px_container_of(it, struct task, all);
        t->cpu_ms = t->memory = 0;
        if (t->pid != 0)
            ok = ok && px_map_put(&by_pid, (uint64_t)t->pid, t) == PVMX_OK;
    }
    if (ok)
        usage_all(add_usage, &by_pid);
    px_map_free(&by_pid);
    return ok;
}

static uint64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * PX_SEC + (uint64_t)t.tv_nsec;
}

bool look_begin(struct look *k)
{
    k->now = px_now_ns();
    k->cpu = cpu_now();
    k->soonest_ms = UINT64_MAX;
    k->sums.zone = &k->zone;
    k->sv->limits.looks++;
    if ((k->uses & RULE_USES_USAGE) != 0 && !measure(k->sv))
        return false;
    if ((k->uses & RULE_USES_SUMS) == 0)
        return true;
    if (!sums_take(k->sv, &k->sums))
        return false;
    k->vm = sums_vm(k->sv, &k->sums);
    return true;
}

/* ---- what an expression sees of a task -------------------------------------------------------- */

const char *look_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

uint64_t look_age_ms(const struct look *k, uint64_t since)
{
    return k->now > since ? (k->now - since) / PX_MS : 0;
}

const struct sum *look_sum(struct look *k, struct limit *l, uint32_t job)
{
    if ((k->uses & RULE_USES_SUMS) == 0)
        return &k->job; /* zero */
    if (l->job != 0 && l->looked != k->sv->limits.looks)
        l->family = sums_job(k->sv, &k->sums, l->job, true);
    l->looked = k->sv->limits.looks;
    if (l->job != 0)
        return &l->family;
    if (!k->job_known || k->job_id != job)
        k->job = sums_job(k->sv, &k->sums, job, false);
    k->job_known = true;
    k->job_id = job;
    return &k->job;
}

void look_see_vm(const struct look *k, struct rule_subject *s)
{
    s->numbers[RULE_VM_CPU] = k->vm.cpu_ms;
    s->numbers[RULE_VM_ELAPSED] = sums_vm_age(k->sv);
    s->numbers[RULE_VM_MEMORY] = k->vm.memory;
    s->numbers[RULE_VM_TASKS] = k->vm.tasks;
}

static void see_job(struct look *k, struct limit *l, const struct job *j,
                    struct rule_subject *s)
{
    const struct sum *sum = look_sum(k, l, j != NULL ? j->id : 0);
    uint64_t since = l->job != 0 ? l->began : j != NULL ? j->born : k->now;
    l->looked = k->sv->limits.looks;
    s->texts[RULE_HOST] = k->sv->host;
    s->numbers[RULE_JOB] = j != NULL ? j->id : 0;
    s->numbers[RULE_JOB_CPU] = sum->cpu_ms;
    s->numbers[RULE_JOB_ELAPSED] = look_age_ms(k, since);
    s->numbers[RULE_JOB_MEMORY] = sum->memory;
    s->numbers[RULE_JOB_TASKS] = sum->tasks;
    look_see_vm(k, s);
}

static void see_task(struct look *k, struct limit *l, const struct task *t,
                     struct rule_subject *s)
{
    *s = (struct rule_subject){
        .texts = {[RULE_NAME] = look_name(task_program(t)), [RULE_COMMAND] = ""}};
    if ((rule_uses(l->rule) & RULE_USES_COMMAND) != 0)
        s->texts[RULE_COMMAND] = usage_command(t->pid, &k->zone);
    see_job(k, l, t->job, s);
    s->numbers[RULE_CPU] = t->cpu_ms;
    s->numbers[RULE_ELAPSED] = look_age_ms(k, t->born);
    s->numbers[RULE_MEMORY] = t->memory;
}

static bool in_family(const struct limit *l, const struct job *j)
{
    if (l->job == 0)
        return true;
    for (uint32_t i = 0; j != NULL && i < j->nline; i++)
        if (j->line[i] == l->job)
            return true;
    return j != NULL && j->id == l->job;
}

static bool hits(struct look *k, struct limit *l, const struct task *t,
                 struct rule_subject *s)
{
    if (l->action == PXP_LIMIT_REFUSE || t->silent || !in_family(l, t->job))
        return false;
    see_task(k, l, t, s);
    return rule_holds(l->rule, s, &k->soonest_ms);
}

/* ---- what is done ----------------------------------------------------------------------------- */

static const char *action_name(uint32_t action)
{
    return action == PXP_LIMIT_KILL   ? "kill"
           : action == PXP_LIMIT_STOP ? "stop"
                                      : "report";
}

static void act(struct look *k, struct limit *l, struct task *t, const struct rule_subject *s)
{
    char values[200], text[TEXT_SIZE], who[40];
    snprintf(who, sizeof who, l->number != 0 ? "rule %u" : "the limit of job %u",
             l->number != 0 ? l->number : l->job);
    rule_explain(l->rule, s, values, sizeof values);
    snprintf(text, sizeof text, "%s, %s: %s: %s", who, action_name(l->action), l->expr,
             values);
    l->hits++;
    px_log(PX_LOG_WARN, "LIMIT-HIT", "t%x (%s, process %d): %s", (unsigned)t->tid,
           task_program(t), (int)t->pid, text);
    events_note(k->sv, t, (struct pxp_event){.kind = PXP_EVENT_LIMIT, .text = text});
    if (l->action == PXP_LIMIT_STOP)
        task_signal(t, SIGSTOP);
    else if (l->action == PXP_LIMIT_KILL)
        task_terminate(t, false);
}

static bool held_before(const struct task *t, uint32_t number)
{
    for (size_t i = 0; i < t->nhits; i++)
        if (t->hits[i] == number)
            return true;
    return false;
}

static void remember(struct task *t, const uint32_t *now, size_t n)
{
    if (n == t->nhits && (n == 0 || memcmp(now, t->hits, n * sizeof *now) == 0))
        return;
    uint32_t *copy = n > 0 ? malloc(n * sizeof *copy) : NULL;
    if (n > 0 && copy == NULL)
        return; /* at worst something is done twice */
    if (n > 0)
        memcpy(copy, now, n * sizeof *now);
    free(t->hits);
    t->hits = copy;
    t->nhits = n;
}

static void look_at_task(struct look *k, struct task *t)
{
    struct limits *ls = &k->sv->limits;
    struct limit *own = t->job != NULL ? t->job->limit : NULL;
    struct rule_subject s;
    uint32_t now[LIMITS_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < ls->n + (own != NULL); i++) {
        struct limit *l = i < ls->n ? ls->table[i] : own;
        if (!hits(k, l, t, &s))
            continue;
        if (!held_before(t, l->number))
            act(k, l, t, &s);
        now[n++] = l->number;
    }
    remember(t, now, n);
}

/* mpiexec hears that its job's limit is reached; tasks of the job on other hosts end even if their daemons'
 * clocks think otherwise. */
static void look_at_session(struct look *k, struct job *j)
{
    struct limit *l = j->limit;
    char values[200];
    struct rule_subject s = {.texts = {[RULE_NAME] = j->nprograms > 0 && j->programs[0] != NULL
                                                         ? look_name(j->programs[0])
                                                         : "",
                                       [RULE_COMMAND] = ""}};
    if (l == NULL || j->session == NULL || j->session->closed || l->told)
        return;
    see_job(k, l, j, &s);
    if (!rule_holds(l->rule, &s, &k->soonest_ms))
        return;
    l->told = true;
    rule_explain(l->rule, &s, values, sizeof values);
    struct pxp_aborted m = {.limit = true, .text = values};
    if (pxp_aborted_encode(peer_out(j->session), 0, &m) != PVMX_OK)
        peer_close(j->session);
    job_terminate(j, false);
}

/* ---- the timer -------------------------------------------------------------------------------- */

/* What all rules together use; *any: there are some. */
static unsigned all_uses(struct server *sv, bool *any)
{
    struct limits *ls = &sv->limits;
    unsigned uses = 0;
    uint64_t key;
    void *value;
    *any = false;
    for (size_t i = 0; i < ls->n; i++) {
        unsigned of = rule_uses(ls->table[i]->rule);
        if (ls->table[i]->action == PXP_LIMIT_REFUSE && (of & RULE_USES_SUMS) == 0)
            continue; /* it asks nothing before there is a request */
        *any = true;
        uses |= of;
    }
    for (size_t pos = 0; px_map_next(&sv->jobs, &pos, &key, &value);) {
        const struct job *j = value;
        if (j->limit == NULL)
            continue;
        *any = true;
        uses |= rule_uses(j->limit->rule);
    }
    return uses;
}

static uint64_t next_look(const struct look *k)
{
    uint64_t usual = (uint64_t)conf.limit_look, cost = cpu_now() - k->cpu;
    uint64_t soonest = k->soonest_ms < usual / PX_MS || k->sv->limits.n == 0
                           ? k->soonest_ms
                           : usual / PX_MS;
    if ((k->uses & (RULE_USES_USAGE | RULE_USES_COMMAND)) != 0)
        return usual > cost * SHARE ? usual : cost * SHARE;
    if (soonest > 24 * 3600 * 1000) /* nothing to wait for but ends */
        return usual;
    return soonest * PX_MS > SHORTEST ? soonest * PX_MS : SHORTEST;
}

static void on_look(void *arg)
{
    struct look k = {.sv = arg};
    bool any;
    uint64_t key;
    void *value;
    k.uses = all_uses(k.sv, &any);
    if (!any)
        return;
    if (look_begin(&k)) {
        px_list_foreach(it, &k.sv->all_tasks)
            look_at_task(&k, px_container_of(it, struct task, all));
        for (size_t pos = 0; px_map_next(&k.sv->jobs, &pos, &key, &value);)
            look_at_session(&k, value);
        if ((k.uses & RULE_USES_SUMS) != 0)
            sums_tell(k.sv, &k.sums);
    } else {
        px_log(PX_LOG_ERROR, "LIMIT-NOMEM", "no memory to look at what tasks use");
        k.soonest_ms = 0;
    }
    pxp_zone_free(&k.zone);
    loop_timer_start(&k.sv->loop, &k.sv->limits.timer, next_look(&k), on_look, k.sv);
}

void limits_wake(struct server *sv)
{
    loop_timer_start(&sv->loop, &sv->limits.timer, 0, on_look, sv);
}

void limits_stop(struct server *sv)
{
    loop_timer_stop(&sv->loop, &sv->limits.timer);
}

/* ---- what a rule would do --------------------------------------------------------------------- */

pvmx_err limits_find(struct server *sv, struct limit *l, const struct pxp_limit_test *m,
                     struct pxp_zone *zone, struct pxp_limit_hits *out)
{
    enum { VALUES = 200 };
    struct look k = {.sv = sv, .uses = rule_uses(l->rule)};
    bool ok;
    k.sums.told = m->sums;
    k.sums.n_told = m->n_sums;
    ok = look_begin(&k);
    out->hits = pxp_zone_alloc(zone, (sv->tasks.count + 1) * sizeof *out->hits);
    ok = ok && out->hits != NULL;
    px_list_foreach(it, &sv->all_tasks) {
        const struct task *t = px_container_of(it, struct task, all);
        struct rule_subject s;
        if (!ok || !hits(&k, l, t, &s))
            continue;
        char *text = pxp_zone_alloc(zone, VALUES);
        ok = text != NULL;
        if (!ok)
            continue;
        rule_explain(l->rule, &s, text, VALUES);
        out->hits[out->n_hits++] =
            (struct pxp_limit_hit){.tid = t->tid,
                                   .job = t->job != NULL ? t->job->id : 0,
                                   .pid = (uint32_t)t->pid,
                                   .host = sv->host,
                                   .program = task_program(t),
                                   .text = text};
    }
    ok = ok && sums_write(&k.sums, zone, out);
    pxp_zone_free(&k.zone);
    return ok ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
}
