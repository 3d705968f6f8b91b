/* SPDX-License-Identifier: BSD-3-Clause */
/* Making and sending trace events. */
#include "trace.h"

#include "extra.h"
#include "msg.h"
#include "pack.h"

#include <assert.h>
#include <errno.h>
#include <pvmx/engine/box.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 109, DATA_IDS = 123, ENTRY = 0x4000, EXIT = 0x8000, MORE = 4 };

bool p3_trace_on;
int p3_trace_pending = -1;
P3_PUBLIC struct Pvmtracer pvmtrc, pvmctrc;

static uint8_t described[EVENTS]; /* bit 0: calls, bit 1: results */
static struct p3_buf *waiting;    /* records, with PvmTraceBuffer */
static struct p3_item more[MORE]; /* of the call that runs */
static int nmore;
static int depth; /* of calls of libgpvm3 */

/* ---- records */

static int type_of(const struct p3_item *it)
{
    switch (it->did) {
    case TEV_DID_STL:
    case TEV_DID_MDL:
    case TEV_DID_NTL:
    case TEV_DID_SIB:
    case TEV_DID_FDS:
    case TEV_DID_TA:
    case TEV_DID_TR:
        return TEV_DATA_INT | TEV_DATA_ARRAY;
    case TEV_DID_HNL:
    case TEV_DID_AS:
        return TEV_DATA_STRING | TEV_DATA_ARRAY;
    case TEV_DID_PDA:
        return TEV_DATA_LONG;
    default:
        return it->data ? TEV_DATA_STRING : TEV_DATA_INT;
    }
}

static int pack_texts(struct p3_buf *b, char *const *texts, int n)
{
    int cc = PvmOk;
    for (int i = 0; !cc && i < n; i++)
        cc = p3_pack_string(b, texts[i] ? texts[i] : "");
    return cc;
}

static int pack_item(struct p3_buf *b, const struct p3_item *it, bool named)
{
    int type = type_of(it), head[2] = {it->did, type},
        n = it->value > 0 && it->data ? it->value : 0;
    int cc = named ? p3_pack_ints(b, head, 2) : PvmOk;
    if (!cc && type & TEV_DATA_ARRAY)
        cc = p3_pack_ints(b, &n, 1);
    if (cc)
        return cc;
    switch (type) {
    case TEV_DATA_STRING:
        return p3_pack_string(b, it->data);
    case TEV_DATA_LONG:
        return p3_pack(b, &it->data, 1, 1, PVM_LONG);
    case TEV_DATA_INT:
        return p3_pack_ints(b, &it->value, 1);
    case TEV_DATA_STRING | TEV_DATA_ARRAY:
        return pack_texts(b, it->data, n);
    default:
        return n ? p3_pack_ints(b, it->data, n) : PvmOk;
    }
}

static int pack_record(struct p3_buf *b, int kind, int side, int tid,
                       const struct p3_item *items, int n, bool named)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    const struct p3_item common[] = {{TEV_DID_TS, (int)now.tv_sec, NULL},
                                     {TEV_DID_TU, (int)now.tv_usec, NULL},
                                     {TEV_DID_TID, tid, NULL}};
    int head[2] = {named ? TEV_MARK_EVENT_DESC : TEV_MARK_EVENT_RECORD, kind | side};
    int end = named ? TEV_MARK_EVENT_DESC_END : TEV_MARK_EVENT_RECORD_END;
    int cc = p3_pack_ints(b, head, 2);
    if (!cc && named)
        cc = p3_pack_string(b, pvmtevinfo[kind].name);
    for (int i = 0; !cc && i < 3; i++)
        cc = pack_item(b, &common[i], named);
    for (int i = 0; !cc && i < n; i++)
        cc = pack_item(b, &items[i], named);
    return cc ? cc : p3_pack_ints(b, &end, 1);
}

static void flush(void)
{
    static const int end = TEV_MARK_EVENT_BUFFER_END;
    if (!waiting)
        return;
    if (p3_pack_ints(waiting, &end, 1) == PvmOk)
        p3_send(waiting, pvmtrc.trctid, pvmtrc.trctag, pvmtrc.trcctx);
    p3_buf_free(waiting);
    waiting = NULL;
}

static void emit(int kind, int side, const struct p3_item *items, int n)
{
    static const int begin = TEV_MARK_EVENT_BUFFER;
    uint8_t bit = side == ENTRY ? 1 : 2;
    bool named = !(described[kind] & bit), single = pvmtrc.trcbuf <= 0;
    struct p3_buf *b = waiting ? waiting : p3_buf_new(PvmDataDefault);
    int cc = !b ? PvmNoMem : !single && !waiting ? p3_pack_ints(b, &begin, 1) : PvmOk;
    if (!cc)
        cc = pack_record(b, kind, side, pvmmytid, items, n, named);
    if (!cc)
        described[kind] |= bit;
    if (!cc && !single) {
        waiting = b;
        if (b->len >= (size_t)pvmtrc.trcbuf)
            flush();
        return;
    }
    if (!cc)
        p3_send(b, pvmtrc.trctid, pvmtrc.trctag, pvmtrc.trcctx);
    if (b)
        p3_buf_free(b);
    waiting = NULL;
}

void p3_trace_call(int kind, const struct p3_item *items, int n)
{
    if (p3_trace_pending >= 0 || depth > 0 || !TEV_MASK_CHECK(pvmtrc.tmask, kind))
        return; /* a call within a call is not the program's */
    emit(kind, ENTRY, items, n);
    nmore = 0;
    p3_trace_pending = kind;
}

void p3_trace_more(const struct p3_item *items, int n)
{
    for (nmore = 0; nmore < n && nmore < MORE; nmore++)
        more[nmore] = items[nmore];
}

int p3_trace_suspend(int kind, const struct p3_item *items, int n)
{
    int pending = p3_trace_pending;
    p3_trace_pending = -1;
    if (p3_trace_on && kind >= 0 && TEV_MASK_CHECK(pvmtrc.tmask, kind))
        emit(kind, ENTRY, items, n);
    return pending;
}

void p3_trace_resume(int pending)
{
    p3_trace_pending = p3_trace_on ? pending : -1;
}

static void result_of_receive(int kind, int id)
{
    const struct p3_buf *b = p3_buf_find(id);
    const struct p3_item items[] = {{TEV_DID_MB, id, NULL},
                                    {TEV_DID_MNB, b ? (int)b->len : -1, NULL},
                                    {TEV_DID_MC, b ? b->tag : -1, NULL},
                                    {TEV_DID_MCX, b ? b->ctx : pvmmyctx, NULL},
                                    {TEV_DID_SRC, b ? b->src : -1, NULL}};
    emit(kind, EXIT, items, 5);
}

/* What the code of a call is called; -1: it has none. */
static int code_of(int kind)
{
    static const struct {
        uint8_t kind, did;
    } codes[] = {
        {TEV_MYTID, TEV_DID_MT},       {TEV_PARENT, TEV_DID_PT},
        {TEV_INITSEND, TEV_DID_MSB},   {TEV_SETSBUF, TEV_DID_MSB},
        {TEV_GETSBUF, TEV_DID_MSB},    {TEV_SETRBUF, TEV_DID_MRB},
        {TEV_GETRBUF, TEV_DID_MRB},    {TEV_MKBUF, TEV_DID_MB},
        {TEV_PSTAT, TEV_DID_TST},      {TEV_MSTAT, TEV_DID_HS},
        {TEV_ARCHCODE, TEV_DID_AC},    {TEV_GETOPT, TEV_DID_OPV},
        {TEV_SETOPT, TEV_DID_OPV},     {TEV_NEWCONTEXT, TEV_DID_CXN},
        {TEV_GETCONTEXT, TEV_DID_CXC}, {TEV_ADDMHF, TEV_DID_MHI},
    };
    if (kind == TEV_RECVF || kind == TEV_SIBLINGS)
        return -1;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].kind == kind)
            return codes[i].did;
    return TEV_DID_CC;
}

void p3_trace_result(int code)
{
    int kind = p3_trace_pending, did = code_of(kind), n = 0;
    struct p3_item items[MORE + 1];
    p3_trace_pending = -1;
    if (kind == TEV_RECV || kind == TEV_NRECV || kind == TEV_TRECV) {
        result_of_receive(kind, code);
        return;
    }
    if (did >= 0 && kind != TEV_CONFIG)
        items[n++] = (struct p3_item){did, code, NULL};
    for (int i = 0; i < nmore; i++)
        items[n++] = more[i];
    if (kind == TEV_CONFIG) /* whose code comes last */
        items[n++] = (struct p3_item){did, code, NULL};
    emit(kind, EXIT, items, n);
}

/* ---- libgpvm3 */

P3_PUBLIC void tev_call(int kind, const struct p3_item *items, int n)
{
    if (!p3_trace_on)
        return;
    p3_enter_only();
    if (depth++ == 0 && TEV_MASK_CHECK(pvmtrc.tmask, kind))
        emit(kind, ENTRY, items, n);
    p3_leave("tev_call", PvmOk);
}

P3_PUBLIC void tev_result(int kind, const struct p3_item *items, int n)
{
    if (!p3_trace_on)
        return;
    p3_enter_only();
    if (depth > 0 && --depth == 0 && TEV_MASK_CHECK(pvmtrc.tmask, kind))
        emit(kind, EXIT, items, n);
    p3_leave("tev_result", PvmOk);
}

/* For other libraries that trace by themselves: the record is complete with tev_begin. */
P3_PUBLIC int tev_begin(int kind, int side)
{
    p3_enter_only();
    bool wanted =
        p3_trace_on && kind >= 0 && kind < EVENTS && TEV_MASK_CHECK(pvmtrc.tmask, kind);
    if (wanted)
        emit(kind, side & EXIT ? EXIT : ENTRY, NULL, 0);
    p3_leave("tev_begin", PvmOk);
    return wanted;
}

P3_PUBLIC int tev_fin(void)
{
    return 0;
}

/* ---- coming and going: what PVM's daemon tells of a task, its own library does */

static void as_daemon(int kind, const struct p3_item *items, int n)
{
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    if (b && pack_record(b, kind, 0, pvmmytid, items, n, true) == PvmOk)
        p3_send_of_task(b, kind == TEV_NEWTASK);
    if (b)
        p3_buf_free(b);
}

static void send_data_ids(void)
{
    int mark = TEV_MARK_DATA_ID, end = TEV_MARK_DATA_ID_END;
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int cc = b ? p3_pack_ints(b, &mark, 1) : PvmNoMem;
    for (int i = 0; !cc && i < DATA_IDS; i++) {
        cc = p3_pack_ints(b, &i, 1);
        if (!cc)
            cc = p3_pack_string(b, pvmtevdidlist[i].did);
        if (!cc)
            cc = p3_pack_string(b, pvmtevdidlist[i].desc);
    }
    if (!cc && p3_pack_ints(b, &end, 1) == PvmOk)
        p3_send_of_task(b, false);
    if (b)
        p3_buf_free(b);
}

static void announce(bool born)
{
    const struct pvmx_birth *birth = pvmx_engine_birth();
    const struct p3_item items[] = {
        {TEV_DID_PT, birth && birth->nparents ? birth->parents[birth->root] : -1, NULL},
        {TEV_DID_TF, born ? 0 : -1, NULL},
        {TEV_DID_TN, 0, born ? program_invocation_short_name : "-"}};
    p3_trace_on = true;
    send_data_ids();
    as_daemon(TEV_NEWTASK, items, 3);
    if (born)
        as_daemon(TEV_SPNTASK, items, 1);
}

static void set_mask(char *to, const char *from)
{
    TEV_MASK_INIT(to);
    for (int i = 0; from && from[i] && i < TEV_MASK_LENGTH - 1; i++)
        to[i] = from[i];
}

/* What was inherited, as pvm_getopt has it. */
static void show_options(const struct Pvmtracer *t)
{
    p3.opt[PvmTraceTid] = p3.opt[PvmSelfTraceTid] = t->trctid;
    p3.opt[PvmTraceCode] = p3.opt[PvmSelfTraceCode] = t->trctag;
    p3.opt[PvmTraceContext] = p3.opt[PvmSelfTraceContext] = t->trcctx;
    p3.opt[PvmTraceBuffer] = p3.opt[PvmSelfTraceBuffer] = t->trcbuf;
    p3.opt[PvmTraceOptions] = p3.opt[PvmSelfTraceOptions] = t->trcopt;
}

void p3_trace_begin(bool born)
{
    const char *to = getenv("PVMX_PVM_TRACE"), *buf = getenv("PVMTRCBUF"),
               *opt = getenv("PVMTRCOPT"), *mask = getenv("PVMTMASK");
    struct Pvmtracer t = {0};
    if (born && to &&
        sscanf(to, "%x,%x,%x", (unsigned *)&t.trctid, (unsigned *)&t.trcctx,
               (unsigned *)&t.trctag) == 3) {
        t.trcbuf = buf ? (int)strtol(buf, NULL, 10) : 0;
        t.trcopt = opt ? (int)strtol(opt, NULL, 10) : 0;
    }
    set_mask(t.tmask, t.trctid ? mask : NULL);
    unsetenv("PVMX_PVM_TRACE");
    memset(described, 0, sizeof described);
    if (t.trctid || !born)
        pvmtrc = pvmctrc = t;
    if (t.trctid) {
        show_options(&t);
        announce(true);
    }
}

void p3_trace_attach(int tid)
{
    struct pvmx_box box;
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int v[4], rest[2];
    const char *mask;
    size_t len;
    if (b && pvmx_engine_box_get(PVMTRACERCLASS, 0, 0, &box) == PVMX_OK) {
        char *room = p3_buf_room(b, box.len);
        if (room && box.len)
            memcpy(room, box.data, b->len = box.len);
        free(box.data);
        if (p3_unpack_ints(b, v, 4) == PvmOk && p3_unpack_string(b, &mask, &len) == PvmOk &&
            p3_unpack_ints(b, rest, 2) == PvmOk) {
            pvmtrc = (struct Pvmtracer){.trctid = tid,
                                        .trcctx = v[0],
                                        .trctag = v[1],
                                        .trcbuf = rest[0],
                                        .trcopt = rest[1]};
            set_mask(pvmtrc.tmask, mask);
            pvmctrc = pvmtrc;
            announce(false);
        }
    }
    if (b)
        p3_buf_free(b);
}

void p3_trace_end(void)
{
    if (p3_trace_on)
        flush();
    if (waiting) /* of another task */
        p3_buf_free(waiting);
    waiting = NULL;
    p3_trace_on = false;
    p3_trace_pending = -1;
    depth = 0;
}

int p3_trace_vars(char vars[P3_TRACE_VARS][P3_TRACE_VAR])
{
    if (!pvmctrc.trctid)
        return 0;
    if (!*pvmctrc.tmask)
        TEV_MASK_INIT(pvmctrc.tmask);
    snprintf(vars[0], P3_TRACE_VAR, "PVMX_PVM_TRACE=%x,%x,%x", (unsigned)pvmctrc.trctid,
             (unsigned)pvmctrc.trcctx, (unsigned)pvmctrc.trctag);
    snprintf(vars[1], P3_TRACE_VAR, "PVMTMASK=%.*s", TEV_MASK_LENGTH - 1, pvmctrc.tmask);
    snprintf(vars[2], P3_TRACE_VAR, "PVMTRCBUF=%d", pvmctrc.trcbuf);
    snprintf(vars[3], P3_TRACE_VAR, "PVMTRCOPT=%d", pvmctrc.trcopt);
    return 4;
}

void p3_trace_option(int what, int value)
{
    bool self = what >= PvmSelfTraceTid && what != PvmTraceContext;
    struct Pvmtracer *t = self ? &pvmtrc : &pvmctrc;
    switch (what) {
    case PvmTraceTid:
    case PvmSelfTraceTid:
        t->trctid = value;
        t->trcctx = pvmmyctx;
        break;
    case PvmTraceCode:
    case PvmSelfTraceCode:
        t->trctag = value;
        break;
    case PvmTraceContext:
    case PvmSelfTraceContext:
        t->trcctx = value;
        break;
    case PvmTraceBuffer:
    case PvmSelfTraceBuffer:
        t->trcbuf = value;
        break;
    case PvmTraceOptions:
    case PvmSelfTraceOptions:
        t->trcopt = value;
        break;
    default:
        return;
    }
    if (what != PvmSelfTraceTid)
        return;
    if (!*pvmtrc.tmask)
        TEV_MASK_INIT(pvmtrc.tmask);
    memset(described, 0, sizeof described);
    p3_trace_on = value > 0;
    if (value > 0)
        send_data_ids();
}

/* ---- in the tracer */

/* arg: context and tag of the task's messages, in the pointer itself: this task may leave before. */
static_assert(sizeof(void *) == 2 * sizeof(uint32_t), "both have room");

static void on_end(const struct pvmx_end *end, void *arg)
{
    uint64_t to = (uintptr_t)arg;
    struct p3_buf *b = p3.up ? p3_buf_new(PvmDataDefault) : NULL;
    int status = end->signal ? end->signal : end->status > 0 ? end->status << 8 : 0;
    const struct p3_item items[] = {{TEV_DID_TST, status, NULL},
                                    {TEV_DID_TUS, 0, NULL},
                                    {TEV_DID_TUU, 0, NULL},
                                    {TEV_DID_TSS, 0, NULL},
                                    {TEV_DID_TSU, 0, NULL}};
    if (b && pack_record(b, TEV_ENDTASK, 0, end->tid, items, 5, true) == PvmOk) {
        b->src = P3_DAEMON;
        b->dst = pvmmytid;
        b->tag = (int)(uint32_t)to;
        b->ctx = (int)(to >> 32);
        p3_msg_arrived(b);
    } else if (b) {
        p3_buf_free(b);
    }
}

void p3_trace_seen(const struct p3_buf *b)
{
    uint64_t to = (uint64_t)(uint32_t)b->ctx << 32 | (uint32_t)b->tag;
    pvmx_engine_notify_end(b->newtask, on_end, (void *)(uintptr_t)to);
}

static int put_tracer(const int *v, const char *mask, const int *rest)
{
    uint32_t index;
    struct p3_buf *b = p3_buf_new(PvmDataDefault);
    int cc = b ? p3_pack_ints(b, v, 4) : PvmNoMem;
    if (!cc)
        cc = p3_pack_string(b, mask);
    if (!cc)
        cc = p3_pack_ints(b, rest, 2);
    if (!cc) {
        struct pvmx_box_put m = {.name = PVMTRACERCLASS, .data = b->data, .len = b->len};
        pvmx_err err = pvmx_engine_box_put(&m, &index);
        cc = err == PVMX_ERR_PERM ? PvmAlready : p3_error(err);
    }
    if (b)
        p3_buf_free(b);
    return cc;
}

P3_PUBLIC int pvm_reg_tracer(int trcctx, int trctag, int outctx, int outtag, char *mask,
                             int trcbuf, int trcopt)
{
    int cc = p3_enter(), v[4] = {trcctx, trctag, outctx, outtag}, rest[2] = {trcbuf, trcopt};
    Pvmtmask own;
    P3_TRACE(TEV_REG_TRACER, {TEV_DID_TRC, trcctx, NULL}, {TEV_DID_TRT, trctag, NULL},
             {TEV_DID_TRX, outctx, NULL}, {TEV_DID_TRO, outtag, NULL},
             {TEV_DID_TRM, 0, mask ? mask : ""}, {TEV_DID_TRB, trcbuf, NULL},
             {TEV_DID_TRL, trcopt, NULL});
    if (!cc && trcctx == -1 && trctag == -1 && outctx == -1 && outtag == -1) {
        pvmx_err err = pvmx_engine_box_drop(PVMTRACERCLASS, 0);
        return p3_leave("pvm_reg_tracer", err == PVMX_ERR_NOENT ? PvmOk : p3_error(err));
    }
    set_mask(own, mask);
    return p3_leave("pvm_reg_tracer", cc ? cc : put_tracer(v, own, rest));
}

/* ---- masks */

static int mask_copy(int who, char *to, const char *from)
{
    if ((who != PvmTaskSelf && who != PvmTaskChild) || !to || !from)
        return PvmBadParam;
    memcpy(to, from, TEV_MASK_LENGTH);
    return PvmOk;
}

static char *mask_of(int who)
{
    char *m = who == PvmTaskSelf ? pvmtrc.tmask : pvmctrc.tmask;
    if (!*m)
        TEV_MASK_INIT(m);
    return m;
}

P3_PUBLIC int pvm_gettmask(int who, Pvmtmask mask)
{
    p3_enter_only();
    return p3_leave("pvm_gettmask", mask_copy(who, mask, mask_of(who)));
}

P3_PUBLIC int pvm_settmask(int who, Pvmtmask mask)
{
    p3_enter_only();
    return p3_leave("pvm_settmask", mask_copy(who, mask_of(who), mask));
}
