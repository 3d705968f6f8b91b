/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries of PVM's mailbox, which the leading host keeps. Failures are told by pvmx_last_error(). */
#ifndef CONSOLE_BOXES_H
#define CONSOLE_BOXES_H

#include "link.h"
#include <stddef.h>

/* What this console has put; it is to be freed by boxes_leave. */
struct boxes_own {
    struct boxes_own *next;
    uint32_t index;
    bool stays; /* when the console leaves */
    char name[];
};

/* Those whose names have the parts of the pattern between '*' in this order. Free zone and *body, also
 * after a failure. */
pvmx_err boxes_list(struct link *l, const char *pattern, struct pxp_box_list_is *out,
                    struct pxp_zone *zone, uint8_t **body);
/* A text as pvm_pkstr packs it, under PVM's flags; *own grows by it. */
pvmx_err boxes_put(struct link *l, const char *name, uint32_t flags, const char *text,
                   struct boxes_own **own);
/* Deletes what ended tasks and consoles have left, but not what is in own; name NULL: all; index < 0:
 * all. *count: how many they were. */
pvmx_err boxes_drop_left(struct link *l, const char *name, long index,
                         const struct boxes_own *own, uint32_t *count);
/* The console leaves: deletes what does not stay. */
void boxes_leave(struct link *l, struct boxes_own **own);

#endif
