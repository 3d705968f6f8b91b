/* SPDX-License-Identifier: BSD-3-Clause */
/* A world for tests of collectives: the program that a person (or ctest) starts is a world of one,
 * spawns copies of itself and merges with them; started by mpiexec it uses the world it has. */
#ifndef COLL_LAB_H
#define COLL_LAB_H

#include "coll/algo.h"
#include "mpi.h"

#include <stdbool.h>
#include <stdint.h>

/* Starts MPI; a communicator of n processes, the program started first being rank 0. */
MPI_Comm lab_start(int argc, char **argv, int n);
/* Ends MPI; to be returned by main. */
int lab_end(void);

/* What is being tested, for messages of lab_check. */
void lab_context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Says what did not hold and ends all processes. */
void lab_check_failed(const char *file, int line, const char *what);
#define lab_check(cond)                                                                  \
    do {                                                                                 \
        if (!(cond))                                                                     \
            lab_check_failed(__FILE__, __LINE__, #cond);                                 \
    } while (0)

/* The first p processes of comm; MPI_COMM_NULL in the others. */
MPI_Comm lab_first(MPI_Comm comm, int p);

/* Forces an algorithm (NULL: automatic choice) in this process. */
void lab_force(enum xmpi_coll_kind kind, const struct xmpi_algo *a);

/* Deterministic contents: element i of what process `rank` contributes to `salt`. */
static inline int64_t lab_value(int rank, int64_t i, unsigned salt)
{
    uint64_t x =
        (uint64_t)(unsigned)rank * 1000003u + (uint64_t)i * 7919u + salt * 104729u + 17u;
    x ^= x >> 13;
    x *= 0x9e3779b97f4a7c15ull;
    return (int64_t)(x >> 40) % 1000;
}

/* A small generator with the same sequence in every process of the same seed. */
static inline uint32_t lab_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

#endif
