/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: each is a use of the library of its own, beside others and the world model. Groups that
 * come from a session, and the communicators that come from such groups, hold a reference. */
#ifndef XMPI_SESSION_H
#define XMPI_SESSION_H

#include "mpi.h"
#include "rt/obj.h"
#include <pvmx/types.h>

struct xmpi_errhandler;
struct xmpi_info;
struct xmpi_bsend;

struct xmpi_session {
    struct xmpi_obj obj;
    struct xmpi_errhandler *errhandler;
    struct xmpi_info *info;   /* the hints in use: thread level, memory kinds          */
    struct xmpi_bsend *bsend; /* MPI_Session_attach_buffer; NULL: none; pt2pt/bsend.c  */
};

/* NULL is allowed. */
struct xmpi_session *xmpi_session_ref(struct xmpi_session *s);
void xmpi_session_unref(struct xmpi_session *s);

/* The members of a process set in rank order, owned by others; NULL: there is no such set. Valid
 * while a session or the world model is up. */
const pvmx_tid *xmpi_pset_members(const char *name, int *n);

static inline MPI_Session xmpi_session_handle(const struct xmpi_session *s)
{
    return s ? (MPI_Session)(uintptr_t)s : MPI_SESSION_NULL;
}

#endif
