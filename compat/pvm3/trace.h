/* SPDX-License-Identifier: BSD-3-Clause */
/* Trace events: messages to a tracer about calls of this library, in the form of <pvmtev.h>. A record says
 * when, who, and what was given or came out; the first of each kind names its parts, later ones only have
 * their values. Nothing is made unless the task has a tracer and its mask has the event.
 *
 * With the lock held. */
#ifndef P3_TRACE_H
#define P3_TRACE_H

#include "buf.h"
#include "tev.h"
#include <pvmtev.h>

/* Programs that trace know these. */
extern P3_PUBLIC struct Pvmtracer pvmtrc, pvmctrc;
extern P3_PUBLIC struct Pvmtevinfo pvmtevinfo[];
extern P3_PUBLIC struct Pvmtevdid pvmtevdidlist[];

extern bool p3_trace_on;     /* the task has a tracer */
extern int p3_trace_pending; /* the event whose call runs; -1: none */

void p3_trace_call(int kind, const struct p3_item *items, int n);
/* What the call that runs has come to, beside its code. Lists must stay until it ends. */
void p3_trace_more(const struct p3_item *items, int n);
/* The call has ended with this code. */
void p3_trace_result(int code);
#define P3_TRACE(kind, ...)                                                              \
    do {                                                                                 \
        if (__builtin_expect(p3_trace_on, 0)) {                                          \
            const struct p3_item items_[] = {__VA_ARGS__};                               \
            p3_trace_call(kind, items_, (int)(sizeof items_ / sizeof items_[0]));        \
        }                                                                                \
    } while (0)
#define P3_TRACE_BARE(kind)                                                              \
    do {                                                                                 \
        if (__builtin_expect(p3_trace_on, 0))                                            \
            p3_trace_call(kind, NULL, 0);                                                \
    } while (0)
#define P3_TRACE_MORE(...)                                                               \
    do {                                                                                 \
        if (__builtin_expect(p3_trace_pending >= 0, 0)) {                                \
            const struct p3_item items_[] = {__VA_ARGS__};                               \
            p3_trace_more(items_, (int)(sizeof items_ / sizeof items_[0]));              \
        }                                                                                \
    } while (0)
/* Around functions of the program that a call runs, whose calls are the program's again; told of if kind is
 * an event. */
int p3_trace_suspend(int kind, const struct p3_item *items, int n);
void p3_trace_resume(int pending);

/* The process has become a task, which its spawner may have given a tracer; it leaves. */
void p3_trace_begin(bool born);
void p3_trace_end(void);
/* A tracer for all has registered: takes it if there is no other. */
void p3_trace_attach(int tid);
/* An option of traces was set. */
void p3_trace_option(int what, int value);
/* What children get of it, as variables: as many as were written. */
enum { P3_TRACE_VARS = 4, P3_TRACE_VAR = 80 };
int p3_trace_vars(char vars[P3_TRACE_VARS][P3_TRACE_VAR]);
/* In a tracer: a task has come, whose end is to be told in the same way. */
void p3_trace_seen(const struct p3_buf *b);

#endif
