/* SPDX-License-Identifier: BSD-3-Clause */
/* pvmfpack and pvmfunpack: the type is an argument, a text has nitem characters. */
#include "fortran/fortran.h"

#include <stdlib.h>
#include <string.h>

int pvmupkstralloc(char **s);

static int pack_text(const char *text, int n)
{
    char *s = n >= 0 ? malloc((size_t)n + 1) : NULL;
    if (!s)
        return n < 0 ? PvmBadParam : PvmNoMem;
    memcpy(s, text, (size_t)n);
    s[n] = 0;
    int cc = pvm_pkstr(s);
    free(s);
    return cc;
}

static int unpack_text(char *text, int n)
{
    char *s;
    int cc = n < 0 ? PvmBadParam : pvmupkstralloc(&s);
    if (cc)
        return cc;
    p3_to_fortran(text, (size_t)n, s);
    free(s);
    return cc;
}

/* What has the same bytes needs no function of its own. */
#define TYPES(X)                                                                         \
    X(PVM_BYTE, byte)                                                                    \
    X(PVM_SHORT, short)                                                                  \
    X(PVM_INT, int)                                                                      \
    X(PVM_FLOAT, float)                                                                  \
    X(PVM_CPLX, cplx)                                                                    \
    X(PVM_DOUBLE, double)                                                                \
    X(PVM_DCPLX, dcplx)                                                                  \
    X(PVM_LONG, long)                                                                    \
    X(PVM_USHORT, ushort)                                                                \
    X(PVM_UINT, uint)                                                                    \
    X(PVM_ULONG, ulong)

static int pack(int what, void *p, int n, int stride)
{
    switch (what) {
    case PVM_STR:
        return pack_text(p, n);
#define PACK(type, name)                                                                 \
    case type:                                                                           \
        return pvm_pk##name(p, n, stride);
        TYPES(PACK)
    default:
        return PvmBadParam;
    }
}

static int unpack(int what, void *p, int n, int stride)
{
    switch (what) {
    case PVM_STR:
        return unpack_text(p, n);
#define UNPACK(type, name)                                                               \
    case type:                                                                           \
        return pvm_upk##name(p, n, stride);
        TYPES(UNPACK)
    default:
        return PvmBadParam;
    }
}

FORTRAN(pvmfpack)(int *what, void *p, int *n, int *stride, int *info);
FORTRAN(pvmfpack)(int *what, void *p, int *n, int *stride, int *info)
{
    *info = pack(*what, p, *n, *stride);
}

FORTRAN(pvmfunpack)(int *what, void *p, int *n, int *stride, int *info);
FORTRAN(pvmfunpack)(int *what, void *p, int *n, int *stride, int *info)
{
    *info = unpack(*what, p, *n, *stride);
}
