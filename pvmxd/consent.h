/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreements of several hosts. When all members on a host have spoken or ended, its daemon tells the
 * lowest of the hosts (consent), which gathers and decides. Then all hosts that are left are given the
 * outcome to keep, and when all have it, they are told to tell it. So no task hears an outcome that
 * any host which is left does not have:
 *
 *   - when the gathering host is lost, the next one takes over. It asks nobody: all hosts come to it
 *     and bring what they were told to keep, which it takes over.
 *   - whoever is asked about an agreement that it does not know (any more) has told its outcome, so
 *     what the asker keeps is that outcome.
 *
 * A host is lost when the host table says so, and never comes back under its index (hosts.h). Members
 * of a host on which nobody waits are watched (far.h): they may all have ended. */
#ifndef CONSENT_H
#define CONSENT_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct link;

/* Messages consent, keep. */
pvmx_err consent_on_part(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len);
pvmx_err consent_on_keep(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len);
/* A task of another host has ended or left. */
void consent_far_ended(struct server *sv, int32_t tid);
void consent_host_lost(struct server *sv, uint32_t host);
void consent_link_closed(struct link *l);

#endif
