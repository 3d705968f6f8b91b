/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies between spans: see span.h. */
#include "coll/span.h"

#include <string.h>

void xmpi_span_copy(struct xmpi_span dst, struct xmpi_span src)
{
    size_t len = src.len < dst.len ? src.len : dst.len;
    if (len > 0 && dst.base != src.base)
        memcpy(dst.base, src.base, len);
}
