/* SPDX-License-Identifier: BSD-3-Clause */
/* See events.h. */
#include "events.h"
#include "base/err.h"
#include "base/log.h"
#include "hosts.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "tasks.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS_MAX = 1000 };

struct record {
    struct px_list node; /* in server.events, oldest first */
    struct pxp_event event;
    char texts[]; /* host, program */
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void forget_oldest(struct server *sv)
{
    free(px_container_of(px_list_pop(&sv->events), struct record, node));
    sv->nevents--;
}

static void tell(struct peer *p, uint32_t serial, struct pxp_event *events, size_t n)
{
    struct pxp_events_are m = {.events = events, .n_events = n};
    if (pxp_events_are_encode(peer_out(p), serial, &m) != PVMX_OK)
        peer_close(p); /* it then knows that it knows nothing */
}

static bool is_host(const struct pxp_event *e)
{
    return e->kind == PXP_EVENT_HOST_UP || e->kind == PXP_EVENT_HOST_GONE;
}

/* Every daemon sees hosts come and go: a console of another host hears it from its own. */
static bool hears(const struct peer *p, const struct pxp_event *e)
{
    return p->standin == NULL || !is_host(e);
}

static void note(struct server *sv, struct pxp_event e)
{
    size_t host = strlen(e.host) + 1, program = strlen(e.program) + 1;
    size_t text = e.text != NULL ? strlen(e.text) + 1 : 1;
    struct record *r = malloc(sizeof *r + host + program + text);
    if (r == NULL) {
        px_log(PX_LOG_ERROR, "EVENTS-NOMEM", "no memory for an event");
        return;
    }
    e.at_ms = now_ms();
    e.host = memcpy(r->texts, e.host, host);
    e.program = memcpy(r->texts + host, e.program, program);
    e.text = memcpy(r->texts + host + program, e.text != NULL ? e.text : "", text);
    r->event = e;
    px_list_push_back(&sv->events, &r->node);
    if (++sv->nevents > EVENTS_MAX)
        forget_oldest(sv);
    px_list_foreach(it, &sv->peers) {
        struct peer *p = px_container_of(it, struct peer, all);
        if (p->events_serial != 0 && !p->closed && hears(p, &e))
            tell(p, p->events_serial, &e, 1);
    }
}

void events_note(struct server *sv, const struct task *t, struct pxp_event e)
{
    e.host = sv->host;
    e.program = task_program(t);
    e.tid = t->tid;
    e.job = t->job != NULL ? t->job->id : 0;
    e.pid = (uint32_t)t->pid;
    note(sv, e);
}

void events_note_lost(struct server *sv, const char *host, const struct pxp_task_end *end)
{
    note(sv, (struct pxp_event){.kind = PXP_EVENT_TASK_END,
                                .host = host,
                                .program = end->program,
                                .tid = end->tid,
                                .job = end->job,
                                .pid = end->pid,
                                .status = end->status,
                                .signal = end->signal});
}

void events_note_host(struct server *sv, const struct host *h, uint32_t kind, const char *why)
{
    note(sv, (struct pxp_event){.kind = kind,
                                .host = h->name,
                                .tid = (int32_t)(h->index << 18),
                                .program = why});
}

pvmx_err events_on_events(struct server *sv, struct peer *p, uint32_t serial,
                          const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_events m;
    size_t n = 0;
    pvmx_err err = pxp_events_decode(body, len, &m, &zone);
    struct pxp_event *events = pxp_zone_alloc(&zone, (sv->nevents + 1) * sizeof *events);
    if (err == PVMX_OK && events == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
    if (err == PVMX_OK) {
        px_list_foreach(it, &sv->events) {
            const struct record *r = px_container_of(it, struct record, node);
            if (hears(p, &r->event))
                events[n++] = r->event;
        }
        p->events_serial = m.follow ? serial : 0;
        tell(p, serial, events, n);
    }
    pxp_zone_free(&zone);
    return err;
}

void events_fini(struct server *sv)
{
    while (!px_list_empty(&sv->events))
        forget_oldest(sv);
}
