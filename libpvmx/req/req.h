/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a request: got from a pool, complete exactly once, given back by its user and, if that
 * comes first, kept until complete. A small common head; each kind embeds it as first member. */
#ifndef PX_REQ_H
#define PX_REQ_H

#include <pvmx/engine/layout.h>
#include <pvmx/types.h>
#include <stdatomic.h>
#include <stdbool.h>

enum px_req_kind { PX_REQ_SEND, PX_REQ_RECV };

struct pvmx_req {
    _Atomic bool done;
    bool orphan; /* its user gave it back before it was complete */
    uint8_t kind;
    struct pvmx_layout *layout; /* of a buffer that is not one run; referenced until complete */
    struct pvmx_status st;
};

enum { PX_REQ_BLOCK = 256 }; /* bytes of a pool object; kinds assert that they fit */

struct px_req_pool {
    void *free;
    void *chunks;
    size_t used;
};

/* An object of PX_REQ_BLOCK bytes of which only the head is set; NULL with a sentence without
 * memory. */
void *px_req_new(struct px_req_pool *pool, enum px_req_kind kind);
void px_req_drop(struct px_req_pool *pool, void *req);
void px_req_pool_fini(struct px_req_pool *pool);

static inline bool px_req_is_done(const struct pvmx_req *r)
{
    return atomic_load_explicit(&r->done, memory_order_acquire);
}

#endif
