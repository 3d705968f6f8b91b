/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounds of a type from those of its parts. */
#include "datatype/bounds.h"

void xmpi_bounds_add(struct xmpi_bounds *b, MPI_Count displ, MPI_Count count,
                     const struct xmpi_dtype *child)
{
    if (count == 0 || (child->size == 0 && !child->marked))
        return;
    b->align = child->align > b->align ? child->align : b->align;
    if (b->marked && !child->marked)
        return;
    __int128 span = (__int128)(count - 1) * child->extent;
    __int128 lb = (__int128)displ + child->lb + (span < 0 ? span : 0);
    __int128 ub = (__int128)displ + child->bare_ub + (span > 0 ? span : 0);
    bool first = !b->any || child->marked != b->marked;
    b->lb = first || lb < b->lb ? lb : b->lb;
    b->ub = first || ub > b->ub ? ub : b->ub;
    b->any = true;
    b->marked = child->marked;
}

void xmpi_bounds_repeat(struct xmpi_bounds *b, MPI_Count count, MPI_Count stride)
{
    if (count == 0) {
        *b = (struct xmpi_bounds){.any = false};
        return;
    }
    __int128 span = (__int128)(count - 1) * stride;
    b->lb += span < 0 ? span : 0;
    b->ub += span > 0 ? span : 0;
}

void xmpi_bounds_set(struct xmpi_bounds *b, MPI_Count lb, MPI_Count extent)
{
    b->any = b->marked = true;
    b->lb = lb;
    b->ub = (__int128)lb + extent;
}

bool xmpi_bounds_done(const struct xmpi_bounds *b, ptrdiff_t *lb, ptrdiff_t *extent,
                      ptrdiff_t *bare_ub)
{
    __int128 low = b->any ? b->lb : 0, high = b->any ? b->ub : 0, len = high - low;
    *bare_ub = (ptrdiff_t)high;
    if (b->align > 1 && !b->marked && len % b->align != 0)
        len += b->align - len % b->align;
    *lb = (ptrdiff_t)low;
    *extent = (ptrdiff_t)len;
    return *lb == low && *bare_ub == high && *extent == len && *lb + len <= PTRDIFF_MAX;
}
