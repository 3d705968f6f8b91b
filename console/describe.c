/* SPDX-License-Identifier: BSD-3-Clause */
/* What the records of commands say: help, and what their JSON looks like. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

void describe_list(void)
{
    for (const struct cmd *const *c = cmd_table; *c; c++)
        printf("%-10s %s\n", (*c)->name, (*c)->summary);
    puts("\n\"help COMMAND\" tells more. A name may be shortened as long as it fits one "
         "command only.");
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
    printf("%s%s%s\n    %s\n", cmd->name, *cmd->usage ? " " : "", cmd->usage, cmd->summary);
    if (*cmd->help)
        printf("    %s\n", cmd->help);
    if (!cmd->columns)
        return;
    printf("With --json, %s has\n", cmd->flags & CMD_OBJECT  ? "the object"
                                    : cmd->flags & CMD_LINES ? "each line"
                                                             : "each entry");
    for (const struct out_column *o = cmd->columns; o->name; o++)
        printf("    %-12s %-7s %s\n", o->name, out_kind_name(o->kind), o->help);
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
