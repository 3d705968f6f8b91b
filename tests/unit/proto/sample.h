/* SPDX-License-Identifier: BSD-3-Clause */
/* Random but valid values for any message, and numbers that are the same in every run. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "base/buf.h"
#include "proto/codec.h"

/* Deterministic generator (xorshift); seed != 0. */
struct dice {
    uint64_t state;
};

uint64_t dice_roll(struct dice *d);
/* 0 .. n-1 */
size_t dice_below(struct dice *d, size_t n);

/* Fills *m (desc->size bytes, from the zone) with values at and between the limits of their types.
 * richness: longest list and text; some fields stay absent. */
void *sample_message(struct dice *d, const struct pxp_desc *desc, size_t richness,
                     struct pxp_zone *z);
/* The body of the one frame in a buffer. */
const uint8_t *sample_body(const struct px_buf *frame, size_t *len);

#endif
