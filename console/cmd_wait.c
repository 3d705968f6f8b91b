/* SPDX-License-Identifier: BSD-3-Clause */
/* The command wait. */
#include "cmds.h"
#include "events.h"
#include "target.h"

#include "proto/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_end(struct console *c, const struct cmd *cmd, const struct pxp_task_end *e)
{
    if (c->json) {
        out_object(cmd->columns,
                   (struct out_cell[]){{.number = (uint32_t)e->tid},
                                       {.number = e->job},
                                       {.number = e->rank},
                                       {.number = e->status < 0 ? 0 : (uint32_t)e->status},
                                       {.number = (uint32_t)e->signal},
                                       {.text = e->program}});
    } else {
        printf("t%x (", (unsigned)e->tid);
        out_text(e->program);
        printf(") ");
        out_ending(e->status, e->signal);
        putchar('\n');
    }
    fflush(stdout);
}

static bool forget(struct target *t, int32_t tid)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->tids[i] == tid) {
            t->tids[i] = t->tids[--t->n];
            return true;
        }
    return false;
}

/* Hears of ends until all of t have been told; the largest status, as mpiexec has it. */
static int hear_ends(struct console *c, const struct cmd *cmd, struct target *t)
{
    int worst = CMD_OK;
    while (t->n > 0) {
        struct pxp_zone zone = {0};
        struct pxp_ended m;
        uint8_t *body;
        size_t len;
        pvmx_err err = link_answer(&c->link, 0, PXP_ENDED, &body, &len);
        if (!err)
            err = pxp_ended_decode(body, len, &m, &zone);
        for (size_t i = 0; !err && i < m.n_ends; i++) {
            const struct pxp_task_end *e = &m.ends[i];
            int status = e->signal ? 128 + e->signal : e->status < 0 ? 0 : e->status;
            if (!forget(t, e->tid))
                continue; /* one that was started here */
            worst = status > worst ? status : worst;
            say_end(c, cmd, e);
        }
        pxp_zone_free(&zone);
        free(body);
        if (err)
            return cmd_error();
    }
    return worst;
}

static int add_others(struct console *c, char *word, struct target *t)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct target found = {0};
    int status = survey_status(&c->link, false, &s, &zone, NULL) ? cmd_error() : CMD_OK;
    if (status == CMD_OK)
        status = target_read(&s, 1, &word, &found);
    for (size_t i = 0; status == CMD_OK && i < found.n; i++)
        if (!target_add(t, found.tids[i]))
            status = cmd_fail("out of memory");
    target_free(&found);
    pxp_zone_free(&zone);
    return status;
}

/* Tasks of a job, those that have ended already included. */
static int add_job(struct console *c, uint32_t job, struct target *t)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    size_t before = t->n;
    /* Of one that runs for long the start may be forgotten, and what ends now is remembered. */
    int status = survey_status(&c->link, false, &s, &zone, NULL) ? cmd_error() : CMD_OK;
    for (size_t i = 0; !status && i < s.n_tasks; i++)
        if (s.tasks[i].job == job && !target_add(t, s.tasks[i].tid))
            status = cmd_fail("out of memory");
    pxp_zone_free(&zone);
    if (!status)
        status = events_of_job(c, job, t);
    return status          ? status
           : t->n > before ? CMD_OK
                           : cmd_fail("there has been no job %u lately", job);
}

/* A plain number may be a job or a tid; a job that there has been goes first. */
static int add_word(struct console *c, char *word, struct target *t)
{
    uint32_t job;
    size_t before = t->n;
    if (target_short_job(word, &job))
        return add_job(c, job, t);
    int status = target_job(word, &job) ? events_of_job(c, job, t) : CMD_OK;
    return status || t->n > before ? status : add_others(c, word, t);
}

static int run_wait(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct target t = {0};
    int status = CMD_OK;
    for (int i = 0; i < a->n && status == CMD_OK; i++)
        status = add_word(c, a->words[i], &t);
    if (status == CMD_OK) {
        struct pxp_watch m = {.tids = t.tids, .n_tids = t.n};
        pvmx_err err = pxp_watch_encode(&c->link.client.out, 0, &m);
        if (!err)
            err = link_send(&c->link, NULL, 0);
        status = err ? cmd_error() : hear_ends(c, cmd, &t);
    }
    target_free(&t);
    return status;
}

/* ---- record ----------------------------------------------------------------------------------- */

static const struct out_column wait_columns[] = {
    {"tid", OUT_TID, "task that has ended"},
    {"job", OUT_NUMBER, "its job; 0: none"},
    {"rank", OUT_NUMBER, "its rank there"},
    {"status", OUT_NUMBER, "its exit status"},
    {"signal", OUT_NUMBER, "signal that has ended it; 0: none"},
    {"program", OUT_TEXT, "what ran"},
    {0},
};

const struct cmd cmd_wait = {
    "wait",
    "JOB|TASK...",
    "wait until tasks have ended",
    "Tells how each has ended, one on each line (JSON: one object on each), "
    "and returns the largest status; 128 and the signal's number when a signal "
    "has ended one.",
    "",
    1,
    CMD_MANY,
    CMD_VM | CMD_LINES,
    WORDS_TASK | WORDS_JOB,
    wait_columns,
    run_wait};
