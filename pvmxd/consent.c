/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreements of several hosts. */
#include "consent.h"
#include "agreement.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "far.h"
#include "hosts.h"
#include "link.h"
#include "lost.h"
#include "proto/hello.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>

#define PAUSE (100 * PX_MS) /* before a host that is not lost is asked again */
#define LOOK                                                                             \
    (20 * PX_MS) /* so long for all to speak, before somebody looks who still can */

static void gather(struct agreement *a);

static bool is_lost(const struct agreement *a, uint32_t host)
{
    return hosts_lost(a->sv, host);
}

/* The lowest host that is left; this one at the most. */
static uint32_t gatherer(const struct agreement *a)
{
    for (size_t i = 0; i < a->nparties; i++)
        if (!is_lost(a, a->parties[i].host))
            return a->parties[i].host;
    return a->own->host;
}

struct pxp_outcome *consent_copy(const struct pxp_outcome *o)
{
    size_t size = o->n_ended * sizeof *o->ended;
    struct pxp_outcome *copy = malloc(sizeof *copy + size);
    if (copy == NULL)
        return NULL;
    *copy = *o;
    copy->ended = (int32_t *)(copy + 1);
    if (size > 0)
        memcpy(copy->ended, o->ended, size);
    return copy;
}

void consent_forget(struct agreement *a)
{
    if (a->asked != NULL)
        link_unask(a->asked, a->ask);
    a->asked = NULL;
    loop_timer_stop(&a->sv->loop, &a->again);
    loop_timer_stop(&a->sv->loop, &a->look);
    for (size_t i = 0; i < a->nparties; i++) {
        struct party *p = &a->parties[i];
        if (p->keep_link != NULL)
            link_unask(p->keep_link, p->keep_ask);
        p->keep_link = NULL;
    }
}

/* ---- asking the gatherer ---------------------------------------------------------------------- */

static void on_again(void *arg)
{
    consent_speak(arg);
}

static void on_outcome(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                       size_t len)
{
    struct agreement *a = arg;
    struct pxp_zone zone = {0};
    struct pxp_agreed m;
    (void)sv;
    a->asked = NULL;
    if (number == PXP_AGREED && pxp_agreed_decode(body, len, &m, &zone) == PVMX_OK) {
        struct pxp_outcome o = {.value = m.value,
                                .ended = m.ended,
                                .n_ended = m.n_ended,
                                .news = m.news,
                                .fresh = m.fresh};
        agree_conclude(a, &o);
    } else {
        loop_timer_start(&a->sv->loop, &a->again, PAUSE, on_again, a);
    }
    pxp_zone_free(&zone);
}

static void fill_known(struct agreement *a, struct pxp_consent *m, int32_t *known)
{
    m->known = known;
    for (uint32_t i = 0; i < a->n; i++)
        if (agree_all_know(a, a->members[i].tid))
            known[m->n_known++] = a->members[i].tid;
}

static pvmx_err fill(struct agreement *a, struct pxp_zone *zone, struct pxp_consent *m)
{
    *m = (struct pxp_consent){.ctx = a->ctx,
                              .round = a->round,
                              .value = a->value,
                              .fresh = a->fresh,
                              .kept = a->kept,
                              .n_kept = a->kept != NULL};
    m->members = pxp_zone_alloc(zone, a->n * sizeof *m->members);
    m->ended = pxp_zone_alloc(zone, a->n * sizeof *m->ended);
    int32_t *known = pxp_zone_alloc(zone, a->n * sizeof *known);
    if (m->members == NULL || m->ended == NULL || known == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for an agreement");
    for (uint32_t i = 0; i < a->n; i++) {
        int32_t tid = a->members[i].tid;
        struct pxp_range *r = m->n_members > 0 ? &m->members[m->n_members - 1] : NULL;
        if (r != NULL && r->first + (int32_t)r->count == tid)
            r->count++;
        else
            m->members[m->n_members++] = (struct pxp_range){.first = tid, .count = 1};
        if (far_host(tid) == a->own->host && a->members[i].gone)
            m->ended[m->n_ended++] = tid;
    }
    fill_known(a, m, known);
    return PVMX_OK;
}

static void ask(struct agreement *a, uint32_t host)
{
    struct pxp_zone zone = {0};
    struct pxp_consent m;
    struct host *h = hosts_find(a->sv, host);
    struct link *l = h != NULL ? hosts_link(a->sv, h) : NULL;
    a->ask = l != NULL ? link_ask(l, on_outcome, a) : 0;
    a->asked = a->ask != 0 ? l : NULL;
    if (a->asked != NULL && (fill(a, &zone, &m) != PVMX_OK ||
                             pxp_consent_encode(link_out(l), a->ask, &m) != PVMX_OK)) {
        link_unask(l, a->ask);
        a->asked = NULL;
    }
    pxp_zone_free(&zone);
    if (a->asked == NULL)
        loop_timer_start(&a->sv->loop, &a->again, PAUSE, on_again, a);
}

static bool is_asked(const struct agreement *a)
{
    for (size_t i = 0; i < a->nparties; i++)
        if (a->parties[i].link != NULL)
            return true;
    return false;
}

void consent_speak(struct agreement *a)
{
    uint32_t host = gatherer(a);
    a->own->spoken = true;
    a->own->heard = !px_list_empty(&a->voices);
    agree_gone_here(a);
    if (a->asked != NULL)
        link_unask(a->asked, a->ask);
    a->asked = NULL;
    loop_timer_stop(&a->sv->loop, &a->again);
    if (host == a->own->host)
        gather(a);
    else if (a->own->heard)
        ask(a, host);
    else if (!is_asked(a)) /* else by one who knows already that we are to gather */
        agree_free(a); /* nobody here wants to know; the gatherer sees that they have ended */
}

/* ---- gathering -------------------------------------------------------------------------------- */

static void on_look(void *arg)
{
    struct agreement *a = arg;
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t host = far_host(a->members[i].tid);
        if (host != a->own->host && !is_lost(a, host) && !agree_party(a, host)->spoken)
            far_know(a->sv, a->members[i].tid);
    }
}

/* There is nothing to be expected from there (any more). */
static bool is_mute(const struct agreement *a, const struct party *p)
{
    return p != a->own && (is_lost(a, p->host) || p->missing == 0);
}

static bool all_have_spoken(struct agreement *a)
{
    for (size_t i = 0; i < a->nparties; i++)
        if (!a->parties[i].spoken && !is_mute(a, &a->parties[i]))
            return false;
    return true;
}

/* Has everyone who waits there acknowledged this end? Nobody waits: yes. */
static bool known_at(const struct agreement *a, const struct party *p, int32_t tid)
{
    if (p == a->own)
        return agree_all_know(a, tid);
    for (size_t i = 0; p->heard && i < p->nknown; i++)
        if (p->known[i] == tid)
            return true;
    return !p->heard;
}

static bool known_to_all(const struct agreement *a, int32_t tid)
{
    for (size_t i = 0; i < a->nparties; i++)
        if (!is_lost(a, a->parties[i].host) && !known_at(a, &a->parties[i], tid))
            return false;
    return true;
}

static struct pxp_outcome *decide(struct agreement *a)
{
    struct pxp_outcome o = {.value = a->value, .fresh = a->fresh};
    struct pxp_outcome *out = NULL;
    o.ended = malloc(a->n * sizeof *o.ended);
    agree_gone_here(a);
    for (uint32_t i = 0; o.ended != NULL && i < a->n; i++) {
        const struct member *m = &a->members[i];
        if (!m->gone && !is_lost(a, far_host(m->tid)))
            continue;
        o.ended[o.n_ended++] = m->tid;
        o.news = o.news || !known_to_all(a, m->tid);
    }
    if (o.ended != NULL)
        out = consent_copy(&o);
    free(o.ended);
    return out;
}

static void on_kept(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                    size_t len)
{
    struct party *p = arg;
    (void)sv;
    (void)body;
    (void)len;
    p->keep_link = NULL;
    if (number == 0) /* it asks again when it has noticed, or is lost */
        return;
    p->kept = number == PXP_DONE;
    gather(p->of);
}

static void tell_keep(struct agreement *a, struct party *p)
{
    struct pxp_keep m = {.ctx = a->ctx,
                         .round = a->round,
                         .least = a->least,
                         .outcome = *a->kept};
    p->keep_ask = link_ask(p->link, on_kept, p);
    if (p->keep_ask == 0) /* its link is closed, or there is no memory: it asks again */
        return;
    if (pxp_keep_encode(link_out(p->link), p->keep_ask, &m) == PVMX_OK) {
        p->keep_link = p->link;
        return;
    }
    link_unask(p->link, p->keep_ask);
    loop_timer_start(&a->sv->loop, &a->again, PAUSE, on_again, a);
}

/* True when all hosts that are left have the outcome. */
static bool all_keep(struct agreement *a)
{
    bool all = true;
    for (size_t i = 0; i < a->nparties; i++) {
        struct party *p = &a->parties[i];
        if (p == a->own || p->kept || is_mute(a, p))
            continue;
        all = false;
        if (p->link != NULL && p->keep_link == NULL)
            tell_keep(a, p);
    }
    return all;
}

static pvmx_err answer(struct link *l, uint32_t serial, const struct pxp_outcome *o)
{
    struct pxp_agreed m = {.value = o->value,
                           .ended = o->ended,
                           .n_ended = o->n_ended,
                           .news = o->news,
                           .fresh = o->fresh};
    return pxp_agreed_encode(link_out(l), serial | LINK_REPLY, &m);
}

void consent_tell(struct agreement *a, const struct pxp_outcome *o)
{
    for (size_t i = 0; i < a->nparties; i++) {
        struct party *p = &a->parties[i];
        if (p->link != NULL)
            answer(p->link, p->serial, o);
    }
}

/* As far as things have come: waits for more, decides, or tells. May free it. */
static void gather(struct agreement *a)
{
    if (gatherer(a) != a->own->host)
        return;
    if (!all_have_spoken(a)) {
        if (!loop_timer_active(&a->look))
            loop_timer_start(&a->sv->loop, &a->look, LOOK, on_look, a);
        return;
    }
    if (a->kept == NULL)
        a->kept = decide(a);
    if (a->kept == NULL) {
        px_log(PX_LOG_ERROR, "CONSENT-NOMEM", "no memory for an agreement: it has to wait");
        loop_timer_start(&a->sv->loop, &a->again, PAUSE, on_again, a);
        return;
    }
    if (!all_keep(a))
        return;
    struct pxp_outcome *o = a->kept;
    a->kept = NULL;
    agree_conclude(a, o);
    free(o);
}

/* ---- what other hosts say --------------------------------------------------------------------- */

static pvmx_err check(struct server *sv, const struct link *l, const struct pxp_consent *m)
{
    bool here = false, there = false;
    for (size_t i = 0; i < m->n_members; i++) {
        here = here || far_host(m->members[i].first) == sv->hosts.self;
        there = there || far_host(m->members[i].first) == l->host;
    }
    return here && there && m->n_kept <= 1
               ? PVMX_OK
               : px_fail(PVMX_ERR_PROTO, "an agreement that host %s has no part in", l->name);
}

static pvmx_err take(struct agreement *a, struct link *l, uint32_t serial,
                     const struct pxp_consent *m)
{
    struct party *p = agree_party(a, l->host);
    int32_t *known = malloc((m->n_known + 1) * sizeof *known);
    if (p == NULL || known == NULL) {
        free(known);
        return px_fail(p == NULL ? PVMX_ERR_PROTO : PVMX_ERR_NOMEM,
                       "an agreement of host %s cannot be taken part in", l->name);
    }
    if (m->n_kept > 0 && a->kept == NULL)
        a->kept = consent_copy(&m->kept[0]);
    free(p->known);
    p->known = known;
    if (m->n_known > 0)
        memcpy(known, m->known, m->n_known * sizeof *known);
    p->nknown = m->n_known;
    p->spoken = p->heard = true;
    p->kept = m->n_kept > 0;
    p->link = l;
    p->serial = serial;
    a->value &= m->value;
    for (size_t i = 0; i < m->n_ended; i++) {
        struct member *gone = agree_member(a, m->ended[i]);
        if (gone != NULL && far_host(gone->tid) == l->host)
            gone->gone = true;
    }
    return PVMX_OK;
}

pvmx_err consent_on_part(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_consent m;
    struct agreement *a = NULL;
    pvmx_err err = pxp_consent_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = check(sv, l, &m);
    if (err == PVMX_OK)
        a = agree_find(sv, m.ctx, m.round, agree_least(m.members, m.n_members));
    if (err == PVMX_OK && a == NULL && m.n_kept > 0) {
        err = answer(l, serial, &m.kept[0]);
    } else if (err == PVMX_OK) {
        if (a == NULL)
            a = agree_begin(sv, m.ctx, m.round, m.fresh, m.members, m.n_members);
        err = a != NULL ? take(a, l, serial, &m) : PVMX_ERR_NOMEM;
        if (err == PVMX_OK && a->own->missing == 0 && !a->own->spoken)
            consent_speak(a);
        else if (err == PVMX_OK)
            gather(a);
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err consent_on_keep(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_keep m;
    struct pxp_done done = {.count = 1};
    pvmx_err err = pxp_keep_decode(body, len, &m, &zone);
    struct agreement *a = err == PVMX_OK ? agree_find(sv, m.ctx, m.round, m.least) : NULL;
    if (a != NULL && gatherer(a) != l->host)
        err = px_fail(PVMX_ERR_STATE, "host %s does not gather this agreement", l->name);
    if (a != NULL && err == PVMX_OK) {
        free(a->kept);
        a->kept = consent_copy(&m.outcome);
        if (a->kept == NULL)
            err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for an agreement");
    }
    if (err == PVMX_OK)
        err = pxp_done_encode(link_out(l), serial | LINK_REPLY, &done);
    pxp_zone_free(&zone);
    return err;
}

/* ---- losses ----------------------------------------------------------------------------------- */

static void far_gone(struct agreement *a, int32_t tid)
{
    struct member *m = agree_member(a, tid);
    if (m == NULL || m->settled)
        return;
    m->settled = m->gone = true;
    if (--agree_party(a, far_host(tid))->missing == 0 && a->own->missing == 0)
        gather(a);
}

void consent_far_ended(struct server *sv, int32_t tid)
{
    px_list_foreach(it, &sv->agreements)
        far_gone(px_container_of(it, struct agreement, node), tid);
}

void consent_host_lost(struct server *sv, uint32_t host)
{
    px_list_foreach(it, &sv->agreements) {
        struct agreement *a = px_container_of(it, struct agreement, node);
        if (agree_party(a, host) != NULL && a->own->missing == 0)
            consent_speak(a);
    }
}

void consent_link_closed(struct link *l)
{
    px_list_foreach(it, &l->sv->agreements) {
        struct agreement *a = px_container_of(it, struct agreement, node);
        for (size_t i = 0; i < a->nparties; i++)
            if (a->parties[i].link == l)
                a->parties[i].link = NULL;
    }
}
