/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers in memory and in "external32" (MPI 5.0 §14.5.2): big-endian, IEEE, fixed sizes. */
#ifndef XMPI_NUMBER_H
#define XMPI_NUMBER_H

#include "datatype/dtype.h"

enum xmpi_number_kind {
    XMPI_NUMBER_SIGNED,
    XMPI_NUMBER_UNSIGNED,
    XMPI_NUMBER_FLOAT,
    XMPI_NUMBER_X87, /* 80 bits in 16 bytes; IEEE with 16 bytes outside */
};

/* What a basic type consists of. */
struct xmpi_number {
    enum xmpi_number_kind kind;
    unsigned native, external; /* bytes of one number */
    unsigned repeat;           /* numbers in one element: 2 for complex ones */
};

/* type: predefined, with a name, and no pair. */
struct xmpi_number xmpi_number_of(const struct xmpi_dtype *type);
/* n numbers from memory to their external form and back. An integer that is shorter outside keeps its
 * low bytes; a floating-point number is rounded to nearest. */
void xmpi_number_out(const struct xmpi_number *of, const char *native, char *external,
                     size_t n);
void xmpi_number_in(const struct xmpi_number *of, const char *external, char *native,
                    size_t n);

#endif
