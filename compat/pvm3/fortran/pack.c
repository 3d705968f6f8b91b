/* SPDX-License-Identifier: BSD-3-Clause */
/* pvmfpack and pvmfunpack: the type is an argument. A text is its characters, as bytes: no length, no end. */
#include "fortran/fortran.h"

/* What has the same bytes needs no function of its own. */
#define TYPES(X)                                                                         \
    X(PVM_STR, byte)                                                                     \
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
