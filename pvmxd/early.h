/* SPDX-License-Identifier: BSD-3-Clause */
/* A started process may call before the loop has its task in the table: when it runs, its spawner's thread
 * still has to say so, and the rest of its world has to be started. What it says first waits until then. */
#ifndef EARLY_H
#define EARLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;

/* Is this task being started here? Then the frame is kept, and comes again when it has been, or when it has
 * failed. False without memory, too. */
bool early_keep(struct server *sv, struct peer *p, int32_t tid, const uint8_t *frame,
                size_t len);
/* Takes up what need not wait any more. */
void early_round(struct server *sv);
void early_forget_peer(struct peer *p);

#endif
