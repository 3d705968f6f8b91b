/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreements, and the news that a communicator is revoked. */
#include "agree.h"
#include "base/err.h"
#include "peer.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <stdlib.h>

struct member {
    int32_t tid;
    bool settled; /* has spoken, or will not */
};

struct agreement {
    struct px_list node; /* in server.agreements */
    uint64_t ctx, fresh;
    uint32_t round, value;
    struct px_list voices; /* struct voice, of those who wait for the outcome */
    uint32_t n, missing;   /* members; those not settled */
    int32_t least; /* smallest tid: groups with the same context have no member in common */
    struct member members[];
};

struct voice {
    struct waiter w;
    struct pxp_agree m;
    struct pxp_zone zone;
};

static bool is_gone(struct server *sv, int32_t tid)
{
    const struct task *t = task_find(sv, tid);
    return t == NULL || t->told || t->left;
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

static bool all_know(const struct agreement *a, int32_t tid)
{
    px_list_foreach(it, &a->voices)
        if (!knows(px_container_of(it, struct voice, w.in_queue), tid))
            return false;
    return true;
}

static void free_agreement(struct agreement *a)
{
    px_list_remove(&a->node);
    free(a);
}

static void decide(struct server *sv, struct agreement *a)
{
    struct pxp_agreed m = {.value = a->value, .fresh = a->fresh};
    int32_t *ended = malloc(a->n * sizeof *ended);
    for (uint32_t i = 0; ended != NULL && i < a->n; i++) {
        int32_t tid = a->members[i].tid;
        if (!is_gone(sv, tid))
            continue;
        ended[m.n_ended++] = tid;
        m.news = m.news || !all_know(a, tid);
    }
    m.ended = ended;
    while (!px_list_empty(&a->voices)) {
        struct voice *v = px_container_of(a->voices.next, struct voice, w.in_queue);
        struct peer *p = v->w.peer;
        uint32_t serial = v->w.serial;
        waiter_end(&v->w);
        if (ended == NULL || pxp_agreed_encode(peer_out(p), serial, &m) != PVMX_OK)
            peer_refuse(p, serial, PVMX_ERR_NOMEM,
                        "the daemon has no memory for an agreement");
    }
    free(ended);
    free_agreement(a);
}

static void settle(struct server *sv, struct agreement *a, int32_t tid)
{
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->members[i].tid != tid || a->members[i].settled)
            continue;
        a->members[i].settled = true;
        a->missing--;
        break;
    }
    if (a->missing == 0)
        decide(sv, a);
}

void agree_forget_task(struct task *t)
{
    px_list_foreach(it, &t->sv->agreements)
        settle(t->sv, px_container_of(it, struct agreement, node), t->tid);
}

/* ---- voices ----------------------------------------------------------------------------------- */

static size_t total(const struct pxp_range *r, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n && sum <= PX_NSLOTS; i++)
        sum += r[i].count;
    return sum;
}

static int32_t least_of(const struct pxp_range *r, size_t n)
{
    int32_t least = r[0].first;
    for (size_t i = 1; i < n; i++)
        least = r[i].first < least ? r[i].first : least;
    return least;
}

static struct agreement *find(struct server *sv, const struct pxp_agree *m)
{
    int32_t least = least_of(m->members, m->n_members);
    px_list_foreach(it, &sv->agreements) {
        struct agreement *a = px_container_of(it, struct agreement, node);
        if (a->ctx == m->ctx && a->round == m->round && a->least == least)
            return a;
    }
    return NULL;
}

static struct agreement *begin(struct server *sv, const struct pxp_agree *m)
{
    size_t n = total(m->members, m->n_members);
    struct agreement *a = calloc(1, sizeof *a + n * sizeof a->members[0]);
    if (a == NULL)
        return NULL;
    a->ctx = m->ctx;
    a->fresh = m->fresh;
    a->round = m->round;
    a->value = UINT32_MAX;
    a->least = least_of(m->members, m->n_members);
    px_list_init(&a->voices);
    for (size_t i = 0; i < m->n_members; i++)
        for (uint32_t k = 0; k < m->members[i].count; k++) {
            int32_t tid = m->members[i].first + (int32_t)k;
            bool gone = is_gone(sv, tid);
            a->members[a->n++] = (struct member){tid, gone};
            a->missing += !gone;
        }
    px_list_push_back(&sv->agreements, &a->node);
    return a;
}

static pvmx_err check(const struct peer *p, const struct pxp_agree *m)
{
    size_t n = total(m->members, m->n_members);
    if (p->task == NULL || p->task->told || p->task->left)
        return px_fail(PVMX_ERR_STATE, "only a task can take part in an agreement");
    if (n == 0 || n > PX_NSLOTS)
        return px_fail(PVMX_ERR_ARG, "an agreement of %zu tasks", n);
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
    if (err == PVMX_OK)
        err = check(p, &v->m);
    if (err == PVMX_OK) {
        a = find(sv, &v->m);
        if (a == NULL)
            a = begin(sv, &v->m);
        if (a == NULL)
            err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for an agreement");
    }
    if (err != PVMX_OK) {
        voice_free(&v->w);
        return err;
    }
    a->value &= v->m.value;
    waiter_start(&v->w, p, serial, &a->voices, WAITER_FOREVER);
    settle(sv, a, p->task->tid);
    return PVMX_OK;
}

/* ---- revoking --------------------------------------------------------------------------------- */

static void pass_on(struct server *sv, const struct pxp_revoke *m, int32_t tid, int32_t from)
{
    const struct task *t = task_find(sv, tid);
    struct pxp_revoked news = {.ctx = m->ctx, .count = m->count};
    if (t == NULL || t->tid == from || t->peer == NULL || t->peer->closed)
        return;
    if (pxp_revoked_encode(peer_out(t->peer), 0, &news) != PVMX_OK)
        peer_close(t->peer); /* better no connection than one that does not say everything */
}

pvmx_err agree_revoke(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_revoke m;
    (void)serial;
    pvmx_err err = pxp_revoke_decode(body, len, &m, &zone);
    int32_t from = p->task != NULL ? p->task->tid : 0;
    if (err == PVMX_OK && total(m.members, m.n_members) <= PX_NSLOTS)
        for (size_t i = 0; i < m.n_members; i++)
            for (uint32_t k = 0; k < m.members[i].count; k++)
                pass_on(sv, &m, m.members[i].first + (int32_t)k, from);
    pxp_zone_free(&zone);
    return err;
}
