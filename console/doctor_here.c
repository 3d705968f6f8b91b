/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: this machine. */
#include "doctor.h"

#include "base/rundir.h"
#include "proto/start.h"

#include <limits.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

void doctor_daemon(struct console *c, struct checkup *k)
{
    struct px_rundir dir;
    char path[PATH_MAX], text[PATH_MAX + 64];
    bool found = pxp_daemon_find(path, sizeof path) == PVMX_OK;
    doctor_note(k, "daemon program", found, found ? path : pvmx_last_error(),
                "set PVMX_DAEMON to the pvmxd of this installation");
    pvmx_err err = px_rundir_open(c->link.vm, false, &dir);
    bool safe = !err || err == PVMX_ERR_NOENT;
    doctor_note(k, "runtime directory", safe,
                !err   ? dir.path
                : safe ? "none yet: no virtual machine has run"
                       : pvmx_last_error(),
                "remove it, or set XDG_RUNTIME_DIR to a directory of yours");
    err = link_open(&c->link, false);
    if (!err)
        snprintf(text, sizeof text, "process %d on host %s", (int)c->link.info.pid,
                 c->link.info.host);
    else
        snprintf(text, sizeof text, "%s",
                 err == PVMX_ERR_NO_VM ? "none runs; one is started when it is needed"
                                       : pvmx_last_error());
    doctor_note(k, "virtual machine", !err || err == PVMX_ERR_NO_VM, text,
                "end its process and remove its runtime directory");
    if (!err)
        doctor_note(k, "version", strcmp(c->link.info.release, PVMX_VERSION) == 0,
                    c->link.info.release,
                    "pvmx halt, so that the next start takes the daemon of this version");
}

void doctor_limits(struct checkup *k)
{
    static const struct {
        int resource;
        rlim_t enough;
        const char *name, *advice;
    } limits[] = {
        {RLIMIT_NOFILE, 1024, "open files",
         "ulimit -n 4096 before the virtual machine is started"},
        {RLIMIT_NPROC, 256, "processes",
         "ulimit -u 4096 before the virtual machine is started"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit r;
        char text[40];
        if (getrlimit((__rlimit_resource_t)limits[i].resource, &r) != 0)
            continue;
        if (r.rlim_cur == RLIM_INFINITY)
            snprintf(text, sizeof text, "unlimited");
        else
            snprintf(text, sizeof text, "%llu", (unsigned long long)r.rlim_cur);
        doctor_note(k, limits[i].name, r.rlim_cur >= limits[i].enough, text,
                    limits[i].advice);
    }
}

/* Long messages are fetched from the sender's memory where the system allows it. */
void doctor_ptrace(struct checkup *k)
{
    FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    int scope = 0;
    bool known = f && fscanf(f, "%d", &scope) == 1;
    if (f)
        fclose(f);
    doctor_note(k, "memory of other tasks", !known || scope == 0,
                known && scope
                    ? "kernel.yama.ptrace_scope forbids it: long messages are slower"
                    : "may be read",
                "sysctl kernel.yama.ptrace_scope=0");
}
