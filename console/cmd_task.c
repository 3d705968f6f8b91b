/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that end tasks, signal them, or wait for them: kill, sig, wait, reset, halt. */
#include "cmds.h"
#include "target.h"

#include "base/err.h"
#include "proto/hello.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what is meant ---------------------------------------------------------------------------- */

/* Words into tasks; when they are several and no -y was given, a person is asked. */
static int choose(struct console *c, const struct args *a, int first, const char *verb,
                  struct target *t)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    int status = link_status(&c->link, false, &s, &zone) ? cmd_error() : CMD_OK;
    if (status == CMD_OK)
        status = target_read(&s, a->n - first, a->words + first, t);
    pxp_zone_free(&zone);
    if (status == CMD_OK && t->n > 1 && !args_has(a, 'y') &&
        !repl_ask(c, "%s %zu tasks?", verb, t->n)) {
        target_free(t);
        return CMD_FAILED;
    }
    return status;
}

static int say_count(struct console *c, const char *what, uint32_t count, size_t asked)
{
    if (count == 0 && asked > 0)
        return cmd_fail("none of these tasks is there (any more)");
    if (c->json)
        printf("{\"tasks\":%u}\n", count);
    else if (asked != 1 || count != 1)
        printf("%u task%s %s\n", count, count == 1 ? "" : "s", what);
    return count < asked
               ? cmd_fail("%zu of %zu tasks are not there (any more)", asked - count, asked)
               : CMD_OK;
}

/* ---- kill and sig ----------------------------------------------------------------------------- */

static int run_kill(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct target t;
    uint32_t count = 0;
    (void)cmd;
    int status = choose(c, a, 0, "end", &t);
    if (status)
        return status;
    struct pxp_abort m = {.tids = t.tids,
                          .n_tids = t.n,
                          .code = 1,
                          .text = "killed from the console"};
    uint32_t serial = pxp_client_serial(&c->link.client);
    pvmx_err err = pxp_abort_encode(&c->link.client.out, serial, &m);
    if (!err)
        err = link_done(&c->link, serial, &count);
    status = err ? cmd_error() : say_count(c, "asked to end", count, t.n);
    target_free(&t);
    return status;
}

/* "15", "TERM", "SIGTERM"; 0: none. */
static int read_signal(const char *word)
{
    char *end;
    long v = strtol(word, &end, 10);
    if (end != word && !*end)
        return v > 0 && v < NSIG ? (int)v : 0;
    word += strncasecmp(word, "SIG", 3) == 0 ? 3 : 0;
    for (int sig = 1; sig < NSIG; sig++) {
        const char *name = sigabbrev_np(sig);
        if (name && strcasecmp(name, word) == 0)
            return sig;
    }
    return 0;
}

static int run_sig(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct target t;
    uint32_t count = 0;
    int sig = read_signal(a->words[0]);
    if (!sig)
        return cmd_usage(cmd, "sig: \"%s\" is no signal", a->words[0]);
    int status = choose(c, a, 1, "signal", &t);
    if (status)
        return status;
    struct pxp_signal m = {.tids = t.tids, .n_tids = t.n, .signal = (uint32_t)sig};
    uint32_t serial = pxp_client_serial(&c->link.client);
    pvmx_err err = pxp_signal_encode(&c->link.client.out, serial, &m);
    if (!err)
        err = link_done(&c->link, serial, &count);
    status = err ? cmd_error() : say_count(c, "signalled", count, t.n);
    target_free(&t);
    return status;
}

/* ---- wait ------------------------------------------------------------------------------------- */

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
        printf("t%x (%s) ", (unsigned)e->tid, e->program);
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

/* Tasks of a job, those that have ended already included. */
static int add_job(struct console *c, uint32_t job, struct target *t)
{
    struct pxp_events_are m;
    struct pxp_zone zone = {0};
    uint32_t serial;
    size_t before = t->n;
    bool ok = true;
    pvmx_err err = link_events(&c->link, false, &serial);
    if (!err)
        err = link_events_next(&c->link, serial, &m, &zone);
    for (size_t i = 0; !err && ok && i < m.n_events; i++)
        if (m.events[i].job == job && m.events[i].kind == PXP_EVENT_TASK_START)
            ok = target_add(t, m.events[i].tid);
    pxp_zone_free(&zone);
    if (err)
        return cmd_error();
    if (!ok)
        return cmd_fail("out of memory");
    return t->n > before ? CMD_OK : cmd_fail("there has been no job %u lately", job);
}

static int add_others(struct console *c, char *word, struct target *t)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    struct target found = {0};
    int status = link_status(&c->link, false, &s, &zone) ? cmd_error() : CMD_OK;
    if (status == CMD_OK)
        status = target_read(&s, 1, &word, &found);
    for (size_t i = 0; status == CMD_OK && i < found.n; i++)
        if (!target_add(t, found.tids[i]))
            status = cmd_fail("out of memory");
    target_free(&found);
    pxp_zone_free(&zone);
    return status;
}

static int run_wait(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct target t = {0};
    int status = CMD_OK;
    for (int i = 0; i < a->n && status == CMD_OK; i++) {
        uint32_t job;
        /* A tid has more digits than jobs come to. */
        bool is_job = (strlen(a->words[i]) < 5 || strncmp(a->words[i], "job:", 4) == 0) &&
                      target_job(a->words[i], &job);
        status = is_job ? add_job(c, job, &t) : add_others(c, a->words[i], &t);
    }
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

/* ---- reset and halt --------------------------------------------------------------------------- */

static int run_reset(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    uint32_t count = 0;
    (void)cmd;
    if (link_status(&c->link, false, &s, &zone))
        return cmd_error();
    int status = CMD_OK;
    if (s.n_tasks > 1 && !args_has(a, 'y') && !repl_ask(c, "end all %zu tasks?", s.n_tasks))
        status = CMD_FAILED;
    int32_t *tids = calloc(s.n_tasks + 1, sizeof *tids);
    for (size_t i = 0; tids && i < s.n_tasks; i++)
        tids[i] = s.tasks[i].tid;
    struct pxp_abort m = {.tids = tids, .n_tids = s.n_tasks, .code = 1, .text = "reset"};
    if (status == CMD_OK && s.n_tasks > 0) {
        uint32_t serial = pxp_client_serial(&c->link.client);
        pvmx_err err = tids ? pxp_abort_encode(&c->link.client.out, serial, &m)
                            : px_fail(PVMX_ERR_NOMEM, "out of memory");
        if (!err)
            err = link_done(&c->link, serial, &count);
        status = err ? cmd_error() : CMD_OK;
    }
    if (status == CMD_OK)
        say_count(c, "asked to end", count, count);
    free(tids);
    pxp_zone_free(&zone);
    return status;
}

static int run_halt(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct pxp_halt m = {.unused = 0};
    (void)cmd;
    (void)a;
    uint32_t serial = pxp_client_serial(&c->link.client);
    pvmx_err err = pxp_halt_encode(&c->link.client.out, serial, &m);
    if (!err)
        err = link_done(&c->link, serial, NULL);
    if (err && err != PVMX_ERR_CLOSED)
        return cmd_error();
    link_close(&c->link);
    c->quit = true;
    return CMD_OK;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column wait_columns[] = {
    {"tid", OUT_TID, "task that has ended"},
    {"job", OUT_NUMBER, "its job; 0: none"},
    {"rank", OUT_NUMBER, "its rank there"},
    {"status", OUT_NUMBER, "its exit status"},
    {"signal", OUT_NUMBER, "signal that has ended it; 0: none"},
    {"program", OUT_TEXT, "what ran"},
    {0},
};

const struct cmd cmd_kill = {
    "kill",
    "[-y] TASK...",
    "end tasks",
    "They get SIGTERM, and SIGKILL when they have not ended soon. At a prompt "
    "you are asked when several are meant; -y: no question.",
    "y",
    1,
    CMD_MANY,
    CMD_VM,
    WORDS_TASK | WORDS_JOB | WORDS_HOST,
    NULL,
    run_kill};
const struct cmd cmd_sig = {"sig",
                            "[-y] SIGNAL TASK...",
                            "send a signal to tasks",
                            "A signal is a number or a name such as USR1.",
                            "y",
                            2,
                            CMD_MANY,
                            CMD_VM,
                            WORDS_TASK | WORDS_JOB | WORDS_HOST | WORDS_SIGNAL,
                            NULL,
                            run_sig};
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
    CMD_VM,
    WORDS_TASK | WORDS_JOB,
    wait_columns,
    run_wait};
const struct cmd cmd_reset = {
    "reset", "[-y]",   "end all tasks; the virtual machine stays",
    "",      "y",      0,
    0,       CMD_VM,   WORDS_NOTHING,
    NULL,    run_reset};
const struct cmd cmd_halt = {
    "halt", "",      "end all tasks and the virtual machine, and leave",
    "",     "",      0,
    0,      CMD_VM,  WORDS_NOTHING,
    NULL,   run_halt};
