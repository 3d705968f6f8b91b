/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists: each call gives the next entry; the call after the last one begins anew, as does one with -1 in
 * the place of the number of entries. */
#include "fortran/fortran.h"

#include <string.h>

FORTRAN(pvmfconfig)
(int *nhost, int *narch, int *dtid, char *name, char *arch, int *speed, int *info,
 size_t name_len, size_t arch_len);
FORTRAN(pvmfconfig)
(int *nhost, int *narch, int *dtid, char *name, char *arch, int *speed, int *info,
 size_t name_len, size_t arch_len)
{
    static struct pvmhostinfo *list;
    static int at, n, archs;
    if (*nhost == -1)
        at = 0;
    *info = at == 0 ? pvm_config(&n, &archs, &list) : PvmOk;
    *nhost = n;
    *narch = archs;
    if (*info < 0 || n < 1)
        return;
    *dtid = list[at].hi_tid;
    *speed = list[at].hi_speed;
    p3_to_fortran(name, name_len, list[at].hi_name);
    p3_to_fortran(arch, arch_len, list[at].hi_arch);
    at = (at + 1) % n;
}

FORTRAN(pvmftasks)
(int *where, int *ntask, int *tid, int *ptid, int *dtid, int *flag, char *aout, int *info,
 size_t len);
FORTRAN(pvmftasks)
(int *where, int *ntask, int *tid, int *ptid, int *dtid, int *flag, char *aout, int *info,
 size_t len)
{
    static struct pvmtaskinfo *list;
    static int at, n;
    if (*ntask == -1)
        at = 0;
    *info = at == 0 ? pvm_tasks(*where, &n, &list) : PvmOk;
    *ntask = n;
    if (*info < 0 || n < 1)
        return;
    *tid = list[at].ti_tid;
    *ptid = list[at].ti_ptid;
    *dtid = list[at].ti_host;
    *flag = list[at].ti_flag;
    p3_to_fortran(aout, len, list[at].ti_a_out);
    at = (at + 1) % n;
}

/* A class for each call, with arrays of all its entries. */
FORTRAN(pvmfgetmboxinfo)
(char *pattern, char *name, int *nclasses, int *nentries, int *index, int *owner,
 int *flags, int *info, size_t pattern_len, size_t name_len);
FORTRAN(pvmfgetmboxinfo)
(char *pattern, char *name, int *nclasses, int *nentries, int *index, int *owner,
 int *flags, int *info, size_t pattern_len, size_t name_len)
{
    static struct pvmmboxinfo *list;
    static int at, n;
    static char last[P3_TEXT_MAX];
    char t[P3_TEXT_MAX];
    *info = PvmOk;
    p3_from_fortran(t, pattern, pattern_len);
    if (at == 0 || *nclasses == -1 || strcmp(t, last) != 0) {
        at = 0;
        memcpy(last, t, sizeof last);
        *info = pvm_getmboxinfo(t, &n, &list);
    }
    *nclasses = *info < 0 ? 0 : n;
    *nentries = 0;
    if (*nclasses < 1)
        return;
    const struct pvmmboxinfo *c = &list[at];
    *nentries = c->mi_nentries;
    for (int i = 0; i < c->mi_nentries; i++) {
        index[i] = c->mi_indices[i];
        owner[i] = c->mi_owners[i];
        flags[i] = c->mi_flags[i];
    }
    p3_to_fortran(name, name_len, c->mi_name);
    at = (at + 1) % n;
}
