/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding commands, checking their arguments, running them. */
#include "cmd.h"

#include <pvmx/errors.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALIAS_DEPTH = 16 };

static void say(const char *fmt, va_list ap, const char *end)
{
    fflush(stdout);
    fputs("pvmx: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs(end, stderr);
}

int cmd_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap, "\n");
    va_end(ap);
    return CMD_FAILED;
}

int cmd_error(void)
{
    if (link_interrupted())
        return CMD_INTERRUPTED;
    if (link_unheard())
        return CMD_FAILED;
    return cmd_fail("%s", pvmx_last_error());
}

int cmd_usage(const struct cmd *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap, "");
    va_end(ap);
    fprintf(stderr, "; usage: %s%s%s\n", cmd->name, *cmd->usage ? " " : "", cmd->usage);
    return CMD_USAGE;
}

void cmd_ends_with_us(const struct console *c, const struct cmd *cmd)
{
    if (!c->single)
        return;
    fflush(stdout);
    fprintf(
        stderr,
        "pvmx: %s holds for what the same console does: say both at its prompt, or in "
        "a script (pvmx -f FILE)\n",
        cmd->name);
}

bool cmd_unheard(void)
{
    return ferror(stdout) && !link_interrupted();
}

/* ---- finding ---------------------------------------------------------------------------------- */

/* Names of all that begin so. */
static void say_candidates(const char *name)
{
    size_t len = strlen(name);
    fprintf(stderr, "pvmx: \"%s\" may be", name);
    for (const struct cmd *const *c = cmd_table; *c; c++)
        if (strncmp((*c)->name, name, len) == 0)
            fprintf(stderr, " %s", (*c)->name);
    fputc('\n', stderr);
}

/* One letter changed, put in or left out, or two that have changed places. */
static bool is_slip(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (!*a || !*b)
        return strlen(a) + strlen(b) == 1;
    bool turned = a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0;
    return turned || strcmp(a + 1, b + 1) == 0 || strcmp(a + 1, b) == 0 ||
           strcmp(a, b + 1) == 0;
}

/* Another console's command, or a slip of the hand. */
static void say_unknown(const char *name)
{
    static const char of_pvm[][7] = {"idump", "tickle"};
    for (size_t i = 0; i < sizeof of_pvm / sizeof *of_pvm; i++)
        if (strcmp(name, of_pvm[i]) == 0) {
            cmd_fail("%s is a command of PVM's console: pvm, or pvmx --pvm3", name);
            return;
        }
    for (const struct cmd *const *c = cmd_table; *c; c++)
        if (is_slip(name, (*c)->name)) {
            cmd_fail("there is no command \"%s\": did you mean %s? (help lists them)",
                     name, (*c)->name);
            return;
        }
    cmd_fail("there is no command \"%s\" (help lists them)", name);
}

/* *n: how many it fits. */
static const struct cmd *look(const char *name, size_t *n)
{
    const struct cmd *found = NULL;
    size_t len = strlen(name);
    *n = 0;
    for (const struct cmd *const *c = cmd_table; *c; c++) {
        if (strcmp((*c)->name, name) == 0)
            return *c;
        if (strncmp((*c)->name, name, len) != 0)
            continue;
        found = *c;
        ++*n;
    }
    return *n == 1 ? found : NULL;
}

const struct cmd *cmd_look(const char *name)
{
    size_t n;
    return look(name, &n);
}

const struct cmd *cmd_find(const char *name)
{
    size_t n;
    const struct cmd *found = look(name, &n);
    if (!found && n > 1)
        say_candidates(name);
    else if (!found)
        say_unknown(name);
    return found;
}

/* ---- arguments -------------------------------------------------------------------------------- */

bool args_has(const struct args *a, char option)
{
    return (a->given >> (option - 'a') & 1) != 0;
}

const char *args_value(const struct args *a, char option)
{
    return a->values[option - 'a'];
}

/* The letters of the option words[*at]; *at is moved when a value follows. */
static int read_options(const struct cmd *cmd, const char *letters, int n, char **words,
                        int *at, struct args *a)
{
    for (const char *c = letters; *c; c++) {
        const char *known = *c >= 'a' && *c <= 'z' ? strchr(cmd->opts, *c) : NULL;
        if (!known)
            return cmd_usage(cmd, "%s: there is no option -%c", cmd->name, *c);
        a->given |= 1u << (*c - 'a');
        if (known[1] != ':')
            continue;
        if (!c[1] && *at + 1 >= n)
            return cmd_usage(cmd, "%s: -%c needs a value", cmd->name, *c);
        a->values[*c - 'a'] = c[1] ? c + 1 : words[++*at];
        break;
    }
    return CMD_OK;
}

/* Options that have a long name, wherever a command knows the letter. */
static const struct {
    char name[8], letter;
} longs[] = {
    {"from", 'f'},
};

/* The letter that --NAME stands for; 0: none. */
static char long_option(const struct cmd *cmd, const char *name)
{
    for (size_t i = 0; i < sizeof longs / sizeof longs[0]; i++)
        if (strcmp(longs[i].name, name) == 0 && strchr(cmd->opts, longs[i].letter))
            return longs[i].letter;
    return '\0';
}

static int read_args(struct console *c, const struct cmd *cmd, int n, char **words,
                     struct args *a)
{
    int i = 1;
    *a = (struct args){.words = words + 1};
    for (; i < n && words[i][0] == '-' && words[i][1] && !(cmd->flags & CMD_RAW); i++) {
        if (strcmp(words[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(words[i], "--json") == 0) {
            c->json = true;
            continue;
        }
        if (strcmp(words[i], "--help") == 0) {
            describe_command(cmd);
            return -1;
        }
        bool is_long = words[i][1] == '-';
        char alone[2] = {is_long ? long_option(cmd, words[i] + 2) : '\0', '\0'};
        if (is_long && !*alone)
            return cmd_usage(cmd, "%s: there is no option %s", cmd->name, words[i]);
        int status = read_options(cmd, is_long ? alone : words[i] + 1, n, words, &i, a);
        if (status)
            return status;
    }
    /* A command that reads its words itself is asked for help by that word alone. */
    if ((cmd->flags & CMD_RAW) && n == 2 && strcmp(words[1], "--help") == 0) {
        describe_command(cmd);
        return -1;
    }
    a->words = words + i;
    a->n = n - i;
    if (a->n < cmd->least)
        return cmd_usage(cmd, "%s: something is missing", cmd->name);
    if (a->n > cmd->most)
        return cmd_usage(cmd, "%s: \"%s\" is too much", cmd->name, a->words[cmd->most]);
    return CMD_OK;
}

/* ---- running ---------------------------------------------------------------------------------- */

static int run_known(struct console *c, int n, char **words)
{
    const struct cmd *cmd = cmd_find(words[0]);
    struct args a;
    bool json = c->json;
    if (!cmd)
        return CMD_USAGE;
    int status = read_args(c, cmd, n, words, &a);
    if (!status && (cmd->flags & CMD_VM) &&
        link_open(&c->link, (cmd->flags & CMD_STARTS) != 0) != PVMX_OK)
        status = cmd_error();
    if (!status)
        status = cmd->run(c, cmd, &a);
    c->json = json;
    fflush(stdout);
    return status < 0 ? CMD_OK : status;
}

/* Puts an alias's words in the place of the first one. */
static int run_alias(struct console *c, const char *text, int n, char **words, int depth);

static int run(struct console *c, int n, char **words, int depth)
{
    const char *text = alias_find(c, words[0]);
    if (text && depth < ALIAS_DEPTH)
        return run_alias(c, text, n, words, depth);
    return run_known(c, n, words);
}

static int run_alias(struct console *c, const char *text, int n, char **words, int depth)
{
    int more, status = CMD_FAILED;
    char **first = words_split(text, &more);
    char **all = first ? malloc((size_t)(n + more + 1) * sizeof *all) : NULL;
    if (all) {
        memcpy(all, first, (size_t)more * sizeof *all);
        memcpy(all + more, words + 1, (size_t)n * sizeof *all); /* and the NULL */
        /* "alias ps ps -a": the name itself is not looked up again. */
        status = more && strcmp(first[0], words[0]) == 0
                     ? run_known(c, n + more - 1, all)
                     : run(c, n + more - 1, all, depth + 1);
    } else if (first) {
        status = cmd_fail("out of memory");
    }
    free(all);
    free(first);
    return status;
}

int cmd_run(struct console *c, int n, char **words)
{
    if (n == 0)
        return c->status;
    c->status = run(c, n, words, 0);
    if (c->status == CMD_INTERRUPTED && isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
        fflush(stdout);
        fputc('\n', stderr); /* behind the terminal's ^C */
    }
    return c->status;
}
