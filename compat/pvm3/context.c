/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts of messages. */
#include "state.h"
#include "trace.h"

#include <pvmx/engine/box.h>
#include <stdlib.h>

/* As PVM's: this host's index on top, below it a number that the daemon counts. */
enum { SYSTEM_FIRST = 524278, SYSTEM_LAST = SYSTEM_FIRST + 9 };

static struct {
    int *ids;
    size_t n, cap;
} own;

static int add_context(void)
{
    if (own.n == own.cap) {
        size_t cap = own.cap ? own.cap * 2 : 16;
        int *ids = realloc(own.ids, cap * sizeof *ids);
        if (!ids)
            return PvmNoMem;
        own.ids = ids;
        own.cap = cap;
    }
    uint32_t number;
    int cc = p3_error(pvmx_engine_number(&number));
    if (cc)
        return cc;
    int ctx = (pvmmytid & P3_HOST_MASK) | (int)(number & P3_LOCAL_MASK);
    if (ctx >= SYSTEM_FIRST && ctx <= SYSTEM_LAST)
        return add_context();
    return own.ids[own.n++] = ctx;
}

P3_PUBLIC int pvm_newcontext(void)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_NEWCONTEXT);
    return p3_leave("pvm_newcontext", cc ? cc : add_context());
}

static int free_context(int ctx)
{
    for (size_t i = 0; i < own.n; i++)
        if (own.ids[i] == ctx) {
            own.ids[i] = own.ids[--own.n];
            return PvmOk;
        }
    return PvmNotFound;
}

P3_PUBLIC int pvm_freecontext(int ctx)
{
    int cc = p3_enter();
    P3_TRACE(TEV_FREECONTEXT, {TEV_DID_CXF, ctx, NULL});
    return p3_leave("pvm_freecontext", cc ? cc : free_context(ctx));
}

P3_PUBLIC int pvm_setcontext(int ctx)
{
    int cc = p3_enter(), old = pvmmyctx;
    P3_TRACE(TEV_SETCONTEXT, {TEV_DID_CXS, ctx, NULL});
    if (!cc && ctx < 0)
        cc = PvmBadParam;
    if (!cc)
        pvmmyctx = ctx;
    return p3_leave("pvm_setcontext", cc ? cc : old);
}

P3_PUBLIC int pvm_getcontext(void)
{
    int cc = p3_enter();
    P3_TRACE_BARE(TEV_GETCONTEXT);
    return p3_leave("pvm_getcontext", cc ? cc : pvmmyctx);
}
