/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of every collective: choose an algorithm, build the schedule, run or start it. */
#include "coll/coll.h"

#include "coll/algo.h"
#include "coll/board.h"
#include "rt/err.h"

#include <string.h>

int xmpi_coll_do(const struct xmpi_coll *c, struct xmpi_comm *comm, MPI_Request *request)
{
    bool forced;
    const struct xmpi_algo *a = xmpi_algo_select(c, comm, request != NULL, &forced);
    if (a->direct) {
        int cls = xmpi_board_ready(comm, forced) ? a->direct(c, comm) : -1;
        if (cls >= 0)
            return cls;
        a = xmpi_algo_select(c, comm, true, &forced);
    }
    struct xmpi_sched *s = xmpi_sched_get(comm, xmpi_algo_lists[c->kind].mpi_name);
    if (!s)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for %s",
                        xmpi_algo_lists[c->kind].mpi_name);
    if (c->op) {
        xmpi_op_ref(c->op);
        s->op = c->op;
        s->type = c->type;
    }
    a->build(s, c);
    return request ? xmpi_sched_start(s, request) : xmpi_sched_run(s);
}

int xmpi_coll_check_root(const struct xmpi_comm *comm, int root)
{
    if (root >= 0 && root < comm->remote->size)
        return MPI_SUCCESS;
    if (comm->inter && (root == MPI_ROOT || root == MPI_PROC_NULL))
        return MPI_SUCCESS;
    return xmpi_err(MPI_ERR_ROOT, "root %d is not a rank of the communicator (%d processes)",
                    root, comm->remote->size);
}

int xmpi_coll_check_buffers(const void *sendbuf, const void *recvbuf, size_t len)
{
    if (len == 0 || sendbuf != recvbuf || sendbuf == MPI_IN_PLACE)
        return MPI_SUCCESS;
    return xmpi_err(
        MPI_ERR_BUFFER,
        "send and receive buffer are the same; MPI_IN_PLACE says that this is meant");
}

int xmpi_coll_barrier(struct xmpi_comm *comm)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_BARRIER};
    return xmpi_coll_do(&c, comm, NULL);
}

int xmpi_coll_bcast_bytes(void *buf, size_t len, int root, struct xmpi_comm *comm)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_BCAST,
                          .root = root,
                          .recv = {.base = buf, .len = len},
                          .len = len};
    return xmpi_coll_do(&c, comm, NULL);
}

int xmpi_coll_allgather_bytes(const void *mine, size_t len, void *all, struct xmpi_comm *comm)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLGATHER,
                          .send = {.base = (char *)(uintptr_t)mine, .len = len},
                          .recv = {.base = all, .len = len},
                          .len = len};
    return xmpi_coll_do(&c, comm, NULL);
}
