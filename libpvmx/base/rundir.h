/* SPDX-License-Identifier: BSD-3-Clause */
/* The runtime directory of a VM: $XDG_RUNTIME_DIR/pvmx/<vm>, else /tmp/pvmx-<uid>/<vm>; mode 0700
 * and owned by this user, verified without following links. */
#ifndef PX_RUNDIR_H
#define PX_RUNDIR_H

#include <pvmx/errors.h>
#include <stdbool.h>

struct px_rundir {
    char path[4096];
    char socket[4096 + 16]; /* path/ctl */
    char lock[4096 + 16];   /* path/lock */
};

/* vm: NULL or "": setting PVMX_VM, else "default". Letters, digits, '.', '_', '-', at most 64, not
 * starting with '.'. create: make missing directories. PVMX_ERR_NOENT (not there, create false),
 * PVMX_ERR_PERM (another owner or mode: the sentence names which and what to do), ERR_ARG. */
pvmx_err px_rundir_open(const char *vm, bool create, struct px_rundir *out);
/* The name that px_rundir_open would use for vm, checked as there. Not copied. */
pvmx_err px_rundir_vm(const char *vm, const char **name);
/* Registers its setting; the functions above do so too. */
void px_rundir_settings(void);
/* Removes the directory and, if empty, its parent. */
void px_rundir_remove(const struct px_rundir *dir);

#endif
