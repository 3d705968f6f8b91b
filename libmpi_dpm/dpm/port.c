/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: programs that were started apart meet by the name of one. The roots meet at the daemon's,
 * and each tells its group. */
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "dpm/outcome.h"
#include "rt/err.h"
#include "rt/info.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <pvmx/engine/util.h>
#include <stdio.h>
#include <stdlib.h>

/* Whatever is wrong with a port is MPI_ERR_PORT: that it never was, is no more, or nobody comes. */
static int port_class(pvmx_err err)
{
    switch (err) {
    case PVMX_ERR_NOENT:
    case PVMX_ERR_CANCELLED:
    case PVMX_ERR_TIMEDOUT:
    case PVMX_ERR_PERM:
        return xmpi_err(MPI_ERR_PORT, "%s", pvmx_last_error());
    default:
        return xmpi_err_engine(err);
    }
}

int xmpi_open_port(struct xmpi_info *info, char *port_name)
{
    xmpi_dpm_note_unknown(info, NULL, "open_port");
    return port_class(pvmx_engine_port_open(port_name, MPI_MAX_PORT_NAME));
}

int xmpi_close_port(const char *port_name)
{
    return port_class(pvmx_engine_port_close(port_name));
}

int xmpi_dpm_tids(const struct xmpi_comm *comm, pvmx_tid **out)
{
    pvmx_tid *tids = malloc((size_t)comm->size * sizeof(*tids));
    if (!tids)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the tids of %d processes", comm->size);
    for (int i = 0; i < comm->size; i++)
        tids[i] = xmpi_tid(comm->local->tids[i]);
    *out = tids;
    return MPI_SUCCESS;
}

static int take(const struct pvmx_meet_result *res, struct xmpi_outcome *out)
{
    int cls = MPI_SUCCESS;
    out->ctx = res->ctx;
    for (int i = 0; i < res->n && !cls; i++)
        cls = xmpi_outcome_add(out, res->tids[i], PVMX_OK);
    return cls;
}

/* The root's part. */
static int meet(const char *port, bool accept, uint32_t timeout_ms, int root,
                struct xmpi_comm *comm, struct xmpi_outcome *out)
{
    pvmx_tid *tids = NULL;
    struct pvmx_meet_result res;
    if (!port)
        return xmpi_err(MPI_ERR_PORT, "port_name is a null pointer");
    pvmx_err err = pvmx_engine_join_vm(); /* before context ids are asked for */
    if (err)
        return xmpi_err_engine(err);
    int cls = xmpi_dpm_tids(comm, &tids);
    if (cls)
        return cls;
    struct pvmx_meet_args args = {.port = port,
                                  .accept = accept,
                                  .tids = tids,
                                  .n = comm->size,
                                  .root = root,
                                  .ctx = pvmx_engine_ctx_alloc(xmpi_cid_count(true)),
                                  .timeout_ms = timeout_ms};
    cls = port_class(pvmx_engine_meet(&args, &res));
    if (!cls) {
        cls = take(&res, out);
        pvmx_engine_meet_result_free(&res);
    }
    free(tids);
    return cls;
}

static int build(struct xmpi_comm *comm, const struct xmpi_outcome *out, MPI_Comm *newcomm)
{
    struct xmpi_group *others;
    struct xmpi_comm *made;
    bool disjoint;
    int cls = xmpi_group_make(out->tids, out->started, &others);
    if (cls)
        return cls;
    cls = xmpi_group_disjoint(comm->local, others, &disjoint);
    if (!cls && !disjoint)
        cls = xmpi_err(MPI_ERR_COMM, "a process is on both sides of the port");
    if (!cls)
        cls = xmpi_comm_make(out->ctx, comm->local, others, comm, &made);
    if (!cls)
        *newcomm = xmpi_comm_handle(made);
    xmpi_group_release(others);
    return cls;
}

static int connect_by(const char *port, bool accept, struct xmpi_info *info, int root,
                      struct xmpi_comm *comm, MPI_Comm *newcomm)
{
    static const char *const known[] = {"timeout", NULL};
    struct xmpi_outcome out = {0};
    uint32_t timeout_ms = PVMX_PORT_FOREVER;
    int cls = MPI_SUCCESS;
    if (comm->inter)
        return xmpi_err(MPI_ERR_COMM, "programs are connected over an intracommunicator");
    if (comm->revoked)
        return xmpi_comm_error(comm, 0, PVMX_ERR_REVOKED);
    if (comm->rank == root) {
        xmpi_dpm_note_unknown(info, known, accept ? "accept" : "connect");
        cls = xmpi_dpm_info_ms(info, "timeout", &timeout_ms);
        if (!cls)
            cls = meet(port, accept, timeout_ms, root, comm, &out);
        xmpi_outcome_set_class(&out, cls);
    }
    if (comm->size > 1)
        cls = xmpi_outcome_tell(&out, root, comm);
    if (!cls && out.cls)
        cls = comm->rank == root ? out.cls : xmpi_err(out.cls, "%s", out.text);
    if (!cls)
        cls = build(comm, &out, newcomm);
    if (cls)
        *newcomm = MPI_COMM_NULL;
    xmpi_outcome_free(&out);
    return cls;
}

int xmpi_comm_accept(const char *port_name, struct xmpi_info *info, int root,
                     struct xmpi_comm *comm, MPI_Comm *newcomm)
{
    return connect_by(port_name, true, info, root, comm, newcomm);
}

int xmpi_comm_connect(const char *port_name, struct xmpi_info *info, int root,
                      struct xmpi_comm *comm, MPI_Comm *newcomm)
{
    return connect_by(port_name, false, info, root, comm, newcomm);
}
