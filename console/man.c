/* SPDX-License-Identifier: BSD-3-Clause */
/* Manual pages, of the program and of each command. */
#include "cmd.h"
#include "roff.h"

#include <ctype.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <string.h>

static void put_title(const char *name)
{
    printf(".\\\" made by pvmx help -m\n.TH ");
    for (const char *c = name; *c; c++)
        putchar(toupper((unsigned char)*c));
    printf(" 1 \"\" \"PVMX %s\" \"PVMX\"\n", PVMX_VERSION);
}

static void put_fields(const struct cmd *cmd)
{
    for (const struct out_column *o = cmd->columns; o->name; o++) {
        printf(".TP\n\\fB%s\\fR (%s)\n", o->name, out_kind_name(o->kind));
        roff_line(o->help);
    }
}

static const char *form_text(const struct cmd *cmd)
{
    return cmd->flags & CMD_LINES    ? "an object on each line"
           : cmd->flags & CMD_OBJECT ? "one object"
                                     : "an array of objects";
}

/* ---- the program ------------------------------------------------------------------------------ */

static void put_command(const struct cmd *cmd)
{
    printf(".TP\n\\fB%s\\fR ", cmd->name);
    roff_line(cmd->usage);
    roff_text(cmd->summary);
    if (*cmd->help) {
        printf(".\n");
        roff_text(cmd->help);
    }
    putchar('\n');
}

static const char head[] =
    ".SH NAME\npvmx \\- console of a virtual machine\n"
    ".SH SYNOPSIS\n\\fBpvmx\\fR [\\fB\\-\\-vm\\fR \\fINAME\\fR] [\\fB\\-\\-json\\fR] "
    "[\\fB\\-f\\fR \\fIFILE\\fR | \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...]\n"
    ".SH DESCRIPTION\nRuns one command; or the commands of FILE (\\- is standard input), "
    "one on each "
    "line, until one fails; or, alone, starts a virtual machine when none runs and reads "
    "commands: from "
    "a terminal at a prompt with history and completion, else from standard input.\n"
    ".PP\nWords of a line are quoted as in a shell; # begins a comment. Ctrl\\-C ends "
    "what a command "
    "waits for, or drops the line. The virtual machine stays when the console leaves; "
    "\\fBhalt\\fR ends "
    "it.\n.SH COMMANDS\nEach has a page of its own: \\fBpvmx\\-ps\\fR(1) and so on.\n";

static const char tail[] =
    ".SH EXIT STATUS\n0: done. 1: it failed, with a sentence on standard error. 2: the "
    "command makes no "
    "sense. 130: Ctrl\\-C. \\fBwait\\fR: the largest status of the tasks.\n"
    ".SH FILES\n.TP\n$XDG_STATE_HOME/pvmx/history (~/.local/state/pvmx/history)\nlines "
    "that were typed\n"
    ".SH ENVIRONMENT\n.TP\n\\fBPVMX_VM\\fR\nname of the virtual machine when \\-\\-vm "
    "does not say\n"
    ".TP\n\\fBPVMX_CONSOLE_PATIENCE\\fR\nhow long hosts may take to answer before the "
    "console goes on without them (3s)\n"
    ".SH SEE ALSO\n\\fBmpiexec\\fR(1)\n";

void man_program(void)
{
    put_title("pvmx");
    fputs(head, stdout);
    for (const struct cmd *const *c = cmd_table; *c; c++)
        put_command(*c);
    puts(".SH JSON\nWith \\fB\\-\\-json\\fR, before the command or as its option, "
         "listings are an array "
         "of objects on standard output, if nothing else is said. Names and kinds of "
         "what an "
         "object holds stay as they are; "
         "there may be more in later versions. Times are in ms, memory in KiB; tids are "
         "strings such as "
         "\"t40002\", null where there is none. \\fBpvmx help \\-\\-json\\fR tells all "
         "this as JSON.");
    for (const struct cmd *const *c = cmd_table; *c; c++)
        if ((*c)->columns) {
            printf(".SS %s: %s\n", (*c)->name, form_text(*c));
            put_fields(*c);
        }
    fputs(tail, stdout);
}

/* ---- one command ------------------------------------------------------------------------------ */

void man_command(const struct cmd *cmd)
{
    char name[64];
    snprintf(name, sizeof name, "pvmx-%s", cmd->name);
    put_title(name);
    printf(".SH NAME\npvmx\\-%s \\- ", cmd->name);
    roff_line(cmd->summary);
    printf(".SH SYNOPSIS\n\\fBpvmx\\fR [\\fB\\-\\-vm\\fR \\fINAME\\fR] \\fB%s\\fR%s ",
           cmd->name, cmd->columns ? " [\\fB\\-\\-json\\fR]" : "");
    roff_line(cmd->usage);
    puts(".SH DESCRIPTION");
    roff_line(*cmd->help ? cmd->help : cmd->summary);
    if (cmd->flags & CMD_STARTS)
        puts(".PP\nStarts a virtual machine when none runs.");
    if (cmd->columns) {
        printf(".SH JSON\nWith \\fB\\-\\-json\\fR: %s, which %s\n", form_text(cmd),
               cmd->flags & CMD_OBJECT ? "holds" : "each hold");
        put_fields(cmd);
    }
    puts(".SH EXIT STATUS\n0: done. 1: it failed, with a sentence on standard error. 2: "
         "the command "
         "makes no sense. 130: Ctrl\\-C.\n"
         ".SH SEE ALSO\n\\fBpvmx\\fR(1)");
}
