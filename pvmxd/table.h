/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries of the host table, and their form in messages. No state but what is given. */
#ifndef TABLE_H
#define TABLE_H

#include "hosts.h"

/* A new entry in the table; NULL without memory. */
struct host *table_add(struct hosts *hs, uint32_t index, const char *name);
void table_remove(struct hosts *hs, struct host *h);
void table_free(struct hosts *hs);
/* Takes over what the message says of the host (not its index, and the name only if one is said). */
pvmx_err table_read(struct host *h, const struct pxp_host_entry *m);
/* The strings stay the host's. live: with tasks, load and memory. */
void table_write(const struct hosts *hs, const struct host *h, bool live,
                 struct pxp_host_entry *m);
/* All hosts in order of index, as an array in the zone; NULL without memory. */
struct pxp_host_entry *table_list(const struct hosts *hs, bool live, struct pxp_zone *z,
                                  size_t *n);
/* Slots of all hosts that are up. */
uint32_t table_slots(const struct hosts *hs);
bool table_name_ok(const char *name);

#endif
