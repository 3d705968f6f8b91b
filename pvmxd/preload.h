/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that a spawn brings along (app.preload). Each daemon that starts tasks gets them before it starts
 * any: it asks the daemon that carries the request, where the spawner is, for piece after piece, a few ahead
 * of the one that it writes, so that nobody holds more than these for each host. A file that cannot be had
 * fails the tasks of its program here, with a sentence, as a missing program does.
 *
 * All reading and writing is done by spawner threads; a request writes one piece at a time. */
#ifndef PRELOAD_H
#define PRELOAD_H

#include "base/list.h"
#include "loop.h"
#include <pthread.h>
#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct link;
struct spawn_req;
struct preload_source;

struct preloads {
    pthread_mutex_t lock; /* done */
    struct px_list done;
    struct loop_post post;
};

void preload_init(struct server *sv);
/* Behind pool_stop, when no thread is left. */
void preload_fini(struct server *sv);
/* Gets what the tasks that this host is to start need. False: nothing; true: launch_round follows again. */
bool preload_round(struct spawn_req *r);
/* The request is gone. */
void preload_free(struct spawn_req *r);
/* From the daemon of another host of a request: fetch. */
pvmx_err preload_on_fetch(struct server *sv, struct link *l, uint32_t serial,
                          const uint8_t *body, size_t len);

#endif
