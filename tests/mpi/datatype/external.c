/* SPDX-License-Identifier: BSD-3-Clause */
/* "external32": the bytes of every predefined type as MPI 5.0 §14.5.2 has them, there and back; and of
 * derived types in the order of the type map. */
#include "typetest.h"
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static char rep[] = "external32";

/* One value of a type has these bytes (hexadecimal) outside, and comes back. */
static void golden(MPI_Datatype t, const void *value, const char *hex)
{
    unsigned char out[128], want[128];
    char back[64], name[MPI_MAX_OBJECT_NAME];
    MPI_Aint position = 0, size;
    int len, n = (int)strlen(hex) / 2, native;
    for (int i = 0; i < n; i++)
        sscanf(hex + 2 * i, "%2hhx", &want[i]);
    MPI_Type_get_name(t, name, &len);
    MPI_Type_size(t, &native);
    OK(MPI_Pack_external_size(rep, 1, t, &size));
    if (size != n)
        mt_fail(__FILE__, __LINE__, "%s has %ld bytes, not %d", name, (long)size, n);
    OK(MPI_Pack_external(rep, value, 1, t, out, sizeof(out), &position));
    if (position != n || memcmp(out, want, (size_t)n) != 0)
        mt_fail(__FILE__, __LINE__, "%s: %02x %02x %02x %02x..., not %s", name, out[0],
                out[1], out[2], out[3], hex);
    memset(back, 0, sizeof(back));
    position = 0;
    OK(MPI_Unpack_external(rep, out, n, &position, back, 1, t));
    bool x87 = strstr(name, "LONG_DOUBLE") != NULL; /* has padding, which is nobody's */
    if (position != n || memcmp(back, value, x87 ? 10 : (size_t)native) != 0)
        mt_fail(__FILE__, __LINE__, "%s does not come back", name);
}

#define GOLDEN(type, ctype, value, hex) golden(type, &(ctype){value}, hex)

static void integers(void)
{
    GOLDEN(MPI_CHAR, char, 'A', "41");
    GOLDEN(MPI_SIGNED_CHAR, signed char, -2, "fe");
    GOLDEN(MPI_UNSIGNED_CHAR, unsigned char, 200, "c8");
    GOLDEN(MPI_BYTE, char, 7, "07");
    GOLDEN(MPI_PACKED, char, 9, "09");
    GOLDEN(MPI_CHARACTER, char, 'z', "7a");
    GOLDEN(MPI_WCHAR, wchar_t, 0x20ac, "20ac");
    GOLDEN(MPI_SHORT, short, -2, "fffe");
    GOLDEN(MPI_UNSIGNED_SHORT, unsigned short, 0x1234, "1234");
    GOLDEN(MPI_INT, int, -3, "fffffffd");
    GOLDEN(MPI_UNSIGNED, unsigned, 0x12345678, "12345678");
    GOLDEN(MPI_LONG, long, -4, "fffffffc");
    GOLDEN(MPI_UNSIGNED_LONG, unsigned long, 0x89abcdef, "89abcdef");
    GOLDEN(MPI_LONG_LONG, long long, -5, "fffffffffffffffb");
    GOLDEN(MPI_UNSIGNED_LONG_LONG, unsigned long long, 0x0102030405060708,
           "0102030405060708");
    GOLDEN(MPI_INT8_T, int8_t, -1, "ff");
    GOLDEN(MPI_UINT8_T, uint8_t, 255, "ff");
    GOLDEN(MPI_INT16_T, int16_t, 258, "0102");
    GOLDEN(MPI_UINT16_T, uint16_t, 65535, "ffff");
    GOLDEN(MPI_INT32_T, int32_t, 16909060, "01020304");
    GOLDEN(MPI_UINT32_T, uint32_t, 1, "00000001");
    GOLDEN(MPI_INT64_T, int64_t, -1, "ffffffffffffffff");
    GOLDEN(MPI_UINT64_T, uint64_t, 1, "0000000000000001");
    GOLDEN(MPI_AINT, MPI_Aint, 1, "0000000000000001");
    GOLDEN(MPI_COUNT, MPI_Count, -2, "fffffffffffffffe");
    GOLDEN(MPI_OFFSET, MPI_Offset, 3, "0000000000000003");
    GOLDEN(MPI_C_BOOL, _Bool, 1, "01");
    GOLDEN(MPI_CXX_BOOL, _Bool, 1, "01");
    GOLDEN(MPI_LOGICAL, int32_t, 1, "00000001");
    GOLDEN(MPI_INTEGER, int32_t, -2, "fffffffe");
    GOLDEN(MPI_LOGICAL1, int8_t, 1, "01");
    GOLDEN(MPI_LOGICAL2, int16_t, 1, "0001");
    GOLDEN(MPI_LOGICAL4, int32_t, 1, "00000001");
    GOLDEN(MPI_LOGICAL8, int64_t, 1, "0000000000000001");
    GOLDEN(MPI_LOGICAL16, __int128, 1, "00000000000000000000000000000001");
    GOLDEN(MPI_INTEGER1, int8_t, -1, "ff");
    GOLDEN(MPI_INTEGER2, int16_t, -2, "fffe");
    GOLDEN(MPI_INTEGER4, int32_t, -3, "fffffffd");
    GOLDEN(MPI_INTEGER8, int64_t, -4, "fffffffffffffffc");
    GOLDEN(MPI_INTEGER16, __int128, -5, "fffffffffffffffffffffffffffffffb");
}

static void reals(void)
{
    GOLDEN(MPI_FLOAT, float, 1.5f, "3fc00000");
    GOLDEN(MPI_DOUBLE, double, -2.0, "c000000000000000");
    GOLDEN(MPI_REAL, float, 1.5f, "3fc00000");
    GOLDEN(MPI_DOUBLE_PRECISION, double, 0.1, "3fb999999999999a");
    GOLDEN(MPI_REAL4, float, -0.0f, "80000000");
    GOLDEN(MPI_REAL8, double, INFINITY, "7ff0000000000000");
    GOLDEN(MPI_C_FLOAT_COMPLEX, float complex, 1.5f + 2 * I, "3fc0000040000000");
    GOLDEN(MPI_CXX_FLOAT_COMPLEX, float complex, 1.5f + 2 * I, "3fc0000040000000");
    GOLDEN(MPI_C_DOUBLE_COMPLEX, double complex, 1 - 2 * I,
           "3ff0000000000000c000000000000000");
    GOLDEN(MPI_CXX_DOUBLE_COMPLEX, double complex, 1 - 2 * I,
           "3ff0000000000000c000000000000000");
    GOLDEN(MPI_COMPLEX, float complex, 1 + 2 * I, "3f80000040000000");
    GOLDEN(MPI_DOUBLE_COMPLEX, double complex, 1, "3ff00000000000000000000000000000");
    GOLDEN(MPI_COMPLEX8, float complex, 1, "3f80000000000000");
    GOLDEN(MPI_COMPLEX16, double complex, 2, "40000000000000000000000000000000");
    unsigned char quad[32];
    for (int i = 0; i < 32; i++)
        quad[i] = (unsigned char)(i + 1);
    golden(MPI_REAL16, quad, "100f0e0d0c0b0a090807060504030201");
    golden(MPI_COMPLEX32, quad,
           "100f0e0d0c0b0a090807060504030201201f1e1d1c1b1a191817161514131211");
#if LDBL_MANT_DIG == 64 /* x87 inside, IEEE binary128 outside */
    GOLDEN(MPI_LONG_DOUBLE, long double, 1.0L, "3fff0000000000000000000000000000");
    GOLDEN(MPI_LONG_DOUBLE, long double, -0.1L, "bffb999999999999999a000000000000");
    GOLDEN(MPI_LONG_DOUBLE, long double, INFINITY, "7fff0000000000000000000000000000");
    GOLDEN(MPI_LONG_DOUBLE, long double, LDBL_MAX, "7ffefffffffffffffffe000000000000");
    GOLDEN(MPI_LONG_DOUBLE, long double, LDBL_MIN / 4, "00004000000000000000000000000000");
    GOLDEN(MPI_LONG_DOUBLE, long double, 0, "00000000000000000000000000000000");
    GOLDEN(MPI_C_LONG_DOUBLE_COMPLEX, long double complex, 2,
           "4000000000000000000000000000000000000000000000000000000000000000");
    GOLDEN(MPI_CXX_LONG_DOUBLE_COMPLEX, long double complex, 2,
           "4000000000000000000000000000000000000000000000000000000000000000");
#endif
}

static void pairs(void)
{
    struct {
        float v;
        int i;
    } fi = {1.5f, 2};
    struct {
        double v;
        int i;
    } di = {1, 2};
    struct {
        long v;
        int i;
    } li = {1, 2};
    struct {
        short v;
        int i;
    } si = {1, 2};
    unsigned char out[64], want[] = {0, 1, 0, 0, 0, 2};
    MPI_Aint position = 0;
    golden(MPI_FLOAT_INT, &fi, "3fc0000000000002");
    golden(MPI_2INT, &(int[2]){1, 2}, "0000000100000002");
    golden(MPI_2INTEGER, &(int[2]){1, 2}, "0000000100000002");
    golden(MPI_2REAL, &(float[2]){1, 2}, "3f80000040000000");
    golden(MPI_2DOUBLE_PRECISION, &(double[2]){1, 2}, "3ff00000000000004000000000000000");
    golden(MPI_DOUBLE_INT, &di, "3ff000000000000000000002");
    golden(MPI_LONG_INT, &li, "0000000100000002");
    OK(MPI_Pack_external(rep, &si, 1, MPI_SHORT_INT, out, 64, &position));
    CHECK(position == 6 && memcmp(out, want, 6) == 0);
}

/* Many elements, so that the stage inside fills several times: {3 shorts, gap, long, char}. */
static void derived(void)
{
    enum { N = 3000 };
    struct s {
        short a[3];
        long b;
        char c;
    } *x = malloc(N * sizeof(*x)), *y = calloc(N, sizeof(*y));
    const int lens[] = {3, 1, 1};
    const MPI_Aint displs[] = {0, 8, 16};
    unsigned char *out = malloc(N * 11);
    MPI_Datatype t;
    MPI_Count at = 0;
    bool same = true;
    for (int i = 0; i < N; i++)
        x[i] = (struct s){{(short)i, (short)-i, 3}, i - 7, (char)i};
    OK(MPI_Type_create_struct(3, lens, displs,
                              (const MPI_Datatype[]){MPI_SHORT, MPI_LONG, MPI_CHAR}, &t));
    OK(MPI_Type_commit(&t));
    OK(MPI_Pack_external_c(rep, x, N, t, out, N * 11, &at));
    CHECK_EQ(at, N * 11);
    for (int i = 0; i < N; i++) {
        const unsigned char *o = out + 11 * i;
        uint32_t b = (uint32_t)(i - 7);
        same &= o[0] == (i >> 8 & 255) && o[1] == (i & 255) && o[6] == (b >> 24) &&
                o[9] == (b & 255) && o[10] == (i & 255);
    }
    CHECK(same);
    at = 0;
    OK(MPI_Unpack_external_c(rep, out, N * 11, &at, y, N, t));
    for (int i = 0; i < N; i++)
        same &= y[i].a[1] == x[i].a[1] && y[i].b == x[i].b && y[i].c == x[i].c;
    CHECK(same);
    OK(MPI_Type_free(&t));
    free(x);
    free(y);
    free(out);
}

int main(int argc, char **argv)
{
    MPI_Aint position = 0, size;
    int x = 1;
    char out[8];
    mt_begin(&argc, &argv, 1);
    integers();
    reals();
    pairs();
    derived();
    SAYS(MPI_Pack_external("native", &x, 1, MPI_INT, out, 8, &position),
         MPI_ERR_UNSUPPORTED_DATAREP, "datarep is \"native\"");
    SAYS(MPI_Pack_external_size("x", 1, MPI_INT, &size), MPI_ERR_UNSUPPORTED_DATAREP,
         "\"x\"");
    SAYS(MPI_Unpack_external(NULL, out, 8, &position, &x, 1, MPI_INT), MPI_ERR_ARG,
         "datarep");
    SAYS(MPI_Pack_external(rep, &x, 1, MPI_INT, out, 3, &position), MPI_ERR_TRUNCATE,
         "4 bytes");
    SAYS(MPI_Unpack_external(rep, out, 3, &position, &x, 1, MPI_INT), MPI_ERR_TRUNCATE,
         "insize");
    SAYS(MPI_Pack_external(rep, &x, -1, MPI_INT, out, 8, &position), MPI_ERR_COUNT,
         "incount");
    return mt_end();
}
