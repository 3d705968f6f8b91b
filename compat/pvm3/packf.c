/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_packf and pvm_unpackf: formats like "%+ %d %*.2lf". */
#include "extra.h"
#include "pack.h"
#include "trace.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

/* One directive. */
struct field {
    int count, stride;
    bool counted; /* an array: its address follows */
    int type;     /* PVM_*; -1: initsend */
};

/* Arguments are taken in the order of their directives, through a struct since a va_list may be an
 * array. */
struct args {
    va_list ap;
};

static int number(const char **f, struct args *a)
{
    if (**f == '*') {
        ++*f;
        return va_arg(a->ap, int);
    }
    int n = 0;
    while (isdigit((unsigned char)**f) && n < 100000000)
        n = n * 10 + *(*f)++ - '0';
    return n;
}

static int type_of(char c, bool h, bool l, bool u)
{
    switch (c) {
    case 'c':
        return PVM_BYTE;
    case 'd':
        if (h)
            return u ? PVM_USHORT : PVM_SHORT;
        if (l)
            return u ? PVM_ULONG : PVM_LONG;
        return u ? PVM_UINT : PVM_INT;
    case 'f':
        return l ? PVM_DOUBLE : PVM_FLOAT;
    case 'x':
        return l ? PVM_DCPLX : PVM_CPLX;
    case 's':
        return PVM_STR;
    default:
        return -2;
    }
}

/* *f stands behind the '%'. False: no directive. */
static bool parse(const char **f, struct args *a, struct field *out)
{
    bool h = false, l = false, u = false;
    *out = (struct field){.count = 1, .stride = 1};
    if (**f == '+') {
        ++*f;
        out->type = -1;
        return true;
    }
    if (**f == '*' || isdigit((unsigned char)**f)) {
        out->count = number(f, a);
        out->counted = true;
    }
    if (**f == '.') {
        ++*f;
        out->stride = number(f, a);
        out->counted = true;
    }
    for (;; ++*f)
        if (**f == 'h')
            h = true;
        else if (**f == 'l')
            l = true;
        else if (**f == 'u')
            u = true;
        else
            break;
    out->type = type_of(**f, h, l, u);
    if (out->type < 0)
        return false;
    ++*f;
    return true;
}

/* A single number is given by value. */
static int pack_value(struct p3_buf *b, struct args *a, int type)
{
    union {
        char c;
        short s;
        int i;
        long l;
        float f;
        double d;
    } v;
    switch (type) {
    case PVM_BYTE:
        v.c = (char)va_arg(a->ap, int);
        break;
    case PVM_SHORT:
    case PVM_USHORT:
        v.s = (short)va_arg(a->ap, int);
        break;
    case PVM_LONG:
    case PVM_ULONG:
        v.l = va_arg(a->ap, long);
        break;
    case PVM_FLOAT:
        v.f = (float)va_arg(a->ap, double);
        break;
    case PVM_DOUBLE:
        v.d = va_arg(a->ap, double);
        break;
    default:
        v.i = va_arg(a->ap, int);
    }
    return b->form == P3_INPLACE ? PvmNotImpl : p3_pack(b, &v, 1, 1, type);
}

static int pack_field(struct args *a, const struct field *f)
{
    if (f->type == -1) {
        int id = p3_initsend(va_arg(a->ap, int));
        return id < 0 ? id : PvmOk;
    }
    struct p3_buf *b = p3_buf_to_pack();
    if (!b)
        return PvmNoBuf;
    if (f->type == PVM_STR)
        return p3_pack_string(b, va_arg(a->ap, const char *));
    if (f->counted || f->type == PVM_CPLX || f->type == PVM_DCPLX)
        return p3_pack(b, va_arg(a->ap, const void *), f->count, f->stride, f->type);
    return pack_value(b, a, f->type);
}

static int unpack_field(struct args *a, const struct field *f)
{
    struct p3_buf *b = p3_buf_find(p3_rbuf);
    if (f->type == -1)
        return PvmBadParam;
    if (!b)
        return PvmNoBuf;
    void *to = va_arg(a->ap, void *);
    return f->type == PVM_STR ? p3_take_string(b, to)
                              : p3_unpack(b, to, f->count, f->stride, f->type);
}

static int walk(const char *fmt, struct args *a,
                int (*each)(struct args *a, const struct field *f))
{
    struct field f;
    int cc = fmt ? PvmOk : PvmBadParam;
    while (!cc && *fmt)
        if (*fmt++ == '%')
            cc = parse(&fmt, a, &f) ? each(a, &f) : PvmBadParam;
    return cc;
}

P3_PUBLIC int pvm_vpackf(const char *fmt, va_list ap)
{
    struct args a;
    va_copy(a.ap, ap);
    p3_enter_only();
    P3_TRACE(TEV_PACKF, {TEV_DID_PF, 0, fmt ? fmt : ""});
    int cc = walk(fmt, &a, pack_field);
    va_end(a.ap);
    return p3_leave("pvm_packf", cc);
}

P3_PUBLIC int pvm_vunpackf(const char *fmt, va_list ap)
{
    struct args a;
    va_copy(a.ap, ap);
    p3_enter_only();
    P3_TRACE(TEV_UNPACKF, {TEV_DID_PF, 0, fmt ? fmt : ""});
    int cc = walk(fmt, &a, unpack_field);
    va_end(a.ap);
    return p3_leave("pvm_unpackf", cc);
}

P3_PUBLIC int pvm_packf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int cc = pvm_vpackf(fmt, ap);
    va_end(ap);
    return cc;
}

P3_PUBLIC int pvm_unpackf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int cc = pvm_vunpackf(fmt, ap);
    va_end(ap);
    return cc;
}
