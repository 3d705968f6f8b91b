/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of wrong calls, which gen_errors.py makes from the table of the standard's functions, and the
 * objects that they use besides the wrong argument. */
#ifndef ERRORS_H
#define ERRORS_H

#include <mpi.h>

/* Whose error handler has to be called. */
enum errors_on { ON_SELF, ON_COMM, ON_SESSION, ON_FILE, ON_GIVEN };

struct errors_row {
    int (*call)(void);
    const char *function;
    const char *parameter; /* that is wrong */
    const char *value;     /* that the sentence has to show; NULL: it cannot be shown */
    int class;
    enum errors_on on;
};
extern const struct errors_row errors_rows[];
extern const int errors_rows_count;

/* Functions with nothing wrong but the time: before MPI_Init and after MPI_Finalize. */
struct errors_call {
    int (*call)(void);
    const char *function;
};
extern const struct errors_call errors_calls[];
extern const int errors_calls_count;

/* A world of one process. comm's handler is on_comm, MPI_COMM_SELF's is on_self. */
extern MPI_Comm errors_comm, errors_cart, errors_graph, errors_dist;
extern MPI_Group errors_group;
extern MPI_Info errors_info;
extern MPI_Errhandler errors_handler; /* of communicators */
extern MPI_Errhandler errors_session_handler;
extern MPI_Session errors_session;
extern MPI_Request errors_persistent; /* inactive */
extern MPI_Datatype errors_raw; /* not committed; MPI_DATATYPE_NULL: cannot be made */
extern MPI_Status errors_status;
extern int errors_ints[64], errors_zeros[64], errors_keyval;
extern MPI_Count errors_counts[64];
extern MPI_Aint errors_displs[64];
extern MPI_Datatype errors_types[4];
extern MPI_Request errors_requests[4], errors_wrong_requests[4];
extern long long errors_data[512], errors_out[512];

#endif
