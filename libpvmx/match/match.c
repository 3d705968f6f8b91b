/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashed matching queues. */
#include "match/match.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    BUCKETS_MIN = 64,
    KEEP_EMPTY = 64, /* empty queue heads that stay in their bucket: a ping-pong uses one key over
                      * and over and should not make and drop its head each time */
};

static size_t key_hash(const struct px_key *k)
{
    uint64_t st = (uint64_t)(uint32_t)k->source << 32 | (uint32_t)k->tag;
    uint64_t h = (k->ctx ^ (st * 0x9e3779b97f4a7c15ull)) * 0xff51afd7ed558ccdull;
    return (size_t)(h ^ h >> 29);
}

static struct px_match_queue *queue_find(const struct px_match_table *t,
                                         const struct px_key *key)
{
    struct px_match_queue *q = t->buckets[key_hash(key) & (t->nbuckets - 1)];
    while (q && !px_key_equal(&q->key, key))
        q = q->next;
    return q;
}

/* Takes empty queues out of a table; they go to the spare list. */
static void sweep(struct px_match *m, struct px_match_table *t)
{
    m->last = NULL;
    for (size_t i = 0; i < t->nbuckets; i++)
        for (struct px_match_queue **p = &t->buckets[i], *q; (q = *p) != NULL;) {
            if (!px_list_empty(&q->entries)) {
                p = &q->next;
                continue;
            }
            *p = q->next;
            q->next = m->spare;
            m->spare = q;
            t->nqueues--;
        }
    t->nempty = 0;
}

/* Doubles the buckets; without memory the chains just grow longer. */
static void rehash(struct px_match_table *t)
{
    size_t n = t->nbuckets * 2;
    struct px_match_queue **b = calloc(n, sizeof(struct px_match_queue *));
    if (!b)
        return;
    for (size_t i = 0; i < t->nbuckets; i++)
        for (struct px_match_queue *q = t->buckets[i], *next; q; q = next) {
            next = q->next;
            struct px_match_queue **at = &b[key_hash(&q->key) & (n - 1)];
            q->next = *at;
            *at = q;
        }
    free(t->buckets);
    t->buckets = b;
    t->nbuckets = n;
}

static struct px_match_queue *queue_get(struct px_match *m, struct px_match_table *t,
                                        const struct px_key *key)
{
    struct px_match_queue *q = queue_find(t, key);
    if (q) {
        t->nempty -= px_list_empty(&q->entries);
        return q;
    }
    q = m->spare;
    if (q)
        m->spare = q->next;
    else if (!(q = malloc(sizeof *q)))
        return NULL;
    if (t->nqueues >= t->nbuckets)
        rehash(t);
    q->key = *key;
    q->table = t;
    px_list_init(&q->entries);
    struct px_match_queue **at = &t->buckets[key_hash(key) & (t->nbuckets - 1)];
    q->next = *at;
    *at = q;
    t->nqueues++;
    return q;
}

/* To be called when an entry has left q, or when q was got for nothing. The sweep costs one pass
 * over the buckets and frees at least half of the queues, so it is O(1) for each entry. */
void px_match_queue_empty(struct px_match *m, struct px_match_queue *q)
{
    struct px_match_table *t = q->table;
    if (++t->nempty > KEEP_EMPTY + t->nqueues / 2 && t->nempty > t->nbuckets / 2)
        sweep(m, t);
}

static void queue_settle(struct px_match *m, struct px_match_queue *q)
{
    if (px_list_empty(&q->entries))
        px_match_queue_empty(m, q);
}

struct px_match_queue *px_match_queue_for(struct px_match *m, const struct px_key *key)
{
    m->last = queue_get(m, &m->posted, key);
    if (!m->last)
        px_fail(PVMX_ERR_NOMEM, "no memory for a posted receive");
    return m->last;
}

pvmx_err px_match_init(struct px_match *m)
{
    *m = (struct px_match){.indexed = {true}};
    px_list_init(&m->arrived);
    m->posted.nbuckets = m->unexp.nbuckets = BUCKETS_MIN;
    m->posted.buckets = calloc(BUCKETS_MIN, sizeof(struct px_match_queue *));
    m->unexp.buckets = calloc(BUCKETS_MIN, sizeof(struct px_match_queue *));
    if (!m->posted.buckets || !m->unexp.buckets) {
        px_match_fini(m);
        return px_fail(PVMX_ERR_NOMEM, "no memory for matching");
    }
    return PVMX_OK;
}

static void table_fini(struct px_match_table *t)
{
    for (size_t i = 0; t->buckets && i < t->nbuckets; i++)
        for (struct px_match_queue *q = t->buckets[i], *next; q; q = next) {
            next = q->next;
            free(q);
        }
    free(t->buckets);
}

void px_match_fini(struct px_match *m)
{
    table_fini(&m->posted);
    table_fini(&m->unexp);
    for (struct px_match_queue *q = m->spare, *next; q; q = next) {
        next = q->next;
        free(q);
    }
    *m = (struct px_match){0};
}

/* The four patterns that a message answers to. */
static void patterns(const struct px_key *k, struct px_key out[PX_UNEXP_QUEUES])
{
    out[0] = *k;
    out[1] = (struct px_key){k->ctx, PVMX_ANY_SOURCE, k->tag};
    out[2] = (struct px_key){k->ctx, k->source, PVMX_ANY_TAG};
    out[3] = (struct px_key){k->ctx, PVMX_ANY_SOURCE, PVMX_ANY_TAG};
}

struct px_match_queue *px_match_queue_find(const struct px_match_table *t,
                                           const struct px_key *key)
{
    return queue_find(t, key);
}

struct px_posted *px_match_older_wild(const struct px_match *m, const struct px_key *key,
                                      struct px_posted *best)
{
    struct px_key wild[PX_UNEXP_QUEUES];
    patterns(key, wild);
    for (int i = 1; i < PX_UNEXP_QUEUES; i++) {
        struct px_posted *p = px_match_first_posted(m, &wild[i]);
        if (p && (!best || p->seq < best->seq))
            best = p;
    }
    return best;
}

/* Puts a message into its queue of one kind of pattern. */
static bool enqueue(struct px_match *m, struct px_unexp *u, int kind)
{
    struct px_key keys[PX_UNEXP_QUEUES];
    patterns(&u->key, keys);
    struct px_match_queue *q = queue_get(m, &m->unexp, &keys[kind]);
    u->in[kind].queue = q;
    if (q)
        px_list_push_back(&q->entries, &u->in[kind].node);
    return q != NULL;
}

static void dequeue(struct px_match *m, struct px_unexp *u)
{
    for (int i = 0; i < PX_UNEXP_QUEUES; i++) {
        struct px_match_queue *q = u->in[i].queue;
        if (!q)
            continue;
        u->in[i].queue = NULL;
        px_list_remove(&u->in[i].node);
        queue_settle(m, q);
    }
}

pvmx_err px_match_add_unexp(struct px_match *m, struct px_unexp *u)
{
    for (int i = 0; i < PX_UNEXP_QUEUES; i++)
        u->in[i].queue = NULL;
    for (int i = 0; i < PX_UNEXP_QUEUES; i++)
        if (m->indexed[i] && !enqueue(m, u, i)) {
            dequeue(m, u);
            return px_fail(PVMX_ERR_NOMEM, "no memory for an unexpected message");
        }
    px_list_push_back(&m->arrived, &u->all);
    m->nunexp++;
    return PVMX_OK;
}

/* The first receive or probe of this kind: from now on messages are queued by it. Without memory
 * it stays as it was. */
static void index_kind(struct px_match *m, int kind)
{
    m->indexed[kind] = true;
    px_list_foreach(it, &m->arrived) {
        if (enqueue(m, px_container_of(it, struct px_unexp, all), kind))
            continue;
        m->indexed[kind] = false;
        break;
    }
    if (m->indexed[kind])
        return;
    px_list_foreach(it, &m->arrived) {
        struct px_unexp *u = px_container_of(it, struct px_unexp, all);
        if (!u->in[kind].queue)
            break;
        px_list_remove(&u->in[kind].node);
        queue_settle(m, u->in[kind].queue);
        u->in[kind].queue = NULL;
    }
}

/* When there was no memory for an index. */
static struct px_unexp *search(struct px_match *m, const struct px_key *p)
{
    px_list_foreach(it, &m->arrived) {
        struct px_unexp *u = px_container_of(it, struct px_unexp, all);
        if (u->key.ctx == p->ctx &&
            (p->source == PVMX_ANY_SOURCE || p->source == u->key.source) &&
            (p->tag == PVMX_ANY_TAG || p->tag == u->key.tag))
            return u;
    }
    return NULL;
}

struct px_unexp *px_match_search_unexp(struct px_match *m, const struct px_key *pattern)
{
    int kind = (pattern->source == PVMX_ANY_SOURCE ? 1 : 0) +
               (pattern->tag == PVMX_ANY_TAG ? 2 : 0);
    if (!m->indexed[kind])
        index_kind(m, kind);
    if (!m->indexed[kind])
        return search(m, pattern);
    struct px_match_queue *q = queue_find(&m->unexp, pattern);
    if (!q || px_list_empty(&q->entries))
        return NULL;
    char *node = (char *)q->entries.next;
    return (struct px_unexp *)(void *)(node - offsetof(struct px_unexp, in) -
                                       (size_t)kind * sizeof(((struct px_unexp *)0)->in[0]));
}

void px_match_remove_unexp(struct px_match *m, struct px_unexp *u)
{
    dequeue(m, u);
    px_list_remove(&u->all);
    m->nunexp--;
}

void px_match_each_posted(struct px_match *m, void (*fn)(struct px_posted *p, void *arg),
                          void *arg)
{
    /* Collected first: fn's removals may sweep the table. */
    size_t n = 0, count = m->nposted;
    struct px_posted **all = count ? malloc(count * sizeof(struct px_posted *)) : NULL;
    if (!all)
        return;
    for (size_t i = 0; i < m->posted.nbuckets; i++)
        for (struct px_match_queue *q = m->posted.buckets[i]; q; q = q->next)
            px_list_foreach(it, &q->entries)
                all[n++] = px_container_of(it, struct px_posted, node);
    for (size_t i = 0; i < n; i++)
        fn(all[i], arg);
    free(all);
}

struct px_unexp *px_match_any_unexp(struct px_match *m)
{
    return m->nunexp ? px_container_of(m->arrived.next, struct px_unexp, all) : NULL;
}
