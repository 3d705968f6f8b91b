/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of the console itself: echo, help, id, quit, version; aliases. */
#include "cmds.h"
#include "complete.h"

#include <pvmx/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- aliases ---------------------------------------------------------------------------------- */

struct alias {
    struct alias *next;
    char *name, *text;
};

const char *alias_find(const struct console *c, const char *name)
{
    const struct alias *a = c->aliases;
    while (a && strcmp(a->name, name) != 0)
        a = a->next;
    return a ? a->text : NULL;
}

const char *alias_name(const struct console *c, size_t i)
{
    const struct alias *a = c->aliases;
    while (a && i-- > 0)
        a = a->next;
    return a ? a->name : NULL;
}

static bool alias_drop(struct console *c, const char *name)
{
    for (struct alias **at = &c->aliases; *at; at = &(*at)->next) {
        struct alias *a = *at;
        if (name && strcmp(a->name, name) != 0)
            continue;
        *at = a->next;
        free(a->name);
        free(a->text);
        free(a);
        return true;
    }
    return false;
}

void alias_free(struct console *c)
{
    while (alias_drop(c, NULL))
        continue;
}

/* Words with a space between. */
static char *join(int n, char **words)
{
    size_t len = 1;
    for (int i = 0; i < n; i++)
        len += strlen(words[i]) + 1;
    char *text = calloc(1, len);
    for (int i = 0; text && i < n; i++) {
        strcat(text, i ? " " : "");
        strcat(text, words[i]);
    }
    return text;
}

static int run_alias(struct console *c, const struct cmd *cmd, struct args *a)
{
    if (a->n == 0)
        for (const struct alias *x = c->aliases; x; x = x->next)
            printf("%s\t%s\n", x->name, x->text);
    if (a->n == 1) {
        const char *text = alias_find(c, a->words[0]);
        return text ? (printf("%s\t%s\n", a->words[0], text), CMD_OK)
                    : cmd_fail("there is no alias \"%s\"", a->words[0]);
    }
    if (a->n < 2)
        return CMD_OK;
    struct alias *x = calloc(1, sizeof *x);
    char *name = strdup(a->words[0]), *text = join(a->n - 1, a->words + 1);
    if (!x || !name || !text) {
        free(x);
        free(name);
        free(text);
        return cmd_fail("out of memory");
    }
    alias_drop(c, name);
    *x = (struct alias){c->aliases, name, text};
    cmd_ends_with_us(c, cmd);
    c->aliases = x;
    return CMD_OK;
}

static int run_unalias(struct console *c, const struct cmd *cmd, struct args *a)
{
    (void)cmd;
    int status = CMD_OK;
    for (int i = 0; i < a->n; i++)
        if (!alias_drop(c, a->words[i]))
            status = cmd_fail("there is no alias \"%s\"", a->words[i]);
    return status;
}

/* ---- small ones ------------------------------------------------------------------------------- */

static int run_echo(struct console *c, const struct cmd *cmd, struct args *a)
{
    char *text = join(a->n, a->words);
    (void)c;
    (void)cmd;
    if (!text)
        return cmd_fail("out of memory");
    puts(text);
    free(text);
    return CMD_OK;
}

/* Completion rules of shells ask for this: what the last word may become. */
static int offer(struct console *c, int n, char **words)
{
    struct choices ch;
    if (n == 0)
        return CMD_OK;
    complete_word(c, n - 1, words, words[n - 1], &ch);
    for (size_t i = 0; i < ch.n; i++)
        puts(ch.items[i]);
    complete_free(&ch);
    return CMD_OK;
}

/* What the build asks for; false: nothing of that. */
static bool describe_for_build(const struct args *a)
{
    if (args_has(a, 'n'))
        describe_names();
    else if (args_has(a, 'b'))
        rules_bash();
    else if (args_has(a, 'z'))
        rules_zsh();
    else if (args_has(a, 'm') && a->n == 0)
        man_program();
    else
        return false;
    return true;
}

static int run_help(struct console *c, const struct cmd *cmd, struct args *a)
{
    if (args_has(a, 'c'))
        return offer(c, a->n, a->words);
    if (a->n > 1)
        return cmd_usage(cmd, "help: \"%s\" is too much", a->words[1]);
    if (describe_for_build(a))
        return CMD_OK;
    if (a->n == 0 && c->json)
        describe_schema();
    else if (a->n == 0)
        describe_list();
    if (a->n == 0)
        return CMD_OK;
    const struct cmd *about = cmd_find(a->words[0]);
    if (!about)
        return CMD_USAGE;
    (args_has(a, 'm') ? man_command : describe_command)(about);
    return CMD_OK;
}

static int run_quit(struct console *c, const struct cmd *cmd, struct args *a)
{
    (void)cmd;
    (void)a;
    c->quit = true;
    return c->status;
}

static int run_version(struct console *c, const struct cmd *cmd, struct args *a)
{
    (void)a;
    if (c->json)
        out_object(cmd->columns, &(struct out_cell){.text = PVMX_VERSION});
    else
        puts(PVMX_VERSION);
    return CMD_OK;
}

static int run_id(struct console *c, const struct cmd *cmd, struct args *a)
{
    const struct pxp_welcome_info *w = &c->link.info;
    struct out o;
    (void)a;
    out_begin(&o, cmd->columns, c->json);
    out_row(&o, (struct out_cell[]){{.text = w->vm},
                                    {.text = w->host},
                                    {.number = (uint64_t)w->pid},
                                    {.text = w->release}});
    out_end(&o);
    return CMD_OK;
}

/* ---- records ---------------------------------------------------------------------------------- */

static const struct out_column id_columns[] = {
    {"vm", OUT_TEXT, "name of the virtual machine"},
    {"host", OUT_TEXT, "this host's name in it"},
    {"pid", OUT_NUMBER, "process of the daemon"},
    {"release", OUT_TEXT, "its version"},
    {0},
};

static const struct out_column version_columns[] = {
    {"release", OUT_TEXT, "of this program"},
    {0},
};

static const struct out_column schema_columns[] = {
    {"command", OUT_TEXT, "its name"},
    {"summary", OUT_TEXT, "what it does"},
    {"form", OUT_TEXT,
     "\"array\" of objects, \"lines\" with an object each, one \"object\", or \"none\""},
    {"fields", OUT_LIST,
     "of an object: name, type (\"string\", \"number\", or \"list\" of objects), unit, "
     "whether it "
     "may be null, and help"},
    {0},
};

#define PLAIN WORDS_NOTHING, NULL
const struct cmd cmd_alias = {"alias",
                              "[NAME [COMMAND...]]",
                              "list aliases, show or set one",
                              "The words of the command take the place of NAME.",
                              "",
                              0,
                              CMD_MANY,
                              CMD_RAW,
                              WORDS_COMMAND,
                              NULL,
                              run_alias};
const struct cmd cmd_unalias = {"unalias",   "NAME...", "forget aliases", "",
                                "",          1,         CMD_MANY,         0,
                                WORDS_ALIAS, NULL,      run_unalias};
const struct cmd cmd_echo = {"echo", "[WORD...]", "print words", "",    "",
                             0,      CMD_MANY,    CMD_RAW,       PLAIN, run_echo};
const struct cmd cmd_help = {"help",
                             "[-m] [COMMAND] | --json | -n | -b | -z | -c [WORD...]",
                             "tell about commands",
                             "--json tells what the JSON of each command looks like. -m "
                             "prints the manual page, or that of "
                             "a command; -n their names; -b and -z completion rules for "
                             "bash and zsh, which ask by -c "
                             "what the last WORD may become.",
                             "mbznc",
                             0,
                             CMD_MANY,
                             0,
                             WORDS_COMMAND,
                             schema_columns,
                             run_help};
const struct cmd cmd_quit = {"quit",  "", "leave the console; the virtual machine stays",
                             "",      "", 0,
                             0,       0,  PLAIN,
                             run_quit};
const struct cmd cmd_version = {"version",
                                "",
                                "print the version",
                                "",
                                "",
                                0,
                                0,
                                CMD_OBJECT,
                                WORDS_NOTHING,
                                version_columns,
                                run_version};
const struct cmd cmd_id = {"id",
                           "",
                           "tell which virtual machine this is",
                           "The console is no task and has no tid.",
                           "",
                           0,
                           0,
                           CMD_VM,
                           WORDS_NOTHING,
                           id_columns,
                           run_id};
