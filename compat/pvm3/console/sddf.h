/* SPDX-License-Identifier: BSD-3-Clause */
/* Traces: what sddf.c (their form) and calls.c (events of the calls in tasks) share. */
#ifndef PVM_CONSOLE_SDDF_H
#define PVM_CONSOLE_SDDF_H

#include <stdbool.h>

enum {
    CALLS_PARTS = 24,
    CALLS_SHAPES = 320
}; /* of a record; kinds, with beginning and end */

struct trace;

/* A kind of record: its event and side, and what it consists of. */
struct calls_shape {
    int event, n;
    bool described;
    struct {
        int did, type;
    } parts[CALLS_PARTS];
};
struct calls {
    int n;
    struct calls_shape shapes[CALLS_SHAPES];
};
struct calls_value {
    int number;  /* of a list: how many */
    char *text;  /* NULL: a number, or     */
    char **list; /* each as it is shown; NULL: no list */
    int width;   /* of a list of texts: of the longest, with its NUL; 0: of numbers */
};

/* Tells the records of the message in the active receive buffer. */
void calls_take(struct trace *t, struct calls *c);

/* The description of a kind, and a record of it; who: the tid in front of the line. */
void trace_describe_begin(struct trace *t, unsigned who, int number, const char *name);
void trace_describe_field(struct trace *t, unsigned who, const char *id, const char *text,
                          bool is_text, bool is_list);
void trace_describe_end(struct trace *t, unsigned who);
void trace_record(struct trace *t, unsigned who, const char *name,
                  const struct calls_value *values, int n);

#endif
