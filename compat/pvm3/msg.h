/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages: those that have arrived, in the order of arrival, and sending. With the lock held. */
#ifndef P3_MSG_H
#define P3_MSG_H

#include "buf.h"

/* The engine's way to hand over what other tasks send. */
pvmx_sink_fn p3_msg_sink;
/* Queues a message that was made here (notices). */
void p3_msg_arrived(struct p3_buf *b);
/* The same, as from the daemon. cc: what packing has come to; but for PvmOk nothing is queued, and b, which
 * may be NULL then, is freed. */
void p3_daemon_says(struct p3_buf *b, int cc, int tag, int wid);
/* The first message that fits, waited for until the deadline (0: progress is made once); NULL with *err.
 * It is to be taken, or given to waiting.h. */
struct p3_buf *p3_msg_await(int tid, int tag, uint64_t deadline_ns, int *err);
/* Takes a message out of the queue; waits for bytes that are still on their way. Error: they cannot
 * come any more, and the message is gone. */
int p3_msg_take(struct p3_buf *b);
/* PvmBadParam unless these can be asked for. */
int p3_msg_check(int tid, int tag);
void p3_msg_end(void);
/* In a child of the task: its messages are the parent's. */
void p3_msg_forget(void);
/* Counts messages that have come, and notices that will be messages. */
unsigned long p3_msg_arrivals(void);
/* There is a notice. */
void p3_msg_news(void);

/* ---- fds.c: the descriptor of pvm_getfds */
/* The program has seen what is here. */
void p3_fds_quiet(void);
void p3_fds_end(void);
/* In a child of the task. */
void p3_fds_forget(void);

/* ---- send.c: never waits. Tasks that are unknown or have ended are no error. */
int p3_send(struct p3_buf *b, int tid, int tag, int ctx);
/* In the name of a daemon. */
int p3_send_as_daemon(struct p3_buf *b, int tid, int tag);
/* A trace event in the name of the daemon, to this task's tracer; first: of a task that is new to it. */
int p3_send_of_task(struct p3_buf *b, bool first);
/* Forgets the task that was sent to last. */
void p3_send_end(void);

/* ---- handler.c: true when a handler took (and freed) the message. */
bool p3_handler_take(struct p3_buf *b);
/* Are there handlers of the program? */
bool p3_handlers(void);

#endif
