/* SPDX-License-Identifier: BSD-3-Clause */
/* Message withdraw: a request that is under way is not wanted any more. */
#ifndef WITHDRAW_H
#define WITHDRAW_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;
struct link;

pvmx_err withdraw_request(struct server *sv, struct peer *p, uint32_t serial,
                          const uint8_t *body, size_t len);
/* The same of a request that another daemon has passed on. */
pvmx_err withdraw_forwarded(struct server *sv, struct link *l, uint32_t serial,
                            const uint8_t *body, size_t len);

#endif
