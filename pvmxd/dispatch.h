/* SPDX-License-Identifier: BSD-3-Clause */
/* From a message to its handler. A handler returns PVMX_OK when it has answered or will answer
 * later; any error is sent as `refuse` with pvmx_last_error(), and PVMX_ERR_PROTO (the frame makes
 * no sense) also closes the connection. */
#ifndef DISPATCH_H
#define DISPATCH_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct server;
struct peer;

void dispatch_frame(struct server *sv, struct peer *p, const uint8_t *body, size_t len);

#endif
