/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls whose arguments are numbers. */
#include "fortran/fortran.h"

int pvmsleep(int sec);

/* One result and up to three numbers. */
#define CALL0(name, function)                                                            \
    FORTRAN(name)(int *result);                                                          \
    FORTRAN(name)(int *result)                                                           \
    {                                                                                    \
        *result = function();                                                            \
    }
#define CALL1(name, function)                                                            \
    FORTRAN(name)(int *a, int *result);                                                  \
    FORTRAN(name)(int *a, int *result)                                                   \
    {                                                                                    \
        *result = function(*a);                                                          \
    }
#define CALL2(name, function)                                                            \
    FORTRAN(name)(int *a, int *b, int *result);                                          \
    FORTRAN(name)(int *a, int *b, int *result)                                           \
    {                                                                                    \
        *result = function(*a, *b);                                                      \
    }

CALL0(pvmfmytid, pvm_mytid)
CALL0(pvmfparent, pvm_parent)
CALL0(pvmfexit, pvm_exit)
CALL0(pvmfhalt, pvm_halt)
CALL0(pvmfgetcontext, pvm_getcontext)
CALL0(pvmfnewcontext, pvm_newcontext)
CALL0(pvmfgetrbuf, pvm_getrbuf)
CALL0(pvmfgetsbuf, pvm_getsbuf)
CALL1(pvmfinitsend, pvm_initsend)
CALL1(pvmfmkbuf, pvm_mkbuf)
CALL1(pvmffreebuf, pvm_freebuf)
CALL1(pvmfsetrbuf, pvm_setrbuf)
CALL1(pvmfsetsbuf, pvm_setsbuf)
CALL1(pvmfsetcontext, pvm_setcontext)
CALL1(pvmffreecontext, pvm_freecontext)
CALL1(pvmfkill, pvm_kill)
CALL1(pvmfpstat, pvm_pstat)
CALL1(pvmftidtohost, pvm_tidtohost)
CALL1(pvmfgetopt, pvm_getopt)
CALL1(pvmfdelmhf, pvm_delmhf)
CALL2(pvmfsend, pvm_send)
CALL2(pvmfrecv, pvm_recv)
CALL2(pvmfnrecv, pvm_nrecv)
CALL2(pvmfprobe, pvm_probe)
CALL2(pvmfsetopt, pvm_setopt)
CALL2(pvmfsendsig, pvm_sendsig)

FORTRAN(pvmfsleep)(int *seconds);
FORTRAN(pvmfsleep)(int *seconds)
{
    pvmsleep(*seconds);
}

FORTRAN(pvmftrecv)(int *tid, int *tag, int *sec, int *usec, int *id);
FORTRAN(pvmftrecv)(int *tid, int *tag, int *sec, int *usec, int *id)
{
    struct timeval limit = {*sec, *usec};
    *id = pvm_trecv(*tid, *tag, *sec < 0 ? NULL : &limit);
}

FORTRAN(pvmfmcast)(int *n, int *tids, int *tag, int *info);
FORTRAN(pvmfmcast)(int *n, int *tids, int *tag, int *info)
{
    *info = pvm_mcast(tids, *n, *tag);
}

FORTRAN(pvmfbufinfo)(int *id, int *bytes, int *tag, int *tid, int *info);
FORTRAN(pvmfbufinfo)(int *id, int *bytes, int *tag, int *tid, int *info)
{
    *info = pvm_bufinfo(*id, bytes, tag, tid);
}

FORTRAN(pvmfnotify)(int *what, int *tag, int *n, int *tids, int *info);
FORTRAN(pvmfnotify)(int *what, int *tag, int *n, int *tids, int *info)
{
    *info = pvm_notify(*what, *tag, *n, tids);
}

FORTRAN(pvmfpsend)(int *tid, int *tag, void *buf, int *len, int *type, int *info);
FORTRAN(pvmfpsend)(int *tid, int *tag, void *buf, int *len, int *type, int *info)
{
    *info = pvm_psend(*tid, *tag, buf, *len, *type);
}

FORTRAN(pvmfprecv)
(int *tid, int *tag, void *buf, int *len, int *type, int *from, int *got_tag, int *bytes,
 int *info);
FORTRAN(pvmfprecv)
(int *tid, int *tag, void *buf, int *len, int *type, int *from, int *got_tag, int *bytes,
 int *info)
{
    *info = pvm_precv(*tid, *tag, buf, *len, *type, from, got_tag, bytes);
}

FORTRAN(pvmfaddmhf)(int *src, int *tag, int *ctx, int (*fn)(int), int *id);
FORTRAN(pvmfaddmhf)(int *src, int *tag, int *ctx, int (*fn)(int), int *id)
{
    *id = pvm_addmhf(*src, *tag, *ctx, fn);
}

FORTRAN(pvmfsiblings)(int *n, int *index, int *tid);
FORTRAN(pvmfsiblings)(int *n, int *index, int *tid)
{
    int *tids;
    *n = pvm_siblings(&tids);
    if (*index >= 0 && *index < *n)
        *tid = tids[*index];
}

FORTRAN(pvmfhostsync)(int *host, int *sec, int *usec, int *dsec, int *dusec, int *info);
FORTRAN(pvmfhostsync)(int *host, int *sec, int *usec, int *dsec, int *dusec, int *info)
{
    struct timeval now = {0, 0}, delta = {0, 0};
    *info = pvm_hostsync(*host, &now, &delta);
    *sec = (int)now.tv_sec;
    *usec = (int)now.tv_usec;
    *dsec = (int)delta.tv_sec;
    *dusec = (int)delta.tv_usec;
}

#define REDUCE(name, function)                                                           \
    FORTRAN(name)(int *type, void *x, void *y, int *n, int *info);                       \
    FORTRAN(name)(int *type, void *x, void *y, int *n, int *info)                        \
    {                                                                                    \
        function(type, x, y, n, info);                                                   \
    }
REDUCE(pvmmax, PvmMax)
REDUCE(pvmmin, PvmMin)
REDUCE(pvmsum, PvmSum)
REDUCE(pvmproduct, PvmProduct)
