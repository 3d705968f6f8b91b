/* SPDX-License-Identifier: BSD-3-Clause */
/* Passing bytes between two connections, in both directions, with bounded buffers: whoever does not read
 * makes the other side wait. The end of one direction is passed on, too. */
#ifndef PUMP_H
#define PUMP_H

#include <stdbool.h>
#include <stdint.h>

struct server;

/* Takes both descriptors over, which do not block. a, b: the hosts at their ends. false without memory:
 * they are closed. */
bool pump_start(struct server *sv, int fd_a, uint32_t a, int fd_b, uint32_t b);
void pumps_host_lost(struct server *sv, uint32_t index);
void pumps_stop(struct server *sv);

#endif
