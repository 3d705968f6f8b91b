/* SPDX-License-Identifier: BSD-3-Clause */
/* The greeting: agreeing on a version, or one answer that says why not. */
#ifndef PXP_HELLO_H
#define PXP_HELLO_H

#include "base/buf.h"
#include "proto/messages.h"

enum { PXP_ROLE_TASK = 1, PXP_ROLE_CONSOLE = 2, PXP_ROLE_MPIEXEC = 3 };
/* What a task does in a daemon's place: message helper. */
enum { PXP_HELPER_TASKS = 1, PXP_HELPER_HOSTS = 2 };
/* Bits of the field streams. ERR with JOINED: one pipe for descriptors 1 and 2, named OUT. TTY: a further
 * descriptor comes with the request, a terminal of mpiexec's that takes this descriptor's place on its own
 * host; what is written there mpiexec passes on to the one that comes as usual. */
enum {
    PXP_STREAM_IN = 1,
    PXP_STREAM_OUT = 2,
    PXP_STREAM_ERR = 4,
    PXP_STREAM_JOINED = 8,
    PXP_STREAM_OUT_TTY = 16,
    PXP_STREAM_ERR_TTY = 32,
};
/* written.tid: all that has been written to the terminals of a session. */
#define PXP_TID_TERMINAL (-1)
/* host_info.state, host_entry.state */
enum { PXP_HOST_UP = 1, PXP_HOST_STARTING = 2, PXP_HOST_GONE = 3 };
enum {
    PXP_EVENT_TASK_START = 1,
    PXP_EVENT_TASK_END = 2,
    PXP_EVENT_HOST_UP = 3,   /* of a host: tid is its daemon's */
    PXP_EVENT_HOST_GONE = 4, /* its program: why */
    PXP_EVENT_LIMIT = 5,     /* a rule was applied to a task */
};
/* limit_rule.action */
enum {
    PXP_LIMIT_REPORT = 1,
    PXP_LIMIT_STOP = 2,
    PXP_LIMIT_KILL = 3,
    PXP_LIMIT_REFUSE = 4
};
/* spawn.slots, birth.slots: there is no limit, MPI_UNIVERSE_SIZE is not set. */
#define PXP_SLOTS_INFINITE UINT32_MAX

/* Daemon: the version to use with the sender of hello. PVMX_ERR_VERSION: there is none (the
 * sentence names both sides' versions). PVMX_ERR_PROTO: a role that does not exist. */
pvmx_err pxp_hello_check(const struct pxp_hello *hello, uint32_t *version);

/* Daemon: checks hello and appends the answer to out: welcome (its version is filled in here), or
 * refuse with the sentence when the check fails. What it returns is the check's result; on failure
 * send out, then close. */
pvmx_err pxp_hello_answer(struct px_buf *out, uint32_t serial,
                          const struct pxp_hello *hello, const struct pxp_welcome *welcome);

/* Appends a refuse with this error and sentence (NULL: pvmx_last_error()). */
pvmx_err pxp_refuse(struct px_buf *out, uint32_t serial, pvmx_err error, const char *text);

#endif
