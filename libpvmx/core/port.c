/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: where unrelated tasks meet. The daemon keeps them; these are the requests. */
#include "core/ctx.h"
#include "core/range.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Requests can be sent: joins or starts the VM if need be. */
static pvmx_err ready(void)
{
    pvmx_err err = px_ctx.tid ? PVMX_OK : px_enroll_connect(true);
    return err ? err : px_ctl_check();
}

static pvmx_err port_open(char *name, size_t size)
{
    struct px_ctl_call call;
    struct pxp_zone z = {0};
    struct pxp_port_open m = {0};
    struct pxp_port_is rep;
    pvmx_err err = ready();
    if (err)
        return err;
    err = pxp_port_open_encode(&px_ctx.ctl.client.out, px_ctl_serial(&call), &m);
    if (!err)
        err = px_ctl_call(&call, NULL, 0);
    if (!err)
        err = call.number == PXP_PORT_IS ? pxp_port_is_decode(call.body, call.len, &rep, &z)
                                         : PVMX_ERR_PROTO;
    if (!err && strlen(rep.port) >= size)
        err = px_fail(PVMX_ERR_TOOBIG, "the name of the port has more than %zu bytes",
                      size - 1);
    if (!err)
        memcpy(name, rep.port, strlen(rep.port) + 1);
    pxp_zone_free(&z);
    px_ctl_call_free(&call);
    return err;
}

pvmx_err pvmx_engine_port_open(char *name, size_t size)
{
    px_lock();
    pvmx_err err = port_open(name, size);
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_port_close(const char *name)
{
    struct px_ctl_call call;
    struct pxp_port_close m = {.port = name};
    px_lock();
    pvmx_err err = ready();
    if (!err) {
        err = pxp_port_close_encode(&px_ctx.ctl.client.out, px_ctl_serial(&call), &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

static pvmx_err take(const struct px_ctl_call *call, struct pvmx_meet_result *out)
{
    struct pxp_met rep;
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_MET ? pxp_met_decode(call->body, call->len, &rep, &z)
                                           : PVMX_ERR_PROTO;
    size_t n = err ? 0 : px_ranges_total(rep.group, rep.n_group);
    if (!err && (n == 0 || rep.root >= n))
        err = px_fail(PVMX_ERR_PROTO, "the other side of a port has sent no group");
    if (!err) {
        out->tids = malloc(n * sizeof *out->tids);
        if (!out->tids)
            err = px_fail(PVMX_ERR_NOMEM, "no memory for a group of %zu tasks", n);
    }
    if (!err) {
        px_ranges_expand(out->tids, rep.group, rep.n_group);
        out->n = (int32_t)n;
        out->root = (int32_t)rep.root;
        out->ctx = rep.ctx;
    }
    pxp_zone_free(&z);
    return err;
}

static pvmx_err meet(const struct pvmx_meet_args *a, struct pxp_range *group,
                     struct pvmx_meet_result *out)
{
    struct px_ctl_call call;
    pvmx_err err = ready();
    if (err)
        return err;
    struct pxp_meet m = {.port = a->port,
                         .accept = a->accept,
                         .group = group,
                         .n_group = px_ranges_of(a->tids, a->n, group),
                         .root = (uint32_t)a->root,
                         .ctx = a->ctx,
                         .timeout_ms = a->timeout_ms};
    err = pxp_meet_encode(&px_ctx.ctl.client.out, px_ctl_serial(&call), &m);
    if (!err)
        err = px_ctl_call(&call, NULL, 0);
    if (!err)
        err = take(&call, out);
    px_ctl_call_free(&call);
    return err;
}

pvmx_err pvmx_engine_meet(const struct pvmx_meet_args *args, struct pvmx_meet_result *out)
{
    *out = (struct pvmx_meet_result){0};
    struct pxp_range *group = malloc(((size_t)args->n + 1) * sizeof *group);
    if (!group)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a group of %d tasks", args->n);
    px_lock();
    pvmx_err err = meet(args, group, out);
    px_unlock();
    free(group);
    return err;
}

void pvmx_engine_meet_result_free(struct pvmx_meet_result *out)
{
    free(out->tids);
    *out = (struct pvmx_meet_result){0};
}

pvmx_err pvmx_engine_vm_id(char *text, size_t size)
{
    struct stat st;
    px_lock();
    pvmx_err err = ready();
    /* The arena is made by one daemon and never a second time. */
    if (!err && fstat(px_ctx.arena.fd, &st) != 0)
        err = px_fail(PVMX_ERR_SYS, "the arena's descriptor is gone");
    if (!err)
        snprintf(text, size, "%llx.%llx@%s", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino, px_ctx.host);
    px_unlock();
    return err;
}
