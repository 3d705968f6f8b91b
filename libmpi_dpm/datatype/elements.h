/* SPDX-License-Identifier: BSD-3-Clause */
/* Basic elements in messages of a datatype. */
#ifndef XMPI_ELEMENTS_H
#define XMPI_ELEMENTS_H

#include "datatype/dtype.h"

/* Basic elements in one element of the type: 1, 2 for pairs, or the sum over a derived one. */
uint64_t xmpi_dtype_elements(const struct xmpi_dtype *type);
/* The basic elements that so many bytes of a message hold; MPI_UNDEFINED when the last is cut. */
MPI_Count xmpi_dtype_elements_in(const struct xmpi_dtype *type, uint64_t bytes);
/* The bytes of so many basic elements; false when they do not fit. */
bool xmpi_dtype_bytes_of(const struct xmpi_dtype *type, uint64_t elements, uint64_t *bytes);

#endif
