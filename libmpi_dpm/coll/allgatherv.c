/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Allgatherv; its algorithms are those of allgather.c that take blocks of any size. */
#include "coll/algo.h"
#include "xmpi.h"

static int allgatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                      void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                      struct xmpi_dtype *recvtype, struct xmpi_comm *comm,
                      MPI_Request *request)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLGATHERV};
    c.in_place = sendbuf == MPI_IN_PLACE;
    c.send.base = (char *)(uintptr_t)sendbuf;
    if (sendtype && !c.in_place)
        c.send.len = (size_t)sendcount * sendtype->extent;
    c.recv = (struct xmpi_blocks){.base = recvbuf,
                                  .counts = recvcounts,
                                  .displs = displs,
                                  .ext = recvtype->extent};
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_allgatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                    void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                    struct xmpi_dtype *recvtype, struct xmpi_comm *comm)
{
    return allgatherv(sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype,
                      comm, NULL);
}

int xmpi_iallgatherv(const void *sendbuf, MPI_Count sendcount, struct xmpi_dtype *sendtype,
                     void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                     struct xmpi_dtype *recvtype, struct xmpi_comm *comm,
                     MPI_Request *request)
{
    return allgatherv(sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype,
                      comm, request);
}
