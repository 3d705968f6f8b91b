/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points of failure mitigation: state, handle and pointer checks, one call, error handler. */
#include "abi/handles.h"
#include "ft/ft.h"
#include "mpix_pvmx.h"
#include "pmpi/check.h"
#include "pmpi/weak.h"
#include <pvmx/engine/prog.h>

/* The communicator, or the error that was raised in *rc. out: a pointer that must not be null. */
static struct xmpi_comm *enter(const char *fn, MPI_Comm handle, const char *name,
                               const void *out, int *rc)
{
    struct xmpi_comm *comm = NULL;
    if (!xmpi_is_up()) {
        *rc = xmpi_bad_state(fn);
        return NULL;
    }
    comm = xmpi_comm_of(handle);
    if (!comm)
        *rc = xmpi_bad_handle(NULL, fn, "comm", handle, XMPI_KIND_COMM);
    else if (!out)
        *rc = xmpi_bad_null(comm, fn, name);
    else
        return comm;
    return NULL;
}

static int leave(struct xmpi_comm *comm, const char *fn, int rc)
{
    return rc ? xmpi_raise(comm, fn, rc) : MPI_SUCCESS;
}

PMPI_EXPORT int PMPIX_Comm_revoke(MPI_Comm comm)
{
    static const char fn[] = "MPIX_Comm_revoke";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "", fn, &rc);
    return c ? leave(c, fn, xmpi_ft_revoke(c)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_revoke, (MPI_Comm comm));

PMPI_EXPORT int PMPIX_Comm_is_revoked(MPI_Comm comm, int *flag)
{
    static const char fn[] = "MPIX_Comm_is_revoked";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "flag", flag, &rc);
    if (!c)
        return rc;
    pvmx_engine_progress(); /* it may just have come */
    *flag = c->revoked;
    return MPI_SUCCESS;
}
PMPI_WEAK(int, MPIX_Comm_is_revoked, (MPI_Comm comm, int *flag));

PMPI_EXPORT int PMPIX_Comm_get_failed(MPI_Comm comm, MPI_Group *failedgroup)
{
    static const char fn[] = "MPIX_Comm_get_failed";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "failedgroup", failedgroup, &rc);
    return c ? leave(c, fn, xmpi_ft_get_failed(c, failedgroup)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_get_failed, (MPI_Comm comm, MPI_Group *failedgroup));

PMPI_EXPORT int PMPIX_Comm_ack_failed(MPI_Comm comm, int num_to_ack, int *num_acked)
{
    static const char fn[] = "MPIX_Comm_ack_failed";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "num_acked", num_acked, &rc);
    return c ? leave(c, fn, xmpi_ft_ack_failed(c, num_to_ack, num_acked)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_ack_failed, (MPI_Comm comm, int num_to_ack, int *num_acked));

PMPI_EXPORT int PMPIX_Comm_failure_ack(MPI_Comm comm)
{
    static const char fn[] = "MPIX_Comm_failure_ack";
    int rc, acked;
    struct xmpi_comm *c = enter(fn, comm, "", fn, &rc);
    return c ? leave(c, fn, xmpi_ft_ack_failed(c, INT_MAX, &acked)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_failure_ack, (MPI_Comm comm));

PMPI_EXPORT int PMPIX_Comm_failure_get_acked(MPI_Comm comm, MPI_Group *failedgroup)
{
    static const char fn[] = "MPIX_Comm_failure_get_acked";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "failedgroup", failedgroup, &rc);
    return c ? leave(c, fn, xmpi_ft_get_acked(c, failedgroup)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_failure_get_acked, (MPI_Comm comm, MPI_Group *failedgroup));

PMPI_EXPORT int PMPIX_Comm_agree(MPI_Comm comm, int *flag)
{
    static const char fn[] = "MPIX_Comm_agree";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "flag", flag, &rc);
    return c ? leave(c, fn, xmpi_ft_agree(c, flag)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_agree, (MPI_Comm comm, int *flag));

PMPI_EXPORT int PMPIX_Comm_iagree(MPI_Comm comm, int *flag, MPI_Request *request)
{
    static const char fn[] = "MPIX_Comm_iagree";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "flag", flag, &rc);
    if (c && !request)
        return xmpi_bad_null(c, fn, "request");
    return c ? leave(c, fn, xmpi_ft_iagree(c, flag, request)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_iagree, (MPI_Comm comm, int *flag, MPI_Request *request));

PMPI_EXPORT int PMPIX_Comm_shrink(MPI_Comm comm, MPI_Comm *newcomm)
{
    static const char fn[] = "MPIX_Comm_shrink";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "newcomm", newcomm, &rc);
    return c ? leave(c, fn, xmpi_ft_shrink(c, newcomm)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_shrink, (MPI_Comm comm, MPI_Comm *newcomm));

PMPI_EXPORT int PMPIX_Comm_ishrink(MPI_Comm comm, MPI_Comm *newcomm, MPI_Request *request)
{
    static const char fn[] = "MPIX_Comm_ishrink";
    int rc;
    struct xmpi_comm *c = enter(fn, comm, "newcomm", newcomm, &rc);
    if (c && !request)
        return xmpi_bad_null(c, fn, "request");
    return c ? leave(c, fn, xmpi_ft_ishrink(c, newcomm, request)) : rc;
}
PMPI_WEAK(int, MPIX_Comm_ishrink, (MPI_Comm comm, MPI_Comm *newcomm, MPI_Request *request));
