/* SPDX-License-Identifier: BSD-3-Clause */
/* See caller.h. */
#include "caller.h"
#include "base/err.h"
#include "book.h"
#include "dispatch.h"
#include "far.h"
#include "groups.h"
#include "hosts.h"
#include "link.h"
#include "mailbox.h"
#include "names.h"
#include "peer.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <stdlib.h>

struct caller {
    struct peer peer; /* first: peer.c frees it */
    struct task task;
    uint32_t host;
};

static const struct carried handlers[] = {
    {PXP_PUBLISH, names_publish},   {PXP_UNPUBLISH, names_unpublish},
    {PXP_LOOKUP, names_lookup},     {PXP_BOX_PUT, box_put},
    {PXP_BOX_GET, box_get},         {PXP_BOX_DROP, box_drop},
    {PXP_BOX_LIST, box_list},       {PXP_GROUP_JOIN, group_join},
    {PXP_GROUP_LEAVE, group_leave}, {PXP_GROUP_LOOK, group_look},
    {PXP_GROUP_MEET, group_meet},   {PXP_GROUP_LIST, group_list},
};

static const struct carried *find(const uint8_t *frame, size_t len)
{
    return carried_find(handlers, sizeof handlers / sizeof handlers[0], frame, len,
                        "the leading host");
}

/* ---- coming and going ------------------------------------------------------------------------- */

/* One for each task, and one for each host whose other clients ask. */
static uint64_t key_of(uint32_t host, int32_t tid)
{
    return tid != 0 ? (uint64_t)tid : (uint64_t)host << 32;
}

static struct caller *caller_of(struct server *sv, uint32_t host, int32_t tid)
{
    struct caller *c = px_map_get(&sv->callers, key_of(host, tid));
    if (c != NULL)
        return c;
    c = calloc(1, sizeof *c);
    if (c == NULL || px_map_put(&sv->callers, key_of(host, tid), c) != PVMX_OK) {
        free(c);
        return NULL;
    }
    c->host = host;
    task_stand_in(&c->task, sv, tid, &c->peer);
    peer_init(&c->peer, sv, -1, 0);
    c->peer.role = PXP_ROLE_TASK;
    c->peer.caller = c;
    c->peer.task = tid != 0 ? &c->task : NULL;
    if (tid != 0 && host != sv->hosts.self)
        far_know(sv, tid); /* its end is the caller's */
    return c;
}

struct task *caller_task(struct server *sv, int32_t tid)
{
    struct caller *c = caller_of(sv, far_host(tid), tid);
    return c != NULL ? &c->task : NULL;
}

static void forget(struct caller *c)
{
    names_forget_task(&c->task);
    boxes_forget_task(&c->task);
    groups_forget_task(&c->task);
}

static void drop(struct server *sv, struct caller *c)
{
    px_map_remove(&sv->callers, key_of(c->host, c->task.tid));
    peer_close(&c->peer); /* first: it waits for nothing any more */
    forget(c);
}

void callers_end(struct server *sv, int32_t tid)
{
    struct caller *c = px_map_get(&sv->callers, (uint64_t)tid);
    if (c != NULL)
        drop(sv, c);
}

void callers_host_lost(struct server *sv, uint32_t index)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->callers, &pos, &key, &value);)
        if (((struct caller *)value)->host == index)
            drop(sv, value);
    book_settle(sv, index, 0, true);
}

void callers_clear(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->callers, &pos, &key, &value);)
        peer_close(&((struct caller *)value)->peer); /* nobody waits, so nobody is told */
    for (size_t pos = 0; px_map_next(&sv->callers, &pos, &key, &value);)
        drop(sv, value);
    px_map_free(&sv->callers);
    boxes_clear(sv);
}

void callers_check(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->callers, &pos, &key, &value);) {
        struct caller *c = value;
        const struct host *h = hosts_find(sv, c->host);
        const struct task *t =
            c->host == sv->hosts.self ? task_find(sv, c->task.tid) : &c->task;
        if (h == NULL || h->state != PXP_HOST_UP || t == NULL || t->told || t->left)
            drop(sv, c);
    }
}

/* ---- errands ---------------------------------------------------------------------------------- */

void caller_flush(struct peer *p)
{
    const uint8_t *body;
    size_t len;
    uint32_t number, serial;
    while (!p->closed && pxp_frame_next(&p->out, SIZE_MAX, &body, &len) == PVMX_OK) {
        if (pxp_frame_head(body, len, &number, &serial) == PVMX_OK && serial != 0)
            book_answer(p->sv, p->caller->host, serial, number != PXP_REFUSE, body, len);
        pxp_frame_drop(&p->out);
    }
}

static bool waits(const struct peer *p, uint32_t number)
{
    px_list_foreach(it, &p->waiters)
        if (px_container_of(it, struct waiter, in_peer)->serial == number)
            return true;
    return false;
}

void caller_serve(struct server *sv, uint32_t host, const struct pxp_errand *m)
{
    if (!book_ready(sv, host, m)) /* comes again */
        return;
    const struct carried *h = find(m->frame, m->frame_len);
    pvmx_err err = h != NULL ? PVMX_OK : PVMX_ERR_UNSUPPORTED;
    /* What cannot be done for that task is refused to its host's other clients' stand-in. */
    struct caller *c = caller_of(sv, host, m->tid);
    if (c == NULL)
        return;             /* no memory: there is nobody to tell it to */
    caller_flush(&c->peer); /* of what was done before, all is in the book */
    if (book_done_before(sv, host, m->number) || waits(&c->peer, m->number))
        return;
    book_settle(sv, host, m->settled, false);
    if (err == PVMX_OK)
        err = h->fn(sv, &c->peer, m->number, m->frame, m->frame_len);
    if (err != PVMX_OK)
        peer_refuse(&c->peer, m->number, err, NULL);
}

pvmx_err caller_on_errand(struct server *sv, struct link *l, uint32_t serial,
                          const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_errand m;
    (void)serial;
    pvmx_err err = pxp_errand_decode(body, len, &m, &zone);
    if (err == PVMX_OK && m.tid != 0 && far_host(m.tid) != l->host)
        err = px_fail(PVMX_ERR_PROTO, "host %s asks for another host's task", l->name);
    if (err == PVMX_OK)
        caller_serve(sv, l->host, &m);
    pxp_zone_free(&zone);
    return err;
}
