/* SPDX-License-Identifier: BSD-3-Clause */
/* PVMX for applications and for other languages: tasks, messages, spawn, notices of end. A plain C
 * ABI: functions, fixed-width integers and the two structs below; no macro is needed to use it.
 *
 * Every function returns PVMX_OK (0) or a negative number of <pvmx/errors.h> unless stated, and
 * leaves a sentence for pvmx_last_error(). Functions may be called from any thread. Messages are
 * bytes with a tag >= 0; those from one task to another arrive in the order sent. A program may use
 * MPI beside these calls: both share tids and engine, but never see each other's messages. */
#ifndef PVMX_PVMX_H
#define PVMX_PVMX_H

#include <pvmx/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An operation that was started and is not collected yet. */
struct pvmx_req;

/* How a task ended, also the content of the message that pvmx_notify_end asks for. */
struct pvmx_task_end {
    pvmx_tid tid;
    int32_t status; /* exit status; -1 when a signal ended it or the status is not known */
    int32_t signal; /* 0: none */
};

/* ---- being a task */

/* Makes this process a task. A spawned program finds its VM and parent; a program started by hand
 * joins the running VM or starts one of its own (which ends after its last task). May be called
 * again; each call is paid back by one pvmx_leave. PVMX_ERR_NO_VM: the sentence says why. */
PVMX_API pvmx_err pvmx_enrol(void);
/* Leaves the VM after everything sent has been handed over; the process goes on. */
PVMX_API void pvmx_leave(void);
/* Own tid; 0 before pvmx_enrol. */
PVMX_API pvmx_tid pvmx_self(void);
/* Tid of the task that spawned this one; 0 for a root task. */
PVMX_API pvmx_tid pvmx_parent(void);
/* Place among the tasks that were spawned together with this one, from 0, and how many they are. A
 * root task is alone. */
PVMX_API int32_t pvmx_rank(void);
PVMX_API int32_t pvmx_size(void);
/* Tids of these tasks in order of rank: the first n are stored; returns how many there are. */
PVMX_API int32_t pvmx_siblings(pvmx_tid *tids, int32_t n);
/* Tasks that the VM can run at one time without sharing processors. */
PVMX_API int32_t pvmx_universe_size(void);
/* Name of this host; static storage. */
PVMX_API const char *pvmx_host(void);

/* ---- other tasks */

/* Starts count copies of a program. command: with '/' relative to the working directory; without,
 * looked up in PATH, in the working directory, beside this program. argv: arguments without the
 * program's name, NULL-terminated, or NULL. tids, errors: count entries each, may be NULL. All or
 * none are started. PVMX_ERR_SPAWN, PVMX_ERR_NOENT, PVMX_ERR_PERM, PVMX_ERR_LIMIT, ... */
PVMX_API pvmx_err pvmx_spawn(const char *command, const char *const *argv, int32_t count,
                             pvmx_tid *tids, pvmx_err *errors);
/* Asks for a message when the task ends: from this task itself, with this tag, a struct
 * pvmx_task_end. Arrives exactly once for each call, also when the task has ended already. */
PVMX_API pvmx_err pvmx_notify_end(pvmx_tid tid, int32_t tag);
/* How a task ended; PVMX_ERR_STATE while it lives or when it was never heard of. */
PVMX_API pvmx_err pvmx_end_of(pvmx_tid tid, struct pvmx_task_end *out);
/* Ends tasks (SIGTERM, after a while SIGKILL). */
PVMX_API pvmx_err pvmx_kill(const pvmx_tid *tids, int32_t n);

/* ---- messages */

/* Sends len bytes; returns when the buffer may be used again. PVMX_ERR_PEER_DEAD: the task has
 * ended. */
PVMX_API pvmx_err pvmx_send(pvmx_tid to, int32_t tag, const void *buf, uint64_t len);
/* Receives into at most cap bytes; source and tag may be PVMX_ANY_SOURCE and PVMX_ANY_TAG. st (may
 * be NULL) tells who, which and how long. PVMX_ERR_TRUNCATE: cap bytes are there, the rest is
 * lost. PVMX_ERR_PEER_DEAD: the named source has ended and has left no such message. */
PVMX_API pvmx_err pvmx_recv(pvmx_tid source, int32_t tag, void *buf, uint64_t cap,
                            struct pvmx_status *st);
/* Waits at most timeout_ms (-1: for ever, 0: only looks) for a message that fits and tells of it
 * without receiving it. PVMX_ERR_TIMEDOUT: none came. */
PVMX_API pvmx_err pvmx_probe(pvmx_tid source, int32_t tag, int32_t timeout_ms,
                             struct pvmx_status *st);
/* As pvmx_send and pvmx_recv without waiting. *req is collected by pvmx_wait or pvmx_test; the
 * buffer is the library's till then. */
PVMX_API pvmx_err pvmx_isend(pvmx_tid to, int32_t tag, const void *buf, uint64_t len,
                             struct pvmx_req **req);
PVMX_API pvmx_err pvmx_irecv(pvmx_tid source, int32_t tag, void *buf, uint64_t cap,
                             struct pvmx_req **req);
/* Waits for the operation, returns its outcome, frees *req and sets it to NULL. NULL is complete. */
PVMX_API pvmx_err pvmx_wait(struct pvmx_req **req, struct pvmx_status *st);
/* The same without waiting: *done says whether it was complete (only then it is freed). */
PVMX_API pvmx_err pvmx_test(struct pvmx_req **req, int32_t *done, struct pvmx_status *st);
/* Waits until one of n operations is complete; *index tells which (-1: all are NULL) and it is
 * collected as by pvmx_wait. */
PVMX_API pvmx_err pvmx_wait_any(struct pvmx_req **reqs, int32_t n, int32_t *index,
                                struct pvmx_status *st);

#ifdef __cplusplus
}
#endif
#endif
