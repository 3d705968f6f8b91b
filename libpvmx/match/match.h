/* SPDX-License-Identifier: BSD-3-Clause */
/* Matching: which receive gets which message. Two tables, posted receives and unexpected messages,
 * hashed by (context, source, tag), each in the order of arrival. A receive with wildcards is hashed
 * by its own pattern, so a message looks at up to four queues and takes the oldest. An unexpected
 * message stands in the queue of its own key, and in those of the wildcard patterns of a kind (any
 * source, any tag, both) once a receive or probe of that kind has been seen: a program without
 * wildcards does not pay for them. Every operation is O(1), however many entries there are. Not
 * thread safe: called under the engine's lock.
 *
 * Entries are intrusive: the owner embeds them and keeps them alive while they are queued. */
#ifndef PX_MATCH_H
#define PX_MATCH_H

#include "base/list.h"
#include <pvmx/types.h>
#include <stdbool.h>

/* A pattern; -1 (PVMX_ANY_SOURCE, PVMX_ANY_TAG) in source or tag means any. */
struct px_key {
    uint64_t ctx;
    int32_t source, tag;
};

struct px_match_table;

/* All entries of one pattern, oldest first. */
struct px_match_queue {
    struct px_key key;
    struct px_list entries;
    struct px_match_queue *next; /* in the bucket, or in the spare list */
    struct px_match_table *table;
};

struct px_posted {
    struct px_key key;
    struct px_list node;
    struct px_match_queue *queue; /* NULL: not queued */
    uint64_t seq;
};

enum { PX_UNEXP_QUEUES = 4 };

struct px_unexp {
    struct px_key key;  /* no wildcards */
    struct px_list all; /* in px_match.arrived */
    struct {
        struct px_list node;
        struct px_match_queue *queue; /* NULL: not in one of this kind */
    } in[PX_UNEXP_QUEUES];
};

struct px_match_table {
    struct px_match_queue **buckets;
    size_t nbuckets, nqueues, nempty;
};

struct px_match {
    struct px_match_table posted, unexp;
    struct px_list arrived;        /* all unexpected messages, oldest first */
    bool indexed[PX_UNEXP_QUEUES]; /* kinds of patterns that unexpected messages are queued by */
    struct px_match_queue *spare; /* free queue heads                      */
    struct px_match_queue *last; /* of `posted`: where the last receive was put; NULL: none */
    size_t nposted, nunexp;
    size_t nwild; /* posted receives with a wildcard       */
    uint64_t seq;
};

pvmx_err px_match_init(struct px_match *m);
/* Entries still queued belong to their owners; only the tables are freed. */
void px_match_fini(struct px_match *m);

/* For the inline functions below. */
struct px_match_queue *px_match_queue_find(const struct px_match_table *t,
                                           const struct px_key *key);
struct px_match_queue *px_match_queue_for(struct px_match *m, const struct px_key *key);
void px_match_queue_empty(struct px_match *m, struct px_match_queue *q);
struct px_posted *px_match_older_wild(const struct px_match *m, const struct px_key *key,
                                      struct px_posted *best);

static inline bool px_key_equal(const struct px_key *a, const struct px_key *b)
{
    return a->ctx == b->ctx && a->source == b->source && a->tag == b->tag;
}

/* The oldest receive that was posted with exactly this pattern; most often it stands in the queue that
 * was used last. */
static inline struct px_posted *px_match_first_posted(const struct px_match *m,
                                                      const struct px_key *key)
{
    const struct px_match_queue *q = m->last && px_key_equal(&m->last->key, key)
                                         ? m->last
                                         : px_match_queue_find(&m->posted, key);
    return q && !px_list_empty(&q->entries)
               ? px_container_of(q->entries.next, struct px_posted, node)
               : NULL;
}

static inline void px_match_remove_posted(struct px_match *m, struct px_posted *p)
{
    struct px_match_queue *q = p->queue;
    px_list_remove(&p->node);
    m->nposted--;
    if (__builtin_expect(m->nwild != 0, 0))
        m->nwild -= p->key.source == PVMX_ANY_SOURCE || p->key.tag == PVMX_ANY_TAG;
    p->queue = NULL;
    if (px_list_empty(&q->entries))
        px_match_queue_empty(m, q);
}

/* A message with this key has come: takes the oldest posted receive that wants it off the table;
 * NULL: none. */
static inline struct px_posted *px_match_arrive(struct px_match *m, const struct px_key *key)
{
    if (!m->nposted)
        return NULL;
    struct px_posted *best = px_match_first_posted(m, key);
    if (__builtin_expect(m->nwild != 0, 0))
        best = px_match_older_wild(m, key, best);
    if (best)
        px_match_remove_posted(m, best);
    return best;
}

/* Queues a message that nobody waits for. PVMX_ERR_NOMEM: nothing was changed. */
pvmx_err px_match_add_unexp(struct px_match *m, struct px_unexp *u);

struct px_unexp *px_match_search_unexp(struct px_match *m, const struct px_key *pattern);
/* A receive is asked for: the oldest unexpected message that fits; NULL: none. Stays queued. */
static inline struct px_unexp *px_match_find_unexp(struct px_match *m,
                                                   const struct px_key *pattern)
{
    return m->nunexp ? px_match_search_unexp(m, pattern) : NULL;
}
void px_match_remove_unexp(struct px_match *m, struct px_unexp *u);
/* Queues a receive (after find_unexp found nothing). PVMX_ERR_NOMEM: nothing was changed. */
static inline pvmx_err px_match_add_posted(struct px_match *m, struct px_posted *p)
{
    struct px_match_queue *q = m->last;
    if (q && px_key_equal(&q->key, &p->key))
        m->posted.nempty -= px_list_empty(&q->entries);
    else if (!(q = px_match_queue_for(m, &p->key)))
        return PVMX_ERR_NOMEM;
    p->queue = q;
    p->seq = m->seq++;
    px_list_push_back(&q->entries, &p->node);
    m->nposted++;
    m->nwild += p->key.source == PVMX_ANY_SOURCE || p->key.tag == PVMX_ANY_TAG;
    return PVMX_OK;
}

/* Calls fn for every posted receive; fn may remove the one it is given. */
void px_match_each_posted(struct px_match *m, void (*fn)(struct px_posted *p, void *arg),
                          void *arg);
/* Any unexpected message, NULL when there is none: for emptying the table at the end. */
struct px_unexp *px_match_any_unexp(struct px_match *m);

#endif
