/* SPDX-License-Identifier: BSD-3-Clause */
/* A profiling tool: takes some MPI functions over, counts their calls and passes them on by their
 * PMPI names. profiled.c asks it for the counts. */
#include "tool.h"
#include <mpi.h>
#include <stdatomic.h>

static atomic_int counts[TOOL_COUNTS];

int tool_count(int which)
{
    return counts[which];
}

int MPI_Send(const void *buf, int count, MPI_Datatype datatype, int dest, int tag,
             MPI_Comm comm)
{
    counts[TOOL_SEND]++;
    return PMPI_Send(buf, count, datatype, dest, tag, comm);
}

int MPI_Recv(void *buf, int count, MPI_Datatype datatype, int source, int tag,
             MPI_Comm comm, MPI_Status *status)
{
    counts[TOOL_RECV]++;
    return PMPI_Recv(buf, count, datatype, source, tag, comm, status);
}

int MPI_Comm_spawn(const char *command, char *argv[], int maxprocs, MPI_Info info,
                   int root, MPI_Comm comm, MPI_Comm *intercomm, int array_of_errcodes[])
{
    counts[TOOL_SPAWN]++;
    return PMPI_Comm_spawn(command, argv, maxprocs, info, root, comm, intercomm,
                           array_of_errcodes);
}

int MPI_Bcast(void *buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm)
{
    counts[TOOL_BCAST]++;
    return PMPI_Bcast(buffer, count, datatype, root, comm);
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *newcomm)
{
    counts[TOOL_DUP]++;
    return PMPI_Comm_dup(comm, newcomm);
}

int MPI_Comm_free(MPI_Comm *comm)
{
    counts[TOOL_FREE]++;
    return PMPI_Comm_free(comm);
}

int MPI_Error_class(int code, int *class)
{
    counts[TOOL_ERROR]++;
    return PMPI_Error_class(code, class);
}

int MPI_Finalize(void)
{
    counts[TOOL_FINALIZE]++;
    return PMPI_Finalize();
}
