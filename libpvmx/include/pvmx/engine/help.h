/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: a task that does a daemon's work. One task of each host may start its tasks,
 * one of the leading host the daemons of other hosts. Rules of use
 * as in <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_HELP_H
#define PVMX_ENGINE_HELP_H

#include <pvmx/types.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PVMX_HELP_TASKS = 1, PVMX_HELP_HOSTS = 2 };

/* A task that is to be started, in the environment env and no other. */
struct pvmx_help_task {
    pvmx_tid tid;
    const char *path;
    const char *const *args; /* without the program's own name */
    size_t nargs;
    const char *const *env;
    size_t nenv;
};
/* A daemon that is to be started: command, for a shell there. */
struct pvmx_help_host {
    uint32_t index;
    const char *login; /* "user@host" or "host" */
    const char *command;
};
/* Called from progress, with the lock held; what they are given is gone afterwards. */
struct pvmx_help {
    void (*task)(const struct pvmx_help_task *task);
    void (*hosts)(const struct pvmx_help_host *hosts, size_t n);
};
/* From now on the daemon has this process start tasks that are spawned with PVMX_SPAWN_NO_MPI, or
 * daemons of hosts that are added. PVMX_ERR_EXISTS: another task does so; PVMX_ERR_STATE: this host
 * does not lead. Ends when the process leaves. */
PVMX_API pvmx_err pvmx_engine_help(uint32_t kind, const struct pvmx_help *fns);
/* One of these tasks has ended, or could not be started. status -1: by the signal, or not known. */
PVMX_API pvmx_err pvmx_engine_help_ended(pvmx_tid tid, int status, int signal);

/* What the command has printed: one line of the daemon's; else why there is none. */
PVMX_API pvmx_err pvmx_engine_help_said(uint32_t host, const char *text);

#ifdef __cplusplus
}
#endif

#endif
