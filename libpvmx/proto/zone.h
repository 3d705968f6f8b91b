/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of one decoded message: freed in one go. {0} is empty. */
#ifndef PXP_ZONE_H
#define PXP_ZONE_H

#include <stddef.h>

struct pxp_zone {
    struct pxp_zone_chunk *chunks;
    size_t total; /* bytes given out; decoders refuse beyond PXP_ZONE_MAX */
};

enum { PXP_ZONE_MAX = 64 * 1024 * 1024 };

void *pxp_zone_alloc(struct pxp_zone *z,
                     size_t n); /* zeroed; NULL without memory or beyond the limit */
void pxp_zone_free(struct pxp_zone *z);

#endif
