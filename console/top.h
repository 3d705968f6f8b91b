/* SPDX-License-Identifier: BSD-3-Clause */
/* What top shows: hosts and tasks, with the share of a processor that each task has used since it was
 * looked at before. */
#ifndef CONSOLE_TOP_H
#define CONSOLE_TOP_H

#include "cmd.h"

struct top_past {
    int32_t tid;
    uint64_t cpu_ms, age_ms;
};

struct top_row {
    const struct pxp_task_info *task;
    uint64_t percent; /* of one processor, times 100 */
    unsigned depth;
};

struct top {
    const char *order; /* as ps -s */
    struct pxp_status_is status;
    struct pxp_zone zone;
    struct top_row *rows; /* in this order */
    size_t n;
    struct top_past *past; /* of the look before, by tid */
    size_t npast;
    int32_t chosen; /* task; 0: none */
    size_t first;   /* row at the top of the list */
    size_t page;    /* rows that fit */
    char note[200]; /* last line */
};

extern const struct out_column top_columns[];

/* Looks anew. false: the connection is lost, Ctrl-C, no memory. */
bool top_look(struct top *t, struct link *l, bool *complete);
/* Sorts anew. false: no memory. */
bool top_sort(struct top *t);
/* Moves the choice. */
void top_move(struct top *t, long by);
/* Task rows from `first` on, at most n. */
void top_rows(const struct top *t, struct out *o, size_t first, size_t n);
/* A text of so many lines, to be freed; *marked: the line of the chosen task. NULL: no memory. */
char *top_page(struct top *t, const char *vm, size_t rows, size_t *marked);
void top_free(struct top *t);

#endif
