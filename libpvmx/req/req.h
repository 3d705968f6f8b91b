/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a request: got from a pool, complete exactly once, given back by its user and, if that
 * comes first, kept until complete. A small common head; each kind embeds it as first member. */
#ifndef PX_REQ_H
#define PX_REQ_H

#include <pvmx/engine/layout.h>
#include <pvmx/engine/req.h>
#include <string.h>

enum px_req_kind { PX_REQ_SEND, PX_REQ_RECV };

enum { PX_REQ_BLOCK = 256 }; /* bytes of a pool object; kinds assert that they fit */

struct px_req_pool {
    void *free;
    void *chunks;
    size_t used;
};

/* False, with a sentence, without memory. */
bool px_req_pool_refill(struct px_req_pool *pool);
void px_req_pool_fini(struct px_req_pool *pool);

/* An object of PX_REQ_BLOCK bytes of which only the head is set; NULL with a sentence without
 * memory. */
static inline void *px_req_new(struct px_req_pool *pool, enum px_req_kind kind)
{
    if (__builtin_expect(!pool->free, 0) && !px_req_pool_refill(pool))
        return NULL;
    struct pvmx_req *r = pool->free;
    memcpy(&pool->free, r, sizeof(void *));
    r->done = false;
    r->orphan = false;
    r->kind = (uint8_t)kind;
    r->layout = NULL;
    r->st = (struct pvmx_status){0};
    pool->used++;
    return r;
}

static inline void px_req_drop(struct px_req_pool *pool, void *req)
{
    memcpy(req, &pool->free, sizeof(void *));
    pool->free = req;
    pool->used--;
}

static inline bool px_req_is_done(const struct pvmx_req *r)
{
    return pvmx_engine_req_done(r);
}

#endif
