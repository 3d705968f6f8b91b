/* SPDX-License-Identifier: BSD-3-Clause */
/* How the generated entry points are exported: PMPI_x strong, MPI_x a weak alias of it, so that a
 * tool may define MPI_x itself. For generated files only. */
#ifndef PMPI_WEAK_H
#define PMPI_WEAK_H

#define PMPI_EXPORT __attribute__((visibility("default")))
#define PMPI_WEAK(ret, name, params)                                                     \
    PMPI_EXPORT ret name params __attribute__((weak, alias("P" #name)))

#endif
