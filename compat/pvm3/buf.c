/* SPDX-License-Identifier: BSD-3-Clause */
/* Message buffers. */
#include "buf.h"

#include "trace.h"
#include "waiting.h"

#include <pvmx/engine/req.h>

#include <stdlib.h>
#include <string.h>

enum {
    HEADROOM = sizeof(struct p3_head),
    SHORT_FIRST = 1024 - HEADROOM, /* room of a fresh buffer */
    SPARE = 16,                    /* freed ones that are kept with their memory */
};

int p3_sbuf, p3_rbuf;

static struct {
    struct p3_buf **by_id; /* [0] is not used */
    int cap;
    int *free_ids, nfree;
    struct p3_buf *spare[SPARE];
    int nspare;
} table;

struct p3_buf *p3_buf_new(int enc)
{
    struct p3_buf *b;
    if (table.nspare) {
        b = table.spare[--table.nspare];
    } else {
        b = calloc(1, sizeof *b);
        char *mem = b ? malloc(HEADROOM + SHORT_FIRST) : NULL;
        if (!mem) {
            free(b);
            return NULL;
        }
        b->mem = mem;
        b->cap = SHORT_FIRST;
    }
    b->data = b->mem + HEADROOM;
    px_list_init(&b->node);
    b->enc = enc;
    b->form = enc == PvmDataRaw ? P3_RAW : enc == PvmDataInPlace ? P3_INPLACE : P3_XDR;
    b->ctx = b->tag = b->wid = b->dst = b->crc = b->newtask = 0;
    b->src = pvmmytid > 0 ? pvmmytid : 0;
    b->len = b->pos = b->npieces = b->in_place = 0;
    b->id = 0;
    b->queued = b->waiting = false;
    b->use = P3_PACKED;
    return b;
}

static void free_id(struct p3_buf *b)
{
    if (!b->id)
        return;
    table.by_id[b->id] = NULL;
    table.free_ids[table.nfree++] = b->id;
    if (p3_sbuf == b->id)
        p3_sbuf = 0;
    if (p3_rbuf == b->id)
        p3_rbuf = 0;
    b->id = 0;
}

/* Lets shared memory go; what is left is a buffer in own memory, or one without any. */
static void free_shared(struct p3_buf *b)
{
    if (b->block)
        pvmx_engine_block_free(b->block);
    if (b->lent.owner)
        pvmx_engine_block_close(&b->lent);
    b->block = NULL;
}

void p3_buf_free(struct p3_buf *b)
{
    free_id(b);
    p3_waiting_remove(b);
    px_list_remove(&b->node);
    if (__builtin_expect(b->block || b->lent.owner, 0))
        free_shared(b);
    if (b->fetch) { /* it writes into the memory, which stays its own */
        pvmx_engine_req_free(b->fetch);
        b->fetch = NULL;
        b->mem = NULL;
    }
    if (b->mem && b->data == b->mem + HEADROOM && b->cap <= P3_SHORT_MAX &&
        table.nspare < SPARE) {
        if (b->cap_pieces > 64) {
            free(b->pieces);
            b->pieces = NULL;
            b->cap_pieces = 0;
        }
        table.spare[table.nspare++] = b;
        return;
    }
    free(b->mem);
    free(b->pieces);
    free(b);
}

int p3_buf_name(struct p3_buf *b)
{
    if (b->id)
        return b->id;
    if (!table.nfree) {
        int cap = table.cap ? table.cap * 2 : 64;
        struct p3_buf **by_id = realloc(table.by_id, (size_t)cap * sizeof *by_id);
        if (by_id)
            table.by_id = by_id;
        int *ids = by_id ? realloc(table.free_ids, (size_t)cap * sizeof *ids) : NULL;
        if (!ids)
            return PvmNoMem;
        table.free_ids = ids;
        for (int id = cap - 1; id >= (table.cap ? table.cap : 1); id--)
            table.free_ids[table.nfree++] = id;
        memset(by_id + table.cap, 0, (size_t)(cap - table.cap) * sizeof *by_id);
        table.cap = cap;
    }
    b->id = table.free_ids[--table.nfree];
    table.by_id[b->id] = b;
    return b->id;
}

struct p3_buf *p3_buf_find(int id)
{
    return id > 0 && id < table.cap ? table.by_id[id] : NULL;
}

struct p3_buf *p3_buf_arg(int id, int *cc)
{
    struct p3_buf *b = p3_buf_find(id);
    if (!b)
        *cc = id <= 0 ? PvmBadParam : PvmNoSuchBuf;
    return b;
}

/* Moves the bytes to where at least cap of them have room. */
static bool grow(struct p3_buf *b, size_t cap)
{
    if (cap > P3_SHORT_MAX && p3.up) {
        struct pvmx_block *block;
        if (pvmx_engine_block_new(cap, &block) == PVMX_OK) {
            memcpy(block->data, b->data, b->len);
            free_shared(b);
            free(b->mem);
            b->mem = NULL;
            b->block = block;
            b->data = block->data;
            b->cap = block->size;
            return true;
        }
    }
    char *mem = malloc(HEADROOM + cap);
    if (!mem)
        return false;
    memcpy(mem + HEADROOM, b->data, b->len);
    free_shared(b);
    free(b->mem);
    b->mem = mem;
    b->data = mem + HEADROOM;
    b->cap = cap;
    return true;
}

char *p3_buf_room(struct p3_buf *b, size_t n)
{
    if (n <= b->cap - b->len)
        return b->data + b->len;
    if (n > SIZE_MAX / 4)
        return NULL;
    size_t need = b->len + n, cap = b->cap * 2;
    if (cap > P3_SHORT_MAX && need <= P3_SHORT_MAX)
        cap = P3_SHORT_MAX;
    return grow(b, cap < need ? need : cap) ? b->data + b->len : NULL;
}

/* What was read does not stay in front of what is packed. Bytes that another task may still look at are not
 * written over. (PVM does so for its own format only; the others have nothing to begin.) */
static void begin_packing(struct p3_buf *b)
{
    b->use = P3_PACKED;
    if (b->form != P3_XDR)
        return;
    b->len = b->pos = 0;
    if (b->block || b->lent.owner)
        b->cap = 0;
}

struct p3_buf *p3_buf_to_pack(void)
{
    struct p3_buf *b = p3_buf_find(p3_sbuf);
    if (b && __builtin_expect(b->use != P3_PACKED, 0))
        begin_packing(b);
    return b;
}

int p3_buf_receive(struct p3_buf *b)
{
    int id = p3_buf_name(b);
    if (id < 0)
        return id;
    struct p3_buf *old = p3_buf_find(p3_rbuf);
    if (old && old != b)
        p3_buf_free(old);
    b->pos = 0;
    b->use = P3_READ;
    b->queued = false;
    if (p3_sbuf == id)
        p3_sbuf = 0;
    return p3_rbuf = id;
}

/* One piece after the other, without strides in one go. */
static void gather(const struct p3_piece *p, char *to)
{
    if (p->step == (ptrdiff_t)p->size) {
        memcpy(to, p->at, p->size * p->n);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        memcpy(to + i * p->size, p->at + (ptrdiff_t)i * p->step, p->size);
}

struct p3_buf *p3_buf_gather(const struct p3_buf *b)
{
    struct p3_buf *g = p3_buf_new(PvmDataRaw);
    char *to = g ? p3_buf_room(g, b->in_place) : NULL;
    if (!to) {
        if (g)
            p3_buf_free(g);
        return NULL;
    }
    for (size_t i = 0; i < b->npieces; i++) {
        gather(&b->pieces[i], to);
        to += b->pieces[i].size * b->pieces[i].n;
    }
    g->len = b->in_place;
    return g;
}

void p3_bufs_detach(void)
{
    for (int id = 1; id < table.cap; id++) {
        struct p3_buf *b = table.by_id[id];
        if (!b || (!b->block && !b->lent.owner))
            continue;
        bool up = p3.up;
        p3.up = false; /* into own memory */
        if (!grow(b, b->len + 1)) {
            free_shared(b);
            b->len = b->cap = b->pos = 0;
        }
        p3.up = up;
    }
}

/* ---- the program's calls */

static bool is_encoding(int enc)
{
    return enc == PvmDataDefault || enc == PvmDataRaw || enc == PvmDataInPlace ||
           enc == PvmDataTrace;
}

static int make(int enc)
{
    struct p3_buf *b = is_encoding(enc) ? p3_buf_new(enc) : NULL;
    if (!b)
        return is_encoding(enc) ? PvmNoMem : PvmBadParam;
    int id = p3_buf_name(b);
    if (id < 0)
        p3_buf_free(b);
    return id;
}

P3_PUBLIC int pvm_mkbuf(int enc)
{
    p3_enter_only();
    P3_TRACE(TEV_MKBUF, {TEV_DID_ME, enc, NULL});
    return p3_leave("pvm_mkbuf", make(enc));
}

int p3_initsend(int enc)
{
    if (!is_encoding(enc))
        return PvmBadParam;
    struct p3_buf *old = p3_buf_find(p3_sbuf);
    if (old)
        p3_buf_free(old);
    int id = make(enc);
    if (id > 0)
        p3_sbuf = id;
    return id;
}

P3_PUBLIC int pvm_initsend(int enc)
{
    p3_enter_only();
    P3_TRACE(TEV_INITSEND, {TEV_DID_ME, enc, NULL});
    return p3_leave("pvm_initsend", p3_initsend(enc));
}

P3_PUBLIC int pvm_freebuf(int id)
{
    p3_enter_only();
    P3_TRACE(TEV_FREEBUF, {TEV_DID_MB, id, NULL});
    int cc = PvmOk;
    struct p3_buf *b = id ? p3_buf_arg(id, &cc) : NULL;
    if (b)
        p3_buf_free(b); /* if it was only probed for, nobody receives it any more */
    return p3_leave("pvm_freebuf", cc);
}

P3_PUBLIC int pvm_getsbuf(void)
{
    p3_enter_only();
    P3_TRACE_BARE(TEV_GETSBUF);
    return p3_leave("pvm_getsbuf", p3_sbuf);
}

P3_PUBLIC int pvm_getrbuf(void)
{
    p3_enter_only();
    P3_TRACE_BARE(TEV_GETRBUF);
    return p3_leave("pvm_getrbuf", p3_rbuf);
}

/* A buffer is active for one of the two only. */
static int set_active(int *active, int *other, int id)
{
    int cc = PvmOk, old = *active;
    struct p3_buf *b = id ? p3_buf_arg(id, &cc) : NULL;
    if (cc)
        return cc;
    *active = id;
    if (b && *other == id)
        *other = 0;
    if (b && active == &p3_sbuf && b->use == P3_READ)
        b->use = P3_SENT_ON;
    if (b && active == &p3_rbuf && b->use != P3_READ) {
        b->use = P3_READ;
        b->pos = 0;
    }
    return old;
}

P3_PUBLIC int pvm_setsbuf(int id)
{
    p3_enter_only();
    P3_TRACE(TEV_SETSBUF, {TEV_DID_MB, id, NULL});
    return p3_leave("pvm_setsbuf", set_active(&p3_sbuf, &p3_rbuf, id));
}

P3_PUBLIC int pvm_setrbuf(int id)
{
    p3_enter_only();
    P3_TRACE(TEV_SETRBUF, {TEV_DID_MB, id, NULL});
    return p3_leave("pvm_setrbuf", set_active(&p3_rbuf, &p3_sbuf, id));
}

P3_PUBLIC int pvm_bufinfo(int id, int *bytes, int *tag, int *tid)
{
    p3_enter_only();
    P3_TRACE(TEV_BUFINFO, {TEV_DID_MB, id, NULL});
    int cc = PvmOk;
    const struct p3_buf *b = p3_buf_arg(id, &cc);
    if (b && bytes)
        *bytes = (int)b->len;
    if (b && tag)
        *tag = b->tag;
    if (b && tid)
        *tid = b->src;
    P3_TRACE_MORE({TEV_DID_INB, b ? (int)b->len : 0, NULL},
                  {TEV_DID_IMC, b ? b->tag : 0, NULL}, {TEV_DID_IST, b ? b->src : 0, NULL});
    return p3_leave("pvm_bufinfo", cc);
}

static int wire_encoding(const struct p3_buf *b)
{
    return b->form == P3_XDR ? 0x10000000 : b->form == P3_RAW ? P3_DSIG : 0x20000000;
}

P3_PUBLIC int pvm_getminfo(int id, struct pvmminfo *info)
{
    p3_enter_only();
    P3_TRACE(TEV_GETMINFO, {TEV_DID_MB, id, NULL});
    int cc = PvmOk;
    const struct p3_buf *b = p3_buf_arg(id, &cc);
    if (b && !info)
        cc = PvmBadParam;
    else if (b)
        *info = (struct pvmminfo){.len = (int)b->len,
                                  .ctx = b->ctx,
                                  .tag = b->tag,
                                  .wid = b->wid,
                                  .enc = wire_encoding(b),
                                  .crc = b->crc,
                                  .src = b->src,
                                  .dst = b->dst};
    return p3_leave("pvm_getminfo", cc);
}

P3_PUBLIC int pvm_setminfo(int id, struct pvmminfo *info)
{
    p3_enter_only();
    P3_TRACE(TEV_SETMINFO, {TEV_DID_MB, id, NULL});
    int cc = PvmOk;
    struct p3_buf *b = p3_buf_arg(id, &cc);
    if (b && !info) {
        cc = PvmBadParam;
    } else if (b) {
        p3_waiting_unkey(b); /* it may have been probed for only */
        b->ctx = info->ctx;
        b->tag = info->tag;
        b->wid = info->wid;
        b->src = info->src;
        b->dst = info->dst;
        p3_waiting_rekey(b);
    }
    return p3_leave("pvm_setminfo", cc);
}
