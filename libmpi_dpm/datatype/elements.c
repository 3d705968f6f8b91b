/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting basic elements: whole elements of the type by division, then down into the part in which
 * the message ends. */
#include "datatype/elements.h"
#include "datatype/made.h"

uint64_t xmpi_dtype_elements(const struct xmpi_dtype *type)
{
    if (type->made)
        return type->made->elements;
    return xmpi_dtype_parts(type) > 0 ? 2 : 1;
}

/* A length measured in bytes (of_bytes) or basic elements, one of them to be turned into the other. */
static uint64_t length(const struct xmpi_dtype *type, bool of_bytes)
{
    return of_bytes ? type->size : xmpi_dtype_elements(type);
}

/* Walks to where `left` of the one measure ends; *other: the same in the other measure. False: it ends
 * within a basic element. */
static bool convert(const struct xmpi_dtype *type, uint64_t left, bool from_bytes,
                    uint64_t *other)
{
    *other = 0;
    while (left > 0) {
        MPI_Count parts = xmpi_dtype_parts(type);
        const struct xmpi_dtype *child = NULL;
        for (MPI_Count k = 0; k < parts; k++) {
            uint64_t n;
            child = xmpi_dtype_part(type, k, &n);
            uint64_t each = length(child, from_bytes), whole = each ? left / each : n;
            whole = whole < n ? whole : n;
            left -= whole * each;
            *other += whole * length(child, !from_bytes);
            if (whole < n)
                break;
        }
        if (parts == 0 || left == 0)
            break;
        type = child;
    }
    return left == 0;
}

MPI_Count xmpi_dtype_elements_in(const struct xmpi_dtype *type, uint64_t bytes)
{
    uint64_t more;
    if (type->size == 0)
        return bytes ? MPI_UNDEFINED : 0;
    if (!convert(type, bytes % type->size, true, &more))
        return MPI_UNDEFINED;
    return (MPI_Count)(bytes / type->size * xmpi_dtype_elements(type) + more);
}

bool xmpi_dtype_bytes_of(const struct xmpi_dtype *type, uint64_t elements, uint64_t *bytes)
{
    uint64_t each = xmpi_dtype_elements(type), more;
    if (each == 0) {
        *bytes = 0;
        return elements == 0;
    }
    convert(type, elements % each, false, &more);
    return !__builtin_mul_overflow(elements / each, type->size, bytes) &&
           !__builtin_add_overflow(*bytes, more, bytes) && *bytes <= INT64_MAX;
}
