/* SPDX-License-Identifier: BSD-3-Clause */
/* Msgpack tokens from memory. */
#include "proto/reader.h"

static size_t left(const struct pxp_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* A big-endian number of n bytes. */
static bool take_uint(struct pxp_reader *r, unsigned n, uint64_t *out)
{
    if (left(r) < n)
        return false;
    uint64_t u = 0;
    for (unsigned k = 0; k < n; k++)
        u = u << 8 | *r->at++;
    *out = u;
    return true;
}

static bool take_int(struct pxp_reader *r, unsigned n, struct pxp_token *t)
{
    uint64_t u;
    if (!take_uint(r, n, &u))
        return false;
    unsigned unused = 64 - 8 * n;
    t->i = (int64_t)(u << unused) >> unused;
    t->u = (uint64_t)t->i;
    t->kind = t->i < 0 ? PXP_K_NINT : PXP_K_UINT;
    return true;
}

static bool take_bytes(struct pxp_reader *r, enum pxp_kind kind, uint64_t n,
                       struct pxp_token *t)
{
    if (n > left(r))
        return false;
    t->kind = kind;
    t->u = n;
    t->bytes = r->at;
    r->at += n;
    return true;
}

/* Bytes whose count stands before them in n bytes; extra: what follows the count (type of ext). */
static bool take_counted(struct pxp_reader *r, enum pxp_kind kind, unsigned n,
                         unsigned extra, struct pxp_token *t)
{
    uint64_t count, type;
    return take_uint(r, n, &count) && take_uint(r, extra, &type) &&
           take_bytes(r, kind, count, t);
}

/* A value takes at least one byte: a larger count is a lie that must not lead to an allocation. */
static bool take_container(struct pxp_reader *r, enum pxp_kind kind, uint64_t n,
                           struct pxp_token *t)
{
    t->kind = kind;
    t->u = n;
    return (kind == PXP_K_MAP ? n * 2 : n) <= left(r);
}

static bool take_container_n(struct pxp_reader *r, enum pxp_kind kind, unsigned n,
                             struct pxp_token *t)
{
    uint64_t count;
    return take_uint(r, n, &count) && take_container(r, kind, count, t);
}

static bool take_float(struct pxp_reader *r, unsigned n, struct pxp_token *t)
{
    t->kind = PXP_K_FLOAT;
    return take_uint(r, n, &t->u);
}

/* Bytes 0xc0 to 0xdf, in the order of the msgpack specification. */
static bool read_marked(struct pxp_reader *r, uint8_t mark, struct pxp_token *t)
{
    switch (mark) {
    case 0xc0:
        t->kind = PXP_K_NIL;
        return true;
    case 0xc2:
    case 0xc3:
        t->kind = PXP_K_BOOL;
        t->u = mark & 1;
        return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return take_counted(r, PXP_K_BIN, 1u << (mark - 0xc4), 0, t);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return take_counted(r, PXP_K_EXT, 1u << (mark - 0xc7), 1, t);
    case 0xca:
    case 0xcb:
        return take_float(r, mark == 0xca ? 4 : 8, t);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        t->kind = PXP_K_UINT;
        return take_uint(r, 1u << (mark - 0xcc), &t->u);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return take_int(r, 1u << (mark - 0xd0), t);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: /* fixext: type, then 1, 2, 4, 8 or 16 bytes */
        return take_uint(r, 1, &t->u) && take_bytes(r, PXP_K_EXT, 1u << (mark - 0xd4), t);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return take_counted(r, PXP_K_STR, 1u << (mark - 0xd9), 0, t);
    case 0xdc:
    case 0xdd:
        return take_container_n(r, PXP_K_ARRAY, mark == 0xdc ? 2 : 4, t);
    case 0xde:
    case 0xdf:
        return take_container_n(r, PXP_K_MAP, mark == 0xde ? 2 : 4, t);
    default: /* 0xc1: never used */
        return false;
    }
}

bool pxp_read(struct pxp_reader *r, struct pxp_token *t)
{
    if (left(r) == 0)
        return false;
    uint8_t mark = *r->at++;
    *t = (struct pxp_token){0};
    if (mark < 0x80) {
        t->kind = PXP_K_UINT;
        t->u = mark;
        return true;
    }
    if (mark < 0x90)
        return take_container(r, PXP_K_MAP, mark & 0x0f, t);
    if (mark < 0xa0)
        return take_container(r, PXP_K_ARRAY, mark & 0x0f, t);
    if (mark < 0xc0)
        return take_bytes(r, PXP_K_STR, mark & 0x1f, t);
    if (mark < 0xe0)
        return read_marked(r, mark, t);
    t->kind = PXP_K_NINT;
    t->i = (int8_t)mark;
    return true;
}

bool pxp_skip(struct pxp_reader *r)
{
    /* Each count is at most the bytes left and each value takes one: no overflow, and it ends. */
    for (uint64_t todo = 1; todo > 0; todo--) {
        struct pxp_token t;
        if (!pxp_read(r, &t))
            return false;
        if (t.kind == PXP_K_ARRAY)
            todo += t.u;
        else if (t.kind == PXP_K_MAP)
            todo += t.u * 2;
    }
    return true;
}
