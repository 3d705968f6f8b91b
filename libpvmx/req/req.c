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

bool px_req_pool_refill(struct px_req_pool *pool)
{
    struct chunk *c = aligned_alloc(64, sizeof *c);
    if (!c) {
        px_fail(PVMX_ERR_NOMEM, "no memory for a request");
        return false;
    }
    c->next = pool->chunks;
    pool->chunks = c;
    for (int i = PER_CHUNK - 1; i >= 0; i--) {
        memcpy(c->blocks[i], &pool->free, sizeof(void *));
        pool->free = c->blocks[i];
    }
    return true;
}

void px_req_pool_fini(struct px_req_pool *pool)
{
    for (struct chunk *c = pool->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    *pool = (struct px_req_pool){0};
}
