/* SPDX-License-Identifier: BSD-3-Clause */
/* A call that all members of a group make: arguments, and messages between them. */
#ifndef P3_GROUP_MOVE_H
#define P3_GROUP_MOVE_H

#include "group/group.h"

struct p3_group_call {
    const char *name;
    void *data;
    int count, datatype, tag, root;
    size_t item; /* from here on: set by p3_group_begin */
    struct pvmx_group group;
    int place, old_ctx;
};

/* Checks the arguments and looks the group up; paid back by p3_group_end, which returns cc. */
int p3_group_begin(struct p3_group_call *c);
int p3_group_end(struct p3_group_call *c, int cc);
/* Reports an error; returns the code. */
int p3_group_done(const char *func, int kind, int code);
/* count items from the member in this place, the first ones of more; PvmNoData: it has sent fewer. */
int p3_group_recv(const struct p3_group_call *c, int place, void *to);

#endif
