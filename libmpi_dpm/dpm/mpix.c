/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points of the nonblocking spawn: checks, one call, error handler. */
#include "dpm/ispawn.h"
#include "mpix_pvmx.h"
#include "pmpi/check.h"
#include "pmpi/weak.h"

static int ispawn(const char *fn, const struct xmpi_spawn_args *args, int root,
                  MPI_Comm comm, MPI_Comm *intercomm, int errcodes[], MPI_Request *request)
{
    if (!xmpi_is_up())
        return xmpi_bad_state(fn);
    struct xmpi_comm *c = xmpi_comm_of(comm);
    if (!c)
        return xmpi_bad_handle(NULL, fn, "comm", comm, XMPI_KIND_COMM);
    if (!xmpi_root_ok(c, root))
        return xmpi_bad_root(c, fn, root);
    if (!intercomm)
        return xmpi_bad_null(c, fn, "intercomm");
    if (!request)
        return xmpi_bad_null(c, fn, "request");
    int rc = xmpi_comm_ispawn(args, root, c, intercomm, errcodes, request);
    return rc ? xmpi_raise(c, fn, rc) : MPI_SUCCESS;
}

PMPI_EXPORT int PMPIX_Comm_ispawn(const char *command, char *argv[], int maxprocs,
                                  MPI_Info info, int root, MPI_Comm comm, MPI_Comm *intercomm,
                                  int array_of_errcodes[], MPI_Request *request)
{
    char *name = (char *)(uintptr_t)command;
    struct xmpi_spawn_args args = {1, &name, &argv, &maxprocs, &info};
    return ispawn("MPIX_Comm_ispawn", &args, root, comm, intercomm, array_of_errcodes,
                  request);
}
PMPI_WEAK(int, MPIX_Comm_ispawn,
          (const char *command, char *argv[], int maxprocs, MPI_Info info, int root,
           MPI_Comm comm, MPI_Comm *intercomm, int array_of_errcodes[],
           MPI_Request *request));

PMPI_EXPORT int PMPIX_Comm_ispawn_multiple(int count, char *array_of_commands[],
                                           char **array_of_argv[],
                                           const int array_of_maxprocs[],
                                           const MPI_Info array_of_info[], int root,
                                           MPI_Comm comm, MPI_Comm *intercomm,
                                           int array_of_errcodes[], MPI_Request *request)
{
    struct xmpi_spawn_args args = {count, array_of_commands, array_of_argv,
                                   array_of_maxprocs, array_of_info};
    return ispawn("MPIX_Comm_ispawn_multiple", &args, root, comm, intercomm,
                  array_of_errcodes, request);
}
PMPI_WEAK(int, MPIX_Comm_ispawn_multiple,
          (int count, char *array_of_commands[], char **array_of_argv[],
           const int array_of_maxprocs[], const MPI_Info array_of_info[], int root,
           MPI_Comm comm, MPI_Comm *intercomm, int array_of_errcodes[],
           MPI_Request *request));
