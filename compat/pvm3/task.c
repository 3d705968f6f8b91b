/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks: parent, siblings, lists, signals. */
#include "task.h"
#include "rm.h"
#include "rmcall.h"
#include "trace.h"

#include <pvmx/engine/vm.h>
#include <pvmx/pvmx.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static bool parent_hidden;

void p3_task_begin(void)
{
    const char *hidden = getenv("PVMX_PVM_NO_PARENT");
    parent_hidden = hidden && pvmx_engine_birth();
    unsetenv("PVMX_PVM_NO_PARENT"); /* of this task only, not of its children */
    unsetenv(P3_FLAGS_VAR);
}

P3_PUBLIC int pvm_parent(void)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_PARENT);
    if (!cc && parent_hidden)
        cc = PvmParentNotSet;
    if (!cc) {
        pvmx_tid parent = pvmx_parent();
        cc = parent ? parent : PvmNoParent;
    }
    if (cc == PvmNoParent || cc == PvmParentNotSet) /* an answer, not a failure */
        return p3_done(cc);
    return p3_leave("pvm_parent", cc);
}

P3_PUBLIC int pvm_siblings(int **tids)
{
    static int *list;
    int cc = p3_enter();
    int n = pvmx_size();
    P3_TRACE_BARE(TEV_SIBLINGS);
    if (!cc && !tids)
        cc = PvmBadParam;
    if (!cc) {
        int *more = realloc(list, (size_t)n * sizeof *list);
        cc = more ? n : PvmNoMem;
        list = more ? more : list;
    }
    if (cc > 0) {
        pvmx_siblings(list, n);
        *tids = list;
    }
    P3_TRACE_MORE({TEV_DID_SIB, cc, list});
    return p3_leave("pvm_siblings", cc);
}

P3_PUBLIC int pvm_tidtohost(int tid)
{
    return tid & P3_HOST_MASK;
}

/* ---- lists */

/* Is this task shown for `where` (0: all, a host, a task)? */
static bool wanted(const struct pvmx_task_info *t, int where)
{
    return where == 0 ||
           (where & P3_LOCAL_MASK ? t->tid == where : (t->tid & P3_HOST_MASK) == where);
}

/* One allocation that lives until the next call: records, then texts. */
static int list_tasks(const struct pvmx_vm_info *vm, int where, int *n,
                      struct pvmtaskinfo **out)
{
    static struct pvmtaskinfo *list;
    size_t bytes = (vm->ntasks + 1) * sizeof *list;
    for (size_t i = 0; i < vm->ntasks; i++)
        bytes += strlen(vm->tasks[i].program) + 1;
    struct pvmtaskinfo *more = realloc(list, bytes);
    if (!more)
        return PvmNoMem;
    list = more;
    char *text = (char *)(list + vm->ntasks + 1);
    *n = 0;
    for (size_t i = 0; i < vm->ntasks; i++) {
        const struct pvmx_task_info *t = &vm->tasks[i];
        if (!wanted(t, where))
            continue;
        const char *name =
            t->job ? t->program : ""; /* PVM knows no name of those started by hand */
        size_t len = strlen(name) + 1;
        memcpy(text, name, len);
        list[(*n)++] =
            (struct pvmtaskinfo){.ti_tid = t->tid,
                                 .ti_ptid = t->job && !t->parent ? PvmParentNotSet : t->parent,
                                 .ti_host = t->tid & P3_HOST_MASK,
                                 .ti_flag = (t->job ? 2 : 0) | (t->inited ? 4 : 0),
                                 .ti_a_out = text,
                                 .ti_pid = t->pid};
        text += len;
    }
    if (out)
        *out = list;
    return PvmOk;
}

/* The tasks of where's host, 0: of all. */
static int look(int where, struct pvmx_vm_info *vm)
{
    if (where &&
        (where < 0 || !(where & P3_HOST_MASK) || where & ~(P3_HOST_MASK | P3_LOCAL_MASK)))
        return PvmNoHost;
    pvmx_err err = pvmx_engine_vm_look((uint32_t)where >> 18, vm);
    return err == PVMX_ERR_NOENT || err == PVMX_ERR_CLOSED ? PvmNoHost : p3_error(err);
}

static int tasks(int where, int *n, struct pvmtaskinfo **out)
{
    struct pvmx_vm_info vm;
    int count = 0, asked;
    if (p3_rm_rules() && (asked = p3_rm_tasks(where, n, out)) != PvmNoTask)
        return asked;
    if (((unsigned)where & ~(unsigned)P3_HOST_MASK) == (unsigned)P3_DAEMON)
        where &= P3_HOST_MASK; /* a host by its daemon; 0x80000000: all hosts */
    int cc = look(where, &vm);
    if (cc)
        return cc;
    cc = list_tasks(&vm, where, &count, out);
    pvmx_engine_vm_info_free(&vm);
    if (!cc && n)
        *n = count;
    return cc;
}

P3_PUBLIC int pvm_tasks(int where, int *n, struct pvmtaskinfo **out)
{
    int cc = p3_enter();
    P3_TRACE(TEV_TASKS, {TEV_DID_TW, where, NULL});
    int count = 0;
    cc = cc ? cc : tasks(where, n ? n : &count, out);
    P3_TRACE_MORE({TEV_DID_TNT, n ? *n : count, NULL});
    return p3_leave("pvm_tasks", cc);
}

static int status(int tid)
{
    struct pvmx_vm_info vm;
    if (!p3_is_task(tid))
        return PvmBadParam;
    int cc = look(tid, &vm);
    if (cc)
        return cc == PvmNoHost ? PvmNoTask : cc;
    cc = PvmNoTask;
    for (size_t i = 0; i < vm.ntasks; i++)
        if (vm.tasks[i].tid == tid)
            cc = PvmOk;
    pvmx_engine_vm_info_free(&vm);
    return cc;
}

P3_PUBLIC int pvm_pstat(int tid)
{
    int cc = p3_enter();
    P3_TRACE(TEV_PSTAT, {TEV_DID_TT, tid, NULL});
    if (!cc)
        cc = status(tid);
    if (cc == PvmNoTask) /* an answer, not a failure */
        return p3_done(cc);
    return p3_leave("pvm_pstat", cc);
}

/* ---- signals: to a task that has ended they are no error */

static int send_signal(int tid, int signum)
{
    if (!p3_is_task(tid))
        return PvmBadParam;
    if (signum < 1 || signum > 64)
        return PvmOk; /* nobody would notice */
    pvmx_err err = pvmx_engine_signal(tid, signum);
    return err == PVMX_ERR_NOTASK ? PvmOk : p3_error(err);
}

P3_PUBLIC int pvm_sendsig(int tid, int signum)
{
    int cc = p3_enter();
    P3_TRACE(TEV_SENDSIG, {TEV_DID_TT, tid, NULL}, {TEV_DID_SN, signum, NULL});
    return p3_leave("pvm_sendsig", cc ? cc : send_signal(tid, signum));
}

P3_PUBLIC int pvm_kill(int tid)
{
    enum { TERM = 15 };
    int cc = p3_enter();
    P3_TRACE(TEV_KILL, {TEV_DID_TT, tid, NULL});
    return p3_leave("pvm_kill", cc ? cc : send_signal(tid, TERM));
}

/* Ends all tasks. The daemon leaves those that have asked for it to themselves, PVM's does not. */
P3_PUBLIC int pvm_halt(void)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_HALT);
    cc = p3_leave("pvm_halt", cc ? cc : p3_error(pvmx_engine_halt()));
    if (!cc)
        raise(SIGTERM);
    return cc;
}
