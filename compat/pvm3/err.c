/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors: numbers, texts, and what pvm_setopt(PvmAutoErr) wants done with them. */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

P3_PUBLIC int pvm_errno, pvmautoerr = 1;

P3_PUBLIC char *pvm_errlist[] = {
    "Error 0",
    "Error 1",
    "Bad parameter",
    "Parameter mismatch",
    "Value too large",
    "End of buffer",
    "No such host",
    "No such file",
    "Permission denied",
    "Error 9",
    "Malloc failed",
    "Error 11",
    "Can't decode message",
    "Error 13",
    "Can't contact local daemon",
    "No current buffer",
    "No such buffer",
    "Null group name",
    "Already in group",
    "No such group",
    "Not in group",
    "No such instance",
    "Host failed",
    "No parent task",
    "Not implemented",
    "Pvmd system error",
    "Version mismatch",
    "Out of resources",
    "Duplicate host",
    "Can't start pvmd",
    "Already in progress",
    "No such task",
    "Not Found",
    "Already Exists",
    "Hoster must run on master host",
    "Spawning parent set PvmNoParent",
    "Master Host IP Address is Loopback! (See pvm3/Readme)",
};
P3_PUBLIC int pvm_nerr = sizeof pvm_errlist / sizeof pvm_errlist[0];

static const char *text_of(int code)
{
    return code <= 0 && code > -pvm_nerr ? pvm_errlist[-code] : "Unknown error";
}

static void print(const char *what)
{
    char who[32];
    if (pvmmytid > 0)
        snprintf(who, sizeof who, "t%x", (unsigned)pvmmytid);
    else
        snprintf(who, sizeof who, "pid%d", (int)getpid());
    fflush(stdout);
    fprintf(stderr, "libpvm [%s]: %s: %s\n", who, what, text_of(pvm_errno));
}

P3_PUBLIC int lpvmerr(const char *func, int code)
{
    char what[256];
    pvm_errno = code;
    if (pvmautoerr == 0)
        return code;
    snprintf(what, sizeof what, "%s()", func);
    print(what);
    if (code == PvmSysErr && *pvmx_last_error())
        fprintf(stderr, "libpvm: %s\n", pvmx_last_error());
    if (pvmautoerr == 2) {
        pvm_exit();
        exit(code);
    }
    if (pvmautoerr == 3)
        abort();
    return code;
}

P3_PUBLIC int pvm_perror(char *msg)
{
    print(msg ? msg : "(null)");
    return 0;
}

P3_PUBLIC char *pvm_strerror(void)
{
    return (char *)(uintptr_t)text_of(pvm_errno);
}

int p3_error(pvmx_err err)
{
    switch (err) {
    case PVMX_OK:
        return PvmOk;
    case PVMX_ERR_ARG:
        return PvmBadParam;
    case PVMX_ERR_NOMEM:
        return PvmNoMem;
    case PVMX_ERR_NOENT:
    case PVMX_ERR_PERM:
        return PvmNoFile;
    case PVMX_ERR_NOTASK:
        return PvmNoTask;
    case PVMX_ERR_LIMIT:
    case PVMX_ERR_TOOBIG:
        return PvmOutOfRes;
    case PVMX_ERR_VERSION:
        return PvmBadVersion;
    default:
        return PvmSysErr;
    }
}
