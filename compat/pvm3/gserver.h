/* SPDX-License-Identifier: BSD-3-Clause */
/* What PVM's own programs ask its group server, which is not here: the library answers. */
#ifndef P3_GSERVER_H
#define P3_GSERVER_H

enum {
    P3_GROUP_CTX = 524284, /* the context that PVM keeps for groups */
    P3_GROUPS_DUMP = 9,    /* tags: print your tables; */
    P3_GROUPS_STATUS = 10, /* tell them */
};

/* A message to the server, that is, in this context and to the own host's daemon. With the lock held. */
int p3_ask_groups(int tag);

#endif
