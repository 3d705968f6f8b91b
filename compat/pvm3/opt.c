/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_getopt and pvm_setopt. Options of routes, fragments and traces keep their values and change
 * nothing: there is one way between two tasks of a host. */
#include "state.h"
#include "trace.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* An option: what it is at first, and what it can be. */
static const struct rule {
    int first, min, max;
} rules[PvmNoReset + 1] = {
#define OPTION(name, first, console, least, most) UNLISTED(name, first, least, most)
#define UNLISTED(name, first, least, most) [Pvm##name] = {first, least, most},
#include "base/pvmopts.def"
#undef OPTION
#undef UNLISTED
};

static bool begun; /* the process has been a task before */

static bool known(int what)
{
    return what >= PvmRoute && what <= PvmNoReset;
}

/* Does it begin anew with every pvm_mytid behind a pvm_exit? All else belongs to the process. */
static bool is_of_the_task(int what)
{
    return (what >= PvmTraceTid && what <= PvmFragSize) || what == PvmTraceContext ||
           (what >= PvmSelfTraceTid && what <= PvmSelfTraceOptions);
}

void p3_options_begin(bool born)
{
    for (int i = PvmRoute; i <= PvmNoReset; i++)
        if (!begun || is_of_the_task(i))
            p3.opt[i] = rules[i].first;
    p3.opt[PvmAutoErr] = pvmautoerr;
    const char *ctx = getenv("PVMCTX"), *out = getenv("PVMX_PVM_OUT");
    unsigned to[3] = {0}; /* tid, tag, context */
    if (born && out && !begun && sscanf(out, "%x,%x,%x", &to[0], &to[1], &to[2]) > 0) {
        p3.opt[PvmSelfOutputTid] = p3.opt[PvmOutputTid] = (int)to[0];
        p3.opt[PvmSelfOutputCode] = p3.opt[PvmOutputCode] = (int)to[1];
        p3.opt[PvmSelfOutputContext] = p3.opt[PvmOutputContext] = (int)to[2];
    }
    if (!begun)
        pvmmyctx = born && ctx ? (int)strtol(ctx, NULL, 0) : PvmBaseContext;
    begun = true;
}

void p3_options_joined(void)
{
    if (p3.opt[PvmNoReset])
        p3_no_reset(true); /* the entry went with the task that this process was before */
}

P3_PUBLIC int pvm_getopt(int what)
{
    p3_enter_only();
    P3_TRACE(TEV_GETOPT, {TEV_DID_OPT, what, NULL});
    if (!known(what))
        return p3_leave("pvm_getopt", PvmBadParam);
    return p3_done(begun                ? p3.opt[what] /* which may be below 0 */
                   : what == PvmAutoErr ? pvmautoerr
                                        : rules[what].first);
}

static int set(int what, int val, int *old)
{
    if (!known(what))
        return PvmBadParam;
    const struct rule *r = &rules[what];
    if (val != r->first && (val < r->min || val > r->max))
        return PvmBadParam;
    int cc = what == PvmNoReset ? p3_no_reset(val != 0) : PvmOk;
    if (cc)
        return cc;
    *old = p3.opt[what];
    p3.opt[what] = val;
    p3_trace_option(what, val);
    if (what == PvmAutoErr)
        pvmautoerr = val;
    if (what == PvmSelfOutputTid || what == PvmSelfOutputCode) { /* of the children too */
        p3.opt[PvmOutputTid] = p3.opt[PvmSelfOutputTid];
        p3.opt[PvmOutputCode] = p3.opt[PvmSelfOutputCode];
    } else if (what == PvmSelfTraceTid || what == PvmSelfTraceCode) {
        p3.opt[PvmTraceTid] = p3.opt[PvmSelfTraceTid];
        p3.opt[PvmTraceCode] = p3.opt[PvmSelfTraceCode];
        p3_trace_option(PvmTraceTid, p3.opt[PvmTraceTid]);
        p3_trace_option(PvmTraceCode, p3.opt[PvmTraceCode]);
    }
    return PvmOk;
}

P3_PUBLIC int pvm_setopt(int what, int val)
{
    if (what == PvmAutoErr && !p3.up) { /* before anything else, to keep a failing start quiet */
        int old = pvmautoerr;
        pvmautoerr = p3.opt[PvmAutoErr] = val;
        return old;
    }
    int cc = p3_enter(), old = 0;
    P3_TRACE(TEV_SETOPT, {TEV_DID_OPT, what, NULL}, {TEV_DID_OPV, val, NULL});
    cc = cc ? cc : set(what, val, &old);
    return cc ? p3_leave("pvm_setopt", cc) : p3_done(old);
}
