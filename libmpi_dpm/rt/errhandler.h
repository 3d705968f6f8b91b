/* SPDX-License-Identifier: BSD-3-Clause */
/* Error handlers: what happens when an MPI function returns an error class. Only the generated
 * entry points raise errors; hand-written functions return them. */
#ifndef XMPI_ERRHANDLER_H
#define XMPI_ERRHANDLER_H

#include "mpi.h"
#include "rt/obj.h"

struct xmpi_comm;

enum xmpi_errhandler_type {
    XMPI_EH_FATAL,  /* ends every process this one is connected with */
    XMPI_EH_ABORT,  /* ends the processes of the communicator        */
    XMPI_EH_RETURN, /* the code goes to the caller                   */
    XMPI_EH_USER,   /* a function of the application                 */
};

union xmpi_errhandler_fn {
    MPI_Comm_errhandler_function *comm;
    MPI_Session_errhandler_function *session;
    MPI_Win_errhandler_function *win;
    MPI_File_errhandler_function *file;
};

struct xmpi_errhandler {
    struct xmpi_obj obj;
    enum xmpi_errhandler_type type;
    enum xmpi_kind of; /* XMPI_EH_USER: the kind of object that it is for */
    union xmpi_errhandler_fn fn;
};

/* What MPI_Init gives to the world communicator; also used for errors before it and after
 * MPI_Finalize. MPI_ERRORS_ARE_FATAL unless PVMX_INITIAL_ERRHANDLER in the environment says
 * mpi_errors_abort or mpi_errors_return: how the info key mpi_initial_errhandler of a spawn and
 * mpiexec's option reach a process. */
struct xmpi_errhandler *xmpi_errhandler_initial(void);
/* References; predefined handlers are never freed. NULL is allowed. */
struct xmpi_errhandler *xmpi_errhandler_ref(struct xmpi_errhandler *eh);
void xmpi_errhandler_unref(struct xmpi_errhandler *eh);

/* MPI_ERR_ERRHANDLER with its sentence when the handler is for objects of another kind. */
int xmpi_errhandler_fits(const struct xmpi_errhandler *eh, enum xmpi_kind of);

/* MPI_FILE_NULL as an object: errors of files that are not open go to its handler. */
struct xmpi_file {
    struct xmpi_obj obj;
};
extern struct xmpi_file xmpi_file_null;
struct xmpi_errhandler *xmpi_errhandler_of_file(void);
/* Back to what it was at the start; when the library stops. */
void xmpi_errhandler_stop(void);

/* For functions without a communicator argument (wait, test, ...): says whose handler the error
 * that is about to be returned belongs to. Holds a reference until the entry point has raised it. */
void xmpi_err_from(struct xmpi_comm *comm);

/* Calls the handler for an error of the named function and returns cls when the handler returns.
 * on: the object whose handler it is, known by its head: a communicator, a session, a file, or an
 * error handler itself (of an object that is being made). NULL: the communicator that xmpi_err_from
 * named, else MPI_COMM_SELF; when the world model is not up, the initial handler. */
int xmpi_raise(void *on, const char *function, int cls) __attribute__((cold));

#endif
