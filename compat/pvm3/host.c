/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts of the virtual machine: today the one that the task runs on. */
#include "state.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

P3_PUBLIC int pvm_config(int *nhost, int *narch, struct pvmhostinfo **out)
{
    static char name[256], arch[] = P3_ARCH;
    static struct pvmhostinfo host;
    int cc = p3_enter();
    if (!cc) {
        snprintf(name, sizeof name, "%s", pvmx_engine_host());
        host = (struct pvmhostinfo){pvmmytid & P3_HOST_MASK, name, arch, 1000, P3_DSIG};
        if (nhost)
            *nhost = 1;
        if (narch)
            *narch = 1;
        if (out)
            *out = &host;
    }
    return p3_leave("pvm_config", cc);
}

/* A host is named by the first word of "name opt=value ...". */
static bool is_here(const char *text)
{
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, " \t"), text);
    return strcmp(name, pvmx_engine_host()) == 0 || strcmp(name, "localhost") == 0;
}

static int why_not_added(const char *text)
{
    struct addrinfo *found = NULL;
    char name[256];
    size_t len = text ? strcspn(text, " \t") : 0;
    if (!len || len >= sizeof name)
        return PvmBadParam;
    if (is_here(text))
        return PvmDupHost;
    memcpy(name, text, len);
    name[len] = 0;
    if (getaddrinfo(name, NULL, NULL, &found) != 0)
        return PvmNoHost;
    freeaddrinfo(found);
    return PvmCantStart;
}

static int why_not_deleted(const char *text)
{
    if (!text || !*text)
        return PvmBadParam;
    return is_here(text) ? PvmBadParam : PvmNoHost; /* the only host ends by pvm_halt */
}

static int each_host(const char *func, char **hosts, int n, int *infos,
                     int (*why)(const char *))
{
    int cc = p3_enter();
    if (!cc && (n < 1 || !hosts))
        cc = PvmBadParam;
    for (int i = 0; !cc && i < n; i++) {
        int info = why(hosts[i]);
        if (infos)
            infos[i] = info;
    }
    return p3_leave(func, cc);
}

P3_PUBLIC int pvm_addhosts(char **hosts, int n, int *infos)
{
    return each_host("pvm_addhosts", hosts, n, infos, why_not_added);
}

P3_PUBLIC int pvm_delhosts(char **hosts, int n, int *infos)
{
    return each_host("pvm_delhosts", hosts, n, infos, why_not_deleted);
}

P3_PUBLIC int pvm_mstat(char *host)
{
    int cc = p3_enter();
    if (!cc && (!host || !*host))
        cc = PvmBadParam;
    if (!cc && !is_here(host)) { /* an answer, not a failure */
        p3_leave("pvm_mstat", PvmOk);
        return pvm_errno = PvmNoHost;
    }
    return p3_leave("pvm_mstat", cc);
}

P3_PUBLIC int pvm_hostsync(int host, struct timeval *clk, struct timeval *delta)
{
    int cc = p3_enter();
    if (!cc && (host & ~P3_LOCAL_MASK) != (pvmmytid & P3_HOST_MASK))
        cc = PvmNoHost;
    if (!cc && clk)
        gettimeofday(clk, NULL);
    if (!cc && delta)
        *delta = (struct timeval){0, 0};
    return p3_leave("pvm_hostsync", cc);
}

P3_PUBLIC int pvm_archcode(char *arch)
{
    p3_enter_only();
    int cc = !arch ? PvmBadParam : strcmp(arch, P3_ARCH) == 0 ? P3_DSIG : PvmNotFound;
    if (cc == PvmNotFound) {
        p3_leave("pvm_archcode", PvmOk);
        return pvm_errno = cc;
    }
    return p3_leave("pvm_archcode", cc);
}

P3_PUBLIC int pvm_start_pvmd(int argc, char **argv, int block)
{
    (void)argc, (void)argv, (void)block;
    /* One that runs already is an error for PVM; ours starts with the first task. */
    bool running = pvmx_engine_init(false) == PVMX_OK && pvmx_engine_self() != 0;
    int cc = p3_enter();
    pvmx_engine_leave();
    return p3_leave("pvm_start_pvmd", cc ? cc : running ? PvmDupHost : PvmOk);
}

P3_PUBLIC char *pvm_version(void)
{
    static char text[] = PVM_VER;
    return text;
}
