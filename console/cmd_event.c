/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the daemon itself: events, settings. */
#include "cmds.h"
#include "events.h"

#include "base/clock.h"
#include "base/err.h"
#include "proto/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE (500 * PX_MS)

/* ---- events ----------------------------------------------------------------------------------- */

static const char *kind_name(uint32_t kind)
{
    return kind == PXP_EVENT_TASK_START  ? "started"
           : kind == PXP_EVENT_TASK_END  ? "ended"
           : kind == PXP_EVENT_HOST_UP   ? "host-up"
           : kind == PXP_EVENT_HOST_GONE ? "host-gone"
           : kind == PXP_EVENT_LIMIT     ? "limit"
                                         : "other";
}

static bool is_host(const struct pxp_event *e)
{
    return e->kind == PXP_EVENT_HOST_UP || e->kind == PXP_EVENT_HOST_GONE;
}

static void say_event(struct console *c, const struct cmd *cmd, const struct pxp_event *e)
{
    if (c->json) {
        out_object(cmd->columns,
                   (struct out_cell[]){{.number = e->at_ms},
                                       {.text = kind_name(e->kind)},
                                       {.number = (uint32_t)e->tid},
                                       {.number = e->job},
                                       {.text = e->host},
                                       {.number = e->pid},
                                       {.number = e->status < 0 ? 0 : (uint32_t)e->status},
                                       {.number = (uint32_t)e->signal},
                                       {.text = e->program},
                                       {.text = e->text}});
        return;
    }
    out_time(e->at_ms);
    if (is_host(e)) {
        bool up = e->kind == PXP_EVENT_HOST_UP;
        printf(" host ");
        out_text(e->host);
        printf(" %s", up ? "has come" : "has gone: ");
        out_text(e->program);
        putchar('\n');
        return;
    }
    printf(" t%x (", (unsigned)e->tid);
    out_text(e->program);
    printf(") ");
    if (e->kind == PXP_EVENT_TASK_END) {
        out_ending(e->status, e->signal);
    } else if (e->kind == PXP_EVENT_LIMIT) {
        printf("has reached ");
        out_text(e->text);
    } else {
        printf("has started on ");
        out_text(e->host);
        printf(", process %u", e->pid);
    }
    if (e->job)
        printf(", job %u", e->job);
    putchar('\n');
}

pvmx_err events_ask(struct survey *s, struct link *l, bool follow)
{
    struct pxp_events m = {.follow = follow};
    struct px_buf frame = {0};
    pvmx_err err =
        follow ? survey_follow(s, l, PXP_EVENTS_ARE) : survey_begin(s, l, PXP_EVENTS_ARE);
    if (!err)
        err = pxp_events_encode(&frame, s->serial, &m);
    if (!err)
        err = survey_ask(s, 0, &frame);
    px_buf_free(&frame);
    return err;
}

int events_of_job(struct console *c, uint32_t job, struct target *t)
{
    struct survey s;
    const struct survey_host *from;
    uint8_t *body;
    size_t len;
    enum survey_got got = SURVEY_LOST;
    pvmx_err err = events_ask(&s, &c->link, false);
    while (!err && (got = survey_next(&s, &from, &body, &len)) == SURVEY_ANSWER) {
        struct pxp_events_are m;
        struct pxp_zone zone = {0};
        err = pxp_events_are_decode(body, len, &m, &zone);
        for (size_t i = 0; !err && i < m.n_events; i++)
            if (m.events[i].job == job &&
                (m.events[i].kind == PXP_EVENT_TASK_START ||
                 m.events[i].kind == PXP_EVENT_TASK_END) &&
                !target_add(t, m.events[i].tid))
                err = px_fail(PVMX_ERR_NOMEM, "out of memory");
        pxp_zone_free(&zone);
        free(body);
    }
    survey_end(&s);
    return err || got != SURVEY_DONE ? cmd_error() : CMD_OK;
}

/* Events of all hosts, in the order of their clocks. */
struct past {
    struct pxp_event *events;
    size_t n, cap;
    struct pxp_zone zone;
};

/* Of one moment: a task's start first, its end last. */
static unsigned stage(const struct pxp_event *e)
{
    return e->kind == PXP_EVENT_TASK_START ? 0 : e->kind == PXP_EVENT_TASK_END ? 2 : 1;
}

static int by_time(const void *a, const void *b)
{
    const struct pxp_event *p = a, *q = b;
    if (p->at_ms != q->at_ms)
        return p->at_ms < q->at_ms ? -1 : 1;
    if (p->tid != q->tid)
        return p->tid < q->tid ? -1 : 1;
    return (int)stage(p) - (int)stage(q);
}

static bool keep(struct past *p, const struct pxp_events_are *m)
{
    if (p->n + m->n_events > p->cap) {
        size_t cap = (p->n + m->n_events) * 2;
        struct pxp_event *grown = realloc(p->events, cap * sizeof *grown);
        if (!grown)
            return false;
        p->events = grown;
        p->cap = cap;
    }
    if (m->n_events)
        memcpy(p->events + p->n, m->events, m->n_events * sizeof *m->events);
    p->n += m->n_events;
    return true;
}

static void say_past(struct console *c, const struct cmd *cmd, struct past *p)
{
    for (size_t i = 1; i < p->n; i++) /* nearly sorted: host by host */
        if (p->events[i].at_ms < p->events[i - 1].at_ms) {
            qsort(p->events, p->n, sizeof *p->events, by_time);
            break;
        }
    for (size_t i = 0; i < p->n; i++)
        say_event(c, cmd, &p->events[i]);
    p->n = 0;
    fflush(stdout);
}

/* A host that has come while events are followed is asked too. */
static pvmx_err follow_host(struct survey *s, const struct pxp_event *e)
{
    uint32_t index = (uint32_t)e->tid >> 18;
    struct pxp_events m = {.follow = true};
    struct px_buf frame = {0};
    for (size_t i = 0; i < s->n; i++)
        if (s->hosts[i].index == index)
            return PVMX_OK;
    pvmx_err err = survey_add_host(s, index, e->host);
    if (!err)
        err = pxp_events_encode(&frame, s->serial, &m);
    if (!err)
        err = survey_ask(s, index, &frame);
    px_buf_free(&frame);
    return err;
}

/* Takes one answer; *host: index of whose. */
static enum survey_got hear(struct survey *s, struct past *p, uint32_t *host)
{
    const struct survey_host *from;
    uint8_t *body;
    size_t len, before = p->n;
    struct pxp_events_are m;
    enum survey_got got = survey_next(s, &from, &body, &len);
    if (got != SURVEY_ANSWER)
        return got;
    *host = from->index;
    pvmx_err err = pxp_events_are_decode(body, len, &m, &p->zone);
    if (!err && !keep(p, &m))
        err = px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = before; !err && s->follows && i < p->n; i++)
        if (p->events[i].kind == PXP_EVENT_HOST_UP)
            err = follow_host(s, &p->events[i]);
    free(body);
    return err ? SURVEY_LOST : got;
}

/* What hosts remember comes first, together, so that it is in order; one that is slow is not waited for. */
static enum survey_got hear_past(struct survey *s, struct past *p)
{
    enum survey_got got = SURVEY_ANSWER;
    size_t hosts = s->waiting, n = s->n, heard = 0;
    bool *known = calloc(n + 1, sizeof *known);
    s->until = px_now_ns() + PATIENCE;
    for (uint32_t host; known && heard < hosts && (got = hear(s, p, &host)) == SURVEY_ANSWER;)
        for (size_t i = 0; i < n; i++)
            if (s->hosts[i].index == host && !known[i]) {
                known[i] = true;
                heard++;
            }
    free(known);
    for (size_t i = 0; i < s->n; i++)
        s->hosts[i].silent = false;
    s->until = 0;
    return got == SURVEY_DONE ? SURVEY_ANSWER : got;
}

/* Takes back the request to be told; answers that are on their way are dropped by whoever asks next. */
static void unfollow(struct survey *s, struct link *l)
{
    survey_end(s);
    link_uninterrupt();
    if (l->up)
        events_ask(s, l, false);
}

static int run_events(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct survey s;
    struct past p = {.n = 0};
    uint32_t host;
    bool follow = args_has(a, 'f');
    int status = CMD_OK;
    enum survey_got got = SURVEY_LOST;
    c->link.heard = follow;
    if (!events_ask(&s, &c->link, follow))
        got = follow ? hear_past(&s, &p) : SURVEY_ANSWER;
    while (got == SURVEY_ANSWER) {
        if (follow) {
            say_past(c, cmd, &p);
            pxp_zone_free(&p.zone);
            if (cmd_unheard())
                break;
        }
        got = hear(&s, &p, &host);
    }
    c->link.heard = false;
    if (got == SURVEY_ANSWER)
        status = CMD_FAILED;
    else if (got != SURVEY_DONE)
        status = cmd_error();
    else
        say_past(c, cmd, &p);
    if (got == SURVEY_DONE && !survey_complete(&s))
        status = CMD_FAILED;
    if (follow && status == CMD_INTERRUPTED && !c->single)
        unfollow(&s, &c->link);
    survey_end(&s);
    pxp_zone_free(&p.zone);
    free(p.events);
    return status;
}

/* ---- settings --------------------------------------------------------------------------------- */

static int run_settings(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_settings m = {.name = a->n > 0 ? a->words[0] : "",
                             .set = a->n > 1,
                             .value = a->n > 1 ? a->words[1] : ""};
    struct pxp_settings_are are;
    struct pxp_zone zone = {0};
    struct out o;
    uint8_t *body = NULL;
    size_t len;
    uint32_t serial = pxp_client_serial(&c->link.client);
    pvmx_err err = pxp_settings_encode(&c->link.client.out, serial, &m);
    if (!err)
        err = link_ask(&c->link, serial, PXP_SETTINGS_ARE, &body, &len);
    if (!err)
        err = pxp_settings_are_decode(body, len, &are, &zone);
    if (!err) {
        out_begin(&o, cmd->columns, c->json);
        for (size_t i = 0; i < are.n_settings; i++) {
            const struct pxp_setting *s = &are.settings[i];
            out_row(&o, (struct out_cell[]){{.text = s->name},
                                            {.text = s->value},
                                            {.text = s->dflt},
                                            {.text = s->expects},
                                            {.text = s->help}});
        }
        out_end(&o);
    }
    pxp_zone_free(&zone);
    free(body);
    return err ? cmd_error() : CMD_OK;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column events_columns[] = {
    {"at_ms", OUT_AT, "when, in ms since 1970"},
    {"event", OUT_TEXT,
     "\"started\", \"ended\" or \"limit\" of a task, \"host-up\", \"host-gone\""},
    {"tid", OUT_TID, "of the task; of a host its daemon's"},
    {"job", OUT_NUMBER, "its job; 0: none"},
    {"host", OUT_TEXT, "where it runs or ran; the host"},
    {"pid", OUT_NUMBER, "its process there"},
    {"status", OUT_NUMBER, "exit status of one that has ended"},
    {"signal", OUT_NUMBER, "signal that has ended it; 0: none"},
    {"program", OUT_TEXT, "what runs or ran; why the host has gone"},
    {"text", OUT_TEXT, "of a limit: which rule, what it does, and the values"},
    {0},
};

static const struct out_column settings_columns[] = {
    {"setting", OUT_TEXT, "its name"},
    {"value", OUT_TEXT, "as it is now"},
    {"default", OUT_TEXT, "as it would be"},
    {"expects", OUT_TEXT, "what may stand there"},
    {"help", OUT_TEXT, "what it means"},
    {0},
};

const struct cmd cmd_events = {"events",
                               "[-f]",
                               "tell which tasks and hosts have come and gone",
                               "The last thousand of each host; with -f also what "
                               "happens from now on, until Ctrl-C. "
                               "One on each line (JSON: one object on each).",
                               "f",
                               0,
                               0,
                               CMD_VM | CMD_LINES,
                               WORDS_NOTHING,
                               events_columns,
                               run_events};
const struct cmd cmd_settings = {"settings",
                                 "[NAME [VALUE]]",
                                 "list the daemon's settings, or change one",
                                 "A change holds until the daemon ends.",
                                 "",
                                 0,
                                 2,
                                 CMD_VM,
                                 WORDS_SETTING,
                                 settings_columns,
                                 run_settings};
