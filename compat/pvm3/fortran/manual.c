/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that PVM's manual pages have for Fortran, though its own library has not. */
#include "fortran/fortran.h"

FORTRAN(pvmfpkmesg)(int *id, int *info);
FORTRAN(pvmfpkmesg)(int *id, int *info)
{
    *info = pvm_pkmesg(*id);
}

FORTRAN(pvmfpkmesgbody)(int *id, int *info);
FORTRAN(pvmfpkmesgbody)(int *id, int *info)
{
    *info = pvm_pkmesgbody(*id);
}

/* The page names a buffer to unpack from; as in C it is the active one, and *active is not looked at. */
FORTRAN(pvmfupkmesg)(int *active, int *id);
FORTRAN(pvmfupkmesg)(int *active, int *id)
{
    (void)active;
    *id = pvm_upkmesg();
}

FORTRAN(pvmfgetminfo)
(int *id, int *len, int *ctx, int *tag, int *wid, int *enc, int *crc, int *src, int *dst,
 int *info);
FORTRAN(pvmfgetminfo)
(int *id, int *len, int *ctx, int *tag, int *wid, int *enc, int *crc, int *src, int *dst,
 int *info)
{
    struct pvmminfo m;
    *info = pvm_getminfo(*id, &m);
    if (*info < 0)
        return;
    *len = m.len;
    *ctx = m.ctx;
    *tag = m.tag;
    *wid = m.wid;
    *enc = m.enc;
    *crc = m.crc;
    *src = m.src;
    *dst = m.dst;
}

FORTRAN(pvmfsetminfo)
(int *id, int *ctx, int *tag, int *wid, int *src, int *dst, int *info);
FORTRAN(pvmfsetminfo)
(int *id, int *ctx, int *tag, int *wid, int *src, int *dst, int *info)
{
    struct pvmminfo m = {.ctx = *ctx, .tag = *tag, .wid = *wid, .src = *src, .dst = *dst};
    *info = pvm_setminfo(*id, &m);
}

FORTRAN(pvmftidtoh)(int *tid, int *host);
FORTRAN(pvmftidtoh)(int *tid, int *host)
{
    *host = pvm_tidtohost(*tid);
}

/* Those of releases before 3.4, which has options in their place. */
FORTRAN(pvmfadvise)(int *route, int *info);
FORTRAN(pvmfadvise)(int *route, int *info)
{
    int old = pvm_setopt(PvmRoute, *route);
    *info = old < 0 ? old : PvmOk;
}

FORTRAN(pvmfserror)(int *set, int *old);
FORTRAN(pvmfserror)(int *set, int *old)
{
    *old = pvm_setopt(PvmAutoErr, *set);
}
