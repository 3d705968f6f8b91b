/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreement among the members of a group, of whom any may end at any time. Daemons are where members are
 * heard and where their ends are known first, so each waits until those on its host have spoken or
 * ended, and the hosts settle it among each other (consent.h): all that are left hear the same. */
#ifndef AGREE_H
#define AGREE_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct task;

/* Message agree. */
pvmx_err agree_voice(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
/* The task has ended (t->told) or left: nobody waits for its voice. */
void agree_forget_task(struct task *t);
/* Tasks that were being started are there now, or will never be. */
void agree_recheck(struct server *sv);
void agree_fini(struct server *sv);

#endif
