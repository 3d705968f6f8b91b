/* SPDX-License-Identifier: BSD-3-Clause */
/* What packing in the native and in the external representation share. */
#ifndef XMPI_PACK_H
#define XMPI_PACK_H

#include "datatype/dtype.h"

/* The class, with a sentence, when so many packed bytes do not fit at the position of a buffer; what:
 * the name of the argument that says its size. */
int xmpi_pack_room(uint64_t bytes, const void *packed, MPI_Count size, const char *what,
                   MPI_Count position);

#endif
