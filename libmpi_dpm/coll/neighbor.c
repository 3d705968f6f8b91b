/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighborhood collectives (MPI 5.0 §8.6): a message along each edge of the topology. */
#include "coll/algo.h"
#include "topo/topo.h"
#include "xmpi.h"

/* The block of the receive buffer whose message is matched as number i. The messages of two
 * processes with several edges between them match in the order in which they are sent, that of the
 * sender's list. On a grid that is periodic with 1 or 2 processes, what goes in the negative
 * direction must be received from the positive one. */
static int matched(const struct xmpi_topo *topo, int i)
{
    return topo->kind == MPI_CART ? i ^ 1 : i;
}

static void receive(struct xmpi_sched *s, const struct xmpi_coll *c, int i)
{
    const struct xmpi_topo *topo = s->team[XMPI_TEAM_MAIN].comm->topo;
    int k = matched(topo, i);
    if (topo->in[k] != MPI_PROC_NULL)
        xmpi_sched_recv(s, XMPI_TEAM_MAIN, topo->in[k], xmpi_block(&c->recv, k));
}

static void transmit(struct xmpi_sched *s, const struct xmpi_coll *c, int i)
{
    const struct xmpi_topo *topo = s->team[XMPI_TEAM_MAIN].comm->topo;
    if (topo->out[i] != MPI_PROC_NULL)
        xmpi_sched_send(s, XMPI_TEAM_MAIN, topo->out[i], xmpi_block(&c->send, i));
}

/* 1 message on the path, in progress at once. */
void xmpi_neighbor_direct(struct xmpi_sched *s, const struct xmpi_coll *c)
{
    const struct xmpi_topo *topo = s->team[XMPI_TEAM_MAIN].comm->topo;
    for (int i = 0; i < topo->nin; i++)
        receive(s, c, i);
    for (int i = 0; i < topo->nout; i++)
        transmit(s, c, i);
}

static struct xmpi_cvec aints(const MPI_Aint *v)
{
    return (struct xmpi_cvec){.c = (const MPI_Count *)v};
}

int xmpi_neighbor_allgather(const void *sendbuf, MPI_Count sendcount,
                            struct xmpi_dtype *sendtype, void *recvbuf,
                            MPI_Count recvcount, struct xmpi_dtype *recvtype,
                            struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_NEIGHBOR_ALLGATHER,
                          .send = xmpi_blocks_of(sendbuf, sendcount, sendtype),
                          .recv = xmpi_blocks_of(recvbuf, recvcount, recvtype)};
    c.send.same = true;
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_neighbor_allgatherv(const void *sendbuf, MPI_Count sendcount,
                             struct xmpi_dtype *sendtype, void *recvbuf,
                             struct xmpi_cvec recvcounts, struct xmpi_cvec displs,
                             struct xmpi_dtype *recvtype, struct xmpi_comm *comm,
                             struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_NEIGHBOR_ALLGATHERV,
                          .send = xmpi_blocks_of(sendbuf, sendcount, sendtype),
                          .recv = xmpi_blocks_v(recvbuf, recvcounts, displs, recvtype)};
    c.send.same = true;
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_neighbor_alltoall(const void *sendbuf, MPI_Count sendcount,
                           struct xmpi_dtype *sendtype, void *recvbuf,
                           MPI_Count recvcount, struct xmpi_dtype *recvtype,
                           struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_NEIGHBOR_ALLTOALL,
                          .send = xmpi_blocks_of(sendbuf, sendcount, sendtype),
                          .recv = xmpi_blocks_of(recvbuf, recvcount, recvtype)};
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_neighbor_alltoallv(const void *sendbuf, struct xmpi_cvec sendcounts,
                            struct xmpi_cvec sdispls, struct xmpi_dtype *sendtype,
                            void *recvbuf, struct xmpi_cvec recvcounts,
                            struct xmpi_cvec rdispls, struct xmpi_dtype *recvtype,
                            struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_NEIGHBOR_ALLTOALLV,
                          .send = xmpi_blocks_v(sendbuf, sendcounts, sdispls, sendtype),
                          .recv = xmpi_blocks_v(recvbuf, recvcounts, rdispls, recvtype)};
    return xmpi_coll_do(&c, comm, form);
}

int xmpi_neighbor_alltoallw(const void *sendbuf, struct xmpi_cvec sendcounts,
                            const MPI_Aint sdispls[], const MPI_Datatype sendtypes[],
                            void *recvbuf, struct xmpi_cvec recvcounts,
                            const MPI_Aint rdispls[], const MPI_Datatype recvtypes[],
                            struct xmpi_comm *comm, struct xmpi_form form)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_NEIGHBOR_ALLTOALLW,
                          .send =
                              xmpi_blocks_w(sendbuf, sendcounts, aints(sdispls), sendtypes),
                          .recv = xmpi_blocks_w(recvbuf, recvcounts, aints(rdispls),
                                                recvtypes)};
    return xmpi_coll_do(&c, comm, form);
}
