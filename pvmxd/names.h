/* SPDX-License-Identifier: BSD-3-Clause */
/* The name service: names for ports. A name belongs to the task that published it and goes with it. */
#ifndef NAMES_H
#define NAMES_H

#include "proto/messages.h"
#include <stdbool.h>

struct server;
struct peer;
struct task;
struct fact;

/* Messages publish, unpublish, lookup; of a caller, at the leader. */
pvmx_err names_publish(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len);
pvmx_err names_unpublish(struct server *sv, struct peer *p, uint32_t serial,
                         const uint8_t *body, size_t len);
pvmx_err names_lookup(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
/* The sentence for a look-up whose time is over. */
void names_not_published(const struct pxp_lookup *m);
/* A name that stands in the book; false: no memory. */
bool name_load(struct server *sv, struct task *owner, struct fact *f);
/* The task has left or ended: its names go. */
void names_forget_task(struct task *t);
/* All names go, those of tasks of other hosts too. */
void names_clear(struct server *sv);

/* All names, in memory of the zone; false: there is none left. */
bool names_list(struct server *sv, struct pxp_zone *zone, struct pxp_name_info **out,
                size_t *n);

#endif
