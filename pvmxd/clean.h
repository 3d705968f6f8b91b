/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting afresh: all tasks of this host end, and what they have left for others goes. */
#ifndef CLEAN_H
#define CLEAN_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;

/* Message clean. */
pvmx_err clean_request(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len);

#endif
