/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry and exit of calls; becoming a task and ceasing to be one. */
#include "state.h"

#include "buf.h"
#include "extra.h"
#include "mover.h"
#include "msg.h"
#include "notify.h"
#include "output.h"
#include "rm.h"
#include "task.h"
#include "trace.h"

#include <pthread.h>
#include <pvmx/engine/post.h>
#include <stdlib.h>
#include <sys/single_threaded.h>

struct p3_state p3;
P3_PUBLIC int pvmmytid = -1, pvmmyctx;

bool p3_is_up(void)
{
    return p3.up;
}

/* Before a call of the first moment at which there are several threads. */
int p3_go_threaded(void)
{
    if (!p3.threaded && pvmx_engine_init(true) != PVMX_OK)
        return PvmSysErr;
    p3.threaded = true;
    return PvmOk;
}

/* A child of the process is no task: it must not send in its parent's name, nor leave with it. It becomes one
 * of its own with its first call. */
static void in_child(void)
{
    if (!p3.up)
        return;
    p3.up = false;
    p3.forked = true;
    pvmmytid = -1;
    pvmx_engine_forget();
}

/* What the parent had; messages that the program holds stay readable. */
static void drop_inherited(void)
{
    p3_trace_on = false;
    p3_trace_end();
    p3_output_forget();
    p3_fds_forget();
    p3_mover_forget();
    p3_notify_end();
    p3_rm_end();
    p3_msg_forget();
    p3_bufs_detach();
    p3.forked = false;
}

static inline void lock(void)
{
    if (__builtin_expect(p3.forked, 0))
        drop_inherited();
    if (p3.up && !p3.threaded && !__libc_single_threaded)
        p3_go_threaded();
    pvmx_engine_lock();
}

/* A program that ends without pvm_exit: what it has sent must still be handed over. */
static void at_exit(void)
{
    if (p3.up)
        pvm_exit();
}

/* PVM's way to say which of a user's machines is meant. */
static void choose_machine(void)
{
    const char *id = getenv("PVM_VMID");
    if (id && *id && !getenv("PVMX_VM"))
        setenv("PVMX_VM", id, 1);
}

static int begin(void)
{
    static bool registered;
    if (p3.forked)
        drop_inherited();
    choose_machine();
    pvmx_err err = pvmx_engine_init(!__libc_single_threaded);
    if (err)
        return PvmSysErr;
    err = pvmx_engine_join_vm();
    if (err) {
        pvmx_engine_leave();
        return PvmSysErr;
    }
    p3.threaded = false;
    p3.up = true;
    pvmmytid = pvmx_engine_self();
    p3_options_begin(pvmx_engine_birth() != NULL);
    p3_task_begin();
    pvmx_engine_sink(P3_CTX, p3_msg_sink, NULL);
    p3_trace_begin(pvmx_engine_birth() != NULL);
    p3_rm_begin(pvmx_engine_birth() != NULL);
    if (!registered) {
        atexit(at_exit);
        pthread_atfork(NULL, NULL, in_child);
    }
    registered = true;
    return PvmOk;
}

int p3_enter(void)
{
    int cc = PvmOk;
    bool fresh = !p3.up;
    if (__builtin_expect(fresh, 0))
        cc = begin();
    lock();
    if (__builtin_expect(fresh && !cc, 0))
        p3_options_joined();
    return cc;
}

void p3_enter_only(void)
{
    lock();
}

int p3_done(int code)
{
    if (__builtin_expect(p3_trace_pending >= 0, 0))
        p3_trace_result(code);
    pvmx_engine_unlock();
    return code;
}

int p3_leave(const char *func, int code)
{
    p3_done(code);
    return __builtin_expect(code < 0, 0) ? lpvmerr(func, code) : code;
}

pvmx_err p3_wait(bool (*done)(void *arg), void *arg, uint64_t deadline_ns)
{
    pvmx_engine_unlock();
    pvmx_err err = pvmx_engine_wait_until(done, arg, deadline_ns);
    pvmx_engine_lock();
    return err;
}

P3_PUBLIC int pvm_exit(void)
{
    if (!p3.up)
        return PvmOk;
    lock();
    P3_TRACE_BARE(TEV_EXIT);
    p3_trace_end();
    p3_output_finish();
    p3_fds_end();
    p3_mover_end();
    pvmx_engine_sink(P3_CTX, NULL, NULL);
    p3_notify_end();
    p3_rm_end();
    p3_msg_end();
    p3_bufs_detach();
    p3.up = false;
    bool threaded = p3.threaded;
    pvmx_engine_unlock();
    pvmx_engine_leave();
    if (threaded)
        pvmx_engine_leave();
    pvmmytid = -1;
    return PvmOk;
}

P3_PUBLIC int pvmbeatask(void)
{
    return p3_leave("pvmbeatask", p3_enter());
}

P3_PUBLIC int pvmendtask(void)
{
    return pvm_exit();
}

P3_PUBLIC int pvm_mytid(void)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_MYTID);
    cc = p3_leave("pvm_mytid", cc ? cc : pvmmytid);
    return cc;
}
