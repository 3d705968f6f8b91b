/* SPDX-License-Identifier: BSD-3-Clause */
/* Partitioned communication. A sender and a receiver are paired once, in the order of their inits:
 * the sender's init sends a hello with the program's tag in the communicator's context with
 * XMPI_CTX_PARTITIONED added, and the receiver's init posts a receive for it, so the engine's matching
 * does the pairing. The hello names a context of their own, in which each of the sender's partitions
 * travels as a message as soon as it is ready, with its number as tag; rounds follow each other as
 * messages of one tag do. The receiver posts a receive for each of the sender's partitions, whatever
 * its own are: a partition is a range of the bytes of the whole. */
#ifndef XMPI_PARTITIONED_H
#define XMPI_PARTITIONED_H

#include "comm/comm.h"
#include "request/request.h"

struct xmpi_part_hello {
    uint64_t ctx;
    uint64_t bytes; /* of one partition */
    uint64_t partitions;
};

/* The partitions of one side. */
struct xmpi_part_buf {
    struct xmpi_data data; /* of one partition, the first; its type is held by the request */
    ptrdiff_t stride; /* from one partition to the next in memory                     */
    int n;
};

/* Fills it; MPI_ERR_ARG, MPI_ERR_COUNT. */
int xmpi_part_buf_init(struct xmpi_part_buf *b, const void *buf, int partitions,
                       MPI_Count count, struct xmpi_dtype *type);
/* MPI_ERR_ARG when it is not one of n partitions. */
int xmpi_part_check(int partition, int n);

#endif
