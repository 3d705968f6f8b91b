/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes: named entries of bytes that tasks leave for others, under a name several with an index each. An
 * entry goes with the task that put it unless it was put to be kept. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "proto/messages.h"
#include <stdbool.h>

struct server;
struct peer;
struct task;
struct fact;

/* Messages box_put, box_get, box_drop, box_list, number. */
pvmx_err box_put(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                 size_t len);
pvmx_err box_get(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                 size_t len);
pvmx_err box_drop(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                  size_t len);
pvmx_err box_list(struct server *sv, struct peer *p, uint32_t serial, const uint8_t *body,
                  size_t len);
pvmx_err box_number(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
/* An entry that stands in the book; owner NULL: it has outlived it. false: no memory. */
bool box_load(struct server *sv, struct task *owner, struct fact *f);
/* The task has left or ended: its entries go, those to be kept have no owner any more. */
void boxes_forget_task(struct task *t);
/* All entries go, also those that were put to be kept. */
void boxes_clear(struct server *sv);
void boxes_fini(struct server *sv);

#endif
