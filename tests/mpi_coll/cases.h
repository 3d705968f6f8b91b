/* SPDX-License-Identifier: BSD-3-Clause */
/* One call of one collective with known contents and a check of everything that it must (and must
 * not) have written. Every process of the communicator calls with the same arguments. */
#ifndef COLL_CASES_H
#define COLL_CASES_H

#include "lab.h"

enum coll_form { COLL_BLOCKING, COLL_NONBLOCKING, COLL_PERSISTENT, COLL_FORMS };
extern const char *const coll_form_names[COLL_FORMS];

/* How the integers lie that are sent and received: see coll_case_shape_name. */
enum { COLL_SHAPE_DENSE, COLL_SHAPES = 4 };

struct coll_case {
    MPI_Comm comm;
    int count; /* elements for each process, or in all for bcast and reductions         */
    int root;  /* where there is one                                                    */
    bool in_place; /* ignored by bcast and barrier, and on intercommunicators               */
    enum coll_form form;
    unsigned salt; /* makes contents differ from case to case                               */
    int op;    /* reductions: index into the list of operations, see coll_case_ops      */
    int shape; /* other collectives: of rank 0; the other ranks' differ from it          */
    bool from_high; /* rooted, inter: the root is in the group whose `high` is true          */
    bool high; /* inter: this process's side                                            */
};

/* Number of (operation, type) pairs that reductions are tested with. */
extern const int coll_case_ops;
const char *coll_case_op_name(int op);

/* What a kind of collective depends on. */
bool coll_case_rooted(enum xmpi_coll_kind kind);
bool coll_case_reduction(enum xmpi_coll_kind kind);
bool coll_case_inter(enum xmpi_coll_kind kind); /* defined on intercommunicators */

/* Runs the collective of this kind on an intra- or intercommunicator. Neighborhood collectives go
 * over topologies that the case makes. */
void coll_case_run(enum xmpi_coll_kind kind, const struct coll_case *c);
/* Gives back what cases keep: types, operations. */
void coll_cases_free(void);

#endif
