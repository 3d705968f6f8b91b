/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking the daemon for dumps, and tasks that a reset spares. */
#include "state.h"
#include "trace.h"

#include <pvmx/engine/box.h>
#include <pvmx/engine/vm.h>
#include <stdlib.h>
#include <string.h>

P3_PUBLIC int pvm_tickle(int narg, int *argp, int *nresp, int *resp)
{
    (void)resp;
    int cc = p3_enter();
    P3_TRACE(TEV_TICKLE, {TEV_DID_TA, narg < 11 ? narg : 0, argp});
    if (!cc && (narg < 1 || narg > 10 || !argp))
        cc = PvmBadParam;
    if (!cc && nresp)
        *nresp = 0; /* there are no dumps to ask for */
    P3_TRACE_MORE({TEV_DID_TR, 0, NULL});
    return p3_leave("pvm_tickle", cc);
}

/* Tasks that a reset spares stand in a mailbox class. */
int p3_no_reset(bool on)
{
    static uint32_t index;
    static int listed; /* tid of the task for which it stands there */
    if (on == (listed == pvmmytid))
        return PvmOk;
    listed = on ? pvmmytid : 0;
    struct pvmx_box_put m = {.name = PVMNORESETCLASS, .flags = PvmMboxMultiInstance};
    return p3_error(on ? pvmx_engine_box_put(&m, &index)
                       : pvmx_engine_box_drop(PVMNORESETCLASS, index));
}

P3_PUBLIC int pvm_getnoresets(int **tids, int *n)
{
    static int *kept;
    struct pvmx_box *list = NULL;
    size_t count = 0;
    int cc = p3_enter();
    if (!cc && (!tids || !n))
        cc = PvmBadParam;
    if (!cc)
        cc = p3_error(pvmx_engine_box_list(PVMNORESETCLASS, &list, &count));
    int *more = cc ? NULL : realloc(kept, (count + 1) * sizeof *kept);
    if (!cc && !more)
        cc = PvmNoMem;
    if (more) {
        kept = more;
        for (size_t i = 0; i < count; i++)
            kept[i] = list[i].owner;
        *tids = kept;
        *n = (int)count;
    }
    free(list);
    return p3_leave("pvm_getnoresets", cc);
}

static bool is_spared(int tid, int mytid)
{
    int *tids, n;
    if (tid == mytid || tid == pvmmytid || pvm_getnoresets(&tids, &n) < 0)
        return true;
    for (int i = 0; i < n; i++)
        if (tids[i] == tid)
            return true;
    return false;
}

P3_PUBLIC int pvmreset(int mytid, int killtasks, char *class, int index)
{
    struct pvmtaskinfo *list;
    int n;
    (void)class, (void)index;
    int cc = pvm_tasks(0, &n, &list);
    for (int i = 0; !cc && killtasks && i < n; i++)
        if (!is_spared(list[i].ti_tid, mytid))
            pvm_kill(list[i].ti_tid);
    return cc;
}
