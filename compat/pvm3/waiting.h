/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that receives have passed over, in the order of arrival, and found by context, source and tag
 * whatever their number. With the lock held. */
#ifndef P3_WAITING_H
#define P3_WAITING_H

#include "buf.h"

/* Behind all that are here. */
void p3_waiting_add(struct p3_buf *b);
/* Takes it out; nothing happens if it is not in. */
void p3_waiting_remove(struct p3_buf *b);
/* The first with this context; tid and tag may be -1. NULL: there is none. */
struct p3_buf *p3_waiting_find(int ctx, int tid, int tag);
/* What it is found by is about to change / has changed: it keeps its place. */
void p3_waiting_unkey(struct p3_buf *b);
void p3_waiting_rekey(struct p3_buf *b);
/* All of them, by their `node`. */
struct px_list *p3_waiting_all(void);

#endif
