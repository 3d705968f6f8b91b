/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for named groups. */
#include "core/ctx.h"
#include "core/gate.h"

#include "base/err.h"
#include "proto/messages.h"
#include <pvmx/engine/box.h>

#include <stdlib.h>
#include <string.h>

/* name: of a group that this task is a member of; NULL: only looked at. */
static pvmx_err take(const struct px_ctl_call *call, const char *name, struct pvmx_group *out)
{
    struct pxp_group_is m;
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_GROUP_IS
                       ? pxp_group_is_decode(call->body, call->len, &m, &z)
                       : PVMX_ERR_PROTO;
    pvmx_tid *tids = err ? NULL : malloc((m.n_tids + 1) * sizeof *tids);
    if (!err && !tids)
        err = px_fail(PVMX_ERR_NOMEM, "no memory for a group of %zu members", m.n_tids);
    if (!err) {
        if (m.n_tids)
            memcpy(tids, m.tids, m.n_tids * sizeof *tids);
        *out = (struct pvmx_group){.tids = tids, .n = m.n_tids, .frozen = m.frozen};
        if (name)
            px_gate_learn(name, m.gate, m.epoch);
    }
    pxp_zone_free(&z);
    return err;
}

void pvmx_engine_group_free(struct pvmx_group *out)
{
    free(out->tids);
    *out = (struct pvmx_group){0};
}

pvmx_err pvmx_engine_group_join(const char *name, int32_t *place)
{
    struct px_ctl_call call;
    struct pxp_group_join m = {.name = name};
    struct pvmx_group g = {0};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_group_join_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take(&call, name, &g);
        px_ctl_call_free(&call);
    }
    for (size_t i = 0; !err && i < g.n; i++)
        if (g.tids[i] == px_ctx.tid)
            *place = (int32_t)i;
    pvmx_engine_group_free(&g);
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_group_leave(const char *name)
{
    struct px_ctl_call call;
    struct pxp_group_leave m = {.name = name};
    px_lock();
    px_gate_forget(name);
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_group_leave_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_group_look(const char *name, struct pvmx_group *out)
{
    struct px_ctl_call call;
    struct pxp_group_look m = {.name = name};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_group_look_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take(&call, NULL, out);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_group_meet(const char *name, uint32_t count, bool freeze,
                                struct pvmx_group *out)
{
    struct px_ctl_call call;
    struct pxp_group_meet m = {.name = name, .count = count, .freeze = freeze};
    struct pvmx_group g = {0};
    px_lock();
    if (!freeze && !out && px_gate_meet(name, count)) {
        px_unlock();
        return PVMX_OK;
    }
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_group_meet_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take(&call, name, out ? out : &g);
        px_ctl_call_free(&call);
    }
    pvmx_engine_group_free(&g);
    px_unlock();
    return err;
}

/* One allocation: the records, their members, then their names. */
static pvmx_err take_list(const struct px_ctl_call *call, struct pvmx_group **out, size_t *n)
{
    struct pxp_group_list_is m = {0};
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_GROUP_LIST_IS
                       ? pxp_group_list_is_decode(call->body, call->len, &m, &z)
                       : PVMX_ERR_PROTO;
    size_t tids = 0, text = 0;
    for (size_t i = 0; i < m.n_entries; i++) {
        tids += m.entries[i].n_tids;
        text += strlen(m.entries[i].name) + 1;
    }
    struct pvmx_group *list =
        err ? NULL
            : malloc((m.n_entries + 1) * sizeof *list + tids * sizeof(pvmx_tid) + text);
    if (!err && !list)
        err = px_fail(PVMX_ERR_NOMEM, "no memory for a list of %zu groups", m.n_entries);
    pvmx_tid *to = list ? (pvmx_tid *)(list + m.n_entries + 1) : NULL;
    char *name = list ? (char *)(to + tids) : NULL;
    for (size_t i = 0; !err && i < m.n_entries; i++) {
        const struct pxp_group_entry *e = &m.entries[i];
        size_t len = strlen(e->name) + 1;
        list[i] =
            (struct pvmx_group){to, e->n_tids, e->frozen, name, e->count, e->reached};
        if (e->n_tids)
            memcpy(to, e->tids, e->n_tids * sizeof *to);
        to += e->n_tids;
        memcpy(name, e->name, len);
        name += len;
    }
    *out = list;
    *n = err ? 0 : m.n_entries;
    pxp_zone_free(&z);
    return err;
}

pvmx_err pvmx_engine_group_list(struct pvmx_group **out, size_t *n)
{
    struct px_ctl_call call;
    struct pxp_group_list m = {0};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_group_list_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take_list(&call, out, n);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}
