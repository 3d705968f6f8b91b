/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that end tasks or signal them: kill, sig, halt. */
#include "cmds.h"
#include "survey.h"
#include "task.h"

#include "base/clock.h"
#include "base/err.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- what is meant ---------------------------------------------------------------------------- */

/* Words into tasks; when they are several and no -y was given, a person is asked. */
static int choose(struct console *c, const struct args *a, int first, const char *verb,
                  struct target *t)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    *t = (struct target){0};
    int status = survey_status(&c->link, true, &s, &zone, NULL) ? cmd_error() : CMD_OK;
    if (status == CMD_OK)
        status = target_read(&s, a->n - first, a->words + first, t);
    if (status == CMD_OK && args_has(a, 'c') && !target_add_children(&s, t))
        status = cmd_fail("out of memory");
    pxp_zone_free(&zone);
    if (status == CMD_OK && t->n > 1 && !args_has(a, 'y'))
        status = repl_ask(c, "%s %zu tasks?", verb, t->n);
    if (status)
        target_free(t);
    return status;
}

static int say_count(struct console *c, const char *what, uint32_t count, size_t asked)
{
    if (count == 0 && asked > 0)
        return cmd_fail("none of these tasks is there (any more)");
    if (c->json)
        out_object(task_count_columns, &(struct out_cell){.number = count});
    else if (asked != 1 || count != 1)
        printf("%u task%s %s\n", count, count == 1 ? "" : "s", what);
    return count < asked
               ? cmd_fail("%zu of %zu tasks are not there (any more)", asked - count, asked)
               : CMD_OK;
}

/* ---- kill and sig ----------------------------------------------------------------------------- */

/* The tasks' hosts are asked at the same time; sig 0: to end them. */
static pvmx_err ask_hosts(struct survey *s, const struct target *t, int sig)
{
    int32_t *tids = calloc(t->n + 1, sizeof *tids);
    pvmx_err err = tids ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < s->n && !err; i++) {
        struct px_buf frame = {0};
        size_t n = 0;
        for (size_t k = 0; k < t->n; k++)
            if ((uint32_t)t->tids[k] >> 18 == s->hosts[i].index)
                tids[n++] = t->tids[k];
        if (n == 0)
            continue;
        struct pxp_abort kill = {.tids = tids,
                                 .n_tids = n,
                                 .code = 1,
                                 .text = "killed from the console"};
        struct pxp_signal signal = {.tids = tids, .n_tids = n, .signal = (uint32_t)sig};
        err = sig ? pxp_signal_encode(&frame, s->serial, &signal)
                  : pxp_abort_encode(&frame, s->serial, &kill);
        if (!err)
            err = survey_ask(s, s->hosts[i].index, &frame);
        px_buf_free(&frame);
    }
    free(tids);
    return err;
}

bool task_ends_awaited(uint64_t begin)
{
    enum { TURN_US = 20 * 1000 };
    if (px_now_ns() - begin >= 30 * PX_SEC)
        return false;
    usleep(TURN_US);
    return true;
}

int task_count_done(struct survey *s, uint32_t *count)
{
    const struct survey_host *from;
    uint8_t *body;
    size_t len;
    enum survey_got got;
    *count = 0;
    while ((got = survey_next(s, &from, &body, &len)) == SURVEY_ANSWER ||
           got == SURVEY_REFUSED) {
        struct pxp_done done;
        struct pxp_zone zone = {0};
        /* A refusal: none of them is there. */
        if (got == SURVEY_ANSWER && pxp_done_decode(body, len, &done, &zone) == PVMX_OK)
            *count += done.count;
        pxp_zone_free(&zone);
        free(body);
    }
    return got != SURVEY_DONE ? cmd_error() : survey_complete(s) ? CMD_OK : CMD_FAILED;
}

int task_signal_all(struct console *c, const struct target *t, int sig, uint32_t *count)
{
    struct survey s;
    *count = 0;
    pvmx_err err = survey_begin(&s, &c->link, PXP_DONE);
    if (!err)
        err = ask_hosts(&s, t, sig);
    int status = err ? cmd_error() : task_count_done(&s, count);
    survey_end(&s);
    return status;
}

/* sig 0: kill. */
static int run_on(struct console *c, struct args *a, int first, int sig)
{
    struct target t;
    uint32_t count = 0;
    int status = choose(c, a, first, sig ? "signal" : "end", &t);
    if (status)
        return status;
    status = task_signal_all(c, &t, sig, &count);
    if (!status)
        status = say_count(c, sig ? "signalled" : "asked to end", count, t.n);
    target_free(&t);
    return status;
}

static int run_kill(struct console *c, const struct cmd *cmd, struct args *a)
{
    (void)cmd;
    return run_on(c, a, 0, 0);
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
    int sig = read_signal(a->words[0]);
    if (!sig)
        return cmd_usage(cmd, "sig: \"%s\" is no signal", a->words[0]);
    return run_on(c, a, 1, sig);
}

/* ---- halt ------------------------------------------------------------------------------------- */

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

const struct out_column task_count_columns[] = {
    {"tasks", OUT_NUMBER, "how many tasks it has meant"},
    {0},
};

const struct cmd cmd_kill = {
    "kill",
    "[-cy] TASK...",
    "end tasks on any host",
    "They get SIGTERM, and SIGKILL when they have not ended soon. At a terminal "
    "you are asked when several are meant; -y: no question. -c: not they, but what they "
    "have "
    "spawned.",
    "cy",
    1,
    CMD_MANY,
    CMD_VM | CMD_OBJECT,
    WORDS_TASK | WORDS_JOB | WORDS_HOST,
    task_count_columns,
    run_kill};
const struct cmd cmd_sig = {"sig",
                            "[-y] SIGNAL TASK...",
                            "send a signal to tasks",
                            "A signal is a number or a name such as USR1.",
                            "y",
                            2,
                            CMD_MANY,
                            CMD_VM | CMD_OBJECT,
                            WORDS_TASK | WORDS_JOB | WORDS_HOST | WORDS_SIGNAL,
                            task_count_columns,
                            run_sig};
const struct cmd cmd_halt = {
    "halt", "",      "end all tasks and the virtual machine, and leave",
    "",     "",      0,
    0,      CMD_VM,  WORDS_NOTHING,
    NULL,   run_halt};
