/* SPDX-License-Identifier: BSD-3-Clause */
/* Four hash tables of lists, one for each way to ask: by source and tag, by one of them, by none. In each
 * list messages stand in the order of arrival, so the first that fits is the one to be received: both
 * adding and finding cost the same with ten messages and with a hundred thousand. */
#include "waiting.h"

#include <stdlib.h>

enum { ANY_TAG = 1, ANY_SOURCE = 2, WAYS = P3_WAYS, FIRST_HEADS = 64 };

static struct px_list all = {&all, &all};
static size_t count;
static uint64_t serial;
static struct px_list *heads[WAYS]; /* [0] NULL: no memory, so everything is looked through */
static size_t nheads;

static struct px_list *head_of(int way, int ctx, int tid, int tag)
{
    uint64_t key = (uint32_t)ctx * UINT64_C(0x9e3779b97f4a7c15);
    if (!(way & ANY_SOURCE))
        key = (key ^ (uint32_t)tid) * UINT64_C(0xbf58476d1ce4e5b9);
    if (!(way & ANY_TAG))
        key = (key ^ (uint32_t)tag) * UINT64_C(0x94d049bb133111eb);
    return &heads[way][(key >> 32) & (nheads - 1)];
}

static struct p3_buf *buf_of(struct px_list *node, int way)
{
    return px_container_of(node - way, struct p3_buf, keyed);
}

/* Nearly always at the end; a message whose head was changed goes back to its place. */
static void insert(struct px_list *head, struct p3_buf *b, int way)
{
    struct px_list *before = head->prev;
    while (before != head && buf_of(before, way)->arrival > b->arrival)
        before = before->prev;
    px_list_push_front(before, &b->keyed[way]);
}

void p3_waiting_rekey(struct p3_buf *b)
{
    for (int way = 0; b->waiting && nheads && way < WAYS; way++)
        insert(head_of(way, b->ctx, b->src, b->tag), b, way);
}

void p3_waiting_unkey(struct p3_buf *b)
{
    for (int way = 0; b->waiting && nheads && way < WAYS; way++)
        px_list_remove(&b->keyed[way]);
}

static void no_heads(void)
{
    free(heads[0]);
    heads[0] = NULL;
    nheads = 0;
}

/* One block for all ways. Without memory the tables stay as they are, or there are none. */
static void grow(void)
{
    size_t n = nheads ? nheads * 2 : FIRST_HEADS;
    struct px_list *more = malloc(n * WAYS * sizeof *more);
    if (!more)
        return;
    for (size_t i = 0; i < n * WAYS; i++)
        px_list_init(&more[i]);
    no_heads();
    for (int way = 0; way < WAYS; way++)
        heads[way] = more + (size_t)way * n;
    nheads = n;
    px_list_foreach(it, &all)
        p3_waiting_rekey(px_container_of(it, struct p3_buf, node));
}

void p3_waiting_add(struct p3_buf *b)
{
    if (count >= nheads)
        grow();
    px_list_push_back(&all, &b->node);
    b->arrival = serial++;
    b->waiting = true;
    count++;
    p3_waiting_rekey(b);
}

void p3_waiting_remove(struct p3_buf *b)
{
    if (!b->waiting)
        return;
    p3_waiting_unkey(b);
    px_list_remove(&b->node);
    b->waiting = false;
    if (--count == 0 && nheads > FIRST_HEADS)
        no_heads();
}

static bool fits(const struct p3_buf *b, int ctx, int tid, int tag)
{
    return b->ctx == ctx && (tid == -1 || b->src == tid) && (tag == -1 || b->tag == tag);
}

struct p3_buf *p3_waiting_find(int ctx, int tid, int tag)
{
    int way = (tid == -1 ? ANY_SOURCE : 0) | (tag == -1 ? ANY_TAG : 0);
    struct px_list *head = nheads ? head_of(way, ctx, tid, tag) : &all;
    px_list_foreach(it, head) {
        struct p3_buf *b =
            nheads ? buf_of(it, way) : px_container_of(it, struct p3_buf, node);
        if (fits(b, ctx, tid, tag))
            return b;
    }
    return NULL;
}

struct px_list *p3_waiting_all(void)
{
    return &all;
}
