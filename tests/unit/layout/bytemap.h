/* SPDX-License-Identifier: BSD-3-Clause */
/* The oracle of layouts: every byte of the type map, written out one by one. Knows nothing of how
 * layouts are made. */
#ifndef BYTEMAP_H
#define BYTEMAP_H

#include <stdbool.h>
#include <stdint.h>

struct bytemap {
    uint64_t n;
    int64_t *at;  /* displacement of each byte of the packed form */
    bool bounded; /* lb and ub are set */
    int64_t lb, ub;
};

struct bytemap bm_bytes(uint64_t n);
/* Appends `count` copies of child from displ on, each where the one before ends. */
void bm_append(struct bytemap *to, const struct bytemap *child, uint64_t count,
               int64_t displ);
int64_t bm_extent(const struct bytemap *b);
/* Lowest byte touched and one behind the highest; 0, 0 for none. */
void bm_touched(const struct bytemap *b, int64_t *lo, int64_t *hi);
/* Whether any number of elements are one ascending run. */
bool bm_dense(const struct bytemap *b);
void bm_free(struct bytemap *b);

#endif
