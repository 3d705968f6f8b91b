/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of the console: one record and one function each. Help, the manual page, completion,
 * abbreviations and the check of arguments come from the record. */
#ifndef CONSOLE_CMD_H
#define CONSOLE_CMD_H

#include "link.h"
#include "options.h"
#include "out.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CMD_MANY = 1 << 20,
    /* Exit statuses, and what run returns. */
    CMD_OK = 0,
    CMD_FAILED = 1,
    CMD_USAGE = 2,
    CMD_INTERRUPTED = 130,
};

enum cmd_flags {
    CMD_VM = 1,     /* needs a virtual machine */
    CMD_STARTS = 2, /* and starts one when none runs */
    CMD_RAW = 4,    /* reads its words itself: they may begin with '-' */
    /* Its JSON is not an array of objects but: */
    CMD_LINES = 8,   /* an object on each line */
    CMD_OBJECT = 16, /* one object */
};

/* What the words of a command name, for completion. */
enum cmd_words {
    WORDS_NOTHING = 0,
    WORDS_TASK = 1,
    WORDS_JOB = 2,
    WORDS_HOST = 4,
    WORDS_COMMAND = 8,
    WORDS_SETTING = 16,
    WORDS_FILE = 32,
    WORDS_SIGNAL = 64,
    WORDS_PROGRAM = 128, /* shells know them */
    WORDS_LIMIT = 256,   /* see complete_limit */
    WORDS_HOSTNAME = 512,
    WORDS_ALIAS = 1024,
    WORDS_VARIABLE = 2048,
    WORDS_ORDER = 4096, /* of tasks */
    WORDS_OPTION = 8192,
    WORDS_EVENT = 16384, /* of calls, and the other words of trace */
};

struct console {
    struct link link;
    bool json, interactive;
    bool single; /* runs one command, from its arguments */
    bool quit;   /* no further command */
    int status;  /* of the last command */
    struct alias *aliases;
    uint32_t *here; /* jobs that write to the terminal themselves */
    size_t nhere;
    struct options options; /* of tasks that are spawned */
    struct boxes_own *boxes;
};

/* The words of a command behind its name and options. */
struct args {
    int n;
    char **words;
    unsigned given;         /* bit c - 'a' of each option that was given */
    const char *values[26]; /* its value */
};

struct cmd {
    const char *name, *usage, *summary;
    const char *help;                 /* more, or "" */
    const char *opts;                 /* letters, with ':' those that take a value */
    int least, most;                  /* words */
    unsigned flags, words;            /* CMD_*, WORDS_* */
    const struct out_column *columns; /* of its listing, or of its JSON alone; NULL: it has none */
    int (*run)(struct console *c, const struct cmd *cmd, struct args *a);
};

extern const struct cmd *const cmd_table[]; /* by name; the last is NULL */

/* A command by its name or a beginning of it that fits no other. NULL was reported. */
const struct cmd *cmd_find(const char *name);
const struct cmd *cmd_look(const char *name); /* without a report */
/* Runs one command. words[0] is its name; words may be changed. */
int cmd_run(struct console *c, int n, char **words);
bool args_has(const struct args *a, char option);
const char *args_value(const struct args *a, char option); /* NULL: not given */

/* Says on standard error what was wrong; CMD_FAILED. */
int cmd_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with pvmx_last_error(). */
int cmd_error(void);
int cmd_usage(const struct cmd *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What has been set is of no use to the next pvmx: says so, if it was all that this one was called for. */
void cmd_ends_with_us(const struct console *c, const struct cmd *cmd);
/* Standard output takes no more (Ctrl-C aside): what would go on for ever ends; main says why. */
bool cmd_unheard(void);

/* ---- words.c ---------------------------------------------------------------------------------- */

/* Splits a line as a shell does: '...', "..." and \ quote, # begins a comment, ~/ is the home. The words
 * are one block of memory, to be freed, with a NULL behind the last. NULL was reported (with n 0). */
char **words_split(const char *line, int *n);
/* The same while a line is being typed: *quote is the one that is still open in its last word, or 0. */
char **words_split_open(const char *line, int *n, char *quote);
/* A text as it has to be typed where this quote is open (0: none); to: 4 bytes for each, and one. */
void words_quote(const char *text, size_t len, char quote, char *to);

/* ---- cmd_sys.c -------------------------------------------------------------------------------- */

/* The words that a command's name stands for, or NULL. */
const char *alias_find(const struct console *c, const char *name);
void alias_free(struct console *c);
/* The name of the i-th; NULL: there are no more. */
const char *alias_name(const struct console *c, size_t i);

/* ---- repl.c ----------------------------------------------------------------------------------- */

/* Reads commands from a terminal until quit or end of file. CMD_OK, whatever has failed: a person has
 * seen it. */
int repl_run(struct console *c);
/* Asks a question; CMD_OK only for yes. Without a terminal: CMD_OK. */
int repl_ask(const struct console *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- describe.c ------------------------------------------------------------------------------- */

void describe_list(void);
void describe_names(void);
void describe_command(const struct cmd *cmd);
/* What the JSON of all commands looks like, as JSON. */
void describe_schema(void);
/* "array", "lines", "object". */
const char *describe_form(const struct cmd *cmd);

/* ---- man.c, rules.c: for the build -------------------------------------------------------------- */

void man_program(void);
void man_command(const struct cmd *cmd);
void rules_bash(void);
void rules_zsh(void);

#endif
