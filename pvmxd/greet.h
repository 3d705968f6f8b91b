/* SPDX-License-Identifier: BSD-3-Clause */
/* How a link begins: greet and proof in each direction (see proto.txt), then it is open. */
#ifndef GREET_H
#define GREET_H

#include <stddef.h>
#include <stdint.h>

struct link;

/* The caller's first word. */
void greet_begin(struct link *l);
/* A frame has come on a link that is not open. May close it. */
void greet_frame(struct link *l, const uint8_t *body, size_t len);

#endif
