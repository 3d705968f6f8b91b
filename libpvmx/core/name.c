/* SPDX-License-Identifier: BSD-3-Clause */
/* The name service's requests. */
#include "core/ctx.h"

#include "base/err.h"
#include "proto/messages.h"

#include <string.h>

pvmx_err pvmx_engine_name_publish(const char *name, const char *port)
{
    struct px_ctl_call call;
    struct pxp_publish m = {.name = name, .port = port};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_publish_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_name_unpublish(const char *name, const char *port)
{
    struct px_ctl_call call;
    struct pxp_unpublish m = {.name = name, .port = port};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_unpublish_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

static pvmx_err take(const struct px_ctl_call *call, char *port, size_t size)
{
    struct pxp_found rep;
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_FOUND
                       ? pxp_found_decode(call->body, call->len, &rep, &z)
                       : PVMX_ERR_PROTO;
    if (!err && strlen(rep.port) >= size)
        err = px_fail(PVMX_ERR_TOOBIG, "what the name stands for has more than %zu bytes",
                      size - 1);
    if (!err)
        memcpy(port, rep.port, strlen(rep.port) + 1);
    pxp_zone_free(&z);
    return err;
}

pvmx_err pvmx_engine_name_lookup(const char *name, uint32_t wait_ms, char *port, size_t size)
{
    struct px_ctl_call call;
    struct pxp_lookup m = {.name = name, .wait_ms = wait_ms};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_lookup_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take(&call, port, size);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}
