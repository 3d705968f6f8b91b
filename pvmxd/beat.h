/* SPDX-License-Identifier: BSD-3-Clause */
/* Heart-beats. While there are links, whoever has nothing else to say says so now and then, and one who
 * has been silent for PVMX_DAEMON_HOST_TIMEOUT is given up; time in which this daemon itself stood still
 * does not count. */
#ifndef BEAT_H
#define BEAT_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct link;

void beat_start(struct server *sv);
/* Tasks, load and memory of this host, into its entry of the table. */
void beat_measure(struct server *sv);
/* Says so now. */
void beat_say(struct link *l);
/* Message beat. */
pvmx_err beat_heard(struct server *sv, struct link *l, uint32_t serial,
                    const uint8_t *body, size_t len);

#endif
