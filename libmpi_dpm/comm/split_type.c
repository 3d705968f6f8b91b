/* SPDX-License-Identifier: BSD-3-Clause */
/* Communicators of processes that share something: memory, a part of the machine, a process set. */
#include "coll/coll.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "rt/hardware.h"
#include "rt/info.h"
#include "rt/session.h"
#include "xmpi.h"
#include <stdlib.h>
#include <string.h>

static const char hw_key[] = "mpi_hw_resource_type", pset_key[] = "mpi_pset_name";

/* The host's number in the tid. */
static int host_of(const struct xmpi_comm *comm)
{
    return (int)((uint32_t)xmpi_tid(comm->local->tids[comm->rank]) >> 18 & 0xfff);
}

/* Parts of different hosts differ: 12 bits of host above 18 bits of part. */
static int part_color(const struct xmpi_comm *comm, int part)
{
    return part < 0 ? MPI_UNDEFINED : host_of(comm) << 18 | (part & 0x3ffff);
}

static int guided_color(const struct xmpi_comm *comm, const char *kind)
{
    int parts[XMPI_HW_TYPES], type = kind ? xmpi_hw_type_of(kind) : -1;
    if (kind && strcmp(kind, "mpi_shared_memory") == 0)
        return part_color(comm, 0);
    if (type < 0)
        return MPI_UNDEFINED;
    xmpi_hw_parts(parts);
    return part_color(comm, parts[type]);
}

/* A set is known by its first member. */
static int pset_color(const char *name)
{
    int n;
    const pvmx_tid *tids = xmpi_pset_members(name, &n);
    return tids ? (int)xmpi_tid(tids[0]) : MPI_UNDEFINED;
}

static int resource_color(const struct xmpi_comm *comm, struct xmpi_info *info)
{
    const char *kind = xmpi_info_value(info, hw_key);
    const char *pset = xmpi_info_value(info, pset_key);
    return kind ? guided_color(comm, kind) : pset ? pset_color(pset) : MPI_UNDEFINED;
}

/* The coarsest type of part by which the processes differ, so that each new communicator is smaller
 * than comm; -1: there is none. part: this process's. */
static int unguided_type(struct xmpi_comm *comm, int *color, int *type)
{
    int mine[XMPI_HW_TYPES];
    int(*all)[XMPI_HW_TYPES] = calloc((size_t)comm->size, sizeof(*all));
    if (!all)
        return xmpi_err(MPI_ERR_NO_MEM,
                        "no memory to split a communicator of %d processes", comm->size);
    xmpi_hw_parts(mine);
    for (int t = 0; t < XMPI_HW_TYPES; t++)
        mine[t] = part_color(comm, mine[t]);
    memcpy(all[0], mine, sizeof(mine));
    int cls = comm->size > 1 ? xmpi_coll_allgather_bytes(mine, sizeof(mine), all, comm)
                             : MPI_SUCCESS;
    *type = -1;
    for (int t = 0; t < XMPI_HW_TYPES && *type < 0; t++)
        for (int i = 1; i < comm->size && *type < 0; i++)
            if (all[i][t] != all[0][t])
                *type = t;
    *color = *type < 0 ? MPI_UNDEFINED : mine[*type];
    free(all);
    return cls;
}

/* info tells the program what it was split by. */
static int split_unguided(struct xmpi_comm *comm, int key, struct xmpi_info *info,
                          MPI_Comm *newcomm)
{
    int color = MPI_UNDEFINED, type = -1;
    int cls = unguided_type(comm, &color, &type);
    if (!cls && info && type >= 0)
        cls = xmpi_info_put(info, hw_key, xmpi_hw_name((enum xmpi_hw_type)type));
    int split = xmpi_comm_split(comm, cls ? MPI_UNDEFINED : color, key, newcomm);
    return cls ? cls : split;
}

int xmpi_comm_split_type(struct xmpi_comm *comm, int split_type, int key,
                         struct xmpi_info *info, MPI_Comm *newcomm)
{
    int color = MPI_UNDEFINED;
    if (comm->inter)
        return xmpi_err(MPI_ERR_COMM, "an intercommunicator cannot be split by type");
    switch (split_type) {
    case MPI_COMM_TYPE_SHARED:
        color = part_color(comm, 0);
        break;
    case MPI_COMM_TYPE_HW_GUIDED:
        color = guided_color(comm, xmpi_info_value(info, hw_key));
        break;
    case MPI_COMM_TYPE_RESOURCE_GUIDED:
        color = resource_color(comm, info);
        break;
    case MPI_COMM_TYPE_HW_UNGUIDED:
        return split_unguided(comm, key, info, newcomm);
    case MPI_UNDEFINED:
        break;
    default:
        return xmpi_err(MPI_ERR_ARG, "split_type is %d, which is not a split type",
                        split_type);
    }
    return xmpi_comm_split(comm, color, key, newcomm);
}
