/* SPDX-License-Identifier: BSD-3-Clause */
/* From a message of another daemon to its handler: what dispatch.h is for clients. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

struct server;
struct link;

void wire_frame(struct server *sv, struct link *l, uint32_t number, uint32_t serial,
                const uint8_t *body, size_t len);

#endif
