/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wants to know of which end. Every receiver is told once per task, in batches of a round. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "base/list.h"
#include "proto/messages.h"
#include <stdbool.h>

struct server;
struct peer;
struct task;

/* What is remembered of a task after its end. Shared by the memory of ends and by notices. */
struct end_record {
    unsigned refs;
    struct px_list node; /* in server.records, oldest first */
    struct pxp_task_end end;
    char program[];
};

struct ends {
    struct end_record **items;
    size_t n, cap;
};

struct watch {
    struct px_list in_peer, in_task;
    struct peer *peer;
};

/* Tells spawner and watchers that the task has ended, and remembers it. Once for a task. */
void notify_ended(struct server *sv, struct task *t, int status, int signal, bool inited);
/* The same for any end: who has spawned it, whose session it is in, and all who watch. */
void notify_end(struct server *sv, const struct pxp_task_end *end, struct peer *spawner,
                struct peer *session, struct px_list *watches);
/* Puts the client into a list of watch.in_task, once; false without memory. */
bool notify_add_watch(struct peer *p, struct px_list *watches);
void notify_drop_watch(struct px_list *in_task);
/* What is known of the end of a task of this host that is not in the table any more. */
void notify_known(struct server *sv, int32_t tid, struct pxp_task_end *end);
/* Encodes the notices of this round for one peer. */
void notify_encode(struct peer *p);
/* Message watch. */
pvmx_err notify_watch(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
void notify_forget_peer(struct peer *p);
void notify_forget_task(struct task *t);
void notify_fini(struct server *sv);

#endif
