/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies between spans: see span.h. */
#include "coll/span.h"

enum { PIECE = 16 * 1024 }; /* half of a usual first-level cache */

static struct pvmx_view view_of(struct xmpi_span s)
{
    return xmpi_dtype_view(s.type, s.base, (MPI_Count)(s.len / s.type->size));
}

/* Neither side lies in one run. */
static void copy_scattered(struct xmpi_span dst, struct xmpi_span src, size_t len)
{
    struct pvmx_view from = view_of(src), to = view_of(dst);
    char piece[PIECE];
    for (size_t at = 0; at < len;) {
        size_t n = len - at < PIECE ? len - at : PIECE;
        pvmx_engine_pack(&from, at, piece, n);
        pvmx_engine_unpack(&to, at, piece, n);
        at += n;
    }
}

void xmpi_span_copy_any(struct xmpi_span dst, struct xmpi_span src)
{
    size_t len = src.len < dst.len ? src.len : dst.len;
    if (len == 0 || (dst.base == src.base && dst.type == src.type))
        return;
    if (dst.type && src.type) {
        copy_scattered(dst, src, len);
    } else if (dst.type) {
        struct pvmx_view to = view_of(dst);
        pvmx_engine_unpack(&to, 0, src.base, len);
    } else {
        struct pvmx_view from = view_of(src);
        pvmx_engine_pack(&from, 0, dst.base, len);
    }
}
