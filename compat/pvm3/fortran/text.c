/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls with texts. */
#include <stdio.h>

#include "fortran/fortran.h"

#include <stdlib.h>
#include <string.h>

/* By the names that PVM's library gives them. */
__attribute__((visibility("default"))) int ftocstr(char *to, int size, char *text, int len);
__attribute__((visibility("default"))) int ctofstr(char *text, int len, char *from);

char *p3_from_fortran(char *to, const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == 0))
        len--;
    if (len >= P3_TEXT_MAX)
        len = P3_TEXT_MAX - 1;
    memcpy(to, text, len);
    to[len] = 0;
    return to;
}

void p3_to_fortran(char *text, size_t len, const char *from)
{
    size_t n = strlen(from);
    n = n < len ? n : len;
    memcpy(text, from, n);
    memset(text + n, ' ', len - n);
}

int ftocstr(char *to, int size, char *text, int len)
{
    char whole[P3_TEXT_MAX];
    p3_from_fortran(whole, text, len > 0 ? (size_t)len : 0);
    if (size < 1 || strlen(whole) >= (size_t)size)
        return 1;
    memcpy(to, whole, strlen(whole) + 1);
    return 0;
}

int ctofstr(char *text, int len, char *from)
{
    p3_to_fortran(text, len > 0 ? (size_t)len : 0, from);
    return 0;
}

/* One text, up to three numbers, one result. */
#define TEXT0(name, function)                                                            \
    FORTRAN(name)(char *text, int *result, size_t len);                                  \
    FORTRAN(name)(char *text, int *result, size_t len)                                   \
    {                                                                                    \
        char t[P3_TEXT_MAX];                                                             \
        *result = function(p3_from_fortran(t, text, len));                               \
    }
#define TEXT1(name, function)                                                            \
    FORTRAN(name)(char *text, int *a, int *result, size_t len);                          \
    FORTRAN(name)(char *text, int *a, int *result, size_t len)                           \
    {                                                                                    \
        char t[P3_TEXT_MAX];                                                             \
        *result = function(p3_from_fortran(t, text, len), *a);                           \
    }
#define TEXT2(name, function)                                                            \
    FORTRAN(name)(char *text, int *a, int *b, int *result, size_t len);                  \
    FORTRAN(name)(char *text, int *a, int *b, int *result, size_t len)                   \
    {                                                                                    \
        char t[P3_TEXT_MAX];                                                             \
        *result = function(p3_from_fortran(t, text, len), *a, *b);                       \
    }

TEXT0(pvmfjoingroup, pvm_joingroup)
TEXT0(pvmflvgroup, pvm_lvgroup)
TEXT0(pvmfgsize, pvm_gsize)
TEXT0(pvmfmstat, pvm_mstat)
TEXT0(pvmfarchcode, pvm_archcode)
TEXT0(pvmfperror, pvm_perror)
TEXT1(pvmfbarrier, pvm_barrier)
TEXT1(pvmfbcast, pvm_bcast)
TEXT1(pvmfgettid, pvm_gettid)
TEXT1(pvmfgetinst, pvm_getinst)
TEXT1(pvmffreezegroup, pvm_freezegroup)
TEXT2(pvmfputinfo, pvm_putinfo)
TEXT2(pvmfrecvinfo, pvm_recvinfo)
TEXT2(pvmfdelinfo, pvm_delinfo)

static int one_host(int (*function)(char **, int, int *), const char *text, size_t len)
{
    char t[P3_TEXT_MAX], *host = p3_from_fortran(t, text, len);
    int info = 0, cc = function(&host, 1, &info);
    return cc < 0 ? cc : info;
}

FORTRAN(pvmfaddhost)(char *host, int *info, size_t len);
FORTRAN(pvmfaddhost)(char *host, int *info, size_t len)
{
    *info = one_host(pvm_addhosts, host, len);
}

FORTRAN(pvmfdelhost)(char *host, int *info, size_t len);
FORTRAN(pvmfdelhost)(char *host, int *info, size_t len)
{
    *info = one_host(pvm_delhosts, host, len);
}

FORTRAN(pvmfstartpvmd)(char *args, int *block, int *info, size_t len);
FORTRAN(pvmfstartpvmd)(char *args, int *block, int *info, size_t len)
{
    char t[P3_TEXT_MAX], *argv[1] = {p3_from_fortran(t, args, len)};
    *info = pvm_start_pvmd(*t ? 1 : 0, argv, *block);
}

FORTRAN(pvmfcatchout)(int *on, int *info);
FORTRAN(pvmfcatchout)(int *on, int *info)
{
    *info = pvm_catchout(*on ? stdout : NULL);
}

/* "*" means any host. */
FORTRAN(pvmfspawn)
(char *task, int *flag, char *where, int *n, int *tids, int *started, size_t task_len,
 size_t where_len);
FORTRAN(pvmfspawn)
(char *task, int *flag, char *where, int *n, int *tids, int *started, size_t task_len,
 size_t where_len)
{
    char t[P3_TEXT_MAX], w[P3_TEXT_MAX];
    p3_from_fortran(t, task, task_len);
    p3_from_fortran(w, where, where_len);
    *started = pvm_spawn(t, NULL, *flag, strcmp(w, "*") == 0 ? NULL : w, *n, tids);
}

FORTRAN(pvmfreduce)
(void (*fn)(int *, void *, void *, int *, int *), void *data, int *count, int *type,
 int *tag, char *group, int *root, int *info, size_t len);
FORTRAN(pvmfreduce)
(void (*fn)(int *, void *, void *, int *, int *), void *data, int *count, int *type,
 int *tag, char *group, int *root, int *info, size_t len)
{
    char t[P3_TEXT_MAX];
    *info = pvm_reduce(fn, data, *count, *type, *tag, p3_from_fortran(t, group, len), *root);
}

#define MOVE(name, function)                                                             \
    FORTRAN(name)                                                                        \
    (void *result, void *data, int *count, int *type, int *tag, char *group, int *root,  \
     int *info, size_t len);                                                             \
    FORTRAN(name)                                                                        \
    (void *result, void *data, int *count, int *type, int *tag, char *group, int *root,  \
     int *info, size_t len)                                                              \
    {                                                                                    \
        char t[P3_TEXT_MAX];                                                             \
        *info = function(result, data, *count, *type, *tag,                              \
                         p3_from_fortran(t, group, len), *root);                         \
    }
MOVE(pvmfgather, pvm_gather)
MOVE(pvmfscatter, pvm_scatter)
