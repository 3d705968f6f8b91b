/* SPDX-License-Identifier: BSD-3-Clause */
/* What the records of commands say: help, and what their JSON looks like. */
#include "cmd.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

/* Goes on with a text in column `at`; further lines begin in column `indent`. */
static void put_wrapped(size_t at, size_t indent, const char *text)
{
    size_t rows, columns;
    screen_size(&rows, &columns);
    for (bool first = true; *(text += strspn(text, " ")); first = false) {
        size_t len = strcspn(text, " ");
        bool breaks = at + 1 + len > columns && at > indent && !first;
        if (breaks)
            printf("\n%*s", (int)indent, "");
        else if (!first)
            putchar(' ');
        fwrite(text, 1, len, stdout);
        at = breaks ? indent + len : at + !first + len;
        text += len;
    }
    putchar('\n');
}

void describe_list(void)
{
    for (const struct cmd *const *c = cmd_table; *c; c++) {
        printf("%-10s ", (*c)->name);
        put_wrapped(11, 11, (*c)->summary);
    }
    puts("\n\"help COMMAND\" tells more. A name may be shortened as long as it fits one "
         "command\nonly.");
}

void describe_names(void)
{
    for (const struct cmd *const *c = cmd_table; *c; c++)
        puts((*c)->name);
}

const char *describe_form(const struct cmd *cmd)
{
    return !cmd->columns             ? "none"
           : cmd->flags & CMD_LINES  ? "lines"
           : cmd->flags & CMD_OBJECT ? "object"
                                     : "array";
}

void describe_command(const struct cmd *cmd)
{
    enum { INDENT = 4, HANG = INDENT + 12 + 1 + 7 + 1 };
    printf("%s%s", cmd->name, *cmd->usage ? " " : "");
    put_wrapped(strlen(cmd->name) + 1, 2 * INDENT, cmd->usage);
    printf("%*s", INDENT, "");
    put_wrapped(INDENT, INDENT, cmd->summary);
    if (*cmd->help) {
        printf("%*s", INDENT, "");
        put_wrapped(INDENT, INDENT, cmd->help);
    }
    if (!cmd->columns)
        return;
    printf("With --json, %s has\n", cmd->flags & CMD_OBJECT  ? "the object"
                                    : cmd->flags & CMD_LINES ? "each line"
                                                             : "each entry");
    for (const struct out_column *o = cmd->columns; o->name; o++) {
        int at = printf("%*s%-12s %-7s ", INDENT, "", o->name, out_kind_name(o->kind));
        put_wrapped((size_t)at, HANG, o->help);
    }
}

/* ---- schema ----------------------------------------------------------------------------------- */

static void put_member(const char *name, const char *value, const char *end)
{
    printf("\"%s\":", name);
    out_json_text(value);
    fputs(end, stdout);
}

static void put_fields(const struct cmd *cmd)
{
    for (const struct out_column *o = cmd->columns; o && o->name; o++) {
        printf("%s\n   {", o == cmd->columns ? "" : ",");
        put_member("name", o->name, ",");
        put_member("type", out_kind_name(o->kind), ",");
        put_member("unit", out_kind_unit(o->kind), ",");
        printf("\"null\":%s,",
               (o->kind & ~(unsigned)OUT_FLAGS) == OUT_TID ? "true" : "false");
        put_member("help", o->help, "}");
    }
}

void describe_schema(void)
{
    putchar('[');
    for (const struct cmd *const *c = cmd_table; *c; c++) {
        printf("%s\n {", c == cmd_table ? "" : ",");
        put_member("command", (*c)->name, ",");
        put_member("summary", (*c)->summary, ",");
        put_member("form", describe_form(*c), ",\n  \"fields\":[");
        put_fields(*c);
        fputs("]}", stdout);
    }
    puts("\n]");
}
