/* SPDX-License-Identifier: BSD-3-Clause */
/* libgpvm3: groups over the daemon's, and what their members do together over PVM messages. */
#ifndef P3_GROUP_H
#define P3_GROUP_H

#include "extra.h"
#include "tev.h"
#include <pvm3.h>
#include <pvmtev.h>
#include <pvmx/engine/box.h>

#define P3_PUBLIC __attribute__((visibility("default")))

/* A call on the group begins, and ends: what tracers are told of it. */
#define P3_GROUP_CALL(kind, name, ...)                                                   \
    do {                                                                                 \
        const struct p3_item items_[] = {{TEV_DID_GN, 0, (name) ? (name) : ""},          \
                                         __VA_ARGS__};                                   \
        tev_call(kind, items_, (int)(sizeof items_ / sizeof *items_));                   \
    } while (0)
extern int pvm_errno;

/* Members and own place (-1: not in it); makes this process a task if need be. A static group's is kept
 * once it is known. Paid back by p3_group_put. 0 or an error. */
int p3_group_get(const char *name, struct pvmx_group *out, int *place);
void p3_group_put(struct pvmx_group *g);

/* Bytes of one item; 0: no such type. */
size_t p3_group_item(int datatype);

#endif
