/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of this host ask about names, boxes and groups. The leader answers from its book; until it
 * has, the request is kept here, and put to the next leader when this one is lost. Each has a number by
 * which a leader knows what it, or the one before it, has done already: nothing is done twice. */
#ifndef ERRAND_H
#define ERRAND_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

pvmx_err errand_start(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len);
/* There is a leader (again), or the connection with it is another: puts all to it. */
void errands_resend(struct server *sv);
/* No leader can be hoped for. */
void errands_refuse(struct server *sv);
/* The leader's answer, a frame without its length. */
void errand_answered(struct server *sv, uint32_t number, const uint8_t *body, size_t len);

/* Message errand_done of the leader. */
pvmx_err errand_on_done(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len);

#endif
