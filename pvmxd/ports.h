/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: where programs that know nothing of each other meet. A port belongs to the task that
 * opened it and goes with it. At a port stand either accepts or connects, in the order in which
 * they came, never both: the first of each are told of each other. */
#ifndef PORTS_H
#define PORTS_H

#include "proto/messages.h"
#include <stdbool.h>

struct server;
struct peer;
struct task;

/* Messages port_open, port_close, meet. */
pvmx_err ports_open(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
pvmx_err ports_close(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);
pvmx_err ports_meet(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len);
/* The task has left or ended: its ports are closed. */
void ports_forget_task(struct task *t);

/* All ports, in memory of the zone; false: there is none left. */
bool ports_list(struct server *sv, struct pxp_zone *zone, struct pxp_port_info **out,
                size_t *n);

#endif
