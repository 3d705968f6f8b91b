/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that have gone. Who has gone stays so: everybody takes its tasks for ended, so a daemon that is
 * heard of again under such an index is told to end, by any host that has a leader. A host without one
 * may be the one that was cut off; it tells nobody to end, and tries to reach those that it has lost,
 * who will tell it. A leader tries to reach them, too, for a while: all whom they know may have ended. */
#ifndef LOST_H
#define LOST_H

#include "proto/messages.h"

struct server;
struct host;
struct link;

/* This host, which was up, has gone. */
void lost_note(struct server *sv, const struct host *h);
/* Has it gone? One that is not known (yet) has not. */
bool hosts_lost(const struct server *sv, uint32_t index);
/* A table entry for one that has gone: a late message, unless its index has been given out again. */
bool lost_again(struct server *sv, const struct pxp_host_entry *info);
/* Adds those that may still run somewhere to the first table of a new host; false without memory. */
bool lost_write(struct server *sv, struct pxp_zone *z, struct pxp_table *m);
/* The first table that this host has got: those before it that are not in it have gone. */
void lost_before(struct server *sv, const struct pxp_table *m);
/* The indices, in the zone; NULL without memory. */
uint32_t *lost_list(struct server *sv, struct pxp_zone *z, size_t *n);

/* This host leads, or nobody does: tries now and then to reach one that was lost. */
void lost_look(struct server *sv);
/* There is a leader (again), or this daemon ends. */
void lost_settled(struct server *sv);
void lost_link_open(struct link *l);
void lost_link_closed(struct link *l);
void lost_fini(struct server *sv);

#endif
