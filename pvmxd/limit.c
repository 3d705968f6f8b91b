/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of rules. */
#include "limit.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf.h"
#include "forward.h"
#include "hosts.h"
#include "link.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include <stdlib.h>
#include <string.h>

/* ---- one rule --------------------------------------------------------------------------------- */

pvmx_err limit_new(const struct pxp_limit_rule *m, struct limit **out)
{
    struct limit *l = calloc(1, sizeof *l);
    uint64_t now = px_now_ns(), age = m->age_ms < now / PX_MS ? m->age_ms * PX_MS : now;
    pvmx_err err = PVMX_OK;
    if (m->action < PXP_LIMIT_REPORT || m->action > PXP_LIMIT_REFUSE)
        err = px_fail(PVMX_ERR_ARG,
                      "a rule's action is report, stop, kill or refuse, not number %u",
                      m->action);
    else if (l == NULL || (l->expr = strdup(m->expr)) == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a rule");
    else
        err = rule_read(m->expr, &l->rule);
    if (err == PVMX_OK && m->action == PXP_LIMIT_REFUSE &&
        (rule_uses(l->rule) & RULE_USES_RUN) != 0) {
        rule_free(l->rule);
        err = px_fail(
            PVMX_ERR_ARG,
            "rule \"%.200s\" cannot refuse: a task that is still to be started has no "
            "cpu, elapsed, memory or job; it has name, command, host, job.tasks (as "
            "they would be), vm.*",
            m->expr);
    }
    if (err != PVMX_OK) {
        if (l != NULL)
            free(l->expr);
        free(l);
        return err;
    }
    l->number = m->number;
    l->action = m->action;
    l->job = m->job;
    l->began = now - age;
    l->refs = 1;
    *out = l;
    return PVMX_OK;
}

struct limit *limit_ref(struct limit *l)
{
    if (l != NULL)
        l->refs++;
    return l;
}

void limit_unref(struct limit *l)
{
    if (l == NULL || --l->refs > 0)
        return;
    rule_free(l->rule);
    free(l->expr);
    free(l);
}

struct pxp_limit_rule limit_write(const struct limit *l)
{
    return (struct pxp_limit_rule){
        .number = l->number,
        .expr = l->expr,
        .action = l->action,
        .job = l->job,
        .age_ms = l->job != 0 ? (px_now_ns() - l->began) / PX_MS : 0,
        .hits = l->hits,
    };
}

/* ---- telling the other hosts ------------------------------------------------------------------ */

/* All of them; with jobs: also those of jobs of this host. NULL: no memory. */
static struct pxp_limit_rule *write_all(struct server *sv, bool jobs,
                                        struct pxp_zone *zone, size_t *n)
{
    struct limits *ls = &sv->limits;
    struct pxp_limit_rule *rules =
        pxp_zone_alloc(zone, (ls->n + sv->jobs.count + 1) * sizeof *rules);
    uint64_t key;
    void *value;
    *n = 0;
    for (size_t i = 0; rules != NULL && i < ls->n; i++)
        rules[(*n)++] = limit_write(ls->table[i]);
    for (size_t pos = 0;
         rules != NULL && jobs && px_map_next(&sv->jobs, &pos, &key, &value);) {
        const struct job *j = value;
        bool known = j->limit == NULL;
        for (size_t i = ls->n; !known && i < *n; i++) /* of the job that it stems from */
            known = rules[i].job == j->limit->job;
        if (!known)
            rules[(*n)++] = limit_write(j->limit);
    }
    return rules;
}

void limits_tell(struct server *sv, struct link *l)
{
    struct pxp_zone zone = {0};
    struct pxp_limits_are m = {.last = sv->limits.last};
    if (m.last == 0)
        return; /* there never was one */
    m.rules = write_all(sv, false, &zone, &m.n_rules);
    if (m.rules == NULL || pxp_limits_are_encode(link_out(l), 0, &m) != PVMX_OK)
        link_close(l, "no memory for the rules");
    pxp_zone_free(&zone);
}

void limits_tell_all(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->link != NULL && h->state == PXP_HOST_UP)
            limits_tell(sv, h->link);
    }
}

/* The same rule, and no other one that an earlier leader has given that number. */
static struct limit *find(const struct limits *ls, const struct pxp_limit_rule *m)
{
    for (size_t i = 0; i < ls->n; i++) {
        struct limit *l = ls->table[i];
        if (l->number == m->number && l->action == m->action && l->job == m->job &&
            strcmp(l->expr, m->expr) == 0)
            return l;
    }
    return NULL;
}

/* Rules do not change: one that we know goes on, with its hits. */
pvmx_err limits_on_table(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct limits *ls = &sv->limits;
    struct pxp_zone zone = {0};
    struct pxp_limits_are m;
    struct limit *table[LIMITS_MAX];
    size_t n = 0;
    (void)serial;
    pvmx_err err = pxp_limits_are_decode(body, len, &m, &zone);
    if (err == PVMX_OK && (l->host != sv->hosts.leader || m.n_rules > LIMITS_MAX))
        err = px_fail(PVMX_ERR_PROTO, "rules from host %u, which does not lead", l->host);
    for (; err == PVMX_OK && n < m.n_rules; n++) {
        struct limit *known = find(ls, &m.rules[n]);
        table[n] = limit_ref(known);
        if (known == NULL)
            err = limit_new(&m.rules[n], &table[n]);
        if (err != PVMX_OK)
            break;
    }
    if (err != PVMX_OK) {
        while (n-- > 0)
            limit_unref(table[n]);
    } else {
        for (size_t i = 0; i < ls->n; i++)
            limit_unref(ls->table[i]);
        memcpy(ls->table, table, n * sizeof *table);
        ls->n = n;
        ls->last = m.last;
        limits_wake(sv);
    }
    pxp_zone_free(&zone);
    return err;
}

/* ---- changes ---------------------------------------------------------------------------------- */

static pvmx_err add(struct server *sv, struct px_buf *out, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct limits *ls = &sv->limits;
    struct pxp_zone zone = {0};
    struct pxp_limit_add m;
    struct limit *l = NULL;
    pvmx_err err = pxp_limit_add_decode(body, len, &m, &zone);
    if (err == PVMX_OK && ls->n == LIMITS_MAX)
        err = px_fail(PVMX_ERR_LIMIT, "there are %d rules already: limit del NUMBER",
                      LIMITS_MAX);
    m.rule.number = ls->last + 1;
    if (err == PVMX_OK)
        err = limit_new(&m.rule, &l);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    ls->last = l->number;
    ls->table[ls->n++] = l;
    px_log(PX_LOG_INFO, "LIMIT-ADD", "rule %u: %s", l->number, l->expr);
    limits_tell_all(sv);
    limits_wake(sv);
    struct pxp_limit_rule rule = limit_write(l);
    return pxp_limits_are_encode(out, serial,
                                 &(struct pxp_limits_are){.rules = &rule,
                                                          .n_rules = 1,
                                                          .last = ls->last});
}

static pvmx_err del(struct server *sv, struct px_buf *out, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct limits *ls = &sv->limits;
    struct pxp_zone zone = {0};
    struct pxp_limit_del m;
    size_t i = 0;
    pvmx_err err = pxp_limit_del_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    while (i < ls->n && ls->table[i]->number != m.number)
        i++;
    if (i == ls->n)
        return px_fail(PVMX_ERR_NOENT, "there is no rule %u (limit list)", m.number);
    px_log(PX_LOG_INFO, "LIMIT-DEL", "rule %u is gone", m.number);
    limit_unref(ls->table[i]);
    memmove(&ls->table[i], &ls->table[i + 1], (--ls->n - i) * sizeof *ls->table);
    limits_tell_all(sv);
    return pxp_done_encode(out, serial, &(struct pxp_done){.count = 1});
}

typedef pvmx_err change_fn(struct server *sv, struct px_buf *out, uint32_t serial,
                           const uint8_t *body, size_t len);

/* The leader makes it; without one it is refused. */
static pvmx_err change(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len, change_fn *fn)
{
    return hosts_leading(sv)
               ? fn(sv, peer_out(p), serial, body, len)
               : forward_to_leader(sv, p, serial, body, len, "rules cannot be changed");
}

static pvmx_err change_forwarded(struct server *sv, struct link *l, uint32_t serial,
                                 const uint8_t *body, size_t len, change_fn *fn)
{
    pvmx_err err = forward_mine(sv);
    return err != PVMX_OK ? err : fn(sv, link_out(l), serial | LINK_REPLY, body, len);
}

pvmx_err limits_add(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    return change(sv, p, serial, body, len, add);
}

pvmx_err limits_del(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    return change(sv, p, serial, body, len, del);
}

pvmx_err limits_add_forwarded(struct server *sv, struct link *l, uint32_t serial,
                              const uint8_t *body, size_t len)
{
    return change_forwarded(sv, l, serial, body, len, add);
}

pvmx_err limits_del_forwarded(struct server *sv, struct link *l, uint32_t serial,
                              const uint8_t *body, size_t len)
{
    return change_forwarded(sv, l, serial, body, len, del);
}

/* ---- looking ---------------------------------------------------------------------------------- */

pvmx_err limits_list(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_limits_are m = {.last = sv->limits.last};
    (void)body;
    (void)len;
    m.rules = write_all(sv, true, &zone, &m.n_rules);
    pvmx_err err = m.rules == NULL ? px_fail(PVMX_ERR_NOMEM,
                                             "the daemon has no memory for the answer")
                                   : pxp_limits_are_encode(peer_out(p), serial, &m);
    pxp_zone_free(&zone);
    return err;
}

pvmx_err limits_test(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_limit_test m;
    struct pxp_limit_hits hits = {.n_hits = 0};
    struct limit *l = NULL;
    pvmx_err err = pxp_limit_test_decode(body, len, &m, &zone);
    if (m.rule.action != PXP_LIMIT_REFUSE)
        m.rule.action = PXP_LIMIT_REPORT;
    if (err == PVMX_OK)
        err = limit_new(&m.rule, &l);
    if (err == PVMX_OK)
        err = (m.rule.action == PXP_LIMIT_REFUSE ? refuse_find
                                                 : limits_find)(sv, l, &m, &zone, &hits);
    if (err == PVMX_OK)
        err = pxp_limit_hits_encode(peer_out(p), serial, &hits);
    limit_unref(l);
    pxp_zone_free(&zone);
    return err;
}

/* ---- start and end ---------------------------------------------------------------------------- */

void limits_init(struct server *sv)
{
    px_list_init(&sv->limits.others);
}

void limits_fini(struct server *sv)
{
    struct limits *ls = &sv->limits;
    sums_fini(sv);
    while (ls->n > 0)
        limit_unref(ls->table[--ls->n]);
}
