/* SPDX-License-Identifier: BSD-3-Clause */
/* A process that has waited for long in a collective asks those it waits for whether they know of that
 * message. Lengths (or kinds) that do not match make processes wait for messages that nobody sends, or
 * send what nobody receives: then the answer says so, and the wait ends with an error. While all is well
 * nothing is sent and nothing is looked at. Questions and answers are posts (<pvmx/engine/post.h>), which
 * any call that makes progress takes; a process that computes answers later.
 *
 * Sure is what follows from a schedule of the other process that is in progress: all its steps are known
 * from its beginning on. One that has ended is asked twice: what it had sent before has come by then. */
#ifndef XMPI_COLL_WATCH_H
#define XMPI_COLL_WATCH_H

#include "coll/sched.h"

/* Nanoseconds until the first question. For tests; else not changed. */
extern uint64_t xmpi_watch_first;

void xmpi_watch_start(void);
void xmpi_watch_stop(void);
/* A schedule can be asked for, from the number's taking to the giving back; engine lock. */
void xmpi_watch_add(struct xmpi_sched *s);
void xmpi_watch_remove(struct xmpi_sched *s);
/* One more round of it begins; all its steps are there. A request's is hooked (engine lock) until it
 * is complete. */
void xmpi_watch_begin(struct xmpi_sched *s, bool hooked);
void xmpi_watch_complete(struct xmpi_sched *s);
/* As pvmx_engine_wait_until without a limit, and asks: for requests, and for `own` (NULL: none), a
 * blocking one of the caller's. */
pvmx_err xmpi_watch_wait(bool (*done)(void *arg), void *arg, struct xmpi_sched *own);
/* In a round of progress in which a request's schedule has not come to its end; engine lock. */
void xmpi_watch_look(struct xmpi_sched *s);
/* By who opens the board of a communicator and has waited for the others (comm->opening): true: that is
 * in vain, since one of them does without; else asks, to hear it next time. */
bool xmpi_watch_opening(struct xmpi_comm *comm, const struct pvmx_board *board);
/* A communicator is gone: whatever was begun on it has ended here. */
void xmpi_watch_gone(const struct xmpi_comm *comm);

#endif
