/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocations. */
#include "revoke.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf.h"
#include "far.h"
#include "hosts.h"
#include "link.h"
#include "lost.h"
#include "peer.h"
#include "proto/messages.h"
#include "server.h"
#include "tasks.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 }; /* members */

#define PAUSE (200 * PX_MS) /* before a host that is not lost is told again */
#define KEPT                                                                             \
    4 /* times the host timeout: by then whoever told us is known to be lost, or has told all */

/* A host that is told. */
struct reach {
    struct revocation *of;
    uint32_t host;
    bool done;
    struct link *link; /* NULL: not asked now */
    uint32_t ask;
};

struct revocation {
    struct server *sv;
    struct px_list node; /* in server.revocations */
    struct pxp_revoke m; /* members: behind it */
    uint32_t origin;     /* host that tells all others */
    uint64_t until;
    struct loop_timer timer;
    struct reach *reaches; /* NULL: the origin sees to it */
    size_t nreaches;
    struct pxp_range members[];
};

static void tell_hosts(struct revocation *r);

/* ---- tasks here ------------------------------------------------------------------------------- */

static void tell_task(struct server *sv, const struct pxp_revoke *m, int32_t tid, int32_t from)
{
    const struct task *t = task_find(sv, tid);
    struct pxp_revoked news = {.ctx = m->ctx, .count = m->count};
    if (t == NULL || t->tid == from || t->peer == NULL || t->peer->closed)
        return;
    if (pxp_revoked_encode(peer_out(t->peer), 0, &news) != PVMX_OK)
        peer_close(t->peer); /* better no connection than one that does not say everything */
}

static void tell_tasks(struct server *sv, const struct pxp_revoke *m, int32_t from)
{
    for (size_t i = 0; i < m->n_members; i++)
        for (uint32_t k = 0; k < m->members[i].count; k++)
            tell_task(sv, m, m->members[i].first + (int32_t)k, from);
}

/* ---- other hosts ------------------------------------------------------------------------------ */

static void revocation_free(struct revocation *r)
{
    loop_timer_stop(&r->sv->loop, &r->timer);
    for (size_t i = 0; i < r->nreaches; i++)
        if (r->reaches[i].link != NULL)
            link_unask(r->reaches[i].link, r->reaches[i].ask);
    px_list_remove(&r->node);
    free(r->reaches);
    free(r);
}

static void on_timer(void *arg)
{
    struct revocation *r = arg;
    tell_hosts(r);
    uint64_t now = px_now_ns();
    bool open = false;
    for (size_t i = 0; i < r->nreaches; i++)
        open = open || !r->reaches[i].done;
    if (open || now < r->until)
        loop_timer_start(&r->sv->loop, &r->timer, open ? PAUSE : r->until - now, on_timer, r);
    else
        revocation_free(r);
}

static void on_told(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                    size_t len)
{
    struct reach *h = arg;
    (void)sv;
    (void)body;
    (void)len;
    h->link = NULL;
    h->done = number != 0; /* else once more, unless it is lost */
}

static void tell_hosts(struct revocation *r)
{
    for (size_t i = 0; i < r->nreaches; i++) {
        struct reach *to = &r->reaches[i];
        struct host *h = hosts_find(r->sv, to->host);
        to->done = to->done || hosts_lost(r->sv, to->host);
        struct link *l =
            !to->done && to->link == NULL && h != NULL ? hosts_link(r->sv, h) : NULL;
        to->ask = l != NULL ? link_ask(l, on_told, to) : 0;
        if (to->ask == 0)
            continue;
        to->link = l;
        if (pxp_revoke_encode(link_out(l), to->ask, &r->m) != PVMX_OK) {
            link_unask(l, to->ask);
            to->link = NULL;
        }
    }
}

static bool has_reach(const struct revocation *r, uint32_t host)
{
    for (size_t i = 0; i < r->nreaches; i++)
        if (r->reaches[i].host == host)
            return true;
    return false;
}

/* From now on it is our affair that all other hosts hear of it. */
static bool take_on(struct revocation *r)
{
    size_t room = 0;
    r->origin = r->sv->hosts.self;
    for (size_t i = 0; i < r->m.n_members; i++) {
        uint32_t host = far_host(r->members[i].first);
        if (host == r->origin || has_reach(r, host))
            continue;
        if (r->nreaches == room) {
            room = room > 0 ? room * 2 : 4;
            struct reach *more = realloc(r->reaches, room * sizeof *more);
            if (more == NULL)
                return false;
            r->reaches = more;
        }
        r->reaches[r->nreaches++] = (struct reach){.of = r, .host = host};
    }
    on_timer(r); /* may free it: nobody else is there */
    return true;
}

static struct revocation *find(struct server *sv, const struct pxp_revoke *m)
{
    px_list_foreach(it, &sv->revocations) {
        struct revocation *r = px_container_of(it, struct revocation, node);
        if (r->m.ctx == m->ctx && r->m.n_members == m->n_members &&
            r->members[0].first == m->members[0].first)
            return r;
    }
    return NULL;
}

static struct revocation *remember(struct server *sv, const struct pxp_revoke *m,
                                   uint32_t origin)
{
    size_t size = m->n_members * sizeof m->members[0];
    struct revocation *r = calloc(1, sizeof *r + size);
    if (r == NULL) {
        px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a revocation");
        return NULL;
    }
    r->sv = sv;
    r->m = *m;
    memcpy(r->members, m->members, size);
    r->m.members = r->members;
    r->origin = origin;
    r->until = px_now_ns() + KEPT * (uint64_t)conf.host_timeout;
    px_list_push_back(&sv->revocations, &r->node);
    return r;
}

/* ---- requests --------------------------------------------------------------------------------- */

static pvmx_err decode(const uint8_t *body, size_t len, struct pxp_revoke *m,
                       struct pxp_zone *zone)
{
    size_t n = 0;
    pvmx_err err = pxp_revoke_decode(body, len, m, zone);
    for (size_t i = 0; err == PVMX_OK && i < m->n_members && n <= MOST; i++)
        n += m->members[i].count;
    if (err == PVMX_OK && (n == 0 || n > MOST))
        err = px_fail(PVMX_ERR_ARG, "a communicator of %zu tasks", n);
    return err;
}

static bool all_here(const struct server *sv, const struct pxp_revoke *m)
{
    for (size_t i = 0; i < m->n_members; i++)
        if (far_host(m->members[i].first) != sv->hosts.self)
            return false;
    return true;
}

pvmx_err revoke_request(struct server *sv, struct peer *p, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_revoke m;
    (void)serial;
    pvmx_err err = decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        tell_tasks(sv, &m, p->task != NULL ? p->task->tid : 0);
    if (err == PVMX_OK && !all_here(sv, &m)) {
        struct revocation *r = remember(sv, &m, sv->hosts.self);
        if (r == NULL || !take_on(r))
            px_log(PX_LOG_ERROR, "REVOKE-NOMEM", "no memory to tell other hosts of it");
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err revoke_on_news(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_revoke m;
    struct pxp_done done = {.count = 1};
    struct revocation *r = NULL;
    pvmx_err err = decode(body, len, &m, &zone);
    if (err == PVMX_OK && find(sv, &m) == NULL) {
        tell_tasks(sv, &m, 0);
        r = remember(sv, &m, l->host);
        err = r != NULL ? PVMX_OK : PVMX_ERR_NOMEM;
    }
    if (r != NULL)
        on_timer(r);
    if (err == PVMX_OK)
        err = pxp_done_encode(link_out(l), serial | LINK_REPLY, &done);
    pxp_zone_free(&zone);
    return err;
}

void revoke_host_lost(struct server *sv, uint32_t host)
{
    px_list_foreach(it, &sv->revocations) {
        struct revocation *r = px_container_of(it, struct revocation, node);
        if (r->origin == host && !take_on(r))
            px_log(PX_LOG_ERROR, "REVOKE-NOMEM", "no memory to tell other hosts of it");
    }
}

void revoke_fini(struct server *sv)
{
    while (!px_list_empty(&sv->revocations))
        revocation_free(px_container_of(sv->revocations.next, struct revocation, node));
}
