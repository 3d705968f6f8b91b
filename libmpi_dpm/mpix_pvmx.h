/* SPDX-License-Identifier: BSD-3-Clause */
/* What PVMX offers beside the MPI standard. Every function has a PMPIX_ name for tools, too; errors
 * go to the communicator's error handler as in MPI.
 *
 * Failure of processes follows the proposal "User-Level Failure Mitigation": a process that has
 * ended makes only those operations fail that need it, and a communicator can be examined, revoked,
 * and built anew from those that are left. Set MPI_ERRORS_RETURN to see the errors. */
#ifndef MPIX_PVMX_H
#define MPIX_PVMX_H

#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Error classes. */
/* A process that the operation needs has ended. */
#define MPIX_ERR_PROC_FAILED 16385
/* A process that could have sent to this MPI_ANY_SOURCE receive has ended. A nonblocking one is
 * still pending: it goes on when the failure has been acknowledged. */
#define MPIX_ERR_PROC_FAILED_PENDING 16386
/* The communicator has been revoked. */
#define MPIX_ERR_REVOKED 16387

/* ---- spawning without waiting */

/* As MPI_Comm_spawn and MPI_Comm_spawn_multiple, but they return at once: *intercomm and the error
 * codes are there when the request is complete, and that is when errors are reported. Collective; the
 * order of calls on a communicator counts, that of completions does not. Until completion the root
 * keeps commands and arguments as they are; info objects may be freed. Such a request cannot be
 * cancelled. The first spawn of a program that is in no virtual machine yet starts it in the call. */
int MPIX_Comm_ispawn(const char *command, char *argv[], int maxprocs, MPI_Info info,
                     int root, MPI_Comm comm, MPI_Comm *intercomm,
                     int array_of_errcodes[], MPI_Request *request);
int MPIX_Comm_ispawn_multiple(int count, char *array_of_commands[], char **array_of_argv[],
                              const int array_of_maxprocs[], const MPI_Info array_of_info[],
                              int root, MPI_Comm comm, MPI_Comm *intercomm,
                              int array_of_errcodes[], MPI_Request *request);

/* ---- failures: local functions */

/* The processes of comm (of both groups of an intercommunicator) that this one knows to have failed,
 * in the order in which it noticed. Free the group. */
int MPIX_Comm_get_failed(MPI_Comm comm, MPI_Group *failedgroup);
/* Acknowledges the first num_to_ack failures of that group: they no longer hold up MPI_ANY_SOURCE
 * receives, nor make MPIX_Comm_agree say MPIX_ERR_PROC_FAILED. *num_acked: how many are
 * acknowledged now; that never becomes less. */
int MPIX_Comm_ack_failed(MPI_Comm comm, int num_to_ack, int *num_acked);
/* The earlier form of the proposal: acknowledges all known failures; the group of those. */
int MPIX_Comm_failure_ack(MPI_Comm comm);
int MPIX_Comm_failure_get_acked(MPI_Comm comm, MPI_Group *failedgroup);

/* Ends all pending and later communication on comm, in all processes, with MPIX_ERR_REVOKED, but
 * for agree and shrink. Not collective: one process does it for all. For good. */
int MPIX_Comm_revoke(MPI_Comm comm);
int MPIX_Comm_is_revoked(MPI_Comm comm, int *flag);

/* ---- failures: collective functions, which work on revoked communicators and end in every process
 * that is left in the same way, whoever fails meanwhile */

/* *flag becomes the bitwise and of what the processes gave. MPIX_ERR_PROC_FAILED, everywhere, with
 * *flag set: one has failed, which not everyone had acknowledged. */
int MPIX_Comm_agree(MPI_Comm comm, int *flag);
int MPIX_Comm_iagree(MPI_Comm comm, int *flag, MPI_Request *request);
/* A communicator of those that are left, in the old order. */
int MPIX_Comm_shrink(MPI_Comm comm, MPI_Comm *newcomm);
int MPIX_Comm_ishrink(MPI_Comm comm, MPI_Comm *newcomm, MPI_Request *request);

/* ---- tasks by their tids, as PVM has them */

/* A communicator of the tasks with these tids (of pvm_spawn, pvm_siblings, ...), in this order.
 * Collective: each of them calls it with the same list, after MPI_Init. */
int MPIX_Comm_from_tids(int n, const int tids[], MPI_Comm *newcomm);
/* Tids of the first n processes of comm (of an intercommunicator's remote group): for pvm_send,
 * pvm_notify, ... The task's own is 0 before it is in a virtual machine. Local. */
int MPIX_Comm_get_tids(MPI_Comm comm, int n, int tids[]);

int PMPIX_Comm_ispawn(const char *command, char *argv[], int maxprocs, MPI_Info info,
                      int root, MPI_Comm comm, MPI_Comm *intercomm,
                      int array_of_errcodes[], MPI_Request *request);
int PMPIX_Comm_ispawn_multiple(int count, char *array_of_commands[],
                               char **array_of_argv[], const int array_of_maxprocs[],
                               const MPI_Info array_of_info[], int root, MPI_Comm comm,
                               MPI_Comm *intercomm, int array_of_errcodes[],
                               MPI_Request *request);
int PMPIX_Comm_from_tids(int n, const int tids[], MPI_Comm *newcomm);
int PMPIX_Comm_get_tids(MPI_Comm comm, int n, int tids[]);
int PMPIX_Comm_get_failed(MPI_Comm comm, MPI_Group *failedgroup);
int PMPIX_Comm_ack_failed(MPI_Comm comm, int num_to_ack, int *num_acked);
int PMPIX_Comm_failure_ack(MPI_Comm comm);
int PMPIX_Comm_failure_get_acked(MPI_Comm comm, MPI_Group *failedgroup);
int PMPIX_Comm_revoke(MPI_Comm comm);
int PMPIX_Comm_is_revoked(MPI_Comm comm, int *flag);
int PMPIX_Comm_agree(MPI_Comm comm, int *flag);
int PMPIX_Comm_iagree(MPI_Comm comm, int *flag, MPI_Request *request);
int PMPIX_Comm_shrink(MPI_Comm comm, MPI_Comm *newcomm);
int PMPIX_Comm_ishrink(MPI_Comm comm, MPI_Comm *newcomm, MPI_Request *request);

#ifdef __cplusplus
}
#endif
#endif
