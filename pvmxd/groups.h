/* SPDX-License-Identifier: BSD-3-Clause */
/* Named groups of tasks: who is in which place, and who waits for the others. A group is there as long
 * as it has members. */
#ifndef GROUPS_H
#define GROUPS_H

#include "proto/messages.h"
#include <stdbool.h>

struct server;
struct peer;
struct task;
struct fact;

/* Messages group_join, group_leave, group_look, group_meet, group_list. */
pvmx_err group_join(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
pvmx_err group_leave(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
pvmx_err group_look(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
pvmx_err group_meet(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
pvmx_err group_list(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
/* A place that stands in the book; false: no memory. Then what else stands there of groups. */
bool group_load(struct server *sv, struct task *t, struct fact *f);
void group_load_flags(struct server *sv, struct fact *f);
/* The task has left or ended: so it has all its groups. */
void groups_forget_task(struct task *t);
void groups_fini(struct server *sv);

#endif
