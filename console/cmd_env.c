/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the environment of tasks that are spawned from here: getenv, setenv; export and unexport. */
#include "cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_name(const struct cmd *cmd, const char *name)
{
    return *name && !strpbrk(name, "=:")
               ? CMD_OK
               : cmd_usage(cmd, "%s: \"%s\" is no name of a variable", cmd->name, name);
}

static int run_getenv(struct console *c, const struct cmd *cmd, struct args *a)
{
    const char *value = getenv(a->words[0]);
    (void)c;
    (void)cmd;
    if (!value)
        return cmd_fail("the variable %s is not set", a->words[0]);
    puts(value);
    return CMD_OK;
}

static int run_setenv(struct console *c, const struct cmd *cmd, struct args *a)
{
    for (char **e = environ; a->n == 0 && *e; e++)
        puts(*e);
    if (a->n == 0)
        return CMD_OK;
    if (a->n == 1)
        return run_getenv(c, cmd, a);
    if (check_name(cmd, a->words[0]))
        return CMD_USAGE;
    cmd_ends_with_us(c, cmd);
    return setenv(a->words[0], a->words[1], 1) == 0 ? CMD_OK : cmd_fail("out of memory");
}

/* ---- names that pvm_spawn would pass on --------------------------------------------------------- */

#define LIST "PVM_EXPORT" /* names with colons between */

/* The list without a name; to be freed, NULL: no memory. */
static char *list_without(const char *list, const char *name)
{
    char *out = calloc(1, strlen(list) + 1);
    while (out && *list) {
        size_t len = strcspn(list, ":");
        if (len > 0 && (strlen(name) != len || strncmp(list, name, len) != 0)) {
            strcat(out, *out ? ":" : "");
            strncat(out, list, len);
        }
        list += len + (list[len] == ':');
    }
    return out;
}

/* Takes the name out, and with adds puts it behind all others. */
static int change_list(const char *name, bool adds)
{
    const char *list = getenv(LIST);
    char *others = list_without(list ? list : "", name), *all = NULL;
    int n = others ? asprintf(&all, "%s%s%s", others, adds && *others ? ":" : "",
                              adds ? name : "")
                   : -1;
    int status = n >= 0 && setenv(LIST, all, 1) == 0 ? CMD_OK : cmd_fail("out of memory");
    free(others);
    if (n >= 0)
        free(all);
    return status;
}

/* export and unexport */
static int run_export(struct console *c, const struct cmd *cmd, struct args *a)
{
    const char *list = getenv(LIST);
    int status = CMD_OK;
    if (a->n == 0 && cmd == &cmd_export)
        printf(LIST "=%s\n", list ? list : "");
    for (int i = 0; i < a->n && !status; i++)
        status = check_name(cmd, a->words[i]);
    for (int i = 0; i < a->n && !status; i++)
        status = change_list(a->words[i], cmd == &cmd_export);
    if (a->n > 0 && !status)
        cmd_ends_with_us(c, cmd);
    return status;
}

/* ---- records ---------------------------------------------------------------------------------- */

#define PLAIN WORDS_VARIABLE, NULL
const struct cmd cmd_setenv = {
    "setenv",
    "[NAME [VALUE]]",
    "set a variable for tasks that are spawned from here, show one, or list all",
    "",
    "",
    0,
    2,
    0,
    PLAIN,
    run_setenv};
const struct cmd cmd_getenv = {"getenv", "NAME", "show a variable", "", "", 1, 1,
                               0,        PLAIN,  run_getenv};
const struct cmd cmd_export = {
    "export",
    "[NAME...]",
    "put names of variables into PVM_EXPORT",
    "Tasks have all variables of their spawner anyway. PVM_EXPORT, which is shown "
    "without "
    "NAME, is for programs that look at it and for resource managers.",
    "",
    0,
    CMD_MANY,
    0,
    PLAIN,
    run_export};
const struct cmd cmd_unexport = {
    "unexport", "[NAME...]", "take names of variables out of PVM_EXPORT",
    "",         "",          0,
    CMD_MANY,   0,           PLAIN,
    run_export};
