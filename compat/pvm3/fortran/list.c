/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists: each call gives the next entry, the call after the last one begins anew. */
#include "fortran/fortran.h"

FORTRAN(pvmfconfig)
(int *nhost, int *narch, int *dtid, char *name, char *arch, int *speed, int *info,
 size_t name_len, size_t arch_len);
FORTRAN(pvmfconfig)
(int *nhost, int *narch, int *dtid, char *name, char *arch, int *speed, int *info,
 size_t name_len, size_t arch_len)
{
    static struct pvmhostinfo *list;
    static int at, n, archs;
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

FORTRAN(pvmfgetmboxinfo)
(char *pattern, char *name, int *nclasses, int *nentries, int *index, int *owner,
 int *flags, int *info, size_t pattern_len, size_t name_len);
FORTRAN(pvmfgetmboxinfo)
(char *pattern, char *name, int *nclasses, int *nentries, int *index, int *owner,
 int *flags, int *info, size_t pattern_len, size_t name_len)
{
    static struct pvmmboxinfo *list;
    static int at, entry, n;
    char t[P3_TEXT_MAX];
    *info = PvmOk;
    if (at == 0 && entry == 0)
        *info = pvm_getmboxinfo(p3_from_fortran(t, pattern, pattern_len), &n, &list);
    *nclasses = n;
    *nentries = 0;
    if (*info < 0 || n < 1)
        return;
    const struct pvmmboxinfo *c = &list[at];
    *nentries = c->mi_nentries;
    *index = c->mi_indices[entry];
    *owner = c->mi_owners[entry];
    *flags = c->mi_flags[entry];
    p3_to_fortran(name, name_len, c->mi_name);
    if (++entry == c->mi_nentries) {
        entry = 0;
        at = (at + 1) % n;
    }
}
