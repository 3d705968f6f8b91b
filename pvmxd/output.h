/* SPDX-License-Identifier: BSD-3-Clause */
/* What tasks write that were spawned from another host, or that is to be kept, or is collected. Their daemon
 * reads it from pipes, keeps it (logs.h) and sends it on by whole lines, beginnings of lines after a moment;
 * the daemon of their spawner writes it (drain.h) to where the spawner's own children write. A reader that
 * stands still stops the tasks that write for it, and nothing else. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "spawn.h"

struct link;
struct task;

/* One stream of a task in the maps outlets (output.c) and sinks (drain.c) of the server. */
static inline uint64_t output_key(int32_t tid, uint32_t stream)
{
    return (uint64_t)tid << 2 | stream;
}

/* Here: a task whose output passes through this daemon was started; its pipes' ends are taken over.
 * origin: host of the daemon that its output goes to; 0: this one. */
void output_start(struct server *sv, const struct task *t, struct spawn_one *one,
                  uint32_t origin);
/* A task has ended: what it has written is sent before its end is told, however much is on its way. */
void output_drain(struct server *sv, int32_t tid);
/* More can be sent to this host. */
void output_room(struct server *sv, uint32_t host);
/* More can be written here. */
void output_drained(struct server *sv);
/* So much of it was written where it goes. */
void output_consumed(struct server *sv, const struct pxp_consumed *m);
void output_host_lost(struct server *sv, uint32_t index);
void output_init(struct server *sv);
void output_fini(struct server *sv);

/* From other daemons: consumed. */
pvmx_err output_on_consumed(struct server *sv, struct link *l, uint32_t serial,
                            const uint8_t *body, size_t len);

#endif
