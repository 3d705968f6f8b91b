/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages inside messages. */
#include "mesg.h"

#include "pack.h"

#include <string.h>

/* The head as nine numbers, then the bytes. */
enum { NUMBERS = 9 };

static int pack_body(struct p3_buf *to, const struct p3_buf *b)
{
    char *room = p3_buf_room(to, b->len + 3);
    if (!room)
        return PvmNoMem;
    size_t whole = to->form == P3_XDR ? (b->len + 3) & ~(size_t)3 : b->len;
    memcpy(room, b->data, b->len);
    memset(room + b->len, 0, whole - b->len);
    to->len += whole;
    return PvmOk;
}

int p3_mesg_pack(struct p3_buf *to, const struct p3_buf *b)
{
    if (b->len > INT32_MAX)
        return PvmOverflow;
    int head[NUMBERS] = {(int)b->len, b->ctx, b->tag, b->wid, b->form,
                         b->crc,      b->src, b->dst, b->enc};
    int cc = p3_pack_ints(to, head, NUMBERS);
    return cc ? cc : pack_body(to, b);
}

int p3_mesg_unpack(struct p3_buf *from, struct p3_buf **out)
{
    int head[NUMBERS];
    size_t at = from->pos;
    int cc = p3_unpack_ints(from, head, NUMBERS);
    if (cc)
        return cc;
    size_t len = (size_t)head[0], whole = from->form == P3_XDR ? (len + 3) & ~(size_t)3 : len;
    if (head[0] < 0 || whole > from->len - from->pos || head[4] < P3_XDR || head[4] > P3_RAW) {
        from->pos = at;
        return PvmNoData;
    }
    struct p3_buf *b = p3_buf_new(head[4] == P3_XDR ? PvmDataDefault : PvmDataRaw);
    char *room = b ? p3_buf_room(b, len) : NULL;
    if (!room) {
        if (b)
            p3_buf_free(b);
        from->pos = at;
        return PvmNoMem;
    }
    memcpy(room, from->data + from->pos, len);
    from->pos += whole;
    b->len = len;
    b->ctx = head[1];
    b->tag = head[2];
    b->wid = head[3];
    b->crc = head[5];
    b->src = head[6];
    b->dst = head[7];
    *out = b;
    return PvmOk;
}

/* A body alone has to be in the form that it is packed into. */
static int pkmesg(int id, bool body)
{
    int cc = PvmOk;
    struct p3_buf *to = p3_buf_find(p3_sbuf), *b = p3_buf_arg(id, &cc), *tmp = NULL;
    if (!to)
        return PvmNoBuf;
    if (!b)
        return cc;
    if (b == to)
        return PvmBadParam;
    if (body && b->form != to->form)
        return PvmMismatch;
    if (to->form == P3_INPLACE)
        return PvmNotImpl;
    to = p3_buf_to_pack();
    if (b->npieces && !(b = tmp = p3_buf_gather(b)))
        return PvmNoMem;
    cc = body ? pack_body(to, b) : p3_mesg_pack(to, b);
    if (tmp)
        p3_buf_free(tmp);
    return cc;
}

P3_PUBLIC int pvm_pkmesg(int id)
{
    p3_enter_only();
    return p3_leave("pvm_pkmesg", pkmesg(id, false));
}

P3_PUBLIC int pvm_pkmesgbody(int id)
{
    p3_enter_only();
    return p3_leave("pvm_pkmesgbody", pkmesg(id, true));
}

P3_PUBLIC int pvm_upkmesg(void)
{
    p3_enter_only();
    struct p3_buf *from = p3_buf_find(p3_rbuf), *b;
    int cc = from ? p3_mesg_unpack(from, &b) : PvmNoBuf;
    if (!cc && (cc = p3_buf_name(b)) < 0)
        p3_buf_free(b);
    return p3_leave("pvm_upkmesg", cc);
}
