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

/* A message that is carried inside another one, and who answers it. */
struct carried {
    uint32_t number;
    pvmx_err (*fn)(struct server *sv, struct peer *p, uint32_t serial,
                   const uint8_t *body, size_t len);
};

/* The one of n that answers this frame; NULL: none (pvmx_last_error says that it is not for `whom`), or the
 * frame makes no sense. */
const struct carried *carried_find(const struct carried *table, size_t n,
                                   const uint8_t *frame, size_t len, const char *whom);

void dispatch_frame(struct server *sv, struct peer *p, const uint8_t *body, size_t len);

#endif
