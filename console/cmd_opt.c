/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about what tasks that are spawned from here get of PVM's options: getopt, setopt; trace. */
#include "cmds.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char *word, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(word, &end, 0);
    return !errno && end != word && !*end;
}

/* ---- getopt and setopt ------------------------------------------------------------------------ */

static int find_option(const struct cmd *cmd, const char *word)
{
    int option = options_find(word);
    if (option < 0)
        cmd_usage(cmd, "%s: there is no option \"%s\" (getopt lists them)", cmd->name, word);
    return option;
}

static int run_getopt(struct console *c, const struct cmd *cmd, struct args *a)
{
    struct out o;
    int only = a->n ? find_option(cmd, a->words[0]) : 0;
    if (only < 0)
        return CMD_USAGE;
    out_begin(&o, cmd->columns, c->json);
    for (int i = 0; i < OPTIONS_MAX; i++) {
        char name[32], value[16];
        if (a->n && i != only)
            continue;
        snprintf(name, sizeof name, "Pvm%s", options_name(i));
        snprintf(value, sizeof value, "%d", c->options.values[i]);
        out_row(&o,
                (struct out_cell[]){{.text = name},
                                    {.text = value},
                                    {.text = options_inherited(i) ? "tasks" : "console"}});
    }
    out_end(&o);
    return CMD_OK;
}

static int run_setopt(struct console *c, const struct cmd *cmd, struct args *a)
{
    int option = find_option(cmd, a->words[0]), least, most;
    long value;
    if (option < 0)
        return CMD_USAGE;
    if (!read_number(a->words[1], &value))
        return cmd_usage(cmd, "setopt: %s: must be a number", a->words[1]);
    int old = c->options.values[option];
    if (!options_set(&c->options, option, value, &least, &most))
        return cmd_usage(cmd, "setopt: %ld: must be a number from %d to %d", value, least,
                         most);
    printf("Pvm%s Changed from %d to %ld\n", options_name(option), old, value);
    cmd_ends_with_us(c, cmd);
    return CMD_OK;
}

/* ---- trace ------------------------------------------------------------------------------------ */

enum { COLUMNS = 4 };

/* Column by column, as PVM's console shows them. */
static void show_events(const struct options *options)
{
    int n = 0;
    while (options_event(n))
        n++;
    int rows = (n + COLUMNS - 1) / COLUMNS;
    for (int row = 0; row < rows; row++)
        for (int i = row; i < row + COLUMNS * rows; i += rows) {
            bool last = i + rows >= row + COLUMNS * rows;
            if (i < n)
                printf(" %c %-*s", options_traces(options, i) ? '*' : ' ', last ? 0 : 16,
                       options_event(i));
            if (last)
                putchar('\n');
        }
}

static int list_events(const struct console *c, const struct cmd *cmd)
{
    struct out o;
    const char *name;
    if (!c->json) {
        show_events(&c->options);
        return CMD_OK;
    }
    out_begin(&o, cmd->columns, true);
    for (int i = 0; (name = options_event(i)) != NULL; i++)
        out_row(&o, (struct out_cell[]){{.text = name},
                                        {.number = options_traces(&c->options, i)}});
    out_end(&o);
    return CMD_OK;
}

/* All names are looked at before one of them counts. */
static int change_events(struct console *c, const struct cmd *cmd, int n, char **names,
                         bool on)
{
    struct options changed = c->options;
    if (n == 0)
        return cmd_usage(cmd, "trace: the name of an event is missing");
    for (int i = 0; i < n; i++)
        if (!options_trace(&changed, names[i], on))
            return cmd_usage(cmd, "trace: there is no event \"%s\" (trace lists them)",
                             names[i]);
    c->options = changed;
    return CMD_OK;
}

static int set_buffer(struct console *c, const struct cmd *cmd, const char *word)
{
    long value;
    if (!read_number(word, &value) || value < 0 || value > INT_MAX)
        return cmd_usage(cmd, "trace: %s: must be a number of bytes", word);
    c->options.values[OPTION_TRACE_BUFFER] = (int)value;
    return CMD_OK;
}

static int set_form(struct console *c, const struct cmd *cmd, const char *word)
{
    const char *form;
    for (int i = 1; (form = options_trace_form(i)) != NULL; i++)
        if (strcmp(form, word) == 0) {
            c->options.values[OPTION_TRACE_OPTIONS] = i;
            return CMD_OK;
        }
    return cmd_usage(cmd, "trace: %s: must be full, time or count", word);
}

/* "buf" and "opt" without a value. */
static int show_value(const struct console *c, bool buffer)
{
    const int *v = c->options.values;
    if (buffer)
        printf("Trace Buffering set to %d bytes\n", v[OPTION_TRACE_BUFFER]);
    else
        printf("Trace Options set to \"%s\"\n", options_trace_form(v[OPTION_TRACE_OPTIONS]));
    return CMD_OK;
}

static int run_trace(struct console *c, const struct cmd *cmd, struct args *a)
{
    if (a->n && strcmp(a->words[0], "--json") == 0) {
        c->json = true;
        a->words++;
        a->n--;
    }
    const char *word = a->n ? a->words[0] : "";
    bool buffer = strcmp(word, "buf") == 0, form = strcmp(word, "opt") == 0;
    bool sign = strcmp(word, "+") == 0 || strcmp(word, "-") == 0;
    int status = CMD_OK, most = buffer || form ? 2 : strcmp(word, "xpvm") == 0 ? 1 : a->n;
    if (a->n > most)
        return cmd_usage(cmd, "trace: \"%s\" is too much", a->words[most]);
    if (a->n == 0)
        return list_events(c, cmd);
    if ((buffer || form) && a->n == 1)
        return show_value(c, buffer);
    if (buffer)
        status = set_buffer(c, cmd, a->words[1]);
    else if (form)
        status = set_form(c, cmd, a->words[1]);
    else if (strcmp(word, "xpvm") == 0)
        options_trace_xpvm(&c->options);
    else
        status = change_events(c, cmd, a->n - sign, a->words + sign, *word != '-');
    if (!status)
        cmd_ends_with_us(c, cmd);
    return status;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column getopt_columns[] = {
    {"option", OUT_TEXT, "its name"},
    {"value", OUT_TEXT, "a number, which may be negative"},
    {"of", OUT_TEXT,
     "\"tasks\": those that are spawned from here get it; \"console\": PVM's "
     "console has it for itself, and it changes nothing here"},
    {0},
};

static const struct out_column trace_columns[] = {
    {"event", OUT_TEXT, "a call, or what else is told of"},
    {"traced", OUT_NUMBER, "1: in tasks that are traced; 0: not"},
    {0},
};

const struct cmd cmd_getopt = {
    "getopt",
    "[OPTION]",
    "show PVM's options, as tasks that are spawned from here get them",
    "As pvm_getopt has them. PvmTraceTid, PvmTraceCode, PvmTraceContext, "
    "PvmTraceBuffer, PvmTraceOptions and PvmOutputTid reach spawned tasks; all others "
    "PVM's console has for itself, and pvmx, which is no task, only keeps them.",
    "",
    0,
    1,
    0,
    WORDS_OPTION,
    getopt_columns,
    run_getopt};
const struct cmd cmd_setopt = {
    "setopt",
    "OPTION VALUE",
    "set one of PVM's options for tasks that are spawned from here",
    "It holds until this console leaves, for what is spawned at the same prompt or in "
    "the same script. getopt tells which options reach tasks; PvmSelfTraceTid, "
    "PvmSelfTraceCode and PvmSelfOutputTid set those of tasks too. PvmTraceTid is the "
    "PVM task that reads what is traced; spawn -@ starts one of its own.",
    "",
    2,
    2,
    CMD_RAW,
    WORDS_OPTION,
    NULL,
    run_setopt};
const struct cmd cmd_trace = {
    "trace",
    "[[+|-] EVENT... | xpvm | buf [BYTES] | opt [full|time|count]]",
    "list or choose the events that are traced in tasks that are spawned from here",
    "Without words, or with --json: all events, those that are traced with a star. + "
    "adds events (as names alone do), - takes them out, * stands for all; xpvm: those "
    "that XPVM shows, as at first. buf: tasks send events when so many bytes have "
    "come together; 0: each at once. opt is PvmTraceOptions. Tasks are traced that "
    "spawn -@ has started, or while PvmTraceTid is set. It holds until this console "
    "leaves.",
    "",
    0,
    CMD_MANY,
    CMD_RAW,
    WORDS_EVENT,
    trace_columns,
    run_trace};
