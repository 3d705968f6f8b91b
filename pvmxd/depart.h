/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts end. A VM that was started by a program that needed it is ephemeral: its leader leaves, and the
 * other hosts with it, when there is no task and no client anywhere. Each host tells the leader when it
 * comes to be used and when it is not used any more; a new leader takes all for used until they have
 * told it. A host that has no leader, and can hope for none, leaves when it is not used itself. */
#ifndef DEPART_H
#define DEPART_H

#include <stdbool.h>

struct server;

/* This host has tasks or clients, or is at something for one. */
bool depart_in_use(const struct server *sv);
/* There is nothing to stay for. */
bool depart_due(const struct server *sv);
/* Once in a round: tells the leader. */
void depart_round(struct server *sv);

#endif
