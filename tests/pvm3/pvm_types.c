/* SPDX-License-Identifier: BSD-3-Clause */
/* Data of all types, encodings and strides, against what was packed. */
#include "check.h"

#include <limits.h>

enum { ITEMS = 1500, FIELDS = 12, ROUNDS = 60 };

/* One field of a message: what is packed and how. */
struct field {
    int type, n, stride;
    char bytes[ITEMS * 16];
};

static unsigned long state = 88172645463325252ul;

static unsigned long next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static size_t size_of(int type)
{
    static const size_t sizes[] = {1, 1, 2, 4, 4, 8, 8, 16, 8, 2, 4, 8};
    return sizes[type];
}

static int pack(int type, void *p, int n, int stride)
{
    switch (type) {
    case PVM_STR:
        return pvm_pkstr(p);
    case PVM_BYTE:
        return pvm_pkbyte(p, n, stride);
    case PVM_SHORT:
        return pvm_pkshort(p, n, stride);
    case PVM_INT:
        return pvm_pkint(p, n, stride);
    case PVM_FLOAT:
        return pvm_pkfloat(p, n, stride);
    case PVM_CPLX:
        return pvm_pkcplx(p, n, stride);
    case PVM_DOUBLE:
        return pvm_pkdouble(p, n, stride);
    case PVM_DCPLX:
        return pvm_pkdcplx(p, n, stride);
    case PVM_LONG:
        return pvm_pklong(p, n, stride);
    case PVM_USHORT:
        return pvm_pkushort(p, n, stride);
    case PVM_UINT:
        return pvm_pkuint(p, n, stride);
    default:
        return pvm_pkulong(p, n, stride);
    }
}

static int unpack(int type, void *p, int n, int stride)
{
    switch (type) {
    case PVM_STR:
        return pvm_upkstr(p);
    case PVM_BYTE:
        return pvm_upkbyte(p, n, stride);
    case PVM_SHORT:
        return pvm_upkshort(p, n, stride);
    case PVM_INT:
        return pvm_upkint(p, n, stride);
    case PVM_FLOAT:
        return pvm_upkfloat(p, n, stride);
    case PVM_CPLX:
        return pvm_upkcplx(p, n, stride);
    case PVM_DOUBLE:
        return pvm_upkdouble(p, n, stride);
    case PVM_DCPLX:
        return pvm_upkdcplx(p, n, stride);
    case PVM_LONG:
        return pvm_upklong(p, n, stride);
    case PVM_USHORT:
        return pvm_upkushort(p, n, stride);
    case PVM_UINT:
        return pvm_upkuint(p, n, stride);
    default:
        return pvm_upkulong(p, n, stride);
    }
}

static void make(struct field *f, int encoding)
{
    f->type = (int)(next() % 12);
    if (f->type == PVM_STR && encoding == PvmDataInPlace)
        f->type = PVM_INT;
    f->stride = (int)(next() % 3) + 1;
    f->n = next() % 4 ? (int)(next() % 20) : (int)(next() % (unsigned)(ITEMS / f->stride));
    for (size_t i = 0; i < sizeof f->bytes; i++)
        f->bytes[i] = (char)next();
    if (f->type == PVM_STR) {
        for (int i = 0; i < f->n; i++)
            f->bytes[i] = (char)('a' + i % 26);
        f->bytes[f->n] = 0;
    }
}

/* Unpacks with another stride and compares item by item; what lies between stays as it was. */
static void compare(const struct field *f)
{
    static char got[ITEMS * 16 * 3];
    size_t size = size_of(f->type);
    int stride = f->stride % 3 + 1;
    memset(got, 0x5a, sizeof got);
    SAME(unpack(f->type, got, f->n, stride), PvmOk);
    if (f->type == PVM_STR) {
        CHECK(strcmp(got, f->bytes) == 0);
        return;
    }
    for (int i = 0; i < f->n; i++) {
        CHECK(memcmp(got + (size_t)(i * stride) * size,
                     f->bytes + (size_t)(i * f->stride) * size, size) == 0);
        if (stride > 1)
            CHECK(got[(size_t)(i * stride + 1) * size] == 0x5a);
    }
}

static struct field fields[FIELDS];

static void exchange(int tid, int encoding)
{
    int extra;
    CHECK(pvm_initsend(encoding) > 0);
    for (int i = 0; i < FIELDS; i++) {
        make(&fields[i], encoding);
        SAME(pack(fields[i].type, fields[i].bytes, fields[i].n, fields[i].stride), PvmOk);
    }
    SAME(pvm_send(tid, 4), PvmOk);
    CHECK(pvm_recv(tid, tid == pvm_mytid() ? 4 : 5) > 0);
    for (int i = 0; i < FIELDS; i++)
        compare(&fields[i]);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_upkint(&extra, 1, 1), PvmNoData);
    pvm_setopt(PvmAutoErr, 1);
}

static void to_itself(void)
{
    for (int r = 0; r < ROUNDS; r++)
        exchange(pvm_mytid(), r % 3);
}

static void to_another(void)
{
    int child;
    spawn_children("to_another", 1, &child);
    for (int r = 0; r < ROUNDS; r++)
        exchange(child, r % 3);
    send_int(child, 6, 0);
}

/* Sends back what it gets, as it is. */
static void echo(int parent)
{
    for (int id; (id = pvm_recv(parent, -1)) > 0;) {
        int tag;
        pvm_bufinfo(id, NULL, &tag, NULL);
        if (tag == 6)
            return;
        pvm_setsbuf(id);
        SAME(pvm_send(parent, 5), PvmOk);
    }
}

static void extremes(void)
{
    short s[] = {SHRT_MIN, -1, SHRT_MAX}, s2[3];
    unsigned short us = USHRT_MAX, us2;
    int i[] = {INT_MIN, -1, INT_MAX}, i2[3];
    long l[] = {LONG_MIN, -1, 1l << 40, LONG_MAX}, l2[4];
    unsigned long ul = ULONG_MAX, ul2;
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    pvm_pkshort(s, 3, 1);
    pvm_pkushort(&us, 1, 1);
    pvm_pkint(i, 3, 1);
    pvm_pklong(l, 4, 1);
    pvm_pkulong(&ul, 1, 1);
    pvm_send(pvm_mytid(), 1);
    pvm_recv(-1, 1);
    pvm_upkshort(s2, 3, 1);
    pvm_upkushort(&us2, 1, 1);
    pvm_upkint(i2, 3, 1);
    pvm_upklong(l2, 4, 1);
    pvm_upkulong(&ul2, 1, 1);
    CHECK(memcmp(s, s2, sizeof s) == 0 && us == us2 && memcmp(i, i2, sizeof i) == 0);
    CHECK(memcmp(l, l2, sizeof l) == 0 && ul == ul2);
}

/* Sizes that PVM 3.4.6 shows, and big-endian order. */
static void wire_form(void)
{
    static const struct {
        int type, n, bytes;
    } rows[] = {{PVM_BYTE, 3, 4},   {PVM_BYTE, 1, 4}, {PVM_SHORT, 3, 12},
                {PVM_USHORT, 1, 4}, {PVM_INT, 3, 12}, {PVM_FLOAT, 1, 4},
                {PVM_DOUBLE, 1, 8}, {PVM_CPLX, 1, 8}, {PVM_DCPLX, 2, 32}};
    char data[64] = {0};
    int at = 0, len, number = 0x01020304;
    unsigned char raw[4];
    int id = pvm_initsend(PvmDataDefault);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SAME(pack(rows[i].type, data, rows[i].n, 1), PvmOk);
        SAME(pvm_bufinfo(id, &len, NULL, NULL), PvmOk);
        SAME(len, at += rows[i].bytes);
    }
    SAME(pvm_pkstr("hello"), PvmOk);
    pvm_bufinfo(id, &len, NULL, NULL);
    SAME(len, at + 12);
    pvm_initsend(PvmDataDefault);
    pvm_pkint(&number, 1, 1);
    pvm_send(pvm_mytid(), 1);
    pvm_precv(-1, 1, raw, 4, PVM_BYTE, NULL, NULL, &len);
    CHECK(len == 4 && raw[0] == 1 && raw[3] == 4);
}

static void formats(void)
{
    char c = 0, text[20];
    short h = 0;
    int d = 0, many[4] = {1, 2, 3, 4}, got[4] = {0};
    unsigned u = 0;
    long l = 0;
    float f = 0;
    double lf = 0, z[2] = {1.5, -2.5}, z2[2];
    SAME(pvm_packf("%+ %c %hd %d %ud %ld %f %lf %s %2.2d %*d %1lx", PvmDataRaw, 'x', -5,
                   77, 0xfffffff0u, 1l << 40, 1.25, 2.5, "text", many, 4, many, z),
         PvmOk);
    SAME(pvm_send(pvm_mytid(), 3), PvmOk);
    CHECK(pvm_recv(pvm_mytid(), 3) > 0);
    SAME(pvm_unpackf("%c %hd %d %ud %ld %f %lf %s", &c, &h, &d, &u, &l, &f, &lf, text),
         PvmOk);
    CHECK(c == 'x' && h == -5 && d == 77 && u == 0xfffffff0u && l == 1l << 40);
    CHECK(f == 1.25f && lf == 2.5 && strcmp(text, "text") == 0);
    SAME(pvm_unpackf("%2d", got), PvmOk);
    CHECK(got[0] == 1 && got[1] == 3);
    SAME(pvm_unpackf("%*d %lx", 4, got, z2), PvmOk);
    CHECK(memcmp(got, many, sizeof got) == 0 && memcmp(z, z2, sizeof z) == 0);
}

const struct test_case cases[] = {
    {"to_itself", to_itself, NULL}, {"to_another", to_another, echo},
    {"extremes", extremes, NULL},   {"wire_form", wire_form, NULL},
    {"formats", formats, NULL},     {0},
};
