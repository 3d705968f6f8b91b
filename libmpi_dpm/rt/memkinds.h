/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of memory (MPI 5.0 §12.4.3): which a program asks for, and which it gets. */
#ifndef XMPI_MEMKINDS_H
#define XMPI_MEMKINDS_H

#include <stddef.h>

#define XMPI_MEMKINDS_KEY "mpi_memory_alloc_kinds"

/* Writes the kinds supported: "system,mpi" always, then those of `asked` (a value of the key; NULL:
 * nothing) with restrictors that are all known here. */
void xmpi_memkinds(const char *asked, char *out, size_t size);
/* The same for what the program was started with (PVMX_MEMORY_ALLOC_KINDS). */
void xmpi_memkinds_initial(char *out, size_t size);

#endif
