/* SPDX-License-Identifier: BSD-3-Clause */
/* The child's side of a spawn: everything stands in the birth record already. */
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "xmpi.h"
#include <stdio.h>

int xmpi_dpm_parent_make(void)
{
    const struct pvmx_birth *birth = pvmx_engine_birth();
    struct xmpi_group *parents;
    /* What pvm_spawn has started has no parent in MPI: nobody is at the other end. */
    if (!birth || birth->nparents == 0 || birth->no_mpi)
        return MPI_SUCCESS;
    int cls = xmpi_group_make(birth->parents, birth->nparents, &parents);
    if (cls)
        return cls;
    cls = xmpi_comm_make(birth->ctx + 2, xmpi_world.local, parents, &xmpi_world,
                         &xmpi_parent);
    xmpi_group_release(parents);
    if (!cls)
        snprintf(xmpi_parent->name, sizeof(xmpi_parent->name), "MPI_COMM_PARENT");
    return cls;
}

int xmpi_comm_get_parent(MPI_Comm *parent)
{
    *parent = xmpi_comm_handle(xmpi_parent);
    return MPI_SUCCESS;
}
