/* SPDX-License-Identifier: BSD-3-Clause */
/* Agreement on context ids: the engine makes unique ones, so one process asks for a block and tells
 * the others. The only place that makes them, but for idup (handle.c), split (which carries the
 * block with its colours) and spawn (which carries it with the birth record). */
#include "coll/coll.h"
#include "comm/comm.h"
#include "rt/err.h"
#include <pvmx/engine/req.h>

int xmpi_comm_send_bytes(struct xmpi_comm *comm, int rank, int tag, const void *buf,
                         size_t len)
{
    struct pvmx_peer *peer;
    int cls = xmpi_comm_peer(comm, rank, &peer);
    if (cls)
        return cls;
    return xmpi_comm_error(comm, rank,
                           pvmx_engine_send(peer, comm->ctx + 1, comm->rank, tag, buf,
                                            len, PVMX_SEND_BUFFERED));
}

int xmpi_comm_recv_bytes(struct xmpi_comm *comm, int rank, int tag, void *buf, size_t len)
{
    struct pvmx_peer *peer;
    int cls = xmpi_comm_peer(comm, rank, &peer);
    if (cls)
        return cls;
    return xmpi_comm_error(comm, rank,
                           pvmx_engine_recv(peer, NULL, comm->ctx + 1, rank, tag, buf,
                                            len, NULL));
}

/* The first process of the low side makes the block, tells that of the high side, and both tell
 * their own. 0 stands for a failure, so that nobody is left waiting. */
static int cid_make_inter(struct xmpi_comm *comm, unsigned n, uint64_t *ctx)
{
    int cls = MPI_SUCCESS;
    *ctx = 0;
    if (comm->rank == 0 && !comm->high) {
        *ctx = pvmx_engine_ctx_alloc(n);
        if (comm->remote->size > 0)
            cls = xmpi_comm_send_bytes(comm, 0, XMPI_TAG_CID, ctx, sizeof(*ctx));
    } else if (comm->rank == 0) {
        cls = xmpi_comm_recv_bytes(comm, 0, XMPI_TAG_CID, ctx, sizeof(*ctx));
    }
    if (cls)
        *ctx = 0;
    int told = xmpi_coll_bcast_bytes(ctx, sizeof(*ctx), 0, comm->local_comm);
    if (cls || told)
        return cls ? cls : told;
    if (*ctx == 0)
        return xmpi_err(XMPI_ERR_PROC_FAILED,
                        "the first process of the remote group could not be reached");
    return MPI_SUCCESS;
}

int xmpi_cid_make(struct xmpi_comm *comm, unsigned n, uint64_t *ctx)
{
    if (comm->inter)
        return cid_make_inter(comm, n, ctx);
    if (comm->rank == 0)
        *ctx = pvmx_engine_ctx_alloc(n);
    if (comm->size == 1)
        return MPI_SUCCESS;
    return xmpi_coll_bcast_bytes(ctx, sizeof(*ctx), 0, comm);
}
