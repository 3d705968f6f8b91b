/* SPDX-License-Identifier: BSD-3-Clause */
/* A parent and children that may die: each test case runs in a communicator of its own, of which the
 * parent is rank 0, and ends with what those that are left have found. */
#ifndef FAMILY_H
#define FAMILY_H

#include "mtest.h"
#include <mpix_pvmx.h>

/* One case: runs in all processes; inter: the intercommunicator of parent and children. */
struct family_case {
    const char *name;
    int children;
    void (*run)(MPI_Comm all, MPI_Comm inter, int rank);
};

/* main of such a program. cases ends with a NULL name. */
int family_main(int argc, char **argv, const struct family_case *cases);
/* kill -9 of this process itself. */
void die(void) __attribute__((noreturn));
/* Ranks in comm of the members of a group, which is freed; returns how many. */
int ranks_of(MPI_Group *group, MPI_Comm comm, int ranks[64]);

#endif
