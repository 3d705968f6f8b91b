/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending: short messages go as they are, longer ones are lent from shared memory. */
#include "msg.h"

#include "gserver.h"
#include "mover.h"
#include "notify.h"
#include "pack.h"
#include "starter.h"
#include "trace.h"
#include "wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The task that was sent to last: most often it is the next one too. */
static struct {
    int tid;
    struct pvmx_peer *peer;
} last;

void p3_send_end(void)
{
    if (last.peer)
        pvmx_engine_peer_put(last.peer);
    last.peer = NULL;
}

static struct pvmx_peer *peer_of(int tid)
{
    if (last.peer && last.tid == tid)
        return last.peer;
    struct pvmx_peer *p;
    if (pvmx_engine_peer_get(tid, &p) != PVMX_OK)
        return NULL;
    p3_send_end();
    last.tid = tid;
    if (p3.opt[PvmRoute] == PvmRouteDirect)
        p3_notify_route(tid);
    return last.peer = p;
}

static uint8_t as_daemon; /* P3_AS_DAEMON while p3_send_as_daemon runs */

static struct p3_head head_of(const struct p3_buf *b, int ctx, enum p3_kind kind)
{
    return (struct p3_head){.ctx = ctx,
                            .wid = b->wid,
                            .form = b->form == P3_XDR ? P3_XDR : P3_RAW,
                            .kind = (uint8_t)kind,
                            .flags = (uint8_t)((p3.opt[PvmRoute] == PvmRouteDirect ? P3_DIRECT
                                                                                   : 0) |
                                               as_daemon)};
}

static pvmx_err send_bytes(struct p3_buf *b, struct pvmx_peer *to, int tag, int ctx)
{
    struct p3_head h = head_of(b, ctx, P3_KIND_BYTES);
    if (b->mem && b->data == b->mem + sizeof h) {
        memcpy(b->mem, &h, sizeof h);
        return pvmx_engine_post(to, P3_CTX, tag, b->mem, sizeof h + b->len);
    }
    char all[PVMX_POST_MAX];
    memcpy(all, &h, sizeof h);
    memcpy(all + sizeof h, b->data, b->len);
    return pvmx_engine_post(to, P3_CTX, tag, all, sizeof h + b->len);
}

/* Bytes that are not in a block of ours (a message that is passed on) move into one. */
static bool into_block(struct p3_buf *b)
{
    if (b->block)
        return true;
    size_t len = b->len, cap = b->cap;
    b->cap = 0; /* nothing can be added where it is */
    b->len = 0;
    struct pvmx_block *block;
    bool ok = pvmx_engine_block_new(len, &block) == PVMX_OK;
    if (ok) {
        memcpy(block->data, b->data, len);
        if (b->lent.owner)
            pvmx_engine_block_close(&b->lent);
        free(b->mem);
        b->mem = NULL;
        b->block = block;
        b->data = block->data;
        cap = block->size;
    }
    b->len = len;
    b->cap = cap;
    return ok;
}

static pvmx_err send_loan(struct p3_buf *b, struct pvmx_peer *to, int tag, int ctx)
{
    struct {
        struct p3_head head;
        struct p3_loan loan;
    } m = {head_of(b, ctx, P3_KIND_LOAN), {.len = b->len}};
    static_assert(sizeof m == sizeof m.head + sizeof m.loan, "no gap");
    pvmx_err err = pvmx_engine_block_lend(b->block, to, &m.loan.loan);
    return err ? err : pvmx_engine_post(to, P3_CTX, tag, &m, sizeof m);
}

/* Where shared memory is not to be had: announced, and kept by the engine until it is fetched. */
static pvmx_err send_fetch(struct p3_buf *b, struct pvmx_peer *to, int tag, int ctx)
{
    static int number;
    struct {
        struct p3_head head;
        struct p3_fetch fetch;
    } m = {head_of(b, ctx, P3_KIND_FETCH), {.len = b->len}};
    static_assert(sizeof m == sizeof m.head + sizeof m.fetch, "no gap");
    struct pvmx_req *req;
    m.fetch.number = number = (number + 1) & 0x7fffffff;
    pvmx_err err = pvmx_engine_post(to, P3_CTX, tag, &m, sizeof m);
    return err ? err
               : pvmx_engine_isend(to, P3_CTX_DATA, pvmmytid, m.fetch.number, b->data,
                                   b->len, PVMX_SEND_BUFFERED, &req);
}

static int send_to(struct p3_buf *b, int tid, int tag, int ctx)
{
    struct pvmx_peer *to = peer_of(tid);
    pvmx_err err = PVMX_ERR_LIMIT;
    if (!to)
        return PvmOk; /* a task that never was: as if it had ended */
    if (b->len <= P3_SHORT_MAX)
        err = send_bytes(b, to, tag, ctx);
    else if (into_block(b))
        err = send_loan(b, to, tag, ctx);
    if (err == PVMX_ERR_LIMIT && b->len > P3_SHORT_MAX)
        err = send_fetch(b, to, tag, ctx);
    return err == PVMX_ERR_NOMEM ? PvmNoMem : PvmOk;
}

int p3_send(struct p3_buf *b, int tid, int tag, int ctx)
{
    if (b->form != P3_INPLACE || !b->npieces)
        return send_to(b, tid, tag, ctx);
    struct p3_buf *g = p3_buf_gather(b);
    if (!g)
        return PvmNoMem;
    g->wid = b->wid;
    int cc = send_to(g, tid, tag, ctx);
    p3_buf_free(g);
    return cc;
}

int p3_send_as_daemon(struct p3_buf *b, int tid, int tag)
{
    as_daemon = P3_AS_DAEMON;
    int cc = p3_send(b, tid, tag, PvmBaseContext);
    as_daemon = 0;
    return cc;
}

int p3_send_of_task(struct p3_buf *b, bool first)
{
    as_daemon = P3_AS_DAEMON | (first ? P3_NEWTASK : 0);
    int cc = p3_send(b, pvmtrc.trctid, pvmtrc.trctag, pvmtrc.trcctx);
    as_daemon = 0;
    return cc;
}

/* ---- the program's calls */

static int check_send(int tid, int tag)
{
    if (tag < 0 && !p3.opt[PvmResvTids])
        return PvmBadParam;
    return p3_is_task(tid) ? PvmOk : PvmBadParam;
}

/* 0x80000000 and a host, or a host's own tid. */
static bool is_daemon(int tid)
{
    return tid && !(tid & P3_LOCAL_MASK) && !((unsigned)tid & 0x40000000u);
}

static inline int sent(int tid, int cc)
{
    if (__builtin_expect(cc == PvmOk && p3_is_far(tid), 0))
        p3_mover_check();
    return cc;
}

/* What is seen of a buffer that was sent. A message that still waits to be received keeps its own. */
static void address(struct p3_buf *b, int tid, int tag)
{
    if (b->waiting)
        return;
    b->ctx = pvmmyctx;
    b->tag = tag;
    b->dst = tid;
}

P3_PUBLIC int pvm_send(int tid, int tag)
{
    int cc = p3_enter();
    struct p3_buf *b = p3_buf_find(p3_sbuf);
    P3_TRACE(TEV_SEND, {TEV_DID_MNB, b ? (int)b->len : 0, NULL}, {TEV_DID_DST, tid, NULL},
             {TEV_DID_MC, tag, NULL}, {TEV_DID_MCX, pvmmyctx, NULL});
    if (!cc && is_daemon(tid) && pvmmyctx == P3_GROUP_CTX)
        return p3_leave("pvm_send", p3_ask_groups(tag));
    if (!cc && is_daemon(tid) && p3.opt[PvmResvTids])
        return p3_leave("pvm_send", b ? p3_to_daemon(b, tid, tag) : PvmNoBuf);
    if (!cc)
        cc = check_send(tid, tag);
    if (!cc)
        cc = b ? p3_send(b, tid, tag, pvmmyctx) : PvmNoBuf;
    if (!cc)
        address(b, tid, tag);
    return sent(tid, p3_leave("pvm_send", cc));
}

/* Each task once, the caller not. */
static int compare(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int mcast_to(struct p3_buf *b, int *tids, int n, int tag)
{
    struct p3_buf *g = b->npieces ? p3_buf_gather(b) : b;
    int cc = g ? PvmOk : PvmNoMem;
    qsort(tids, (size_t)n, sizeof *tids, compare);
    for (int i = 0; !cc && i < n; i++)
        if (tids[i] != pvmmytid && (i == 0 || tids[i] != tids[i - 1]))
            cc = send_to(g, tids[i], tag, pvmmyctx);
    if (g && g != b)
        p3_buf_free(g);
    return cc;
}

static int mcast(const int *tids, int n, int tag)
{
    struct p3_buf *b = p3_buf_find(p3_sbuf);
    if (n < 0 || (n && !tids) || (tag < 0 && !p3.opt[PvmResvTids]))
        return PvmBadParam;
    for (int i = 0; i < n; i++)
        if (!p3_is_task(tids[i]))
            return PvmBadParam;
    if (!b)
        return PvmNoBuf;
    int *copy = malloc(((size_t)n + 1) * sizeof *copy);
    if (!copy)
        return PvmNoMem;
    if (n)
        memcpy(copy, tids, (size_t)n * sizeof *copy);
    int cc = mcast_to(b, copy, n, tag);
    if (!cc)
        address(b, b->dst, tag);
    free(copy);
    return cc;
}

P3_PUBLIC int pvm_mcast(int *tids, int n, int tag)
{
    int cc = p3_enter();
    const struct p3_buf *b = p3_buf_find(p3_sbuf);
    P3_TRACE(TEV_MCAST, {TEV_DID_MNB, b ? (int)b->len : 0, NULL}, {TEV_DID_MC, tag, NULL},
             {TEV_DID_MCX, pvmmyctx, NULL}, {TEV_DID_MDL, n, tids});
    cc = p3_leave("pvm_mcast", cc ? cc : mcast(tids, n, tag));
    bool far = false;
    for (int i = 0; !cc && i < n; i++)
        far = far || p3_is_far(tids[i]);
    if (far)
        p3_mover_check();
    return cc;
}

static int psend(int tid, int tag, const void *buf, int len, int type)
{
    if (type == PVM_STR)
        return PvmNotImpl;
    if (len < 0 || !p3_type_size(type) || (len && !buf))
        return PvmBadParam;
    int cc = check_send(tid, tag);
    if (cc)
        return cc;
    struct p3_buf *b = p3_buf_new(PvmDataRaw);
    cc = b ? p3_pack(b, buf, len, 1, type) : PvmNoMem;
    if (!cc)
        cc = p3_send(b, tid, tag, pvmmyctx);
    if (b)
        p3_buf_free(b);
    return cc;
}

P3_PUBLIC int pvm_psend(int tid, int tag, void *buf, int len, int type)
{
    int cc = p3_enter();
    P3_TRACE(TEV_PSEND, {TEV_DID_DST, tid, NULL}, {TEV_DID_MC, tag, NULL},
             {TEV_DID_MCX, pvmmyctx, NULL}, {TEV_DID_PDA, 0, buf},
             {TEV_DID_PC, len, NULL}, {TEV_DID_PDT, type, NULL});
    return sent(tid, p3_leave("pvm_psend", cc ? cc : psend(tid, tag, buf, len, type)));
}

static int precv(int tid, int tag, void *buf, int len, int type, struct p3_buf **out)
{
    size_t size = p3_type_size(type);
    if (type == PVM_STR)
        return PvmNotImpl;
    if (len < 0 || !size || (len && !buf))
        return PvmBadParam;
    int cc = p3_msg_check(tid, tag);
    while (!cc) {
        struct p3_buf *b = p3_msg_await(tid, tag, UINT64_MAX, &cc);
        if (!b)
            return cc;
        if (p3_msg_take(b) != PvmOk)
            continue;
        size_t n = (size_t)len * size;
        if (n)
            memcpy(buf, b->data, n < b->len ? n : b->len);
        *out = b;
        return PvmOk;
    }
    return cc;
}

P3_PUBLIC int pvm_precv(int tid, int tag, void *buf, int len, int type, int *from,
                        int *got_tag, int *bytes)
{
    struct p3_buf *b = NULL;
    int cc = p3_enter();
    P3_TRACE(TEV_PRECV, {TEV_DID_RST, tid, NULL}, {TEV_DID_RMC, tag, NULL},
             {TEV_DID_RCX, pvmmyctx, NULL}, {TEV_DID_PDA, 0, buf},
             {TEV_DID_PC, len, NULL}, {TEV_DID_PDT, type, NULL});
    if (!cc)
        cc = precv(tid, tag, buf, len, type, &b);
    P3_TRACE_MORE({TEV_DID_MNB, b ? (int)b->len : -1, NULL},
                  {TEV_DID_MC, b ? b->tag : -1, NULL},
                  {TEV_DID_MCX, b ? b->ctx : pvmmyctx, NULL},
                  {TEV_DID_SRC, b ? b->src : -1, NULL});
    if (b) {
        if (from)
            *from = b->src;
        if (got_tag)
            *got_tag = b->tag;
        if (bytes)
            *bytes = (int)b->len;
        p3_buf_free(b);
    }
    return p3_leave("pvm_precv", cc);
}
