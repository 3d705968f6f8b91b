/* SPDX-License-Identifier: BSD-3-Clause */
/* Doing a daemon's work: what it asks for, and telling it what has come of that. */
#include "core/ctx.h"

#include "base/err.h"
#include "base/log.h"
#include "proto/messages.h"
#include <pvmx/engine/help.h>
#include <stdlib.h>

static struct pvmx_help help; /* the functions of the program's library */

void px_help_task(const uint8_t *body, size_t len)
{
    struct pxp_help_task m;
    struct pxp_zone z = {0};
    if (pxp_help_task_decode(body, len, &m, &z) == PVMX_OK && help.task)
        help.task(&(struct pvmx_help_task){.tid = m.tid,
                                           .path = m.path,
                                           .args = m.args,
                                           .nargs = m.n_args,
                                           .env = m.env,
                                           .nenv = m.n_env});
    else
        px_log(PX_LOG_ERROR, "HELP-TASK", "a request to start a task is lost");
    pxp_zone_free(&z);
    px_ctx.ms.completed = true; /* somebody may wait for it */
}

void px_help_hosts(const uint8_t *body, size_t len)
{
    struct pxp_help_hosts m;
    struct pxp_zone z = {0};
    pvmx_err err = pxp_help_hosts_decode(body, len, &m, &z);
    struct pvmx_help_host *list = err ? NULL : calloc(m.n_hosts + 1, sizeof *list);
    for (size_t i = 0; list && i < m.n_hosts; i++)
        list[i] =
            (struct pvmx_help_host){m.hosts[i].index, m.hosts[i].login, m.hosts[i].command};
    if (list && help.hosts)
        help.hosts(list, m.n_hosts);
    else
        px_log(PX_LOG_ERROR, "HELP-HOSTS", "a request to start daemons is lost");
    free(list);
    pxp_zone_free(&z);
    px_ctx.ms.completed = true;
}

pvmx_err pvmx_engine_help(uint32_t kind, const struct pvmx_help *fns)
{
    struct px_ctl_call call;
    struct pxp_helper m = {.kind = kind};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        struct pvmx_help before = help;
        help.task = fns->task ? fns->task : help.task;
        help.hosts = fns->hosts ? fns->hosts : help.hosts;
        err = pxp_helper_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (err)
            help = before;
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_help_ended(pvmx_tid tid, int status, int signal)
{
    struct pxp_helped_task m = {.tid = tid, .status = status, .signal = signal};
    px_lock();
    pvmx_err err = px_ctl_check();
    if (!err)
        err = pxp_helped_task_encode(&px_ctx.ctl.client.out, 0, &m);
    if (!err)
        err = px_ctl_post();
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_help_said(uint32_t host, const char *text)
{
    struct pxp_helped_host one = {.index = host, .text = text};
    struct pxp_helped_hosts m = {.hosts = &one, .n_hosts = 1};
    px_lock();
    pvmx_err err = px_ctl_check();
    if (!err)
        err = pxp_helped_hosts_encode(&px_ctx.ctl.client.out, 0, &m);
    if (!err)
        err = px_ctl_post();
    px_unlock();
    return err;
}

void px_help_forget(void)
{
    help = (struct pvmx_help){0};
}
