/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoding and decoding of any message from its table; the tables are generated from proto.txt.
 * Only generated code, the tracer and tests use this; others use "proto/messages.h". */
#ifndef PXP_CODEC_H
#define PXP_CODEC_H

#include "base/buf.h"
#include "proto/zone.h"
#include <stdbool.h>

enum pxp_type {
    PXP_T_U32,
    PXP_T_U64,
    PXP_T_I32,
    PXP_T_BOOL,
    PXP_T_STR,
    PXP_T_BIN,
    PXP_T_STRUCT
};

struct pxp_field {
    uint32_t number;
    enum pxp_type type;
    bool list;
    size_t at;                  /* offset of the value or the list's pointer */
    size_t count_at;            /* lists and bin: offset of the size_t */
    const struct pxp_desc *sub; /* PXP_T_STRUCT */
    const char *name;
};

struct pxp_desc {
    const char *name;
    uint32_t number; /* 0: a struct that is part of messages */
    size_t size;
    const struct pxp_field *fields; /* in ascending order of numbers */
    size_t nfields;
};

/* As pxp_X_encode and pxp_X_decode of "proto/messages.h". */
pvmx_err pxp_encode(const struct pxp_desc *desc, struct px_buf *out, uint32_t serial,
                    const void *m);
pvmx_err pxp_decode(const struct pxp_desc *desc, const uint8_t *body, size_t len, void *m,
                    struct pxp_zone *z);

/* Size of one value or list element in memory. */
size_t pxp_value_size(const struct pxp_field *f);

#endif
