/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations and types that reductions are tested with, each with an oracle. */
#ifndef COLL_OPS_H
#define COLL_OPS_H

#include "mpi.h"

#include <stddef.h>
#include <stdint.h>

struct op_case {
    const char *name;
    MPI_Datatype type;
    MPI_Op op;
    size_t size; /* of an element */
    /* Writes element i of process rank to place, its data only. */
    void (*fill)(void *place, int rank, int64_t i, unsigned salt);
    /* inout = in op inout, for one element: written without the library. */
    void (*combine)(const void *in, void *inout);
};

enum { OP_CASES = 7 };

/* The list of OP_CASES; user operations are made on the first call. */
const struct op_case *op_cases(void);
void op_cases_free(void);

#endif
