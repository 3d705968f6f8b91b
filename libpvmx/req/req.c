/* SPDX-License-Identifier: BSD-3-Clause */
/* Pool of requests. */
#include "req/req.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { PER_CHUNK = 32 };

struct chunk {
    struct chunk *next;
    _Alignas(64) unsigned char blocks[PER_CHUNK][PX_REQ_BLOCK];
};

static bool refill(struct px_req_pool *pool)
{
    struct chunk *c = aligned_alloc(64, sizeof *c);
    if (!c)
        return false;
    c->next = pool->chunks;
    pool->chunks = c;
    for (int i = PER_CHUNK - 1; i >= 0; i--) {
        memcpy(c->blocks[i], &pool->free, sizeof(void *));
        pool->free = c->blocks[i];
    }
    return true;
}

void *px_req_new(struct px_req_pool *pool, enum px_req_kind kind)
{
    if (!pool->free && !refill(pool)) {
        px_fail(PVMX_ERR_NOMEM, "no memory for a request");
        return NULL;
    }
    struct pvmx_req *r = pool->free;
    memcpy(&pool->free, r, sizeof(void *));
    atomic_init(&r->done, false);
    r->orphan = false;
    r->kind = (uint8_t)kind;
    r->layout = NULL;
    r->st = (struct pvmx_status){0};
    pool->used++;
    return r;
}

void px_req_drop(struct px_req_pool *pool, void *req)
{
    memcpy(req, &pool->free, sizeof(void *));
    pool->free = req;
    pool->used--;
}

void px_req_pool_fini(struct px_req_pool *pool)
{
    for (struct chunk *c = pool->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    *pool = (struct px_req_pool){0};
}
