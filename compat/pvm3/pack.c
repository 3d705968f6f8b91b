/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing and unpacking of arrays. In XDR form every number is big-endian and takes 4 or 8 bytes, and
 * bytes are filled up to a multiple of 4; longs travel whole, with 8 bytes, where PVM 3.4.6 cut them. */
#include "pack.h"

#include "trace.h"

#include "extra.h"
#include "swap.h"

#include <stdlib.h>

/* What an item is made of. */
struct type {
    uint8_t unit; /* bytes of a number */
    uint8_t per;  /* numbers in an item */
    uint8_t wire; /* bytes of a number in XDR */
    uint8_t is_signed;
};

static const struct type types[] = {
    [PVM_BYTE] = {1, 1, 1, 0},  [PVM_SHORT] = {2, 1, 4, 1}, [PVM_INT] = {4, 1, 4, 1},
    [PVM_FLOAT] = {4, 1, 4, 0}, [PVM_CPLX] = {4, 2, 4, 0},  [PVM_DOUBLE] = {8, 1, 8, 0},
    [PVM_DCPLX] = {8, 2, 8, 0}, [PVM_LONG] = {8, 1, 8, 1},  [PVM_USHORT] = {2, 1, 4, 0},
    [PVM_UINT] = {4, 1, 4, 0},  [PVM_ULONG] = {8, 1, 8, 0},
};

size_t p3_type_size(int type)
{
    if (type <= PVM_STR || type > PVM_ULONG)
        return 0;
    return (size_t)types[type].unit * types[type].per;
}

static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* n numbers side by side, to XDR. */
static inline void encode(const struct type *t, char *to, const char *from, size_t n)
{
    switch (t->unit) {
    case 1:
        memcpy(to, from, n);
        break;
    case 2:
        p3_widen2(to, from, n, t->is_signed);
        break;
    case 4:
        p3_swap4(to, from, n);
        break;
    default:
        p3_swap8(to, from, n);
    }
}

static inline void decode(const struct type *t, char *to, const char *from, size_t n)
{
    switch (t->unit) {
    case 1:
        memcpy(to, from, n);
        break;
    case 2:
        p3_narrow2(to, from, n);
        break;
    case 4:
        p3_swap4(to, from, n);
        break;
    default:
        p3_swap8(to, from, n);
    }
}

/* The native forms with strides. */
static void copy_items(char *to, ptrdiff_t to_step, const char *from, ptrdiff_t from_step,
                       size_t size, size_t n)
{
    for (; n; n--, to += to_step, from += from_step)
        switch (size) {
        case 1:
            *to = *from;
            break;
        case 2:
            memcpy(to, from, 2);
            break;
        case 4:
            memcpy(to, from, 4);
            break;
        case 8:
            memcpy(to, from, 8);
            break;
        default:
            memcpy(to, from, 16);
        }
}

static int add_piece(struct p3_buf *b, const void *from, size_t n, int stride, size_t size)
{
    if (stride < 1)
        return PvmNotImpl;
    if (b->npieces == b->cap_pieces) {
        size_t cap = b->cap_pieces ? b->cap_pieces * 2 : 8;
        struct p3_piece *p = realloc(b->pieces, cap * sizeof *p);
        if (!p)
            return PvmNoMem;
        b->pieces = p;
        b->cap_pieces = cap;
    }
    b->pieces[b->npieces++] =
        (struct p3_piece){from, size, n, (ptrdiff_t)stride * (ptrdiff_t)size};
    b->in_place += n * size;
    return PvmOk;
}

static int pack_xdr(struct p3_buf *b, const char *from, size_t n, int stride,
                    const struct type *t)
{
    size_t item = (size_t)t->wire * t->per, bytes = n * item, whole = padded(bytes);
    ptrdiff_t step = (ptrdiff_t)stride * t->unit * t->per;
    char *to = p3_buf_room(b, whole);
    if (!to)
        return PvmNoMem;
    if (stride == 1)
        encode(t, to, from, n * t->per);
    else
        for (size_t i = 0; i < n; i++)
            encode(t, to + i * item, from + (ptrdiff_t)i * step, t->per);
    memset(to + bytes, 0, whole - bytes);
    b->len += whole;
    return PvmOk;
}

int p3_pack(struct p3_buf *b, const void *from, int n, int stride, int type)
{
    const struct type *t = &types[type];
    size_t size = (size_t)t->unit * t->per, count = (size_t)n;
    if (n < 0 || (n && !from))
        return PvmBadParam;
    if (!n)
        return PvmOk;
    if (b->form == P3_XDR)
        return pack_xdr(b, from, count, stride, t);
    if (b->form == P3_INPLACE)
        return add_piece(b, from, count, stride, size);
    char *to = p3_buf_room(b, count * size);
    if (!to)
        return PvmNoMem;
    if (stride == 1)
        memcpy(to, from, count * size);
    else
        copy_items(to, (ptrdiff_t)size, from, (ptrdiff_t)stride * (ptrdiff_t)size, size,
                   count);
    b->len += count * size;
    return PvmOk;
}

static int unpack_xdr(struct p3_buf *b, char *to, size_t n, int stride, const struct type *t)
{
    size_t item = (size_t)t->wire * t->per, whole = padded(n * item), numbers = n * t->per;
    size_t left = b->len - b->pos;
    ptrdiff_t step = (ptrdiff_t)stride * t->unit * t->per;
    bool short_of = whole > left;
    if (short_of && left / t->wire < numbers)
        numbers = left / t->wire;
    const char *from = b->data + b->pos;
    if (stride == 1)
        decode(t, to, from, numbers);
    else
        for (; numbers; to += step, from += item) {
            size_t now = numbers < t->per ? numbers : t->per;
            decode(t, to, from, now);
            numbers -= now;
        }
    b->pos += short_of ? left : whole;
    return short_of ? PvmNoData : PvmOk;
}

int p3_unpack(struct p3_buf *b, void *to, int n, int stride, int type)
{
    const struct type *t = &types[type];
    size_t size = (size_t)t->unit * t->per, count = (size_t)n, left = b->len - b->pos;
    if (n < 0 || (n && !to))
        return PvmBadParam;
    if (b->form == P3_XDR)
        return unpack_xdr(b, to, count, stride, t);
    bool short_of = count * size > left;
    size_t numbers = short_of ? left / t->unit : count * t->per;
    const char *from = b->data + b->pos;
    if (stride == 1 && numbers)
        memcpy(to, from, numbers * t->unit);
    else if (numbers)
        copy_items(to, (ptrdiff_t)stride * (ptrdiff_t)size, from, (ptrdiff_t)size, size,
                   numbers / t->per);
    b->pos += short_of ? left : count * size;
    return short_of ? PvmNoData : PvmOk;
}

int p3_pack_ints(struct p3_buf *b, const int *from, int n)
{
    return p3_pack(b, from, n, 1, PVM_INT);
}

int p3_unpack_ints(struct p3_buf *b, int *to, int n)
{
    return p3_unpack(b, to, n, 1, PVM_INT);
}

int p3_pack_string(struct p3_buf *b, const char *s)
{
    if (!s)
        return PvmBadParam;
    if (b->form == P3_INPLACE)
        return PvmNotImpl;
    size_t n = strlen(s) + 1;
    if (n > INT32_MAX)
        return PvmBadParam;
    int len = (int)n, cc;
    if (!p3_buf_room(b, n + 8))
        return PvmNoMem;
    cc = p3_pack_ints(b, &len, 1);
    return cc ? cc : p3_pack(b, s, len, 1, PVM_BYTE);
}

int p3_unpack_string(struct p3_buf *b, const char **s, size_t *len)
{
    size_t at = b->pos;
    int n;
    int cc = p3_unpack_ints(b, &n, 1);
    if (cc)
        return cc;
    size_t bytes = b->form == P3_XDR ? padded((size_t)n) : (size_t)n;
    if (n <= 0 || bytes > b->len - b->pos || b->data[b->pos + (size_t)n - 1] != 0) {
        b->pos = at;
        return PvmNoData;
    }
    *s = b->data + b->pos;
    *len = (size_t)n;
    b->pos += bytes;
    return PvmOk;
}

int p3_take_string(struct p3_buf *b, char *s)
{
    int n, cc = s ? p3_unpack_ints(b, &n, 1) : PvmBadParam;
    if (cc)
        return cc;
    if (n < 0)
        return PvmNoData;
    size_t left = b->len - b->pos;
    if ((size_t)n > left)
        s[left] = 0;
    return p3_unpack(b, s, n, 1, PVM_BYTE);
}

/* ---- the program's calls */

static int pk(const char *func, int kind, const void *p, int n, int stride, int type)
{
    p3_enter_only();
    P3_TRACE(kind, {TEV_DID_PDA, 0, p}, {TEV_DID_PC, n, NULL}, {TEV_DID_PSD, stride, NULL});
    struct p3_buf *b = p3_buf_to_pack();
    return p3_leave(func, b ? p3_pack(b, p, n, stride, type) : PvmNoBuf);
}

static int upk(const char *func, int kind, void *p, int n, int stride, int type)
{
    p3_enter_only();
    P3_TRACE(kind, {TEV_DID_PDA, 0, p}, {TEV_DID_PC, n, NULL}, {TEV_DID_PSD, stride, NULL});
    struct p3_buf *b = p3_buf_find(p3_rbuf);
    return p3_leave(func, b ? p3_unpack(b, p, n, stride, type) : PvmNoBuf);
}

#define TYPE(name, kind, ctype, type)                                                    \
    P3_PUBLIC int pvm_pk##name(ctype *p, int n, int stride)                              \
    {                                                                                    \
        return pk("pvm_pk" #name, TEV_PK##kind, p, n, stride, type);                     \
    }                                                                                    \
    P3_PUBLIC int pvm_upk##name(ctype *p, int n, int stride)                             \
    {                                                                                    \
        return upk("pvm_upk" #name, TEV_UPK##kind, p, n, stride, type);                  \
    }

TYPE(byte, BYTE, char, PVM_BYTE)
TYPE(short, SHORT, short, PVM_SHORT)
TYPE(int, INT, int, PVM_INT)
TYPE(long, LONG, long, PVM_LONG)
TYPE(float, FLOAT, float, PVM_FLOAT)
TYPE(double, DOUBLE, double, PVM_DOUBLE)
TYPE(cplx, CPLX, float, PVM_CPLX)
TYPE(dcplx, DCPLX, double, PVM_DCPLX)
TYPE(ushort, USHORT, unsigned short, PVM_USHORT)
TYPE(uint, UINT, unsigned int, PVM_UINT)
TYPE(ulong, ULONG, unsigned long, PVM_ULONG)

P3_PUBLIC int pvm_pkstr(char *s)
{
    p3_enter_only();
    P3_TRACE(TEV_PKSTR, {TEV_DID_PDA, 0, s});
    struct p3_buf *b = p3_buf_to_pack();
    return p3_leave("pvm_pkstr", b ? p3_pack_string(b, s) : PvmNoBuf);
}

static int upkstr(char *s)
{
    struct p3_buf *b = p3_buf_find(p3_rbuf);
    return b ? p3_take_string(b, s) : PvmNoBuf;
}

P3_PUBLIC int pvm_upkstr(char *s)
{
    p3_enter_only();
    P3_TRACE(TEV_UPKSTR, {TEV_DID_PDA, 0, s});
    return p3_leave("pvm_upkstr", upkstr(s));
}

P3_PUBLIC int pvmupkstralloc(char **s)
{
    p3_enter_only();
    struct p3_buf *b = p3_buf_find(p3_rbuf);
    const char *from;
    size_t len;
    int cc = !b ? PvmNoBuf : s ? p3_unpack_string(b, &from, &len) : PvmBadParam;
    if (!cc && !(*s = strdup(from)))
        cc = PvmNoMem;
    return p3_leave("pvmupkstralloc", cc);
}
