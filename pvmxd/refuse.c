/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that refuse what would be spawned. The daemon that has got a request looks at it, by programs and
 * hosts, when it knows where the tasks would run. job.tasks and vm.tasks are what they would be
 * then: with the
 * request, and with those that are on their way here. Of other hosts what they have told counts (sums.c), so
 * that requests at the same time on several hosts may together go beyond a limit. */
#include "base/err.h"
#include "base/log.h"
#include "events.h"
#include "hosts.h"
#include "look.h"
#include "proto/hello.h"
#include "server.h"
#include "spawn.h"
#include <stdio.h>
#include <string.h>

enum { VALUES = 200, TEXT_SIZE = RULE_TEXT_MAX + VALUES + 200 };

/* A request as rules see it. */
struct asked {
    const struct spawn_req *req; /* NULL: a test's */
    uint32_t total;
};

static bool stems_from(const struct spawn_req *r, uint32_t job)
{
    for (uint32_t i = 0; i < r->nline; i++)
        if (r->line[i] == job)
            return true;
    return false;
}

/* Tasks of other requests that are on their way; of a job's family only, or (0) of all. */
static uint64_t on_their_way(struct server *sv, const struct asked *a, uint32_t job)
{
    uint64_t n = 0;
    px_list_foreach(it, &sv->requests) {
        const struct spawn_req *r = px_container_of(it, struct spawn_req, in_all);
        if (r != a->req && (job == 0 || stems_from(r, job)))
            n += r->total;
    }
    return n;
}

/* "command arg arg"; NULL: no memory. */
static const char *join(const struct pxp_app *app, struct pxp_zone *zone)
{
    size_t len = strlen(app->command) + 1;
    for (size_t i = 0; i < app->n_args; i++)
        len += strlen(app->args[i]) + 1;
    char *text = pxp_zone_alloc(zone, len), *at = text;
    if (text == NULL)
        return NULL;
    at = stpcpy(at, app->command);
    for (size_t i = 0; i < app->n_args; i++) {
        *at++ = ' ';
        at = stpcpy(at, app->args[i]);
    }
    return text;
}

static void see_family(struct look *k, struct limit *l, const struct asked *a,
                       struct rule_subject *s)
{
    const struct sum *sum = look_sum(k, l, l->job);
    s->numbers[RULE_JOB_CPU] = sum->cpu_ms;
    s->numbers[RULE_JOB_ELAPSED] = look_age_ms(k, l->began);
    s->numbers[RULE_JOB_MEMORY] = sum->memory;
    s->numbers[RULE_JOB_TASKS] += sum->tasks + on_their_way(k->sv, a, l->job);
}

/* Does the rule refuse tasks of this program on this host? *s is what it has seen. Without memory
 * it does, as the request would fail anyway. */
static bool refuses(struct look *k, struct limit *l, const struct asked *a,
                    const struct pxp_app *app, const char *host, struct rule_subject *s)
{
    *s = (struct rule_subject){
        .texts = {[RULE_NAME] = look_name(app->command), [RULE_COMMAND] = "", [RULE_HOST] = host}};
    if ((k->uses & RULE_USES_COMMAND) != 0)
        s->texts[RULE_COMMAND] = join(app, &k->zone);
    if (s->texts[RULE_COMMAND] == NULL)
        return true;
    look_see_vm(k, s);
    s->numbers[RULE_VM_TASKS] += a->total + on_their_way(k->sv, a, 0);
    s->numbers[RULE_JOB_TASKS] = a->total;
    if (l->job != 0)
        see_family(k, l, a, s);
    return rule_holds(l->rule, s, &k->soonest_ms);
}

static void say(struct server *sv, const struct spawn_req *r, struct limit *l,
                const struct pxp_app *app, const struct rule_subject *s)
{
    char values[VALUES], text[TEXT_SIZE];
    rule_explain(l->rule, s, values, sizeof values);
    snprintf(text, sizeof text, "rule %u, refuse: %s: %s", l->number, l->expr, values);
    l->hits++;
    px_log(PX_LOG_WARN, "LIMIT-REFUSE", "%u tasks for t%x (%s): %s", r->total,
           (unsigned)r->parent, app->command, text);
    if (r->owner != NULL)
        events_note(sv, r->owner, (struct pxp_event){.kind = PXP_EVENT_LIMIT, .text = text});
    px_fail(PVMX_ERR_LIMIT, "%u task%s of %s %s refused by rule %u, %s: %s", r->total,
            r->total == 1 ? "" : "s", look_name(app->command),
            r->total == 1 ? "is" : "are", l->number, l->expr, values);
}

/* By each program and host once. */
static bool refused_by(struct look *k, struct limit *l, const struct spawn_req *r)
{
    struct asked a = {.req = r, .total = r->total};
    struct rule_subject s;
    for (uint32_t i = 0; i < r->total; i++) {
        const struct spawn_one *one = &r->ones[i];
        if (i > 0 && one->app == one[-1].app && one->host == one[-1].host)
            continue;
        const struct host *h = one->host != 0 ? hosts_find(k->sv, one->host) : NULL;
        if (!refuses(k, l, &a, &r->m.apps[one->app], h != NULL ? h->name : k->sv->host, &s))
            continue;
        say(k->sv, r, l, &r->m.apps[one->app], &s);
        return true;
    }
    return false;
}

static bool concerns(const struct limit *l, const struct spawn_req *r)
{
    return l->action == PXP_LIMIT_REFUSE && (l->job == 0 || stems_from(r, l->job));
}

pvmx_err limits_refuse(const struct spawn_req *r)
{
    struct limits *ls = &r->sv->limits;
    struct look k = {.sv = r->sv};
    bool any = false;
    pvmx_err err = PVMX_OK;
    for (size_t i = 0; i < ls->n; i++)
        if (concerns(ls->table[i], r)) {
            k.uses |= rule_uses(ls->table[i]->rule);
            any = true;
        }
    if (!any)
        return PVMX_OK;
    if (!look_begin(&k))
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to look at its rules");
    for (size_t i = 0; err == PVMX_OK && i < ls->n; i++)
        if (concerns(ls->table[i], r) && refused_by(&k, ls->table[i], r))
            err = PVMX_ERR_LIMIT;
    pxp_zone_free(&k.zone);
    return err;
}

/* ---- what a rule would do --------------------------------------------------------------------- */

pvmx_err refuse_find(struct server *sv, struct limit *l, const struct pxp_limit_test *m,
                     struct pxp_zone *zone, struct pxp_limit_hits *out)
{
    struct look k = {.sv = sv, .uses = rule_uses(l->rule)};
    struct asked a = {.total = 0};
    struct rule_subject s;
    for (size_t i = 0; i < m->n_apps; i++)
        a.total += m->apps[i].count;
    k.sums.told = m->sums;
    k.sums.n_told = m->n_sums;
    bool ok = look_begin(&k);
    out->hits = pxp_zone_alloc(zone, (m->n_apps + 1) * sizeof *out->hits);
    ok = ok && out->hits != NULL;
    for (size_t i = 0; ok && i < m->n_apps; i++) {
        if (!refuses(&k, l, &a, &m->apps[i], sv->host, &s))
            continue;
        char *text = pxp_zone_alloc(zone, VALUES);
        ok = text != NULL;
        if (!ok)
            break;
        rule_explain(l->rule, &s, text, VALUES);
        out->hits[out->n_hits++] = (struct pxp_limit_hit){.host = sv->host,
                                                          .program = m->apps[i].command,
                                                          .text = text};
    }
    ok = ok && sums_write(&k.sums, zone, out);
    pxp_zone_free(&k.zone);
    return ok ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
}
