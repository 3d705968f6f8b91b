/* SPDX-License-Identifier: BSD-3-Clause */
/* Support of the tests of datatypes: what an error says, and where the elements of a type lie. */
#ifndef TYPETEST_H
#define TYPETEST_H

#include "mtest.h"

/* The call fails with this class, and its sentence contains the text. */
#define SAYS(call, class, text)                                                          \
    tt_says((call), (class), (text), __FILE__, __LINE__, #call)
void tt_says(int rc, int class, const char *text, const char *file, int line,
             const char *call);

/* One element of the type holds ints at these displacements (in bytes), in this order. */
#define INTS_AT(type, ...)                                                               \
    tt_ints_at((type), (const int[]){__VA_ARGS__},                                       \
               (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), __FILE__, __LINE__)
void tt_ints_at(MPI_Datatype type, const int *at, int n, const char *file, int line);

/* Lower bound, extent, true lower bound and true extent. */
#define BOUNDS(type, ...)                                                                \
    tt_bounds((type), (const MPI_Aint[4]){__VA_ARGS__}, __FILE__, __LINE__)
void tt_bounds(MPI_Datatype type, const MPI_Aint want[4], const char *file, int line);

/* The two types have the same size and bounds and pack the same bytes. */
bool tt_alike(MPI_Datatype a, MPI_Datatype b);

#endif
