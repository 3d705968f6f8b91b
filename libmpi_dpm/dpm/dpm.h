/* SPDX-License-Identifier: BSD-3-Clause */
/* Dynamic processes: who was started from here, and when spawner and children are no longer
 * connected. */
#ifndef XMPI_DPM_H
#define XMPI_DPM_H

#include "comm/comm.h"
#include <pvmx/engine/dyn.h>

/* Makes xmpi_parent from the birth record, without communication; leaves it NULL in a process
 * without a parent. By rt/init.c once xmpi_world has its error handler. */
int xmpi_dpm_parent_make(void);

/* Remembers a job that this process has spawned. tids as in the result of the spawn. */
int xmpi_dpm_job_add(uint32_t job, const pvmx_tid *tids, int n);
/* A communicator with these groups is going. disconnected: by MPI_Comm_disconnect, then jobs to
 * which no other communicator leads are released; else (MPI_Comm_free) its jobs stay connected for
 * good, as MPI 5.0 §11.10.4 has it. */
void xmpi_dpm_comm_gone(const struct xmpi_comm *comm, bool disconnected);
/* Forgets all jobs; at finalize. */
void xmpi_dpm_stop(void);

/* ---- shared by the functions of this folder */

struct xmpi_info;

/* Tids of comm's local group in rank order, malloc'ed. After this process has joined a VM. */
int xmpi_dpm_tids(const struct xmpi_comm *comm, pvmx_tid **out);
/* MPI_ERR_INFO_VALUE. */
int xmpi_dpm_bad_value(const char *key, const char *value, const char *expected);
/* Seconds from an info key; *ms stays when the key is not there. */
int xmpi_dpm_info_ms(const struct xmpi_info *info, const char *key, uint32_t *ms);
/* Logs the keys that do not stand in known (NULL-terminated; NULL: no key is known), where "key*" stands
 * for all that begin so. */
void xmpi_dpm_note_unknown(const struct xmpi_info *info, const char *const known[],
                           const char *what);

#endif
