/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads msgpack values one token at a time from memory; allocates nothing, never recurses, never
 * reads beyond the end. Counts of arrays and maps are bounded by the bytes that are left. */
#ifndef PXP_READER_H
#define PXP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pxp_reader {
    const uint8_t *at, *end;
};

enum pxp_kind {
    PXP_K_UINT, /* u */
    PXP_K_NINT, /* i: negative */
    PXP_K_BOOL, /* u: 0 or 1 */
    PXP_K_NIL,
    PXP_K_FLOAT,
    PXP_K_STR,   /* bytes, u: how many */
    PXP_K_BIN,   /* bytes, u: how many */
    PXP_K_EXT,   /* bytes, u: how many; type not kept */
    PXP_K_ARRAY, /* u: how many values follow */
    PXP_K_MAP,   /* u: how many pairs of values follow */
};

struct pxp_token {
    enum pxp_kind kind;
    uint64_t u;
    int64_t i;
    const uint8_t *bytes;
};

/* The next token; false: the bytes end too early or are no msgpack. */
bool pxp_read(struct pxp_reader *r, struct pxp_token *t);
/* Steps over one whole value, whatever it contains. */
bool pxp_skip(struct pxp_reader *r);

#endif
