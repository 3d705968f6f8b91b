/* SPDX-License-Identifier: BSD-3-Clause */
/* A task that starts this host's tasks in the daemon's place, as PVM's taskers do. It is asked for
 * those of programs that do not call MPI, finds the processes itself, and says when they end; a
 * process connects by itself and says with a code which task it is. What it has been asked for ends
 * with it, unless it has connected. */
#ifndef HELPER_H
#define HELPER_H

#include "base/list.h"
#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct task;
struct spawn_req;
struct spawn_one;

struct helpers {
    struct task *hoster;     /* starts daemons of other hosts: see hosted.h; NULL: none */
    struct px_list hosts;    /* of hosted.node: those that are to come */
    struct task *tasker;     /* NULL: none */
    struct px_list given_up; /* of task.in_given_up: those that will not connect */
};

void helpers_init(struct helpers *h);
/* Ends the tasks that were given up; false: there was none. */
bool helpers_round(struct server *sv);
/* This task ends or leaves. */
void helper_forget_task(struct task *t);

/* Is the task that r is about to start to be started by a tasker? */
bool helper_wanted(const struct spawn_req *r);
/* A new code; 0 never. */
uint64_t helper_code(void);
/* one stands in the table as t: asks the tasker. */
void helper_start(struct spawn_req *r, const struct spawn_one *one, struct task *t);
/* A task that has not connected is not to come any more. */
void helper_give_up(struct task *t);

/* Handlers: helper, helped_task, be. */
pvmx_err helper_register(struct server *sv, struct peer *p, uint32_t serial,
                         const uint8_t *body, size_t len);
pvmx_err helper_task_ended(struct server *sv, struct peer *p, uint32_t serial,
                           const uint8_t *body, size_t len);
pvmx_err helper_be(struct server *sv, struct peer *p, uint32_t serial,
                   const uint8_t *body, size_t len);

#endif
