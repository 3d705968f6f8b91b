/* SPDX-License-Identifier: BSD-3-Clause */
/* What PVM's interface hides in the process: membership, options, the entry and exit of every call,
 * and errors.
 *
 * A process with one thread takes no lock. Once a second thread exists, every call holds the engine's
 * lock, but for the time in which it waits: calls of several threads are safe. */
#ifndef P3_STATE_H
#define P3_STATE_H

#include "extra.h"
#include <pvm3.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/msg.h>
#include <pvmx/engine/prog.h>
#include <stdbool.h>

#define P3_PUBLIC __attribute__((visibility("default")))

enum {
    P3_CTX = 2,         /* the engine's context in which PVM's messages go to our sink */
    P3_CTX_DATA = 3,    /* for those that the sink's message only announces */
    P3_DSIG = 0x408c41, /* data format: 64-bit, little endian, IEEE */
    P3_DAEMON = (int)0x80000000, /* tid in messages from the daemon */
    P3_HOST_MASK = 0x3ffc0000,
    P3_LOCAL_MASK = 0x3ffff,
};
#define P3_ARCH "LINUX64"
/* What pvm_spawn was called with, in the environment. */
#define P3_FLAGS_VAR "PVMX_PVM_FLAGS"

struct p3_state {
    bool up;
    bool forked; /* by a task, which has left its lists here */
    bool threaded;
    int opt[PvmNoReset + 1];
    int next_ctx; /* serial of pvm_newcontext */
};
extern struct p3_state p3;

/* Programs that use more than the documented interface know these. */
extern P3_PUBLIC int pvmmytid, pvmmyctx, pvmautoerr, pvm_errno;

/* Makes the process a task if it is none, and takes the lock. 0 or an error; with an error p3_leave
 * must still be called. */
int p3_enter(void);
/* The same without becoming a task: for calls that work without a VM. */
void p3_enter_only(void);
/* From now on the lock is one: before a thread is started. Without the lock. */
int p3_go_threaded(void);
/* Gives the lock back and reports code < 0 in the name of func; returns code. */
int p3_leave(const char *func, int code);
/* The same of what is no error, though it may be < 0. */
int p3_done(int code);
/* Is this a task? */
bool p3_is_up(void);

/* Waits, without the lock, until done(arg) or the deadline (CLOCK_MONOTONIC, ns). */
pvmx_err p3_wait(bool (*done)(void *arg), void *arg, uint64_t deadline_ns);
/* PVM's error for the engine's. */
int p3_error(pvmx_err err);

static inline bool p3_is_task(int tid)
{
    return tid > 0 && (tid & ~(P3_HOST_MASK | P3_LOCAL_MASK)) == 0 &&
           (tid & P3_LOCAL_MASK) && (tid & P3_HOST_MASK);
}

/* ---- what the parts do when the task begins and ends */
void p3_options_begin(bool born);
void p3_options_joined(void); /* with the lock */
/* PvmNoReset was set or reset. */
int p3_no_reset(bool on);

#endif
