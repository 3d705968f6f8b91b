/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the daemon itself: events, settings. */
#include "cmds.h"

#include "proto/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- events ----------------------------------------------------------------------------------- */

static const char *kind_name(uint32_t kind)
{
    return kind == PXP_EVENT_TASK_START  ? "started"
           : kind == PXP_EVENT_TASK_END  ? "ended"
           : kind == PXP_EVENT_HOST_UP   ? "host-up"
           : kind == PXP_EVENT_HOST_GONE ? "host-gone"
                                         : "other";
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
                                       {.text = e->program}});
        return;
    }
    out_time(e->at_ms);
    if (e->kind == PXP_EVENT_HOST_UP || e->kind == PXP_EVENT_HOST_GONE) {
        bool up = e->kind == PXP_EVENT_HOST_UP;
        printf(" host %s %s%s\n", e->host, up ? "has come" : "has gone: ", e->program);
        return;
    }
    printf(" t%x (%s) ", (unsigned)e->tid, e->program);
    if (e->kind == PXP_EVENT_TASK_END)
        out_ending(e->status, e->signal);
    else
        printf("has started on %s, process %u", e->host, e->pid);
    if (e->job)
        printf(", job %u", e->job);
    putchar('\n');
}

/* Takes one answer. */
static pvmx_err hear_events(struct console *c, const struct cmd *cmd, uint32_t serial)
{
    struct pxp_events_are m;
    struct pxp_zone zone = {0};
    pvmx_err err = link_events_next(&c->link, serial, &m, &zone);
    for (size_t i = 0; !err && i < m.n_events; i++)
        say_event(c, cmd, &m.events[i]);
    fflush(stdout);
    pxp_zone_free(&zone);
    return err;
}

static int run_events(struct console *c, const struct cmd *cmd, struct args *a)
{
    bool follow = args_has(a, 'f');
    uint32_t serial;
    pvmx_err err = link_events(&c->link, follow, &serial);
    do {
        if (!err)
            err = hear_events(c, cmd, serial);
    } while (!err && follow);
    if (!err)
        return CMD_OK;
    if (follow && err == PVMX_ERR_CANCELLED && !link_events(&c->link, false, &serial)) {
        /* The answers to both are dropped by whoever asks next. */
        return CMD_INTERRUPTED;
    }
    return cmd_error();
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
        err = link_send(&c->link, NULL, 0);
    if (!err)
        err = link_answer(&c->link, serial, PXP_SETTINGS_ARE, &body, &len);
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
    {"event", OUT_TEXT, "\"started\" or \"ended\" of a task, \"host-up\", \"host-gone\""},
    {"tid", OUT_TID, "of the task; 0: an event of a host"},
    {"job", OUT_NUMBER, "its job; 0: none"},
    {"host", OUT_TEXT, "where it runs or ran; the host"},
    {"pid", OUT_NUMBER, "its process there"},
    {"status", OUT_NUMBER, "exit status of one that has ended"},
    {"signal", OUT_NUMBER, "signal that has ended it; 0: none"},
    {"program", OUT_TEXT, "what runs or ran; why the host has gone"},
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

const struct cmd cmd_events = {
    "events",
    "[-f]",
    "tell which tasks and hosts have come and gone",
    "The last thousand; with -f also what happens from now on, until Ctrl-C. "
    "One on each line (JSON: one object on each).",
    "f",
    0,
    0,
    CMD_VM,
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
