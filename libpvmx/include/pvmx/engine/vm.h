/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: looking at the VM and steering it. Each joins or starts the VM first. Rules of
 * use as in <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_VM_H
#define PVMX_ENGINE_VM_H

#include <pvmx/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pvmx_task_info {
    pvmx_tid tid, parent; /* parent 0: a root task */
    uint32_t job;         /* 0: a root task */
    int32_t pid;
    bool inited;         /* has called the library's init and has not left */
    const char *program; /* as it was asked for; of a root task its path */
};
struct pvmx_vm_info {
    size_t ntasks;
    struct pvmx_task_info *tasks;
};
/* Free *out on success. */
PVMX_API pvmx_err pvmx_engine_vm_look(struct pvmx_vm_info *out);
PVMX_API void pvmx_engine_vm_info_free(struct pvmx_vm_info *out);

/* Process of a task of this host, from shared memory; 0: not known (any more). */
PVMX_API int32_t pvmx_engine_pid_of(pvmx_tid tid);

/* Sends a signal. PVMX_ERR_NOTASK: no such task is running. */
PVMX_API pvmx_err pvmx_engine_signal(pvmx_tid tid, int signal);
/* Reads a host file of any of the usual kinds: the hosts that take tasks as "NAME:SLOTS,NAME,...", to be
 * freed. Needs no VM. */
PVMX_API pvmx_err pvmx_engine_hostfile(const char *path, char **list);
/* Ends all tasks, this one too, and the daemons. */
PVMX_API pvmx_err pvmx_engine_halt(void);

#ifdef __cplusplus
}
#endif

#endif
