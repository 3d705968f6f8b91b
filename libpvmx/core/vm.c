/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at the VM and steering it: requests that the console knows too. */
#include "core/ctx.h"

#include "base/err.h"
#include "proto/arena.h"
#include "proto/hostfile.h"
#include "proto/messages.h"
#include <pvmx/engine/vm.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is known so far. */
struct tasks {
    struct pvmx_task_info *list;
    size_t n, cap;
};

static bool room(struct tasks *t, size_t more)
{
    if (t->n + more <= t->cap)
        return true;
    size_t cap = t->n + more + t->cap;
    struct pvmx_task_info *list = realloc(t->list, cap * sizeof *list);
    if (!list)
        return false;
    t->list = list;
    t->cap = cap;
    return true;
}

static pvmx_err take_tasks(const struct px_ctl_call *call, struct tasks *to)
{
    struct pxp_status_is m;
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_STATUS_IS
                       ? pxp_status_is_decode(call->body, call->len, &m, &z)
                       : PVMX_ERR_PROTO;
    if (!err && !room(to, m.n_tasks))
        err = px_fail(PVMX_ERR_NOMEM, "no memory for the list of tasks");
    for (size_t i = 0; !err && i < m.n_tasks; i++) {
        const struct pxp_task_info *t = &m.tasks[i];
        to->list[to->n] = (struct pvmx_task_info){.tid = t->tid,
                                                  .parent = t->parent,
                                                  .job = t->job,
                                                  .pid = (int32_t)t->pid,
                                                  .inited = t->state == PX_SLOT_LIVE,
                                                  .program = strdup(t->program)};
        if (!to->list[to->n].program)
            err = px_fail(PVMX_ERR_NOMEM, "no memory for the list of tasks");
        else
            to->n++;
    }
    pxp_zone_free(&z);
    return err;
}

/* Asks all, then waits for all. A host that goes meanwhile has no tasks. */
static pvmx_err look(const uint32_t *hosts, size_t n, struct tasks *to)
{
    struct px_ctl_call *calls = calloc(n + 1, sizeof *calls);
    struct px_buf frame = {0};
    struct pxp_status m = {0};
    size_t begun = 0;
    pvmx_err err = calls ? pxp_status_encode(&frame, 0, &m) : PVMX_ERR_NOMEM;
    while (!err && begun < n) {
        err = px_ctl_begin(&calls[begun]);
        if (!err)
            err = px_hosts_ask(&calls[begun], hosts[begun], &frame);
        if (!err)
            px_ctl_call_start(&calls[begun++], NULL, 0);
    }
    for (size_t i = 0; i < begun; i++) {
        pvmx_err e = px_ctl_call_wait(&calls[i]);
        if (!e && !err)
            e = take_tasks(&calls[i], to);
        if (!err && (n == 1 || (e != PVMX_ERR_NOENT && e != PVMX_ERR_CLOSED)))
            err = e;
        px_ctl_call_free(&calls[i]);
    }
    px_buf_free(&frame);
    free(calls);
    return err;
}

static pvmx_err look_all(struct tasks *to)
{
    struct pvmx_hosts hosts;
    pvmx_err err = pvmx_engine_hosts(&hosts);
    if (err)
        return err;
    uint32_t *list = malloc((hosts.n + 1) * sizeof *list);
    for (size_t i = 0; list && i < hosts.n; i++)
        list[i] = hosts.list[i].index;
    err = list ? look(list, hosts.n, to)
               : px_fail(PVMX_ERR_NOMEM, "no memory for the list of hosts");
    pvmx_engine_hosts_free(&hosts);
    free(list);
    return err;
}

pvmx_err pvmx_engine_vm_look(uint32_t host, struct pvmx_vm_info *out)
{
    struct tasks tasks = {0};
    px_lock();
    pvmx_err err = host ? look(&host, 1, &tasks) : look_all(&tasks);
    px_unlock();
    struct pvmx_vm_info all = {tasks.n, tasks.list};
    if (err)
        pvmx_engine_vm_info_free(&all);
    else
        *out = all;
    return err;
}

void pvmx_engine_vm_info_free(struct pvmx_vm_info *out)
{
    for (size_t i = 0; i < out->ntasks; i++)
        free((char *)(uintptr_t)out->tasks[i].program);
    free(out->tasks);
    *out = (struct pvmx_vm_info){0};
}

int32_t pvmx_engine_daemon_pid(void)
{
    return px_ctx.tid ? (int32_t)px_ctx.arena.head->daemon_pid : 0;
}

int32_t pvmx_engine_pid_of(pvmx_tid tid)
{
    struct px_slot line;
    ssize_t n = offsetof(struct px_slot, birth_len);
    px_lock();
    bool known = px_ctx.tid && tid > 0 && tid >> 18 == px_ctx.tid >> 18 &&
                 pread(px_ctx.arena.fd, &line, (size_t)n,
                       (off_t)px_slot_offset(px_tid_slot(tid))) == n &&
                 line.tid == tid;
    px_unlock();
    return known ? line.pid : 0;
}

pvmx_err pvmx_engine_signal(pvmx_tid tid, int signal)
{
    struct px_ctl_call call;
    struct pxp_signal m = {.tids = &tid, .n_tids = 1, .signal = (uint32_t)signal};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_signal_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_hostfile(const char *path, char **list)
{
    struct pxp_hostfile f;
    pvmx_err err = pxp_hostfile_read(path, &f);
    if (err)
        return err;
    *list = pxp_hostfile_list(&f, NULL);
    pxp_hostfile_free(&f);
    return *list ? PVMX_OK : PVMX_ERR_NOMEM;
}

pvmx_err pvmx_engine_halt(void)
{
    struct px_ctl_call call;
    struct pxp_halt m = {0};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_halt_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}
