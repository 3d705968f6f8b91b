/* SPDX-License-Identifier: BSD-3-Clause */
/* MPIX_Comm_from_tids, MPIX_Comm_get_tids: communicators of tasks that know each other's tids, so that a
 * program may use PVM and MPI calls together. */
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "mpix_pvmx.h"
#include "pmpi/check.h"
#include "pmpi/weak.h"
#include "rt/err.h"
#include <pvmx/engine/prog.h>

/* The first task makes the context ids and sends them in this context, by tid. */
enum { CTX = 520 };

/* The same list in all tasks gives the same tag, other lists mostly another one: constructions of
 * different lists may go on at the same time. */
static int32_t tag_of(const int *tids, int n)
{
    uint32_t h = 2166136261u;
    for (int i = 0; i < n; i++)
        h = (h ^ (uint32_t)tids[i]) * 16777619u;
    return (int32_t)(h & 0x7fffffff);
}

static int failed(pvmx_err err, int tid)
{
    if (err == PVMX_ERR_PEER_DEAD)
        return xmpi_err(XMPI_ERR_PROC_FAILED, "task t%x has ended", (unsigned)tid);
    return xmpi_err(MPI_ERR_OTHER, "task t%x cannot be reached: %s", (unsigned)tid,
                    pvmx_last_error());
}

static int tell(int tid, int32_t tag, uint64_t ctx)
{
    struct pvmx_peer *peer;
    pvmx_err err = pvmx_engine_peer_get(tid, &peer);
    if (!err) {
        err = pvmx_engine_send(peer, CTX, pvmx_engine_self(), tag, &ctx, sizeof ctx,
                               PVMX_SEND_BUFFERED);
        pvmx_engine_peer_put(peer);
    }
    return err ? failed(err, tid) : MPI_SUCCESS;
}

static int hear(int tid, int32_t tag, uint64_t *ctx)
{
    struct pvmx_peer *peer;
    pvmx_err err = pvmx_engine_peer_get(tid, &peer);
    if (!err) {
        err = pvmx_engine_recv(peer, NULL, CTX, tid, tag, ctx, sizeof *ctx, NULL);
        pvmx_engine_peer_put(peer);
    }
    return err ? failed(err, tid) : MPI_SUCCESS;
}

/* All that can be reached are told, also when one cannot: nobody is left waiting. */
static int agree(const int *tids, int n, int rank, uint64_t *ctx)
{
    int32_t tag = tag_of(tids, n);
    int cls = MPI_SUCCESS;
    if (rank != 0)
        return hear(tids[0], tag, ctx);
    *ctx = pvmx_engine_ctx_alloc(xmpi_cid_count(false));
    for (int i = 1; i < n; i++) {
        int one = tell(tids[i], tag, *ctx);
        cls = cls ? cls : one;
    }
    return cls;
}

static int check_tids(const int *tids, int n, int *rank)
{
    *rank = -1;
    if (n < 1)
        return xmpi_err(MPI_ERR_COUNT, "a communicator of %d tasks", n);
    for (int i = 0; i < n; i++) {
        if (tids[i] <= 0)
            return xmpi_err(MPI_ERR_ARG, "tids[%d] is %d, which is no task", i, tids[i]);
        for (int k = 0; k < i; k++)
            if (tids[k] == tids[i])
                return xmpi_err(MPI_ERR_ARG, "tids[%d] and tids[%d] are both t%x", k, i,
                                (unsigned)tids[i]);
        if (tids[i] == pvmx_engine_self())
            *rank = i;
    }
    return *rank >= 0 ? MPI_SUCCESS
                      : xmpi_err(MPI_ERR_ARG, "this task, t%x, is not among the tids",
                                 (unsigned)pvmx_engine_self());
}

static int from_tids(const int *tids, int n, MPI_Comm *newcomm)
{
    struct xmpi_group *group;
    struct xmpi_comm *comm;
    uint64_t ctx;
    int rank;
    pvmx_err err = pvmx_engine_join_vm();
    if (err)
        return xmpi_err(MPI_ERR_OTHER, "%s", pvmx_last_error());
    int cls = check_tids(tids, n, &rank);
    if (!cls)
        cls = agree(tids, n, rank, &ctx);
    if (!cls)
        cls = xmpi_group_make(tids, n, &group);
    if (cls)
        return cls;
    cls = xmpi_comm_make(ctx, group, NULL, &xmpi_world, &comm);
    xmpi_group_release(group);
    if (!cls)
        *newcomm = xmpi_comm_handle(comm);
    return cls;
}

PMPI_EXPORT int PMPIX_Comm_from_tids(int n, const int tids[], MPI_Comm *newcomm)
{
    static const char fn[] = "MPIX_Comm_from_tids";
    if (!xmpi_is_up())
        return xmpi_bad_state(fn);
    if (!tids || !newcomm)
        return xmpi_bad_null(NULL, fn, tids ? "newcomm" : "tids");
    int cls = from_tids(tids, n, newcomm);
    return cls ? xmpi_raise(NULL, fn, cls) : MPI_SUCCESS;
}
PMPI_WEAK(int, MPIX_Comm_from_tids, (int n, const int tids[], MPI_Comm *newcomm));

PMPI_EXPORT int PMPIX_Comm_get_tids(MPI_Comm handle, int n, int tids[])
{
    static const char fn[] = "MPIX_Comm_get_tids";
    if (!xmpi_is_up())
        return xmpi_bad_state(fn);
    struct xmpi_comm *comm = xmpi_comm_of(handle);
    if (!comm)
        return xmpi_bad_handle(NULL, fn, "comm", handle, XMPI_KIND_COMM);
    if (!tids && n > 0)
        return xmpi_bad_null(comm, fn, "tids");
    for (int i = 0; i < comm->remote->size && i < n; i++)
        tids[i] = xmpi_tid(comm->remote->tids[i]);
    return MPI_SUCCESS;
}
PMPI_WEAK(int, MPIX_Comm_get_tids, (MPI_Comm comm, int n, int tids[]));
