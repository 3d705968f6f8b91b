/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Gatherv; its algorithms are those of gather.c that take blocks of any size. */
#include "coll/algo.h"
#include "xmpi.h"

static int gatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                   void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                   struct xmpi_dtype *recvtype, int root, struct xmpi_comm *comm,
                   MPI_Request *request)
{
    int cls = xmpi_coll_check_root(comm, root);
    if (cls)
        return cls;
    struct xmpi_coll c = {.kind = XMPI_COLL_GATHERV, .root = root};
    c.in_place = sendbuf == MPI_IN_PLACE;
    c.send.base = (char *)(uintptr_t)sendbuf;
    if (sendtype && !c.in_place)
        c.send.len = (size_t)sendcount * sendtype->extent;
    if (recvtype && (comm->inter ? root == MPI_ROOT : root == comm->rank))
        c.recv = (struct xmpi_blocks){.base = recvbuf,
                                      .counts = recvcounts,
                                      .displs = displs,
                                      .ext = recvtype->extent};
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_gatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                 void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                 struct xmpi_dtype *recvtype, int root, struct xmpi_comm *comm)
{
    return gatherv(sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype,
                   root, comm, NULL);
}

int xmpi_igatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                  void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                  struct xmpi_dtype *recvtype, int root, struct xmpi_comm *comm,
                  MPI_Request *request)
{
    return gatherv(sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype,
                   root, comm, request);
}
