/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Scatterv; its algorithms are those of scatter.c that take blocks of any size. */
#include "coll/algo.h"
#include "xmpi.h"

static int scatterv(const void *sendbuf, struct xmpi_cvec sendcounts,
                    struct xmpi_cvec displs, struct xmpi_dtype *sendtype, void *recvbuf,
                    MPI_Count recvcount, struct xmpi_dtype *recvtype, int root,
                    struct xmpi_comm *comm, MPI_Request *request)
{
    int cls = xmpi_coll_check_root(comm, root);
    if (cls)
        return cls;
    struct xmpi_coll c = {.kind = XMPI_COLL_SCATTERV, .root = root};
    c.in_place = recvbuf == MPI_IN_PLACE;
    c.recv.base = recvbuf;
    if (recvtype && !c.in_place)
        c.recv.len = (size_t)recvcount * recvtype->extent;
    if (sendtype && (comm->inter ? root == MPI_ROOT : root == comm->rank))
        c.send = (struct xmpi_blocks){.base = (char *)(uintptr_t)sendbuf,
                                      .counts = sendcounts,
                                      .displs = displs,
                                      .ext = sendtype->extent};
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_scatterv(const void *sendbuf, struct xmpi_cvec sendcounts, struct xmpi_cvec displs,
                  struct xmpi_dtype *sendtype, void *recvbuf, MPI_Count recvcount,
                  struct xmpi_dtype *recvtype, int root, struct xmpi_comm *comm)
{
    return scatterv(sendbuf, sendcounts, displs, sendtype, recvbuf, recvcount, recvtype,
                    root, comm, NULL);
}

int xmpi_iscatterv(const void *sendbuf, struct xmpi_cvec sendcounts,
                   struct xmpi_cvec displs, struct xmpi_dtype *sendtype, void *recvbuf,
                   MPI_Count recvcount, struct xmpi_dtype *recvtype, int root,
                   struct xmpi_comm *comm, MPI_Request *request)
{
    return scatterv(sendbuf, sendcounts, displs, sendtype, recvbuf, recvcount, recvtype,
                    root, comm, request);
}
