/* SPDX-License-Identifier: BSD-3-Clause */
/* Daemons of other hosts that a hoster starts: a task that was registered with message helper. It runs
 * the command that it is told and says what that has printed; then the new daemon is called and told
 * what to join (await.h). */
#ifndef HOSTED_H
#define HOSTED_H

#include "proto/messages.h"
#include <stdbool.h>

struct server;
struct peer;
struct hosted;
struct join;

/* Is there a hoster? */
bool hosted_wanted(const struct server *sv);
/* Asks it at the end of this round. failed: not it, or the daemon cannot be told; says why by px_fail,
 * and the object is gone. NULL: no memory. */
struct hosted *hosted_new(struct server *sv, const struct pxp_host_spec *spec,
                          const struct join *join,
                          void (*failed)(void *arg, pvmx_err err), void *arg);
/* The caller does not want to hear of it any more. */
void hosted_free(struct hosted *h);
/* Asks for all that are new; false: there was none. */
bool hosted_round(struct server *sv);
/* The hoster has gone. */
void hosted_forget(struct server *sv);

/* Handler: helped_hosts. */
pvmx_err hosted_said(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len);

#endif
