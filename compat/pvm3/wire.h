/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows struct p3_head in a post. */
#ifndef P3_WIRE_H
#define P3_WIRE_H

#include <pvmx/engine/post.h>

enum p3_kind {
    P3_KIND_BYTES, /* the message itself */
    P3_KIND_LOAN,  /* struct p3_loan: it is in the sender's shared memory */
    P3_KIND_FETCH, /* struct p3_fetch: a message of the engine's brings it */
};

struct p3_loan {
    struct pvmx_loan loan;
    uint64_t len;
};

struct p3_fetch {
    uint64_t len;
    int32_t number; /* tag of that message */
    int32_t unused;
};

#endif
