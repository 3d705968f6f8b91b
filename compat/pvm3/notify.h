/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices as messages: ends of tasks, hosts that come and go, routes. With the lock held. */
#ifndef P3_NOTIFY_H
#define P3_NOTIFY_H

#include "state.h"

/* Are there notices that are not messages yet? */
bool p3_notify_pending(void);
/* Makes messages of them, behind the last ones of the tasks that have ended. */
void p3_notify_deliver(void);
void p3_notify_end(void);
/* From progress too. p3_output_ended(tid) is called when the task has ended and its last messages are
 * here. */
void p3_notify_output(int tid);
/* A route to a task is used from now on: PVM would open a connection. */
void p3_notify_route(int tid);
/* From now on a resource manager in this task hears of hosts that go. */
int p3_notify_hosts(void);

#endif
