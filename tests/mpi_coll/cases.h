/* SPDX-License-Identifier: BSD-3-Clause */
/* One call of one collective with known contents and a check of everything that it must (and must
 * not) have written. Every process of the communicator calls with the same arguments. */
#ifndef COLL_CASES_H
#define COLL_CASES_H

#include "lab.h"

struct coll_case {
    MPI_Comm comm;
    int count; /* elements for each process, or in all for bcast and reductions         */
    int root;  /* where there is one                                                    */
    bool in_place; /* ignored by bcast and barrier, and on intercommunicators               */
    bool nonblocking;
    unsigned salt; /* makes contents differ from case to case                               */
    int op; /* reductions: index into the list of operations, see coll_case_ops      */
    bool from_high; /* rooted, inter: the root is in the group whose `high` is true          */
    bool high; /* inter: this process's side                                            */
};

/* Number of (operation, type) pairs that reductions are tested with. */
extern const int coll_case_ops;
const char *coll_case_op_name(int op);

/* Runs the collective of this kind on an intra- or intercommunicator. */
void coll_case_run(enum xmpi_coll_kind kind, const struct coll_case *c);

#endif
