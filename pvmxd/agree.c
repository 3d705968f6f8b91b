/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreements: the members on this host. */
#include "agree.h"
#include "agreement.h"
#include "base/err.h"
#include "far.h"
#include "hosts.h"
#include "peer.h"
#include "server.h"
#include "span.h"
#include "tasks.h"
#include "waiter.h"
#include <stdlib.h>

enum { MOST = 1 << 20 }; /* members */

struct voice {
    struct waiter w;
    struct pxp_agree m;
    struct pxp_zone zone;
};

/* A member on this host. One that is just being started has not ended. */
static bool is_gone(struct server *sv, int32_t tid)
{
    const struct task *t = task_find(sv, tid);
    return t != NULL ? t->told || t->left : !span_coming(sv, tid);
}

static void voice_free(struct waiter *w)
{
    struct voice *v = px_container_of(w, struct voice, w);
    pxp_zone_free(&v->zone);
    free(v);
}

/* ---- outcome ---------------------------------------------------------------------------------- */

static bool knows(const struct voice *v, int32_t tid)
{
    for (size_t i = 0; i < v->m.n_known; i++)
        if (v->m.known[i] == tid)
            return true;
    return false;
}

bool agree_all_know(const struct agreement *a, int32_t tid)
{
    px_list_foreach(it, &a->voices)
        if (!knows(px_container_of(it, struct voice, w.in_queue), tid))
            return false;
    return true;
}

void agree_conclude(struct agreement *a, const struct pxp_outcome *o)
{
    struct pxp_agreed m = {.value = o->value,
                           .ended = o->ended,
                           .n_ended = o->n_ended,
                           .news = o->news,
                           .fresh = o->fresh};
    consent_tell(a, o);
    while (!px_list_empty(&a->voices)) {
        struct voice *v = px_container_of(a->voices.next, struct voice, w.in_queue);
        struct peer *p = v->w.peer;
        uint32_t serial = v->w.serial;
        waiter_end(&v->w);
        if (pxp_agreed_encode(peer_out(p), serial, &m) != PVMX_OK)
            peer_refuse(p, serial, PVMX_ERR_NOMEM,
                        "the daemon has no memory for an agreement");
    }
    agree_free(a);
}

void agree_free(struct agreement *a)
{
    consent_forget(a);
    px_list_remove(&a->node);
    for (size_t i = 0; i < a->nparties; i++)
        free(a->parties[i].known);
    free(a->parties);
    free(a->kept);
    free(a);
}

/* ---- members ---------------------------------------------------------------------------------- */

struct member *agree_member(struct agreement *a, int32_t tid)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (a->members[i].tid == tid)
            return &a->members[i];
    return NULL;
}

struct party *agree_party(struct agreement *a, uint32_t host)
{
    for (size_t i = 0; i < a->nparties; i++)
        if (a->parties[i].host == host)
            return &a->parties[i];
    return NULL;
}

static void settle(struct agreement *a, int32_t tid)
{
    struct member *m = agree_member(a, tid);
    if (m == NULL || m->settled)
        return;
    m->settled = true;
    if (--a->own->missing == 0)
        consent_speak(a);
}

void agree_forget_task(struct task *t)
{
    px_list_foreach(it, &t->sv->agreements)
        settle(px_container_of(it, struct agreement, node), t->tid);
}

void agree_recheck(struct server *sv)
{
    px_list_foreach(it, &sv->agreements) {
        struct agreement *a = px_container_of(it, struct agreement, node);
        uint32_t before = a->own->missing;
        for (uint32_t i = 0; i < a->n; i++) {
            struct member *m = &a->members[i];
            if (m->settled || far_host(m->tid) != sv->hosts.self || !is_gone(sv, m->tid))
                continue;
            m->settled = true;
            a->own->missing--;
        }
        if (before > 0 && a->own->missing == 0)
            consent_speak(a);
    }
}

void agree_gone_here(struct agreement *a)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (far_host(a->members[i].tid) == a->own->host)
            a->members[i].gone = is_gone(a->sv, a->members[i].tid);
}

/* ---- coming and going ------------------------------------------------------------------------- */

static size_t total(const struct pxp_range *r, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n && sum <= MOST; i++)
        sum += r[i].count;
    return sum;
}

int32_t agree_least(const struct pxp_range *r, size_t n)
{
    int32_t least = r[0].first;
    for (size_t i = 1; i < n; i++)
        least = r[i].first < least ? r[i].first : least;
    return least;
}

struct agreement *agree_find(struct server *sv, uint64_t ctx, uint32_t round, int32_t least)
{
    px_list_foreach(it, &sv->agreements) {
        struct agreement *a = px_container_of(it, struct agreement, node);
        if (a->ctx == ctx && a->round == round && a->least == least)
            return a;
    }
    return NULL;
}

static int by_host(const void *a, const void *b)
{
    uint32_t x = ((const struct party *)a)->host, y = ((const struct party *)b)->host;
    return (x > y) - (x < y);
}

/* One party for each host that has members. */
static bool find_parties(struct agreement *a)
{
    size_t room = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t host = far_host(a->members[i].tid);
        struct party *p = agree_party(a, host);
        if (p == NULL && a->nparties == room) {
            room = room > 0 ? room * 2 : 4;
            struct party *more = realloc(a->parties, room * sizeof *more);
            if (more == NULL)
                return false;
            a->parties = more;
        }
        if (p == NULL)
            *(p = &a->parties[a->nparties++]) = (struct party){.of = a, .host = host};
        p->missing += !a->members[i].settled;
    }
    qsort(a->parties, a->nparties, sizeof *a->parties, by_host);
    a->own = agree_party(a, a->sv->hosts.self);
    return true;
}

struct agreement *agree_begin(struct server *sv, uint64_t ctx, uint32_t round,
                              uint64_t fresh, const struct pxp_range *members, size_t n)
{
    size_t all = total(members, n);
    struct agreement *a =
        all > 0 && all <= MOST ? calloc(1, sizeof *a + all * sizeof a->members[0]) : NULL;
    if (a == NULL) {
        px_fail(all > 0 && all <= MOST ? PVMX_ERR_NOMEM : PVMX_ERR_ARG,
                "an agreement of %zu tasks", all);
        return NULL;
    }
    a->sv = sv;
    a->ctx = ctx;
    a->fresh = fresh;
    a->round = round;
    a->value = UINT32_MAX;
    a->least = agree_least(members, n);
    px_list_init(&a->node);
    px_list_init(&a->voices);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < members[i].count; k++) {
            int32_t tid = members[i].first + (int32_t)k;
            bool here = far_host(tid) == sv->hosts.self;
            a->members[a->n++] =
                (struct member){.tid = tid, .settled = here && is_gone(sv, tid)};
        }
    bool ok = find_parties(a);
    if (!ok || a->own == NULL) {
        px_fail(ok ? PVMX_ERR_ARG : PVMX_ERR_NOMEM, "an agreement of %zu tasks%s", all,
                ok ? ", none of them on this host" : "");
        agree_free(a);
        return NULL;
    }
    px_list_push_back(&sv->agreements, &a->node);
    return a;
}

/* ---- voices ----------------------------------------------------------------------------------- */

static bool within(int32_t tid, const struct pxp_range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tid >= r[i].first && (uint32_t)(tid - r[i].first) < r[i].count)
            return true;
    return false;
}

static pvmx_err check(const struct peer *p, const struct pxp_agree *m)
{
    size_t n = total(m->members, m->n_members);
    if (p->task == NULL || p->task->told || p->task->left)
        return px_fail(PVMX_ERR_STATE, "only a task can take part in an agreement");
    if (n == 0 || n > MOST)
        return px_fail(PVMX_ERR_ARG, "an agreement of %zu tasks", n);
    if (!within(p->task->tid, m->members, m->n_members))
        return px_fail(PVMX_ERR_ARG, "t%x is no member of this agreement",
                       (unsigned)p->task->tid);
    return PVMX_OK;
}

pvmx_err agree_voice(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct agreement *a = NULL;
    struct voice *v = calloc(1, sizeof *v);
    if (v == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for an agreement");
    v->w.free = voice_free;
    pvmx_err err = pxp_agree_decode(body, len, &v->m, &v->zone);
    const struct pxp_agree *m = &v->m;
    if (err == PVMX_OK)
        err = check(p, m);
    if (err == PVMX_OK) {
        a = agree_find(sv, m->ctx, m->round, agree_least(m->members, m->n_members));
        if (a == NULL)
            a = agree_begin(sv, m->ctx, m->round, m->fresh, m->members, m->n_members);
        if (a == NULL)
            err = PVMX_ERR_NOMEM;
    }
    if (err != PVMX_OK) {
        voice_free(&v->w);
        return err;
    }
    a->value &= m->value;
    waiter_start(&v->w, p, serial, &a->voices, WAITER_FOREVER);
    settle(a, p->task->tid);
    return PVMX_OK;
}

void agree_fini(struct server *sv)
{
    while (!px_list_empty(&sv->agreements))
        agree_free(px_container_of(sv->agreements.next, struct agreement, node));
}
