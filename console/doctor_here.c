/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: this machine. */
#include "doctor.h"

#include "base/clock.h"
#include "base/rundir.h"
#include "proto/start.h"

#include <limits.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define PATIENCE (5 * PX_SEC) /* for a program to say its version */

/* Any program can be named by PVMX_DAEMON. */
static bool is_ours(char *path, char *text, size_t size)
{
    static const char ours[] = "pvmxd (PVMX) " PVMX_VERSION "\n";
    char version[] = "--version", said[200] = "";
    struct probe p;
    probe_start(&p, (char *[]){path, version, NULL});
    int status =
        p.errnum ? 255 : probe_finish(&p, px_now_ns() + PATIENCE, said, sizeof said);
    bool good = status == 0 && strcmp(said, ours) == 0;
    said[strcspn(said, "\r\n")] = '\0';
    if (good)
        snprintf(text, size, "%s", path);
    else if (p.errnum)
        snprintf(text, size, "%s: %s", path, strerror(p.errnum));
    else
        snprintf(text, size, "%s is not this version's pvmxd%s%s", path,
                 *said ? "; it says: " : "", said);
    return good;
}

static void check_program(struct checkup *k)
{
    char path[PATH_MAX], text[PATH_MAX + 300];
    bool good = pxp_daemon_find(path, sizeof path) == PVMX_OK;
    if (good)
        good = is_ours(path, text, sizeof text);
    else
        snprintf(text, sizeof text, "%s", pvmx_last_error());
    doctor_note(k, "daemon program", good, text,
                "set PVMX_DAEMON to the pvmxd of this installation");
}

/* false: no virtual machine can be there. */
static bool check_rundir(struct console *c, struct checkup *k)
{
    struct px_rundir dir;
    pvmx_err err = px_rundir_open(c->link.vm, false, &dir);
    bool none = err == PVMX_ERR_NOENT;
    if (none && (err = px_rundir_open(c->link.vm, true, &dir)) == PVMX_OK)
        px_rundir_remove(&dir); /* which does nothing if one starts just now */
    doctor_note(k, "runtime directory", !err,
                err    ? pvmx_last_error()
                : none ? "none yet: no virtual machine has run"
                       : dir.path,
                "remove it, or set XDG_RUNTIME_DIR to a directory of yours");
    return !err;
}

static void check_machine(struct console *c, struct checkup *k)
{
    char text[600];
    pvmx_err err = link_open(&c->link, false);
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

void doctor_daemon(struct console *c, struct checkup *k)
{
    const char *name;
    check_program(k);
    if (px_rundir_vm(c->link.vm, &name))
        doctor_note(k, "virtual machine", false, pvmx_last_error(),
                    "say another name (--vm, or the variable PVMX_VM)");
    else if (check_rundir(c, k))
        check_machine(c, k);
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
