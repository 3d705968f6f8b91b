/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Comm_spawn and MPI_Comm_spawn_multiple: the steps of spawn.h, one after the other. */
#include "dpm/spawn.h"
#include "abi/handles.h"
#include "dpm/dpm.h"
#include "rt/err.h"
#include "xmpi.h"
#include <stdint.h>

int xmpi_spawn_check(struct xmpi_comm *comm)
{
    if (comm->inter)
        return xmpi_err(MPI_ERR_COMM, "processes are spawned over an intracommunicator");
    if (comm->revoked) /* the root must not start what it cannot tell of */
        return xmpi_comm_error(comm, 0, PVMX_ERR_REVOKED);
    return MPI_SUCCESS;
}

static int build(struct xmpi_comm *comm, const struct xmpi_outcome *out, MPI_Comm *intercomm)
{
    struct xmpi_group *children;
    struct xmpi_comm *made;
    int cls = xmpi_group_make(out->tids, out->started, &children);
    if (cls)
        return cls;
    cls = xmpi_comm_make(out->ctx + 2, comm->local, children, comm, &made);
    if (!cls)
        *intercomm = xmpi_comm_handle(made);
    xmpi_group_release(children);
    return cls;
}

int xmpi_spawn_conclude(const struct xmpi_outcome *out, struct xmpi_comm *comm,
                        MPI_Comm *intercomm, int errcodes[])
{
    if (errcodes != MPI_ERRCODES_IGNORE)
        xmpi_outcome_codes(out, errcodes);
    if (out->cls)
        return *out->text ? xmpi_err(out->cls, "%s", out->text) : out->cls;
    return build(comm, out, intercomm);
}

static int ask(struct xmpi_spawn *s)
{
    bool again = true;
    int cls = xmpi_spawn_begin(s);
    while (!cls && again)
        cls = xmpi_spawn_next(s, &again);
    return cls;
}

/* args: significant at the root only. */
static int spawn(const struct xmpi_spawn_args *args, int root, struct xmpi_comm *comm,
                 MPI_Comm *intercomm, int errcodes[])
{
    struct xmpi_spawn s = {.comm = comm, .root = root};
    *intercomm = MPI_COMM_NULL;
    int cls = xmpi_spawn_check(comm);
    if (cls)
        return cls;
    if (comm->rank == root) {
        cls = xmpi_spawn_gather(&s, args);
        if (!cls)
            cls = ask(&s);
        xmpi_spawn_settle(&s, cls);
        cls = MPI_SUCCESS;
    }
    if (comm->size > 1)
        cls = xmpi_outcome_tell(&s.out, root, comm);
    if (!cls)
        cls = xmpi_spawn_conclude(&s.out, comm, intercomm, errcodes);
    xmpi_spawn_free(&s);
    return cls;
}

int xmpi_comm_spawn(const char *command, char *argv[], int maxprocs, struct xmpi_info *info,
                    int root, struct xmpi_comm *comm, MPI_Comm *intercomm, int errcodes[])
{
    MPI_Info handle = info ? xmpi_info_handle(info) : MPI_INFO_NULL;
    char *name = (char *)(uintptr_t)command;
    struct xmpi_spawn_args args = {1, &name, &argv, &maxprocs, &handle};
    return spawn(&args, root, comm, intercomm, errcodes);
}

int xmpi_comm_spawn_multiple(int count, char *commands[], char **argvs[],
                             const int maxprocs[], const MPI_Info infos[], int root,
                             struct xmpi_comm *comm, MPI_Comm *intercomm, int errcodes[])
{
    struct xmpi_spawn_args args = {count, commands, argvs, maxprocs, infos};
    return spawn(&args, root, comm, intercomm, errcodes);
}
