/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests about hosts, and what the daemon tells of them. */
#include "core/ctx.h"

#include "base/err.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "proto/hostfile.h"
#include "proto/messages.h"
#include <pvmx/engine/vm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*on_host)(uint32_t index, bool up);

void px_hosts_event(const uint8_t *body, size_t len)
{
    struct pxp_host_event m;
    struct pxp_zone z = {0};
    if (pxp_host_event_decode(body, len, &m, &z) == PVMX_OK && on_host)
        on_host(m.host.index, m.host.state == PXP_HOST_UP);
    pxp_zone_free(&z);
    px_ctx.ms.completed = true; /* somebody may wait for it */
}

pvmx_err px_hosts_ask(struct px_ctl_call *call, uint32_t host, const struct px_buf *frame)
{
    const uint8_t *body;
    size_t len;
    pvmx_err err = pxp_frame_next(frame, SIZE_MAX, &body, &len);
    struct pxp_ask m = {.host = host, .frame = body, .frame_len = len};
    return err ? err : pxp_ask_encode(&px_ctx.ctl.client.out, call->serial, &m);
}

/* ---- the table -------------------------------------------------------------------------------- */

/* One allocation: the records, then their texts. */
static pvmx_err copy_hosts(const struct pxp_hosts_are *m, struct pvmx_hosts *out)
{
    size_t bytes = (m->n_hosts + 1) * sizeof *out->list;
    for (size_t i = 0; i < m->n_hosts; i++)
        bytes += strlen(m->hosts[i].name) + strlen(m->hosts[i].arch) + 2;
    struct pvmx_host *list = malloc(bytes);
    if (!list)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the list of hosts");
    char *text = (char *)(list + m->n_hosts + 1);
    *out = (struct pvmx_hosts){.list = list, .self = m->self, .leader = m->leader};
    for (size_t i = 0; i < m->n_hosts; i++) {
        const struct pxp_host_entry *h = &m->hosts[i];
        if (h->state != PXP_HOST_UP)
            continue;
        size_t name = strlen(h->name) + 1, arch = strlen(h->arch) + 1;
        list[out->n++] = (struct pvmx_host){.index = h->index,
                                            .speed = h->speed,
                                            .slots = h->slots,
                                            .name = memcpy(text, h->name, name),
                                            .arch = memcpy(text + name, h->arch, arch)};
        text += name + arch;
    }
    return PVMX_OK;
}

static pvmx_err look(bool subscribe, struct pvmx_hosts *out)
{
    struct px_ctl_call call;
    struct pxp_hosts m = {.subscribe = subscribe};
    struct pxp_hosts_are rep;
    struct pxp_zone z = {0};
    pvmx_err err = px_ctl_begin(&call);
    if (err)
        return err;
    err = pxp_hosts_encode(&px_ctx.ctl.client.out, call.serial, &m);
    if (!err)
        err = px_ctl_call(&call, NULL, 0);
    if (!err)
        err = call.number == PXP_HOSTS_ARE
                  ? pxp_hosts_are_decode(call.body, call.len, &rep, &z)
                  : PVMX_ERR_PROTO;
    if (!err && out)
        err = copy_hosts(&rep, out);
    pxp_zone_free(&z);
    px_ctl_call_free(&call);
    return err;
}

pvmx_err pvmx_engine_hosts(struct pvmx_hosts *out)
{
    px_lock();
    pvmx_err err = look(false, out);
    px_unlock();
    return err;
}

void pvmx_engine_hosts_free(struct pvmx_hosts *out)
{
    free(out->list);
    *out = (struct pvmx_hosts){0};
}

pvmx_err pvmx_engine_on_host(void (*fn)(uint32_t index, bool up), struct pvmx_hosts *out)
{
    px_lock();
    on_host = fn;
    pvmx_err err = fn ? look(true, out) : PVMX_OK;
    px_unlock();
    return err;
}

/* ---- coming and going ------------------------------------------------------------------------- */

static const char *text_or(const char *text)
{
    return text ? text : "";
}

/* Those that are to be started. */
static pvmx_err list_of(const struct pxp_hostfile *f, bool all, struct pvmx_host_list *out)
{
    out->specs = calloc(f->n + 1, sizeof *out->specs);
    if (!out->specs)
        return px_fail(PVMX_ERR_NOMEM, "no memory for %zu hosts", f->n);
    for (size_t i = 0; i < f->n; i++) {
        const struct pxp_host_spec *s = &f->hosts[i].spec;
        if (f->hosts[i].later && !all)
            continue;
        out->specs[out->n++] = (struct pvmx_host_spec){.name = s->name,
                                                       .launcher = s->launcher,
                                                       .address = s->address,
                                                       .user = s->user,
                                                       .daemon = s->daemon,
                                                       .options = s->options,
                                                       .wrapper = s->wrapper,
                                                       .wdir = s->wdir,
                                                       .path = s->path,
                                                       .debugger = s->debugger,
                                                       .slots = s->slots,
                                                       .speed = s->speed,
                                                       .timeout_ms = s->timeout_ms,
                                                       .port = s->port};
    }
    return PVMX_OK;
}

pvmx_err pvmx_engine_hosts_read(const char *path, const char *line, struct pvmx_host_list *out)
{
    *out = (struct pvmx_host_list){0};
    struct pxp_hostfile *f = calloc(1, sizeof *f);
    if (!f)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a list of hosts");
    pvmx_err err = path ? pxp_hostfile_read(path, f)
                        : pxp_hostfile_parse("host to add", line, strlen(line), f);
    if (err) {
        free(f);
        return err;
    }
    out->texts = f;
    err = list_of(f, !path, out);
    if (err)
        pvmx_engine_host_list_free(out);
    return err;
}

void pvmx_engine_host_list_free(struct pvmx_host_list *list)
{
    if (list->texts)
        pxp_hostfile_free(list->texts);
    free(list->texts);
    free(list->specs);
    *list = (struct pvmx_host_list){0};
}

/* Encodes host_add with the serial; the answer is the caller's affair. */
static pvmx_err encode_add(uint32_t serial, const struct pvmx_host_spec *specs, size_t n,
                           bool passing)
{
    struct pxp_host_spec *list = calloc(n + 1, sizeof *list);
    if (!list)
        return px_fail(PVMX_ERR_NOMEM, "no memory for %zu hosts", n);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct pxp_host_spec){.name = specs[i].name,
                                         .launcher = text_or(specs[i].launcher),
                                         .address = text_or(specs[i].address),
                                         .user = text_or(specs[i].user),
                                         .daemon = text_or(specs[i].daemon),
                                         .options = text_or(specs[i].options),
                                         .wrapper = text_or(specs[i].wrapper),
                                         .wdir = text_or(specs[i].wdir),
                                         .path = text_or(specs[i].path),
                                         .debugger = text_or(specs[i].debugger),
                                         .timeout_ms = specs[i].timeout_ms,
                                         .port = specs[i].port,
                                         .slots = specs[i].slots,
                                         .speed = specs[i].speed};
    struct pxp_host_add m = {.hosts = list, .n_hosts = n, .passing = passing};
    pvmx_err err = pxp_host_add_encode(&px_ctx.ctl.client.out, serial, &m);
    free(list);
    return err;
}

static pvmx_err take_results(const struct px_ctl_call *call,
                             struct pvmx_host_result *results, size_t n)
{
    struct pxp_host_added m;
    struct pxp_zone z = {0};
    pvmx_err err = call->number == PXP_HOST_ADDED
                       ? pxp_host_added_decode(call->body, call->len, &m, &z)
                       : PVMX_ERR_PROTO;
    if (!err && m.n_results != n)
        err = px_fail(PVMX_ERR_PROTO, "the daemon answers for %zu hosts of %zu",
                      m.n_results, n);
    for (size_t i = 0; !err && i < n; i++) {
        results[i].index = m.results[i].index;
        results[i].error = m.results[i].error;
        snprintf(results[i].text, sizeof results[i].text, "%s", m.results[i].text);
    }
    pxp_zone_free(&z);
    return err;
}

pvmx_err pvmx_engine_hosts_add(const struct pvmx_host_spec *specs, size_t n,
                               struct pvmx_host_result *results)
{
    struct px_ctl_call call;
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = encode_add(call.serial, specs, n, false);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take_results(&call, results, n);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_hosts_begin(const struct pvmx_host_spec *specs, size_t n)
{
    struct px_ctl_call call;
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err)
        err = encode_add(call.serial, specs, n, false);
    if (!err)
        err = px_ctl_post(); /* its answer finds nobody */
    px_unlock();
    return err;
}

struct pvmx_wanting {
    struct px_ctl_call call;
    size_t n;
};

pvmx_err pvmx_engine_hosts_want(const struct pvmx_host_spec *specs, size_t n,
                                struct pvmx_wanting **out)
{
    struct pvmx_wanting *op = calloc(1, sizeof *op);
    if (!op)
        return px_fail(PVMX_ERR_NOMEM, "no memory for %zu hosts", n);
    op->n = n;
    px_lock();
    pvmx_err err = px_ctl_begin(&op->call);
    if (!err)
        err = encode_add(op->call.serial, specs, n, true);
    if (!err)
        px_ctl_call_start(&op->call, NULL, 0);
    px_unlock();
    if (err)
        free(op);
    else
        *out = op;
    return err;
}

bool pvmx_engine_hosts_want_done(const struct pvmx_wanting *op)
{
    return op->call.done;
}

pvmx_err pvmx_engine_hosts_want_take(struct pvmx_wanting *op)
{
    px_lock();
    struct pvmx_host_result *results = calloc(op->n + 1, sizeof *results);
    pvmx_err err = px_ctl_done(&op->call);
    if (!err)
        err = results ? take_results(&op->call, results, op->n)
                      : px_fail(PVMX_ERR_NOMEM, "no memory for %zu hosts", op->n);
    for (size_t i = 0; !err && i < op->n; i++)
        if (results[i].error)
            err = px_fail(results[i].error, "%s", results[i].text);
    px_ctl_call_free(&op->call);
    px_unlock();
    free(results);
    free(op);
    return err;
}

pvmx_err pvmx_engine_hosts_delete(const char *const *names, size_t n,
                                  struct pvmx_host_result *results)
{
    struct px_ctl_call call;
    struct pxp_host_delete m = {.names = (const char **)(uintptr_t)names, .n_names = n};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_host_delete_encode(&px_ctx.ctl.client.out, call.serial, &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = take_results(&call, results, n);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}

pvmx_err pvmx_engine_clock(uint32_t host, int64_t *us)
{
    struct px_ctl_call call;
    struct px_buf frame = {0};
    struct pxp_clock m = {0};
    struct pxp_clock_is rep;
    struct pxp_zone z = {0};
    px_lock();
    pvmx_err err = px_ctl_begin(&call);
    if (!err) {
        err = pxp_clock_encode(&frame, 0, &m);
        if (!err)
            err = px_hosts_ask(&call, host, &frame);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        if (!err)
            err = call.number == PXP_CLOCK_IS
                      ? pxp_clock_is_decode(call.body, call.len, &rep, &z)
                      : PVMX_ERR_PROTO;
        if (!err)
            *us = (int64_t)(rep.sec * 1000000 + rep.usec);
        pxp_zone_free(&z);
        px_ctl_call_free(&call);
    }
    px_buf_free(&frame);
    px_unlock();
    return err;
}

void px_hosts_forget(void)
{
    on_host = NULL;
}
