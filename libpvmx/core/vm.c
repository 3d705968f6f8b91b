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

/* One allocation: the records, then their texts. */
static pvmx_err copy_tasks(const struct pxp_status_is *m, struct pvmx_vm_info *out)
{
    size_t bytes = (m->n_tasks + 1) * sizeof *out->tasks;
    for (size_t i = 0; i < m->n_tasks; i++)
        bytes += strlen(m->tasks[i].program) + 1;
    out->tasks = malloc(bytes);
    if (!out->tasks)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the list of tasks");
    char *text = (char *)(out->tasks + m->n_tasks + 1);
    out->ntasks = m->n_tasks;
    for (size_t i = 0; i < m->n_tasks; i++) {
        const struct pxp_task_info *t = &m->tasks[i];
        size_t len = strlen(t->program) + 1;
        memcpy(text, t->program, len);
        out->tasks[i] = (struct pvmx_task_info){.tid = t->tid,
                                                .parent = t->parent,
                                                .job = t->job,
                                                .pid = (int32_t)t->pid,
                                                .inited = t->state == PX_SLOT_LIVE,
                                                .program = text};
        text += len;
    }
    return PVMX_OK;
}

pvmx_err pvmx_engine_vm_look(struct pvmx_vm_info *out)
{
    struct px_ctl_call call;
    struct pxp_status m = {0};
    struct pxp_status_is rep;
    struct pxp_zone z = {0};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_status_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = call.number == PXP_STATUS_IS
                      ? pxp_status_is_decode(call.body, call.len, &rep, &z)
                      : PVMX_ERR_PROTO;
        if (!err)
            err = copy_tasks(&rep, out);
        pxp_zone_free(&z);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

void pvmx_engine_vm_info_free(struct pvmx_vm_info *out)
{
    free(out->tasks);
    *out = (struct pvmx_vm_info){0};
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
