/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that show what tasks write: logs, attach. */
#include "cmds.h"
#include "events.h"
#include "logs.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- showing ---------------------------------------------------------------------------------- */

struct show {
    struct console *c;
    const struct cmd *cmd;
    struct logs logs;
    bool labels;
    bool joined; /* what tasks wrote to standard error goes to standard output */
    bool live;   /* what comes is new */
    /* Task and stream of the line that stands open on each of our streams; 0: none. */
    int32_t open[3];
};

static void put_json(struct show *w, const struct logs_piece *p, const uint8_t *line,
                     size_t len)
{
    const struct logs_task *t = logs_task(&w->logs, p->tid);
    char *text = strndup((const char *)line, len);
    const char *host = "";
    for (size_t i = 0; i < w->logs.survey.n; i++)
        if (w->logs.survey.hosts[i].index == (uint32_t)p->tid >> 18)
            host = w->logs.survey.hosts[i].name;
    if (text && t)
        out_object(w->cmd->columns,
                   (struct out_cell[]){{.number = p->at_ms},
                                       {.number =
                                            logs_of_terminal(p->tid) ? 0 : (uint32_t)p->tid},
                                       {.number = t->job},
                                       {.number = t->rank},
                                       {.text = host},
                                       {.text = p->stream == 2 ? "err" : "out"},
                                       {.text = text}});
    free(text);
}

static void put_label(FILE *f, int32_t tid)
{
    if (logs_of_terminal(tid))
        fputs("[terminal] ", f);
    else
        fprintf(f, "[t%x] ", (unsigned)tid);
}

static void put_line(struct show *w, const struct logs_piece *p, const uint8_t *line,
                     size_t len, bool whole)
{
    bool err = p->stream == 2 && !w->joined;
    FILE *f = err ? stderr : stdout;
    if (w->c->json) {
        put_json(w, p, line, len);
        return;
    }
    int32_t *open = &w->open[err ? 2 : 1];
    if (w->labels && *open != p->tid) {
        if (*open)
            fputc('\n', f);
        put_label(f, p->tid);
    }
    fwrite(line, 1, len, f);
    if (whole)
        fputc('\n', f);
    *open = whole ? 0 : p->tid;
}

/* The daemon writes what a task of this console writes to the terminal, too. */
static bool shows_itself(struct show *w, int32_t tid)
{
    const struct logs_task *t = logs_task(&w->logs, tid);
    for (size_t i = 0; t && !w->c->json && isatty(STDOUT_FILENO) && i < w->c->nhere; i++)
        if (w->c->here[i] == t->job)
            return true;
    return false;
}

/* Calls put_line for each line of the piece; stops when `skip` lines are not to be shown. */
static void put_piece(struct show *w, const struct logs_piece *p, size_t *skip)
{
    const uint8_t *at = p->bytes, *end = p->bytes + p->len;
    if (w->live && shows_itself(w, p->tid))
        return;
    while (at < end) {
        const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *stop = nl ? nl : end;
        if (*skip > 0)
            --*skip;
        else
            put_line(w, p, at, (size_t)(stop - at), nl != NULL);
        at = nl ? nl + 1 : end;
    }
}

static size_t count_lines(const struct logs_piece *p)
{
    size_t n = p->len && p->bytes[p->len - 1] != '\n';
    for (size_t i = 0; i < p->len; i++)
        n += p->bytes[i] == '\n';
    return n;
}

/* Shows what has been read; last: only so many lines. */
static void put_all(struct show *w, size_t last)
{
    size_t lines = 0, skip;
    for (size_t i = 0; i < w->logs.npieces; i++)
        lines += count_lines(&w->logs.pieces[i]);
    skip = lines > last ? lines - last : 0;
    if (w->logs.lost && !w->c->json && last == SIZE_MAX)
        fprintf(stderr, "pvmx: %llu bytes are no longer kept\n",
                (unsigned long long)w->logs.lost);
    w->logs.lost = 0;
    for (size_t i = 0; i < w->logs.npieces; i++)
        put_piece(w, &w->logs.pieces[i], &skip);
    fflush(stdout);
    logs_drop_pieces(&w->logs);
}

/* ---- which ------------------------------------------------------------------------------------ */

/* A short number is a job's; all other words mean tasks, tids also those that have ended. */
static int read_words(struct console *c, struct args *a, struct logs *g)
{
    struct pxp_status_is s;
    struct pxp_zone zone = {0};
    const char *word = a->words[0];
    if (a->n == 1 && target_short_job(word, &g->job))
        return CMD_OK;
    int status = survey_status(&c->link, false, &s, &zone, NULL) ? cmd_error() : CMD_OK;
    if (!status)
        status = target_read(&s, a->n, a->words, &g->wanted);
    pxp_zone_free(&zone);
    return status;
}

static int say_nothing_kept(struct console *c, const struct logs *g)
{
    struct target t = {0};
    int status = g->job ? events_of_job(c, g->job, &t) : CMD_OK;
    bool known = t.n > 0 || !g->job;
    target_free(&t);
    if (status)
        return status;
    if (!known)
        return cmd_fail("there has been no job %u lately", g->job);
    return cmd_fail(
        "nothing is kept of what this has written: that is done for tasks that the "
        "console has spawned (not ->FILE, not thousands at once), that run on "
        "another host than their spawner, or whose output mpiexec reads (of those "
        "that write to its terminal for the job, not for each task: pvmx logs JOB)");
}

/* What comes may be more than was asked for. */
static void say_shared(const struct show *w)
{
    const struct logs *g = &w->logs;
    for (size_t i = 0; i < g->ntasks && g->job && !w->c->json; i++)
        if (g->tasks[i].job != g->job)
            fprintf(
                stderr,
                "pvmx: job %u writes to a terminal together with job %u, from which it "
                "stems: this is what both have written\n",
                g->job, g->tasks[i].job);
}

static int begin(struct show *w, struct args *a)
{
    int status = read_words(w->c, a, &w->logs);
    if (status)
        return status;
    if (!logs_read(&w->logs, &w->c->link))
        return cmd_error();
    if (w->logs.ntasks == 0 && !survey_complete(&w->logs.survey))
        return CMD_FAILED;
    if (w->logs.ntasks == 0)
        return say_nothing_kept(w->c, &w->logs);
    say_shared(w);
    w->joined = args_has(a, 'l');
    w->labels = w->joined || (w->logs.ntasks > 1 && !args_has(a, 'r'));
    return CMD_OK;
}

static int finish(struct show *w, int status, enum survey_got got)
{
    if (w->open[1] && !w->c->json)
        putchar('\n');
    fflush(stdout);
    if (!status && (got == SURVEY_LOST || got == SURVEY_REFUSED))
        status = cmd_error();
    if (!status && !survey_complete(&w->logs.survey))
        status = CMD_FAILED;
    return status;
}

static int run_logs(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct show w = {.c = c, .cmd = cmd};
    const char *word = args_value(a, 'n');
    char *end = NULL;
    size_t last = word ? strtoul(word, &end, 10) : SIZE_MAX;
    enum survey_got got = SURVEY_DONE;
    if (word && (*word < '0' || *word > '9' || *end))
        return cmd_usage(cmd, "logs: \"%s\" is no number of lines", word);
    int status = begin(&w, a);
    if (!status) {
        put_all(&w, last);
        if (args_has(a, 'f'))
            got = logs_follow(&w.logs) ? SURVEY_ANSWER : SURVEY_LOST;
        w.live = c->link.heard = true;
        while (got == SURVEY_ANSWER && !cmd_unheard() &&
               (got = logs_next(&w.logs)) == SURVEY_ANSWER)
            put_all(&w, SIZE_MAX);
        c->link.heard = false;
        status = finish(&w, status, got);
    }
    logs_end(&w.logs);
    return status;
}

/* ---- attach ----------------------------------------------------------------------------------- */

/* What is typed goes to the task that takes input, if there is one. */
struct feed {
    int32_t tid; /* 0: none */
    bool eof;
};

static pvmx_err feed(struct show *w, struct feed *f)
{
    uint8_t bytes[4096];
    struct survey *s = &w->logs.survey;
    struct px_buf frame = {0};
    uint32_t serial = pxp_client_serial(&w->c->link.client);
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return PVMX_OK;
    struct pxp_input m = {.tid = f->tid,
                          .bytes = bytes,
                          .bytes_len = n > 0 ? (size_t)n : 0,
                          .eof = n <= 0};
    f->eof = m.eof;
    w->c->link.stdin_too = false; /* until the task has taken it */
    pvmx_err err = pxp_input_encode(&frame, serial, &m);
    if (!err)
        err = survey_ask_aside(s, (uint32_t)f->tid >> 18, serial, &frame);
    px_buf_free(&frame);
    return err;
}

static void say_attached(const struct show *w, const struct feed *f)
{
    if (w->c->json)
        return;
    if (f->tid)
        fprintf(stderr,
                "pvmx: what is typed goes to t%x, Ctrl-D is its end; Ctrl-C detaches\n",
                (unsigned)f->tid);
    else
        fprintf(stderr, "pvmx: no task takes input (spawn -i); Ctrl-C detaches\n");
}

static enum survey_got attended(struct show *w, struct feed *f)
{
    enum survey_got got = logs_next(&w->logs);
    if (got == SURVEY_ANSWER) {
        put_all(w, SIZE_MAX);
    } else if (got == SURVEY_INPUT) {
        got = feed(w, f) ? SURVEY_LOST : SURVEY_ANSWER;
    } else if (got == SURVEY_SIDE) {
        if (w->logs.survey.side_refused)
            f->tid = 0; /* it has ended, or has closed its input */
        w->c->link.stdin_too = f->tid && !f->eof;
        got = SURVEY_ANSWER;
    }
    return got;
}

static int run_attach(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct show w = {.c = c, .cmd = cmd};
    struct feed f = {.tid = 0};
    enum survey_got got = SURVEY_DONE;
    bool live = false;
    int status = begin(&w, a);
    for (size_t i = 0; !status && i < w.logs.ntasks; i++) {
        live = live || !w.logs.tasks[i].ended;
        if (w.logs.tasks[i].input && !f.tid)
            f.tid = w.logs.tasks[i].tid;
    }
    if (!status) {
        if (live)
            say_attached(&w, &f);
        put_all(&w, SIZE_MAX);
        got = logs_follow(&w.logs) ? SURVEY_ANSWER : SURVEY_LOST;
        w.live = c->link.heard = true;
        c->link.stdin_too = f.tid != 0 && live;
        while (got == SURVEY_ANSWER && !cmd_unheard())
            got = attended(&w, &f);
        c->link.stdin_too = c->link.heard = false;
        if (got == SURVEY_LOST && link_interrupted()) {
            fprintf(stderr, "\npvmx: detached; the tasks go on\n");
            got = SURVEY_DONE;
        }
        status = finish(&w, status, got);
    }
    logs_end(&w.logs);
    return status;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column logs_columns[] = {
    {"at_ms", OUT_AT, "when, in ms since 1970"},
    {"tid", OUT_TID, "task that has written it; null: one of those that share a terminal"},
    {"job", OUT_NUMBER, "its job"},
    {"rank", OUT_NUMBER, "its rank there; without a tid 0"},
    {"host", OUT_TEXT, "where it runs or ran"},
    {"stream", OUT_TEXT, "\"out\" or \"err\""},
    {"text", OUT_TEXT, "the line, or a part of a long one"},
    {0},
};

const struct cmd cmd_logs = {
    "logs",
    "[-flr] [-n LINES] JOB|TASK...",
    "show what tasks have written, on any host",
    "Kept is what passes through a daemon: the output of tasks "
    "that the console has spawned "
    "(not ->FILE, and not when pipes for all would take half of the daemon's "
    "descriptors), of tasks on other hosts than their "
    "spawner, and of mpiexec's jobs; of each so much as the "
    "setting daemon.output_task says, also after its end. Tasks of mpiexec's that write "
    "to "
    "its terminal have one log together, which is the job's (tid null, label "
    "[terminal]). "
    "-f: "
    "and what they write from now "
    "on, until they have ended; -n: the last LINES only; -r: no "
    "\"[tid]\" before lines when "
    "there are several tasks; -l: that before every line, and all on standard output. "
    "JSON: one object for each line. "
    "What tasks wrote to standard "
    "error is written there.",
    "flrn:",
    1,
    CMD_MANY,
    CMD_VM | CMD_LINES,
    WORDS_TASK | WORDS_JOB,
    logs_columns,
    run_logs};
const struct cmd cmd_attach = {"attach",
                               "[-r] JOB|TASK...",
                               "follow the output of tasks and give one of them input",
                               "As logs -f. What is typed goes, line by line, to rank 0 "
                               "of a job that was spawned with "
                               "-i; Ctrl-D ends that input for ever. Ctrl-C detaches, "
                               "the tasks go on. Not possible: "
                               "input for tasks that were not spawned so (their standard "
                               "input was settled when they "
                               "started), and a terminal for them: they have pipes.",
                               "r",
                               1,
                               CMD_MANY,
                               CMD_VM | CMD_LINES,
                               WORDS_TASK | WORDS_JOB,
                               logs_columns,
                               run_attach};
