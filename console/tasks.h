/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of tasks in listings. */
#ifndef CONSOLE_TASKS_H
#define CONSOLE_TASKS_H

#include "proto/messages.h"
#include <stdbool.h>

struct tasks_view {
    const struct pxp_task_info **tasks; /* of the status that was arranged */
    unsigned *depths; /* below how many others it stands; not a tree: 0 */
    size_t n;
};

extern const char tasks_orders[]; /* for people */
bool tasks_is_order(const char *order);
const char *tasks_order(size_t i); /* NULL: there are no more */
/* "tree": a parent before its children; largest first by cpu and memory; false: no memory. */
bool tasks_arrange(struct tasks_view *v, const struct pxp_status_is *s, const char *order);
void tasks_view_free(struct tasks_view *v);
/* What it runs: with arguments when that is known. */
const char *tasks_command(const struct pxp_task_info *t);

#endif
