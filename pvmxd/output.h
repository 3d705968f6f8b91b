/* SPDX-License-Identifier: BSD-3-Clause */
/* What tasks write that were spawned from another host, or that is to be kept. Their daemon reads it from
 * pipes, keeps it (logs.h) and sends it on by whole lines, beginnings of lines after a moment; the daemon of
 * their spawner writes it to where the spawner's own children write. A reader that stands still stops the
 * tasks that write for it, and nothing else. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "spawn.h"

struct link;
struct task;

/* Here: a task whose output passes through this daemon was started; its pipes' ends are taken over.
 * origin: host of the daemon that its output goes to; 0: this one. */
void output_start(struct server *sv, const struct task *t, struct spawn_one *one,
                  uint32_t origin);
/* A task has ended: what it has written is sent before its end is told, however much is on its way. */
void output_drain(struct server *sv, int32_t tid);
/* There: output of this task will come, and goes where the request says. */
void output_expect(struct spawn_req *r, struct spawn_one *one);
void output_forget(struct server *sv, int32_t tid);
/* True: the end of this far task is told by far_end later, when what it has written has been written
 * here as well. session: it is mpiexec's; of others only those whose output goes by task count. */
bool output_hold(struct server *sv, const struct pxp_task_end *end, bool session);
/* More can be sent to this host. */
void output_room(struct server *sv, uint32_t host);
void output_host_lost(struct server *sv, uint32_t index);
void output_init(struct server *sv);
void output_fini(struct server *sv);
/* Something still waits to be written. */
bool output_busy(const struct server *sv);

/* From other daemons: output, consumed. */
pvmx_err output_on_bytes(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len);
pvmx_err output_on_consumed(struct server *sv, struct link *l, uint32_t serial,
                            const uint8_t *body, size_t len);

#endif
