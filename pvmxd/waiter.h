/* SPDX-License-Identifier: BSD-3-Clause */
/* A request that waits for what another client does: at a port, for a name, for an agreement. It
 * ends by its answer, by a refusal, by its time limit, or with its connection. */
#ifndef WAITER_H
#define WAITER_H

#include "base/list.h"
#include "loop.h"
#include <pvmx/types.h>

struct peer;

enum { WAITER_FOREVER = 0xffffffff }; /* a limit in ms */

/* First member of what the owner allocates. */
struct waiter {
    struct px_list in_queue; /* of what it waits for */
    struct px_list in_peer;
    struct peer *peer;
    uint32_t serial;
    struct loop_timer limit;
    void (*late)(struct waiter *w); /* says by px_fail what nobody came for */
    void (*free)(struct waiter *w); /* it is in no list any more            */
};

/* Queues it; limit_ms 0: refused at once. */
void waiter_start(struct waiter *w, struct peer *p, uint32_t serial,
                  struct px_list *queue, uint32_t limit_ms);
/* Takes it out of everything and frees it; after its answer was encoded. */
void waiter_end(struct waiter *w);
/* Refuses with err and the sentence of px_fail, then as waiter_end. */
void waiter_refuse(struct waiter *w, pvmx_err err);
/* The connection has gone. */
void waiters_forget_peer(struct peer *p);

#endif
