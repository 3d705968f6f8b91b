/* SPDX-License-Identifier: BSD-3-Clause */
/* What the records of commands say: help, the manual page, completion rules. */
#include "cmd.h"
#include "roff.h"

#include <pvmx/version.h>
#include <stdio.h>
#include <string.h>

void describe_list(void)
{
    for (const struct cmd *const *c = cmd_table; *c; c++)
        printf("%-10s %s\n", (*c)->name, (*c)->summary);
    puts("\n\"help COMMAND\" tells more. A name may be shortened as long as it fits one "
         "command only.");
}

void describe_command(const struct cmd *cmd)
{
    printf("%s%s%s\n    %s\n", cmd->name, *cmd->usage ? " " : "", cmd->usage, cmd->summary);
    if (*cmd->help)
        printf("    %s\n", cmd->help);
    if (!cmd->columns)
        return;
    puts("With --json, each entry has");
    for (const struct out_column *o = cmd->columns; o->name; o++)
        printf("    %-12s %-7s %s\n", o->name, out_kind_name(o->kind), o->help);
}

/* ---- manual page ------------------------------------------------------------------------------ */

static void put_command(const struct cmd *cmd)
{
    printf(".TP\n\\fB%s\\fR ", cmd->name);
    roff_text(cmd->usage);
    putchar('\n');
    roff_text(cmd->summary);
    if (*cmd->help) {
        printf(".\n");
        roff_text(cmd->help);
    }
    putchar('\n');
}

static void put_schema(const struct cmd *cmd)
{
    if (!cmd->columns)
        return;
    printf(".SS %s\n", cmd->name);
    for (const struct out_column *o = cmd->columns; o->name; o++) {
        printf(".TP\n\\fB%s\\fR (%s)\n", o->name, out_kind_name(o->kind));
        roff_text(o->help);
        putchar('\n');
    }
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
    "it.\n.SH COMMANDS\n";

static const char tail[] =
    ".SH EXIT STATUS\n0: done. 1: it failed, with a sentence on standard error. 2: the "
    "command makes no "
    "sense. 130: Ctrl\\-C. \\fBwait\\fR: the largest status of the tasks.\n"
    ".SH FILES\n.TP\n$XDG_STATE_HOME/pvmx/history (~/.local/state/pvmx/history)\nlines "
    "that were typed\n"
    ".SH ENVIRONMENT\n.TP\n\\fBPVMX_VM\\fR\nname of the virtual machine when \\-\\-vm "
    "does not say\n"
    ".SH SEE ALSO\n\\fBmpiexec\\fR(1)\n";

void describe_man(void)
{
    printf(".\\\" made by pvmx help -m\n.TH PVMX 1 \"\" \"PVMX %s\" \"PVMX\"\n",
           PVMX_VERSION);
    fputs(head, stdout);
    for (const struct cmd *const *c = cmd_table; *c; c++)
        put_command(*c);
    puts(".SH JSON\nWith \\fB\\-\\-json\\fR, before the command or as its option, "
         "listings are an array "
         "of objects on standard output. Names and kinds of what an object holds stay as "
         "they are; "
         "there may be more in later versions. Times are in ms, memory in KiB; tids are "
         "strings such as "
         "\"t40002\", null where there is none.");
    for (const struct cmd *const *c = cmd_table; *c; c++)
        put_schema(*c);
    fputs(tail, stdout);
}

/* ---- completion ------------------------------------------------------------------------------- */

void describe_completion(void)
{
    puts("# bash completion for pvmx; made by pvmx help -b\n"
         "_pvmx()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} i=1\n"
         "    while [ $i -lt \"$COMP_CWORD\" ]; do\n"
         "        case ${COMP_WORDS[i]} in\n"
         "        --vm|-f) i=$((i + 2));;\n"
         "        --*) i=$((i + 1));;\n"
         "        *) break;;\n"
         "        esac\n"
         "    done\n"
         "    COMPREPLY=()\n"
         "    if [ $i -ge \"$COMP_CWORD\" ]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -W '--vm --json --help -f");
    for (const struct cmd *const *c = cmd_table; *c; c++)
        puts((*c)->name);
    puts("' -- \"$cur\")\n"
         "        return\n"
         "    fi\n"
         "    case ${COMP_WORDS[i]} in");
    for (const struct cmd *const *c = cmd_table; *c; c++) {
        if ((*c)->words & WORDS_TASK)
            printf("    %s) mapfile -t COMPREPLY < <(compgen -W \"$(pvmx ps 2>/dev/null "
                   "| awk 'NR > 1 "
                   "{ print $1 }')\" -- \"$cur\");;\n",
                   (*c)->name);
        if ((*c)->words & WORDS_FILE)
            printf(
                "    %s) mapfile -t COMPREPLY < <(compgen -c -- \"$cur\"; compgen -f -- "
                "\"$cur\");;\n",
                (*c)->name);
    }
    puts("    esac\n}\ncomplete -o filenames -F _pvmx pvmx");
}
