/* SPDX-License-Identifier: BSD-3-Clause */
/* Message handlers: functions that see messages when they arrive, before any receive does. */
#include "extra.h"
#include "msg.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>

/* PVM has nine of its own, for control messages; the first of a program gets number 9. */
enum { FIRST = 9, SYSTEM_CTX = 524287 };

static struct handler {
    int src, tag, ctx;
    int (*fn)(int mid);
    bool used;
} * handlers;
static int nhandlers, nused;

bool p3_handlers(void)
{
    return nused > 0;
}

static bool matches(const struct handler *h, const struct p3_buf *b)
{
    return h->used && (h->src == -1 || h->src == b->src) &&
           (h->tag == -1 || h->tag == b->tag) && (h->ctx == -1 || h->ctx == b->ctx);
}

bool p3_handler_take(struct p3_buf *b)
{
    int i = 0;
    while (i < nhandlers && !matches(&handlers[i], b))
        i++;
    if (i == nhandlers)
        return false;
    if (b->fetch && p3_msg_take(b) != PvmOk)
        return true;
    int id = p3_buf_name(b), sbuf = p3_sbuf, rbuf = p3_rbuf;
    if (id < 0)
        return false;
    b->queued = false;
    b->use = P3_READ;
    p3_rbuf = id;
    p3_sbuf = 0;
    const struct p3_item items[] = {
        {TEV_DID_RST, handlers[i].src, NULL}, {TEV_DID_RMC, handlers[i].tag, NULL},
        {TEV_DID_RCX, handlers[i].ctx, NULL}, {TEV_DID_MB, id, NULL},
        {TEV_DID_MNB, (int)b->len, NULL},     {TEV_DID_MC, b->tag, NULL},
        {TEV_DID_MCX, b->ctx, NULL},          {TEV_DID_SRC, b->src, NULL}};
    int pending = p3_trace_suspend(TEV_MHF_INVOKE, items, 8);
    handlers[i].fn(id);
    p3_trace_resume(pending);
    if (p3_buf_find(id) == b)
        p3_buf_free(b);
    p3_sbuf = p3_buf_find(sbuf) ? sbuf : 0;
    p3_rbuf = p3_buf_find(rbuf) ? rbuf : 0;
    return true;
}

static bool both(int a, int b)
{
    return a == b || a == -1 || b == -1;
}

/* No message has two handlers: one that would see another's messages, or PVM's control messages, is not
 * added. */
static int add(int src, int tag, int ctx, int (*fn)(int))
{
    int at = -1;
    if (tag == -1 && both(ctx, SYSTEM_CTX))
        return PvmExists;
    for (int i = 0; i < nhandlers; i++) {
        const struct handler *h = &handlers[i];
        if (h->used && both(h->src, src) && both(h->tag, tag) && both(h->ctx, ctx))
            return PvmExists;
        if (!h->used && at < 0)
            at = i;
    }
    if (at < 0) {
        struct handler *more = realloc(handlers, ((size_t)nhandlers + 1) * sizeof *more);
        if (!more)
            return PvmNoMem;
        handlers = more;
        at = nhandlers++;
    }
    handlers[at] = (struct handler){src, tag, ctx, fn, true};
    nused++;
    return FIRST + at;
}

P3_PUBLIC int pvm_addmhf(int src, int tag, int ctx, int (*fn)(int))
{
    int cc = p3_enter();
    P3_TRACE(TEV_ADDMHF, {TEV_DID_RST, src, NULL}, {TEV_DID_RMC, tag, NULL},
             {TEV_DID_RCX, ctx, NULL});
    if (!cc)
        cc = fn ? add(src, tag, ctx, fn) : PvmBadParam;
    return p3_leave("pvm_addmhf", cc);
}

P3_PUBLIC int pvm_delmhf(int id)
{
    p3_enter_only();
    P3_TRACE(TEV_DELMHF, {TEV_DID_MHI, id, NULL});
    int at = id - FIRST, cc = PvmOk;
    if (id < 0)
        cc = PvmBadParam;
    else if (at < 0 || at >= nhandlers || !handlers[at].used)
        cc = PvmNotFound;
    else
        nused--, handlers[at].used = false;
    return p3_leave("pvm_delmhf", cc);
}

P3_PUBLIC void pvmdisplaymhfinfo(void)
{
    printf("pvmdisplaymhfinfo: %d handlers\n", FIRST + nused);
    for (int i = 0; i < FIRST; i++)
        printf("mhid %d: of the system, context %d\n", i, SYSTEM_CTX);
    for (int i = 0; i < nhandlers; i++)
        if (handlers[i].used)
            printf("mhid %d: src %x tag %d context %d\n", FIRST + i,
                   (unsigned)handlers[i].src, handlers[i].tag, handlers[i].ctx);
}
