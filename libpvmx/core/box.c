/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for boxes and numbers. */
#include "core/ctx.h"

#include "base/err.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include <pvmx/engine/box.h>

#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = PXP_FRAME_MAX - 64 * 1024 };

static pvmx_err take(const struct px_ctl_call *call, struct pvmx_box *out)
{
    struct pxp_box_at m;
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_BOX_AT
                       ? pxp_box_at_decode(call->body, call->len, &m, &z)
                       : PVMX_ERR_PROTO;
    void *data = err ? NULL : malloc(m.data_len + 1);
    if (!err && !data)
        err = px_fail(PVMX_ERR_NOMEM, "no memory for an entry of %zu bytes", m.data_len);
    if (!err) {
        if (m.data_len)
            memcpy(data, m.data, m.data_len);
        *out = (struct pvmx_box){.index = m.index,
                                 .flags = m.flags,
                                 .owner = m.owner,
                                 .data = data,
                                 .len = m.data_len};
    }
    pxp_zone_free(&z);
    return err;
}

pvmx_err pvmx_engine_box_put(const struct pvmx_box_put *put, uint32_t *index)
{
    struct px_ctl_call call;
    struct pvmx_box at;
    struct pxp_box_put m = {.name = put->name,
                            .index = put->index,
                            .direct = put->direct,
                            .flags = put->flags,
                            .data = put->data,
                            .data_len = put->len,
                            .owner = put->owner};
    if (put->len > DATA_MAX)
        return px_fail(PVMX_ERR_TOOBIG, "an entry of %zu bytes is larger than %d",
                       put->len, DATA_MAX);
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_box_put_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take(&call, &at);
        if (!err) {
            *index = at.index;
            free(at.data);
        }
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_box_get(const char *name, uint32_t index, uint32_t flags,
                             struct pvmx_box *out)
{
    struct px_ctl_call call;
    struct pxp_box_get m = {.name = name, .index = index, .flags = flags};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_box_get_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take(&call, out);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_box_drop(const char *name, uint32_t index)
{
    struct px_ctl_call call;
    struct pxp_box_drop m = {.name = name, .index = index};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_box_drop_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

/* One allocation: the records, then their names. */
static pvmx_err take_list(const struct px_ctl_call *call, struct pvmx_box **out, size_t *n)
{
    struct pxp_box_list_is m = {0};
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_BOX_LIST_IS
                       ? pxp_box_list_is_decode(call->body, call->len, &m, &z)
                       : PVMX_ERR_PROTO;
    size_t bytes = (m.n_entries + 1) * sizeof **out;
    for (size_t i = 0; i < m.n_entries; i++)
        bytes += strlen(m.entries[i].name) + 1;
    struct pvmx_box *list = err ? NULL : malloc(bytes);
    if (!err && !list)
        err = px_fail(PVMX_ERR_NOMEM, "no memory for a list of %zu entries", m.n_entries);
    char *text = (char *)(list + m.n_entries + 1);
    for (size_t i = 0; !err && i < m.n_entries; i++) {
        size_t len = strlen(m.entries[i].name) + 1;
        list[i] = (struct pvmx_box){.name = memcpy(text, m.entries[i].name, len),
                                    .index = m.entries[i].index,
                                    .flags = m.entries[i].flags,
                                    .owner = m.entries[i].owner};
        text += len;
    }
    if (!err) {
        *out = list;
        *n = m.n_entries;
    }
    pxp_zone_free(&z);
    return err;
}

pvmx_err pvmx_engine_box_list(const char *pattern, struct pvmx_box **out, size_t *n)
{
    struct px_ctl_call call;
    struct pxp_box_list m = {.pattern = pattern};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_box_list_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take_list(&call, out, n);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_number(uint32_t *out)
{
    struct px_ctl_call call;
    struct pxp_number m = {0};
    struct pxp_done rep;
    struct pxp_zone z = {0};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_number_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = call.number == PXP_DONE ? pxp_done_decode(call.body, call.len, &rep, &z)
                                          : PVMX_ERR_PROTO;
        if (!err)
            *out = rep.count;
        pxp_zone_free(&z);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}
