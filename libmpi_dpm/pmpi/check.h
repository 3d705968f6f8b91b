/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of arguments in the generated entry points. The tests are inline and cost a compare; what
 * they find is said by the xmpi_bad_ functions, which stand out of line, raise the error and
 * return its class. fn is the MPI name, arg the parameter's name, on the object whose error handler
 * is called, as xmpi_raise takes it. */
#ifndef PMPI_CHECK_H
#define PMPI_CHECK_H

#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/errhandler.h"
#include "rt/leaks.h"
#include "rt/session.h"
#include "rt/state.h"
#include <limits.h>

#define XMPI_COLD __attribute__((cold, noinline))
#define xmpi_unlikely(x) __builtin_expect(!!(x), 0)

XMPI_COLD int xmpi_bad_state(const char *fn);
XMPI_COLD int xmpi_bad_handle(void *on, const char *fn, const char *arg,
                              const void *handle, enum xmpi_kind wanted);
XMPI_COLD int xmpi_bad_type(void *on, const char *fn, const char *arg, MPI_Datatype handle);
XMPI_COLD int xmpi_bad_count(void *on, const char *fn, const char *arg, MPI_Count value);
XMPI_COLD int xmpi_bad_number(void *on, const char *fn, const char *arg, MPI_Count value);
XMPI_COLD int xmpi_bad_rank(struct xmpi_comm *comm, const char *fn, const char *arg,
                            int value);
XMPI_COLD int xmpi_bad_tag(void *on, const char *fn, const char *arg, int value);
XMPI_COLD int xmpi_bad_root(struct xmpi_comm *comm, const char *fn, int value);
XMPI_COLD int xmpi_bad_null(void *on, const char *fn, const char *arg);
XMPI_COLD int xmpi_bad_buffer(void *on, const char *fn, const char *arg, const void *buf);
/* A function of the standard that is not implemented; comm may be MPI_COMM_NULL. */
XMPI_COLD int xmpi_unsupported(const char *fn, MPI_Comm comm);

/* 0 when every entry is MPI_REQUEST_NULL or a request, else the error, raised. */
int xmpi_check_requests(const char *fn, MPI_Count count, const MPI_Request *requests);

/* A datatype that others can be made of: valid, and not an optional one that this platform lacks. */
static inline bool xmpi_type_there(const struct xmpi_dtype *type)
{
    return type && type->size != SIZE_MAX;
}

/* A datatype that can be communicated (types that the platform lacks are not committed). */
static inline bool xmpi_type_ok(const struct xmpi_dtype *type)
{
    return type && type->committed;
}

static inline bool xmpi_dest_ok(const struct xmpi_comm *comm, int rank)
{
    return (unsigned)rank < (unsigned)comm->remote->size || rank == MPI_PROC_NULL;
}

static inline bool xmpi_source_ok(const struct xmpi_comm *comm, int rank)
{
    return (unsigned)rank < (unsigned)comm->remote->size || rank == MPI_PROC_NULL ||
           rank == MPI_ANY_SOURCE;
}

static inline bool xmpi_root_ok(const struct xmpi_comm *comm, int root)
{
    return (unsigned)root < (unsigned)comm->remote->size ||
           (comm->inter && (root == MPI_ROOT || root == MPI_PROC_NULL));
}

/* Rooted collectives: whether this process is the root, and whether it is one of the others that
 * take part. In an intercommunicator a rank >= 0 names the root in the remote group. */
static inline bool xmpi_at_root(const struct xmpi_comm *comm, int root)
{
    return comm->inter ? root == MPI_ROOT : root == comm->rank;
}

static inline bool xmpi_at_leaf(const struct xmpi_comm *comm, int root)
{
    return comm->inter ? root >= 0 : true;
}

/* A null buffer is MPI_BOTTOM, which no predefined type can be at; MPI_IN_PLACE is allowed only
 * where the caller has sorted it out before. */
static inline bool xmpi_buffer_bad(const void *buf, MPI_Count count,
                                   const struct xmpi_dtype *type)
{
    return (uintptr_t)buf <= (uintptr_t)MPI_IN_PLACE && count > 0 &&
           (buf || type->obj.predef != 0);
}

/* A large value for a parameter of type int (MPI 5.0: MPI_UNDEFINED when it does not fit). */
static inline int xmpi_narrow(MPI_Count value)
{
    return value > INT_MAX ? MPI_UNDEFINED : (int)value;
}

#endif
