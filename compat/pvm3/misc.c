/* SPDX-License-Identifier: BSD-3-Clause */
/* What PVM's library exports beside its documented interface and programs have come to use. */
#include "extra.h"
#include "state.h"

#include <pvmsdpro.h>
#include <pvmtev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

P3_PUBLIC int pvmsleep(int sec)
{
    struct timespec left = {sec > 0 ? sec : 0, 0};
    while (nanosleep(&left, &left) != 0)
        ;
    return 0;
}

P3_PUBLIC void pvmgetclock(struct timeval *tv)
{
    if (tv)
        gettimeofday(tv, NULL);
}

P3_PUBLIC char *pvmnametag(int tag, int *found)
{
    static char text[32];
    static const char names[][16] = {"SM_SPAWN",     "SM_EXEC",   "SM_EXECACK",
                                     "SM_TASK",      "SM_CONFIG", "SM_ADDHOST",
                                     "SM_DELHOST",   "SM_ADD",    "SM_ADDACK",
                                     "SM_NOTIFY",    "SM_TASKX",  "SM_HOSTX",
                                     "SM_HANDOFF",   "SM_SCHED",  "SM_STHOST",
                                     "SM_STHOSTACK", "SM_STTASK"};
    bool known = tag >= SM_FIRST && tag <= SM_LAST;
    if (found)
        *found = known;
    if (known)
        snprintf(text, sizeof text, "%s", names[tag - SM_FIRST]);
    else
        snprintf(text, sizeof text, "%d", tag);
    return text;
}

P3_PUBLIC int pvmstrtoi(char *s)
{
    return s ? (int)strtol(s, NULL, 0) : 0;
}

P3_PUBLIC int pvmputenv(char *s)
{
    return s ? putenv(s) : -1;
}

P3_PUBLIC int pvmsettaskname(char *name)
{
    return name && *name ? PvmOk : PvmBadParam; /* shown nowhere */
}

P3_PUBLIC char *pvmgettmp(void)
{
    static char dflt[] = "/tmp";
    char *v = getenv("PVM_TMP");
    return v && *v ? v : dflt;
}

P3_PUBLIC char *pvmgetrsh(void)
{
    static char dflt[] = "/usr/bin/ssh";
    char *v = getenv("PVM_RSH");
    return v && *v ? v : dflt;
}

P3_PUBLIC char *pvmtmpnam(char *buf)
{
    static char own[PVMTMPNAMLEN];
    static unsigned serial;
    char *to = buf ? buf : own;
    snprintf(to, PVMTMPNAMLEN, "/tmp/pvm%05x%05x", (unsigned)getpid() & 0xfffff,
             serial++ & 0xfffff);
    return to;
}

static char *or_die(void *p, const char *tag)
{
    if (!p) {
        fprintf(stderr, "libpvm: no memory for %s\n", tag);
        abort();
    }
    return p;
}

P3_PUBLIC char *pvm_alloc(unsigned n, char *tag)
{
    return or_die(malloc(n ? n : 1), tag ? tag : "pvm_alloc");
}

P3_PUBLIC char *pvm_realloc(char *p, unsigned n)
{
    return or_die(realloc(p, n ? n : 1), "pvm_realloc");
}

P3_PUBLIC void pvm_free(char *p)
{
    free(p);
}

P3_PUBLIC int pvm_fd_add(int fd, int sets)
{
    (void)sets;
    return fd < 0 ? PvmBadParam : PvmOk;
}

P3_PUBLIC int pvm_fd_delete(int fd, int sets)
{
    (void)sets;
    return fd < 0 ? PvmBadParam : PvmOk;
}

P3_PUBLIC void i_dump(int level)
{
    (void)level;
}

/* PVM's own handlers of control messages, of which there are none here. */
#define CONTROL(name)                                                                    \
    P3_PUBLIC int pvm_tc_##name(int mid)                                                 \
    {                                                                                    \
        (void)mid;                                                                       \
        return PvmOk;                                                                    \
    }
CONTROL(noop)
CONTROL(settrace)
CONTROL(settmask)
CONTROL(settrcbuf)
CONTROL(settrcopt)
CONTROL(siblings)
