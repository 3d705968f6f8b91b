/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the bytes of a message or of an operand lie: in one run of memory, or where a datatype says.
 * Lengths are those of the packed form, which is what messages carry, so the two ends of a message
 * may lie differently. */
#ifndef XMPI_SPAN_H
#define XMPI_SPAN_H

#include "datatype/dtype.h"
#include <string.h>

struct xmpi_span {
    char *base;
    size_t len; /* bytes in packed form                                  */
    const struct xmpi_dtype *type; /* NULL: they are at base; else len / type->size elements */
};

/* Pointers that may be MPI_BOTTOM, and displacements that may point before the buffer. */
static inline char *xmpi_at(const void *base, MPI_Count bytes)
{
    return (char *)((uintptr_t)base + (uintptr_t)bytes);
}

static inline struct xmpi_span xmpi_bytes(const void *base, size_t len)
{
    return (struct xmpi_span){.base = (char *)(uintptr_t)base, .len = len};
}

/* count elements at base; type NULL: bytes. */
static inline struct xmpi_span xmpi_span(const void *base, MPI_Count count,
                                         const struct xmpi_dtype *type)
{
    if (!type)
        return xmpi_bytes(base, (size_t)count);
    if (type->dense)
        return xmpi_bytes(xmpi_at(base, type->true_lb), (size_t)count * type->size);
    return (struct xmpi_span){(char *)(uintptr_t)base, (size_t)count * type->size, type};
}

/* Copies as much as fits, in pieces where neither side lies in one run; nothing when both are the
 * same place. */
void xmpi_span_copy_any(struct xmpi_span dst, struct xmpi_span src);
static inline void xmpi_span_copy(struct xmpi_span dst, struct xmpi_span src)
{
    if (__builtin_expect(dst.type || src.type, 0))
        xmpi_span_copy_any(dst, src);
    else if (dst.base != src.base && src.len && dst.len)
        memcpy(dst.base, src.base, src.len < dst.len ? src.len : dst.len);
}

#endif
