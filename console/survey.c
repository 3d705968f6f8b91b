/* SPDX-License-Identifier: BSD-3-Clause */
/* See survey.h. */
#include "survey.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/param.h"
#include "proto/frame.h"
#include "proto/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t patience_ns;

static const struct px_param settings[] = {
    {.name = "console.patience",
     .type = PX_PARAM_TIME,
     .dflt = "3s", /* less than what gives up a silent host */
     .min = (int64_t)(10 * PX_MS),
     .max = (int64_t)(3600 * PX_SEC),
     .help =
         "how long hosts may take to answer the console before it goes on without them",
     .store.number = &patience_ns},
};

uint64_t survey_patience(void)
{
    px_param_register(settings, sizeof settings / sizeof *settings);
    return (uint64_t)patience_ns;
}

/* ---- hosts ------------------------------------------------------------------------------------ */

static pvmx_err read_hosts(struct survey *s)
{
    struct pxp_hosts q = {.subscribe = false};
    struct pxp_hosts_are m;
    struct link *l = s->link;
    uint32_t serial = pxp_client_serial(&l->client);
    uint8_t *body = NULL;
    size_t len;
    pvmx_err err = pxp_hosts_encode(&l->client.out, serial, &q);
    if (!err)
        err = link_ask(l, serial, PXP_HOSTS_ARE, &body, &len);
    if (!err)
        err = pxp_hosts_are_decode(body, len, &m, &s->zone);
    free(body);
    if (err)
        return err;
    s->self = m.self;
    s->hosts = calloc(m.n_hosts + 1, sizeof *s->hosts);
    if (!s->hosts)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < m.n_hosts; i++)
        s->hosts[s->n++] = (struct survey_host){.index = m.hosts[i].index,
                                                .name = m.hosts[i].name,
                                                .state = m.hosts[i].state};
    return PVMX_OK;
}

pvmx_err survey_begin(struct survey *s, struct link *l, uint32_t wanted)
{
    *s = (struct survey){.link = l,
                         .serial = pxp_client_serial(&l->client),
                         .wanted = wanted,
                         .until = px_now_ns() +
                                  (l->patience ? l->patience : survey_patience())};
    return read_hosts(s);
}

pvmx_err survey_follow(struct survey *s, struct link *l, uint32_t wanted)
{
    pvmx_err err = survey_begin(s, l, wanted);
    s->follows = true;
    s->until = 0;
    return err;
}

pvmx_err survey_add_host(struct survey *s, uint32_t index, const char *name)
{
    struct survey_host *grown = realloc(s->hosts, (s->n + 1) * sizeof *grown);
    char *copy = grown ? pxp_zone_alloc(&s->zone, strlen(name) + 1) : NULL;
    s->hosts = grown ? grown : s->hosts;
    if (!copy)
        return px_fail(PVMX_ERR_NOMEM, "out of memory");
    grown[s->n++] =
        (struct survey_host){.index = index, .name = strcpy(copy, name), .state = PXP_HOST_UP};
    return PVMX_OK;
}

static struct survey_host *find(struct survey *s, uint32_t index)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->hosts[i].index == index)
            return &s->hosts[i];
    return NULL;
}

/* ---- asking ----------------------------------------------------------------------------------- */

static pvmx_err pass_on(struct survey *s, const uint32_t *hosts, size_t n,
                        const struct px_buf *frame)
{
    struct pxp_at m = {.hosts = (uint32_t *)(uintptr_t)hosts,
                       .n_hosts = n,
                       .frame = px_buf_head(frame) + 4, /* without its length */
                       .frame_len = px_buf_len(frame) - 4};
    return n ? pxp_at_encode(&s->link->client.out, s->serial, &m) : PVMX_OK;
}

pvmx_err survey_ask(struct survey *s, uint32_t host, struct px_buf *frame)
{
    uint32_t *others = malloc((s->n + 1) * sizeof *others);
    size_t n = 0;
    pvmx_err err = others ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; !err && i < s->n; i++) {
        struct survey_host *h = &s->hosts[i];
        if (h->state != PXP_HOST_UP || (host && h->index != host))
            continue;
        s->waiting += !h->waits;
        h->waits = true;
        if (h->index != s->self)
            others[n++] = h->index;
        else
            err = px_buf_append(&s->link->client.out, px_buf_head(frame), px_buf_len(frame));
    }
    if (!err)
        err = pass_on(s, others, n, frame);
    if (!err)
        err = link_send(s->link, NULL, 0);
    px_buf_free(frame);
    free(others);
    return err;
}

pvmx_err survey_ask_aside(struct survey *s, uint32_t host, uint32_t serial,
                          struct px_buf *frame)
{
    pvmx_err err = host == s->self ? px_buf_append(&s->link->client.out,
                                                   px_buf_head(frame), px_buf_len(frame))
                                   : pass_on(s, &host, 1, frame);
    if (!err)
        err = link_send(s->link, NULL, 0);
    s->side = serial;
    return err;
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void answered(struct survey *s, struct survey_host *h, bool silent)
{
    h->silent = h->silent || (silent && h->waits);
    if (s->follows && !silent)
        return;
    s->waiting -= h->waits;
    h->waits = false;
}

static enum survey_got copy(enum survey_got got, const uint8_t *at, size_t n,
                            uint8_t **body, size_t *len)
{
    *body = malloc(n + 1);
    *len = n;
    if (*body)
        memcpy(*body, at, n);
    else
        px_fail(PVMX_ERR_NOMEM, "out of memory");
    return *body ? got : SURVEY_LOST;
}

/* SURVEY_DONE: it does not concern us. */
static enum survey_got take(struct survey *s, struct survey_host *h, uint32_t number,
                            uint32_t serial, const uint8_t *at, size_t n, uint8_t **body,
                            size_t *len)
{
    bool refused = number == PXP_REFUSE;
    bool ours = serial == s->serial && (number == s->wanted || refused);
    if (!ours && (serial != s->side || s->side == 0))
        return SURVEY_DONE;
    if (ours)
        answered(s, h, false);
    else
        s->side_refused = refused;
    s->side = ours ? s->side : 0;
    if (refused) {
        pxp_client_refused(at, n);
        return ours ? SURVEY_REFUSED : SURVEY_SIDE;
    }
    return copy(ours ? SURVEY_ANSWER : SURVEY_SIDE, at, n, body, len);
}

/* What another host says; SURVEY_DONE: nothing for us. */
static enum survey_got take_from(struct survey *s, const uint8_t *at, size_t n,
                                 struct survey_host **from, uint8_t **body, size_t *len)
{
    struct pxp_from m;
    struct pxp_zone zone = {0};
    uint32_t number = 0, serial = 0;
    enum survey_got got = SURVEY_DONE;
    if (pxp_from_decode(at, n, &m, &zone) == PVMX_OK && (*from = find(s, m.host)) != NULL) {
        if (m.gone)
            answered(s, *from, true);
        else if (pxp_frame_head(m.frame, m.frame_len, &number, &serial) == PVMX_OK)
            got = take(s, *from, number, serial, m.frame, m.frame_len, body, len);
    }
    pxp_zone_free(&zone);
    return got;
}

enum survey_got survey_next(struct survey *s, const struct survey_host **from,
                            uint8_t **body, size_t *len)
{
    enum survey_got got = SURVEY_DONE;
    struct survey_host *h = NULL;
    *body = NULL;
    while (got == SURVEY_DONE && (s->waiting > 0 || s->follows)) {
        uint32_t number, serial;
        const uint8_t *at;
        size_t n;
        pvmx_err err = link_next(s->link, s->until, &number, &serial, &at, &n);
        if (err == PVMX_ERR_TIMEDOUT)
            break;
        if (err)
            return err == PVMX_ERR_AGAIN ? SURVEY_INPUT : SURVEY_LOST;
        if (number == PXP_FROM)
            got = take_from(s, at, n, &h, body, len);
        else if ((h = find(s, s->self)) != NULL)
            got = take(s, h, number, serial, at, n, body, len);
        pxp_client_drop(&s->link->client);
    }
    *from = h;
    for (size_t i = 0; got == SURVEY_DONE && i < s->n; i++)
        if (s->hosts[i].waits)
            answered(s, &s->hosts[i], true);
    return got;
}

bool survey_complete(const struct survey *s)
{
    bool complete = true;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->hosts[i].silent)
            continue;
        fflush(stdout);
        fprintf(stderr, "pvmx: host %s does not answer: what is there is missing\n",
                s->hosts[i].name);
        complete = false;
    }
    return complete;
}

void survey_end(struct survey *s)
{
    free(s->hosts);
    pxp_zone_free(&s->zone);
    s->hosts = NULL;
    s->n = 0;
}

pvmx_err survey_run(struct survey *s, pvmx_err err, struct px_buf *frame,
                    pvmx_err (*add)(void *arg, const uint8_t *body, size_t len),
                    void *arg, bool *complete)
{
    const struct survey_host *from;
    uint8_t *body;
    size_t len;
    enum survey_got got = SURVEY_DONE;
    if (!err)
        err = survey_ask(s, 0, frame);
    while (!err && (got = survey_next(s, &from, &body, &len)) == SURVEY_ANSWER) {
        err = add(arg, body, len);
        free(body);
    }
    if (!err && got != SURVEY_DONE)
        err = link_interrupted() ? PVMX_ERR_CANCELLED : PVMX_ERR_CLOSED;
    if (!err && complete)
        *complete = survey_complete(s);
    survey_end(s);
    px_buf_free(frame);
    return err;
}

/* ---- status ----------------------------------------------------------------------------------- */

/* What is put together. */
struct gathering {
    struct pxp_status_is *all;
    struct pxp_zone *zone;
    size_t cap; /* of all->tasks */
};

/* Adds the tasks of one host, and its own words on itself. */
static pvmx_err merge(void *arg, const uint8_t *body, size_t len)
{
    struct gathering *g = arg;
    struct pxp_status_is *all = g->all, one;
    pvmx_err err = pxp_status_is_decode(body, len, &one, g->zone);
    if (err)
        return err;
    size_t n = all->n_tasks + one.n_tasks;
    if (n > g->cap) {
        g->cap = n * 2;
        struct pxp_task_info *tasks = pxp_zone_alloc(g->zone, g->cap * sizeof *tasks);
        if (!tasks)
            return px_fail(PVMX_ERR_NOMEM, "out of memory");
        if (all->n_tasks)
            memcpy(tasks, all->tasks, all->n_tasks * sizeof *tasks);
        all->tasks = tasks;
    }
    if (one.n_tasks)
        memcpy(all->tasks + all->n_tasks, one.tasks, one.n_tasks * sizeof *all->tasks);
    all->n_tasks = n;
    for (size_t i = 0; one.n_hosts && i < all->n_hosts; i++)
        if (all->hosts[i].tid == one.hosts[0].tid)
            all->hosts[i] = one.hosts[0];
    return PVMX_OK;
}

/* The table of hosts, for those that say nothing of themselves. */
static pvmx_err list_hosts(const struct survey *s, struct pxp_status_is *out,
                           struct pxp_zone *zone)
{
    out->hosts = pxp_zone_alloc(zone, (s->n + 1) * sizeof *out->hosts);
    for (size_t i = 0; out->hosts && i < s->n; i++) {
        const struct survey_host *h = &s->hosts[i];
        char *name = pxp_zone_alloc(zone, strlen(h->name) + 1);
        if (!name)
            return px_fail(PVMX_ERR_NOMEM, "out of memory");
        out->hosts[out->n_hosts++] =
            (struct pxp_host_info){.name = strcpy(name, h->name),
                                   .tid = (int32_t)(h->index << 18),
                                   .state = h->state == PXP_HOST_UP ? SURVEY_SILENT : h->state,
                                   .arch = "",
                                   .system = "",
                                   .release = ""};
    }
    return out->hosts ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "out of memory");
}

pvmx_err survey_status(struct link *l, bool usage, struct pxp_status_is *out,
                       struct pxp_zone *zone, bool *complete)
{
    struct survey s;
    struct pxp_status m = {.usage = usage, .own = true};
    struct px_buf frame = {0};
    struct gathering g = {.all = out, .zone = zone};
    *out = (struct pxp_status_is){.n_tasks = 0};
    pvmx_err err = survey_begin(&s, l, PXP_STATUS_IS);
    if (!err)
        err = list_hosts(&s, out, zone);
    if (!err)
        err = pxp_status_encode(&frame, s.serial, &m);
    return survey_run(&s, err, &frame, merge, &g, complete);
}
