/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: start, progress, waiting, end. Rules of use as in <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_PROG_H
#define PVMX_ENGINE_PROG_H

#include <pvmx/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the engine for this process. The first call counts; each init is paid back by one leave.
 * A process started by a daemon takes its birth record; another one joins the VM if its daemon
 * runs (one round trip) and is a lone task without a tid otherwise. threads: calls may come from
 * several threads at once (may be raised by a later init). */
PVMX_API pvmx_err pvmx_engine_init(bool threads);
/* Leaves the VM in good order after everything sent has been handed over: what follows is not
 * called a failure of this task. The last leave frees everything. */
PVMX_API void pvmx_engine_leave(void);
/* Does anything that was sent need calls of this task to go on? */
PVMX_API bool pvmx_engine_unsent(void);
/* In a child of a task, which has only one thread: it is no task, and says so to nobody. What the parent
 * had in memory stays where it is. May be called between fork and exec. */
PVMX_API void pvmx_engine_forget(void);

/* Makes sure that this process is a task of a VM with a tid; starts the daemon if none runs. */
PVMX_API pvmx_err pvmx_engine_join_vm(void);
/* The own tid; 0 while this is a lone process. */
PVMX_API pvmx_tid pvmx_engine_self(void);
/* Name of this host as the VM knows it. Static storage. */
PVMX_API const char *pvmx_engine_host(void);
/* What the job was started with (mpiexec -usize; INT_MAX: no limit), else the slots of the VM, live,
 * from shared memory; of this host when there is no VM. */
PVMX_API int pvmx_engine_universe_size(void);

/* Makes one bounded round of progress; returns the number of events handled. */
PVMX_API unsigned pvmx_engine_progress(void);
/* Makes progress, sleeping when there is nothing to do, until done(arg) is true (returns
 * PVMX_OK), deadline_ns of CLOCK_MONOTONIC is reached (PVMX_ERR_TIMEDOUT; UINT64_MAX: never).
 * done is called with the engine's lock held and must not call the engine, but for req_done. */
PVMX_API pvmx_err pvmx_engine_wait_until(bool (*done)(void *arg), void *arg,
                                         uint64_t deadline_ns);

/* What the condition of another thread's wait_until looks at has changed by other means than
 * progress: it looks again. */
PVMX_API void pvmx_engine_wake(void);
/* How many operations of this process have ended because another task has. */
PVMX_API unsigned pvmx_engine_failures(void);

/* Hooks run in every round of progress until removed, with the engine's lock held (it is recursive:
 * a hook may start operations). They return the number of events handled. For schedules of
 * nonblocking collectives and generalized work. */
struct pvmx_hook {
    unsigned (*fn)(struct pvmx_hook *hook);
    struct pvmx_hook *next, **pprev; /* owned by the engine while added */
};
PVMX_API void pvmx_engine_hook_add(struct pvmx_hook *hook);
PVMX_API void pvmx_engine_hook_remove(struct pvmx_hook *hook);

/* The engine's recursive lock, for state of the upper layers that hooks share. Not more than a look at
 * a flag while the process is single threaded. */
PVMX_API extern bool pvmx_engine_threaded; /* only read; for the two functions below */
PVMX_API void pvmx_engine_lock_threads(void);
PVMX_API void pvmx_engine_unlock_threads(void);

static inline void pvmx_engine_lock(void)
{
    if (__builtin_expect(pvmx_engine_threaded, 0))
        pvmx_engine_lock_threads();
}

static inline void pvmx_engine_unlock(void)
{
    if (__builtin_expect(pvmx_engine_threaded, 0))
        pvmx_engine_unlock_threads();
}

#ifdef __cplusplus
}
#endif
#endif
