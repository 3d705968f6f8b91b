/* SPDX-License-Identifier: BSD-3-Clause */
/* What jobs use on all hosts together. While a rule asks for it, every daemon tells the leader at each
 * look what its tasks use, job by job, and the leader tells all what it has heard. So what is known of other
 * hosts is as old as two looks; what one has not said again in ten counts no more. */
#include "base/clock.h"
#include "base/err.h"
#include "conf.h"
#include "hosts.h"
#include "limit.h"
#include "link.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include <stdlib.h>
#include <string.h>

enum { LOOKS_KEPT = 10 };

/* One message. */
struct others {
    struct px_list node; /* in limits.others */
    uint32_t from;
    uint64_t at;
    struct pxp_zone zone;
    struct pxp_sums m;
};

/* ---- own -------------------------------------------------------------------------------------- */

static void count(struct pxp_job_sum *s, const struct task *t)
{
    if (t->silent)
        return;
    s->tasks++;
    s->cpu_ms += t->cpu_ms;
    s->memory += t->memory;
}

bool sums_take(struct server *sv, struct sums *out)
{
    uint64_t key;
    void *value;
    struct pxp_job_sum *s =
        pxp_zone_alloc(out->zone, (sv->jobs.count + 1) * sizeof *out->own);
    out->own = s;
    out->n_own = 0;
    if (s == NULL)
        return false;
    for (size_t pos = 0; px_map_next(&sv->jobs, &pos, &key, &value);) {
        const struct job *j = value;
        *s = (struct pxp_job_sum){.job = j->id,
                                  .line = j->line,
                                  .n_line = j->nline,
                                  .host = sv->hosts.self};
        px_list_foreach(it, &j->tasks)
            count(s, px_container_of(it, struct task, in_job));
        s += s->tasks > 0;
    }
    *s = (struct pxp_job_sum){.host = sv->hosts.self};
    px_list_foreach(it, &sv->all_tasks) {
        const struct task *t = px_container_of(it, struct task, all);
        if (t->job == NULL)
            count(s, t);
    }
    s += s->tasks > 0;
    out->n_own = (size_t)(s - out->own);
    return true;
}

bool sums_write(const struct sums *s, struct pxp_zone *zone, struct pxp_limit_hits *out)
{
    size_t size = s->n_own * sizeof *out->sums;
    if (size == 0)
        return true;
    out->sums = pxp_zone_alloc(zone, size);
    if (out->sums == NULL)
        return false;
    memcpy(out->sums, s->own, size); /* their lines are the jobs' */
    out->n_sums = s->n_own;
    return true;
}

/* ---- others ----------------------------------------------------------------------------------- */

static void forget(struct others *o)
{
    px_list_remove(&o->node);
    pxp_zone_free(&o->zone);
    free(o);
}

static void forget_old(struct server *sv)
{
    uint64_t now = px_now_ns();
    px_list_foreach(it, &sv->limits.others) {
        struct others *o = px_container_of(it, struct others, node);
        if (now - o->at > LOOKS_KEPT * (uint64_t)conf.limit_look ||
            hosts_find(sv, o->from) == NULL)
            forget(o);
    }
}

static void forget_from(struct server *sv, uint32_t host)
{
    px_list_foreach(it, &sv->limits.others) {
        struct others *o = px_container_of(it, struct others, node);
        if (o->from == host)
            forget(o);
    }
}

void sums_fini(struct server *sv)
{
    while (!px_list_empty(&sv->limits.others))
        forget(px_container_of(sv->limits.others.next, struct others, node));
}

pvmx_err sums_heard(struct server *sv, struct link *l, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct others *o = calloc(1, sizeof *o);
    (void)serial;
    if (o == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for what other hosts use");
    pvmx_err err = pxp_sums_decode(body, len, &o->m, &o->zone);
    if (err == PVMX_OK && !hosts_leading(sv) && l->host != sv->hosts.leader)
        err = px_fail(PVMX_ERR_STATE, "host %s does not lead", sv->host);
    if (err != PVMX_OK) {
        pxp_zone_free(&o->zone);
        free(o);
        return err;
    }
    forget_from(sv, l->host);
    o->from = l->host;
    o->at = px_now_ns();
    px_list_push_back(&sv->limits.others, &o->node);
    if (!hosts_leading(sv)) {
        sv->limits.vm_age_ms = o->m.age_ms;
        sv->limits.vm_age_at = o->at;
    }
    return PVMX_OK;
}

uint64_t sums_vm_age(struct server *sv)
{
    struct limits *ls = &sv->limits;
    uint64_t now = px_now_ns(), own = (now - sv->started) / PX_MS;
    uint64_t told = ls->vm_age_at != 0 ? ls->vm_age_ms + (now - ls->vm_age_at) / PX_MS : 0;
    return told > own ? told : own;
}

/* ---- telling ---------------------------------------------------------------------------------- */

/* What this host knows, its own first. */
static void write_all(struct server *sv, const struct sums *s, struct pxp_zone *zone,
                      struct pxp_sums *m)
{
    size_t n = s->n_own;
    px_list_foreach(it, &sv->limits.others)
        n += px_container_of(it, struct others, node)->m.n_sums;
    m->sums = pxp_zone_alloc(zone, (n + 1) * sizeof *m->sums);
    m->n_sums = 0;
    if (m->sums == NULL)
        return;
    for (; m->n_sums < s->n_own; m->n_sums++)
        m->sums[m->n_sums] = s->own[m->n_sums];
    px_list_foreach(it, &sv->limits.others) {
        const struct others *o = px_container_of(it, struct others, node);
        for (size_t i = 0; i < o->m.n_sums; i++)
            m->sums[m->n_sums++] = o->m.sums[i];
    }
}

static void tell(struct server *sv, uint32_t index, const struct pxp_sums *m)
{
    struct host *h = hosts_find(sv, index);
    if (h != NULL && h->link != NULL && h->state == PXP_HOST_UP)
        pxp_sums_encode(link_out(h->link), 0,
                        m); /* lost without memory: the next look tells again */
}

void sums_tell(struct server *sv, const struct sums *s)
{
    struct pxp_sums m = {.sums = s->own, .n_sums = s->n_own, .age_ms = sums_vm_age(sv)};
    struct pxp_zone zone = {0};
    uint64_t key;
    void *value;
    forget_old(sv);
    if (sv->hosts.table.count <= 1)
        return;
    if (!hosts_leading(sv)) {
        tell(sv, sv->hosts.leader, &m);
        return;
    }
    write_all(sv, s, &zone, &m);
    for (size_t pos = 0; m.sums != NULL && px_map_next(&sv->hosts.table, &pos, &key, &value);)
        if (key != sv->hosts.self)
            tell(sv, (uint32_t)key, &m);
    pxp_zone_free(&zone);
}

/* ---- adding up -------------------------------------------------------------------------------- */

struct wanted {
    uint32_t job, self;
    bool family, all;
    struct sum sum;
};

static bool belongs(const struct pxp_job_sum *s, const struct wanted *w)
{
    if (w->all || s->job == w->job)
        return true;
    for (size_t i = 0; w->family && i < s->n_line; i++)
        if (s->line[i] == w->job)
            return true;
    return false;
}

static void add_up(struct wanted *w, const struct pxp_job_sum *s, size_t n, bool own)
{
    for (size_t i = 0; i < n; i++) {
        if ((s[i].host == w->self) != own || !belongs(&s[i], w))
            continue;
        w->sum.tasks += s[i].tasks;
        w->sum.cpu_ms += s[i].cpu_ms;
        w->sum.memory += s[i].memory;
    }
}

/* The same of what others have told, but for the number of tasks of jobs that this host carries: those it
 * knows by itself, and at once. */
static void add_told(struct server *sv, struct wanted *w)
{
    px_list_foreach(it, &sv->limits.others) {
        const struct pxp_sums *m = &px_container_of(it, struct others, node)->m;
        for (size_t i = 0; i < m->n_sums; i++) {
            uint64_t before = w->sum.tasks;
            add_up(w, &m->sums[i], 1, false);
            if (m->sums[i].job != 0 && job_host(m->sums[i].job) == w->self)
                w->sum.tasks = before;
        }
    }
}

static void add_carried(struct server *sv, struct wanted *w)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->jobs, &pos, &key, &value);) {
        const struct job *j = value;
        struct pxp_job_sum s = {.job = j->id, .line = j->line, .n_line = j->nline};
        if (px_list_empty(&j->fars) || !belongs(&s, w))
            continue;
        px_list_foreach(it, &j->fars)
            w->sum.tasks++;
    }
}

static struct sum over_hosts(struct server *sv, const struct sums *s, struct wanted w)
{
    w.self = sv->hosts.self;
    add_up(&w, s->own, s->n_own, true);
    add_up(&w, s->told, s->n_told, false);
    if (s->told == NULL) {
        add_told(sv, &w);
        add_carried(sv, &w);
    }
    return w.sum;
}

struct sum sums_job(struct server *sv, const struct sums *s, uint32_t job, bool family)
{
    return over_hosts(sv, s, (struct wanted){.job = job, .family = family});
}

struct sum sums_vm(struct server *sv, const struct sums *s)
{
    return over_hosts(sv, s, (struct wanted){.all = true});
}
