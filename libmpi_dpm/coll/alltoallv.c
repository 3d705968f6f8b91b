/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Alltoallv and MPI_Alltoallw; their algorithms are those of alltoall.c that take blocks of any
 * size. */
#include "coll/algo.h"
#include "rt/err.h"
#include "xmpi.h"

static int alltoallv(const void *sendbuf, struct xmpi_cvec sendcounts,
                     struct xmpi_cvec sdispls, struct xmpi_dtype *sendtype, void *recvbuf,
                     struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                     struct xmpi_dtype *recvtype, struct xmpi_comm *comm,
                     MPI_Request *request)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLTOALLV};
    c.in_place = sendbuf == MPI_IN_PLACE;
    if (sendtype && !c.in_place)
        c.send = (struct xmpi_blocks){.base = (char *)(uintptr_t)sendbuf,
                                      .counts = sendcounts,
                                      .displs = sdispls,
                                      .ext = sendtype->extent};
    c.recv = (struct xmpi_blocks){.base = recvbuf,
                                  .counts = recvcounts,
                                  .displs = rdispls,
                                  .ext = recvtype->extent};
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_alltoallv(const void *sendbuf, struct xmpi_cvec sendcounts,
                   struct xmpi_cvec sdispls, struct xmpi_dtype *sendtype, void *recvbuf,
                   struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                   struct xmpi_dtype *recvtype, struct xmpi_comm *comm)
{
    return alltoallv(sendbuf, sendcounts, sdispls, sendtype, recvbuf, recvcounts, rdispls,
                     recvtype, comm, NULL);
}

int xmpi_ialltoallv(const void *sendbuf, struct xmpi_cvec sendcounts,
                    struct xmpi_cvec sdispls, struct xmpi_dtype *sendtype, void *recvbuf,
                    struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                    struct xmpi_dtype *recvtype, struct xmpi_comm *comm, MPI_Request *request)
{
    return alltoallv(sendbuf, sendcounts, sdispls, sendtype, recvbuf, recvcounts, rdispls,
                     recvtype, comm, request);
}

static int check_types(const MPI_Datatype *types, int n)
{
    for (int k = 0; k < n; k++) {
        const struct xmpi_dtype *type = xmpi_dtype_of(types[k]);
        if (!type || type->size == SIZE_MAX)
            return xmpi_err(MPI_ERR_TYPE,
                            "entry %d of the array of datatypes is no datatype that "
                            "can be used here",
                            k);
    }
    return MPI_SUCCESS;
}

static int alltoallw(const void *sendbuf, struct xmpi_cvec sendcounts,
                     struct xmpi_cvec sdispls, const MPI_Datatype *sendtypes,
                     void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                     const MPI_Datatype *recvtypes, struct xmpi_comm *comm,
                     MPI_Request *request)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLTOALLW};
    c.in_place = sendbuf == MPI_IN_PLACE;
    int cls = check_types(recvtypes, comm->remote->size);
    if (!cls && !c.in_place)
        cls = check_types(sendtypes, comm->remote->size);
    if (cls)
        return cls;
    if (!c.in_place)
        c.send = (struct xmpi_blocks){.base = (char *)(uintptr_t)sendbuf,
                                      .counts = sendcounts,
                                      .displs = sdispls,
                                      .types = sendtypes};
    c.recv = (struct xmpi_blocks){.base = recvbuf,
                                  .counts = recvcounts,
                                  .displs = rdispls,
                                  .types = recvtypes};
    return xmpi_coll_do(&c, comm, request);
}

int xmpi_alltoallw(const void *sendbuf, struct xmpi_cvec sendcounts,
                   struct xmpi_cvec sdispls, const MPI_Datatype sendtypes[],
                   void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                   const MPI_Datatype recvtypes[], struct xmpi_comm *comm)
{
    return alltoallw(sendbuf, sendcounts, sdispls, sendtypes, recvbuf, recvcounts,
                     rdispls, recvtypes, comm, NULL);
}

int xmpi_ialltoallw(const void *sendbuf, struct xmpi_cvec sendcounts,
                    struct xmpi_cvec sdispls, const MPI_Datatype sendtypes[],
                    void *recvbuf, struct xmpi_cvec recvcounts, struct xmpi_cvec rdispls,
                    const MPI_Datatype recvtypes[], struct xmpi_comm *comm,
                    MPI_Request *request)
{
    return alltoallw(sendbuf, sendcounts, sdispls, sendtypes, recvbuf, recvcounts,
                     rdispls, recvtypes, comm, request);
}
