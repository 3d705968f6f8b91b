/* SPDX-License-Identifier: BSD-3-Clause */
/* Conversion of numbers. Formats that differ in more than the order of their bytes meet in the widest
 * IEEE format, of which all others are parts. */
#include "datatype/number.h"
#include <endian.h>
#include <float.h>
#include <string.h>

typedef unsigned __int128 u128;

/* -- integers and the order of bytes */

/* A number of up to 16 bytes in the machine's order. */
static u128 load(const char *p, unsigned size)
{
    u128 v = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = __BYTE_ORDER == __LITTLE_ENDIAN ? size - 1 - i : i;
        v = v << 8 | (unsigned char)p[at];
    }
    return v;
}

static void store(char *p, unsigned size, u128 v)
{
    for (unsigned i = 0; i < size; i++, v >>= 8)
        p[__BYTE_ORDER == __LITTLE_ENDIAN ? i : size - 1 - i] = (char)v;
}

/* The same, first byte first, and extended as its sign says. */
static u128 load_big(const char *p, unsigned size, bool is_signed)
{
    u128 v = 0;
    for (unsigned i = 0; i < size; i++)
        v = v << 8 | (unsigned char)p[i];
    if (is_signed && size < 16 && v >> (8 * size - 1))
        v |= ~(u128)0 << (8 * size);
    return v;
}

static void store_big(char *p, unsigned size, u128 v)
{
    for (unsigned i = size; i > 0; v >>= 8)
        p[--i] = (char)v;
}

#define SWAP(bits)                                                                       \
    static void swap##bits(const char *from, char *to, size_t n)                         \
    {                                                                                    \
        for (size_t k = 0; k < n; k++) {                                                 \
            uint##bits##_t v;                                                            \
            memcpy(&v, from + k * sizeof(v), sizeof(v));                                 \
            v = htobe##bits(v); /* its own inverse */                                    \
            memcpy(to + k * sizeof(v), &v, sizeof(v));                                   \
        }                                                                                \
    }
SWAP(16)
SWAP(32)
SWAP(64)

/* Numbers that differ in the order of their bytes only, in either direction. */
static void swap(unsigned size, const char *from, char *to, size_t n)
{
    switch (size) {
    case 1:
        memcpy(to, from, n);
        break;
    case 2:
        swap16(from, to, n);
        break;
    case 4:
        swap32(from, to, n);
        break;
    case 8:
        swap64(from, to, n);
        break;
    default:
        for (size_t k = 0; k < n; k++)
            store_big(to + k * size, size, load(from + k * size, size));
    }
}

/* -- floating point */

struct format {
    unsigned exp_bits, frac_bits;
    bool explicit_one; /* a bit of its own for the leading 1 */
};

static const struct format quad = {15, 112, false};

static struct format format_of(enum xmpi_number_kind kind, unsigned size)
{
    if (kind == XMPI_NUMBER_X87)
        return (struct format){15, 63, true};
    return size == 4   ? (struct format){8, 23, false}
           : size == 8 ? (struct format){11, 52, false}
                       : quad;
}

static u128 ones(unsigned bits)
{
    return ((u128)1 << bits) - 1;
}

/* Exact. */
static u128 to_quad(struct format f, u128 v)
{
    unsigned more = quad.frac_bits - f.frac_bits, top = f.frac_bits + f.explicit_one;
    u128 frac = (v & ones(f.frac_bits)) << more, exp = v >> top & ones(f.exp_bits);
    u128 sign = v >> (top + f.exp_bits) & 1;
    unsigned narrow = (unsigned)(ones(14) - ones(f.exp_bits - 1)); /* difference of biases */
    if (exp == ones(f.exp_bits)) {
        exp = ones(15);
    } else if (exp > 0) {
        exp += narrow;
    } else if (frac && narrow) { /* below the smallest normal number of its own format */
        exp = narrow + 1;
        for (; !(frac >> 112); frac <<= 1)
            exp--;
        frac &= ones(112);
    }
    return sign << 127 | exp << 112 | frac;
}

/* To nearest, ties to even. */
static u128 from_quad(struct format f, u128 v)
{
    unsigned less = quad.frac_bits - f.frac_bits, top = f.frac_bits + f.explicit_one;
    u128 frac = v & ones(112), sign = v >> 127, exp = v >> 112 & ones(15);
    int narrow = (int)(ones(14) - ones(f.exp_bits - 1)), e = (int)exp - narrow;
    u128 mant = frac | (exp ? (u128)1 << 112 : 0), out = sign << (top + f.exp_bits);
    if (exp == ones(15)) { /* infinity; or not a number, which must stay one */
        u128 nan = frac >> less | (frac ? (u128)1 << (f.frac_bits - 1) : 0);
        return out | ones(f.exp_bits) << top | (u128)f.explicit_one << f.frac_bits | nan;
    }
    if (exp == 0)
        e = 1 - narrow;
    if (e < 1) { /* smaller than the smallest normal number */
        less += (unsigned)(1 - e) < 120 ? (unsigned)(1 - e) : 120;
        e = 1;
    }
    if (less > 0 && less < 128) {
        u128 rest = mant & ones(less), half = (u128)1 << (less - 1);
        mant = (mant >> less) + (rest > half || (rest == half && (mant >> less & 1)));
    } else if (less >= 128) {
        mant = 0;
    }
    if (mant >> (f.frac_bits + 1)) { /* rounded up to the next power of 2 */
        mant >>= 1;
        e++;
    }
    if (!(mant >> f.frac_bits))
        e = 0;
    if (e >= (int)ones(f.exp_bits)) {
        e = (int)ones(f.exp_bits);
        mant = (u128)1 << f.frac_bits;
    }
    if (!f.explicit_one)
        mant &= ones(f.frac_bits);
    return out | (u128)e << top | mant;
}

/* -- numbers */

static unsigned external_size(const struct xmpi_dtype *type, unsigned native)
{
    MPI_Datatype is = (MPI_Datatype)type->obj.predef;
    if (is == MPI_WCHAR)
        return 2;
    if (is == MPI_LONG || is == MPI_UNSIGNED_LONG || is == MPI_LOGICAL ||
        is == MPI_INTEGER || is == MPI_REAL || is == MPI_COMPLEX)
        return 4;
    if (is == MPI_DOUBLE_PRECISION || is == MPI_DOUBLE_COMPLEX)
        return 8;
    return native;
}

/* By the type where there is no kernel for its elements. */
static enum xmpi_number_kind odd_kind(const struct xmpi_dtype *type)
{
    MPI_Datatype is = (MPI_Datatype)type->obj.predef;
    return is == MPI_LOGICAL || is == MPI_INTEGER ? XMPI_NUMBER_SIGNED : XMPI_NUMBER_FLOAT;
}

struct xmpi_number xmpi_number_of(const struct xmpi_dtype *type)
{
    MPI_Datatype is = (MPI_Datatype)type->obj.predef;
    struct xmpi_number n = {.kind = XMPI_NUMBER_SIGNED, .repeat = 1};
    switch (type->elem) {
    case XMPI_ELEM_U8:
    case XMPI_ELEM_U16:
    case XMPI_ELEM_U32:
    case XMPI_ELEM_U64:
    case XMPI_ELEM_CHAR: /* MPI_WCHAR */
        n.kind = XMPI_NUMBER_UNSIGNED;
        break;
    case XMPI_ELEM_F32:
    case XMPI_ELEM_F64:
    case XMPI_ELEM_C32:
    case XMPI_ELEM_C64:
    case XMPI_ELEM_F128:
    case XMPI_ELEM_C128:
        n.kind = XMPI_NUMBER_FLOAT;
        break;
    case XMPI_ELEM_F80:
    case XMPI_ELEM_C80:
        n.kind = LDBL_MANT_DIG == 64 ? XMPI_NUMBER_X87 : XMPI_NUMBER_FLOAT;
        break;
    case XMPI_ELEM_NONE:
        n.kind = odd_kind(type);
        break;
    default:
        break;
    }
    if (type->elem == XMPI_ELEM_C32 || type->elem == XMPI_ELEM_C64 ||
        type->elem == XMPI_ELEM_C80 || type->elem == XMPI_ELEM_C128 ||
        is == MPI_COMPLEX || is == MPI_DOUBLE_COMPLEX)
        n.repeat = 2;
    unsigned each = (unsigned)type->size / n.repeat;
    unsigned external = external_size(type, (unsigned)type->size);
    n.native = each;
    n.external = external == (unsigned)type->size ? each : external;
    return n;
}

static bool is_float(const struct xmpi_number *of)
{
    return of->kind == XMPI_NUMBER_FLOAT || of->kind == XMPI_NUMBER_X87;
}

static void convert(const struct xmpi_number *of, const char *from, char *to, size_t n,
                    bool out)
{
    if (of->native == of->external && of->kind != XMPI_NUMBER_X87) {
        swap(of->native, from, to, n);
        return;
    }
    const struct format inside = format_of(of->kind, of->native),
                        outside = format_of(XMPI_NUMBER_FLOAT, of->external);
    for (size_t k = 0; k < n; k++) {
        u128 v = out ? load(from, of->native)
                     : load_big(from, of->external, of->kind == XMPI_NUMBER_SIGNED);
        if (is_float(of))
            v = out ? from_quad(outside, to_quad(inside, v))
                    : from_quad(inside, to_quad(outside, v));
        if (out)
            store_big(to, of->external, v);
        else
            store(to, of->native, v);
        from += out ? of->native : of->external;
        to += out ? of->external : of->native;
    }
}

void xmpi_number_out(const struct xmpi_number *of, const char *native, char *external,
                     size_t n)
{
    convert(of, native, external, n, true);
}

void xmpi_number_in(const struct xmpi_number *of, const char *external, char *native, size_t n)
{
    convert(of, external, native, n, false);
}
