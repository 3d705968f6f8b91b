/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreement among the members of a group, of whom any may end at any time. The daemon is where all
 * of them are heard and where their ends are known first, so it waits until each has spoken or
 * ended and tells all that are left the same. */
#ifndef AGREE_H
#define AGREE_H

#include "proto/messages.h"

struct server;
struct peer;
struct task;

/* Messages agree, revoke. */
pvmx_err agree_voice(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
pvmx_err agree_revoke(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
/* The task has ended (t->told) or left: nobody waits for its voice. */
void agree_forget_task(struct task *t);

#endif
