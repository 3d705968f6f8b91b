/* SPDX-License-Identifier: BSD-3-Clause */
/* Scopes: whose death concerns a wildcard receive. */
#include "msg/msg.h"

#include "base/err.h"

#include <stdlib.h>

struct member {
    pvmx_tid tid;
    int32_t index;
    bool dead, left;        /* left: in good order before it ended, which is no failure */
    struct pvmx_peer *peer; /* referenced: keeps us interested in its end */
};

struct pvmx_scope {
    struct px_list node;
    size_t n;
    size_t dead, acked;      /* failures, and how many of them were acknowledged  */
    size_t others, absent;   /* members beside this task; those that have ended   */
    struct member members[]; /* sorted by tid */
};

static int by_tid(const void *a, const void *b)
{
    pvmx_tid x = ((const struct member *)a)->tid, y = ((const struct member *)b)->tid;
    return (x > y) - (x < y);
}

static void count_end(struct pvmx_scope *s, struct member *m)
{
    if (!m->peer->dead || m->dead || m->left)
        return;
    m->left = m->peer->end.left;
    m->dead = !m->left;
    s->dead += m->dead;
    s->absent++;
}

pvmx_err px_scope_new(struct px_messenger *ms, const pvmx_tid *tids, size_t n,
                      struct pvmx_scope **out)
{
    struct pvmx_scope *s = calloc(1, sizeof *s + n * sizeof s->members[0]);
    if (!s)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a communicator of %zu tasks", n);
    px_list_init(&s->node);
    for (; s->n < n; s->n++) {
        struct member *m = &s->members[s->n];
        pvmx_err err = px_peer_get(ms, tids[s->n], &m->peer);
        if (err) {
            px_scope_free(ms, s);
            return err;
        }
        m->tid = m->peer->tid;
        m->index = (int32_t)s->n;
        s->others += !m->peer->self;
        count_end(s, m);
    }
    qsort(s->members, n, sizeof s->members[0], by_tid);
    px_list_push_back(&ms->scopes, &s->node);
    *out = s;
    return PVMX_OK;
}

void px_scope_free(struct px_messenger *ms, struct pvmx_scope *s)
{
    (void)ms;
    px_list_remove(&s->node);
    for (size_t i = 0; i < s->n; i++)
        px_peer_put(s->members[i].peer);
    free(s);
}

bool px_scope_blocked(const struct pvmx_scope *s)
{
    return s->dead > s->acked || (s->others > 0 && s->absent == s->others);
}

void px_scopes_peer_died(struct px_messenger *ms, pvmx_tid tid)
{
    struct member key = {.tid = tid};
    px_list_foreach(it, &ms->scopes) {
        struct pvmx_scope *s = px_container_of(it, struct pvmx_scope, node);
        struct member *m = bsearch(&key, s->members, s->n, sizeof key, by_tid);
        if (m)
            count_end(s, m);
    }
}

size_t px_scope_dead(const struct pvmx_scope *s, int32_t *index)
{
    size_t k = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->members[i].dead) {
            if (index)
                index[k] = s->members[i].index;
            k++;
        }
    return k;
}

void px_scope_ack(struct pvmx_scope *s, size_t n)
{
    s->acked = n < s->dead ? n : s->dead;
}
