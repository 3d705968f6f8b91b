/* SPDX-License-Identifier: BSD-3-Clause */
/* The manual page and the completion rules, from the tables of options and variables. */
#include "parse.h"
#include "roff.h"

#include <pvmx/version.h>
#include <stdio.h>
#include <string.h>

/* ---- roff ------------------------------------------------------------------------------------- */

static void put_option(const struct opt *o)
{
    printf(".TP\n");
    for (int k = 0; k < 4 && o->names[k]; k++) {
        printf("%s\\fB\\-", k ? ", " : "");
        roff_text(o->names[k]);
        printf("\\fR");
    }
    if (o->values) {
        printf(" \\fI");
        roff_text(o->values);
        printf("\\fR");
    }
    putchar('\n');
    roff_line(o->help);
}

static void put_options(void)
{
    puts(".SH OPTIONS\nOne dash or two, a value as the next word or after \"=\": all the "
         "same.");
    for (int g = 0; g < GROUPS; g++) {
        printf(".SS %s\n", help_titles[g]);
        for (int i = 0; i < opt_count; i++)
            if (opt_table[i].group == (enum opt_group)g)
                put_option(&opt_table[i]);
    }
    puts(".PP");
    roff_line(help_notes);
}

static void put_variables(void)
{
    puts(".SH ENVIRONMENT\nOptions win over variables.");
    for (int i = 0; i < variable_count; i++) {
        printf(".TP\n\\fB%s\\fR=\\fI", variable_table[i].name);
        roff_text(variable_table[i].values);
        printf("\\fR\n");
        roff_line(variable_table[i].help);
    }
    puts(".TP\n\\fBPVMX_MPIEXEC_GRACE\\fR=\\fITIME\\fR\n"
         "how long processes may take to end after Ctrl\\-C (default 3s)\n"
         ".TP\n\\fBPVMX_VM\\fR=\\fINAME\\fR\nas \\-vm");
}

/* ---- what no table knows ---------------------------------------------------------------------- */

static const char head[] =
    ".SH NAME\nmpiexec, mpirun \\- run programs as the processes of one MPI_COMM_WORLD\n"
    ".SH SYNOPSIS\n\\fBmpiexec\\fR [\\fIOPTION\\fR]... \\fIPROGRAM\\fR "
    "[\\fIARGUMENT\\fR]... "
    "[\\fB:\\fR [\\fIOPTION\\fR]... \\fIPROGRAM\\fR [\\fIARGUMENT\\fR]... ]...\n"
    ".SH DESCRIPTION\nStarts the programs in this user's virtual machine, which is "
    "started too when "
    "none runs, passes signals, input and output on, and waits until all processes have "
    "ended, those "
    "that they have spawned included (but for detached ones). The programs need not use "
    "MPI.\n"
    ".PP\nWhen a process is killed by a signal, calls MPI_Abort, or leaves without "
    "MPI_Finalize after "
    "it had called MPI_Init, the rest of its world is ended. When mpiexec itself ends, "
    "in whatever "
    "way, so does the job.\n";

static const char tail[] =
    ".SH VARIABLES OF THE PROCESSES\nWhatever else it inherits, with \\fB\\-envnone\\fR "
    "too, each "
    "process finds these:\n"
    ".TP\n\\fBPVMX_RANK\\fR, \\fBPVMX_SIZE\\fR\nits rank in MPI_COMM_WORLD, and how many "
    "there are\n"
    ".TP\n\\fBPVMX_LOCAL_RANK\\fR\nits number among those of its host\n"
    ".TP\n\\fBMPI_APPNUM\\fR\nwhich program of the command line it is, from 0 on\n"
    ".TP\n\\fBPVMX_MAXPROCS\\fR\nhow many processes of that program were asked for\n"
    ".TP\n\\fBMPI_UNIVERSE_SIZE\\fR\na number, or INFINITE\n"
    ".TP\n\\fBPVMX_TASK\\fR\nfor the library\n"
    ".SH INPUT AND OUTPUT\nRank 0 reads standard input, all others find its end at once; "
    "\\fB\\-stdin\\fR says otherwise. From a terminal mpiexec takes a line at a time, "
    "when the last "
    "has been read and rank 0 waits for more: what the job does not want stays for the "
    "shell. (With "
    "\\fB\\-stdin 0\\fR it does not look whether rank 0 waits, for programs that ask for "
    "input now "
    "and then without waiting.)\n"
    ".PP\nLines of several processes are kept whole, unless they go to a terminal. A "
    "line longer "
    "than 64 KiB comes in pieces. Files of \\fB\\-outfile\\-pattern\\fR and "
    "\\fB\\-errfile\\-pattern\\fR are emptied first; processes for which the name comes "
    "out the same "
    "share a file.\n"
    ".SH SIGNALS\nINT (Ctrl\\-C), TERM, HUP and QUIT are passed on; when processes have "
    "not ended "
    "3 seconds later they are ended, and at once at a second such signal. TSTP "
    "(Ctrl\\-Z) stops the "
    "job and mpiexec, CONT continues both. USR1, USR2 and WINCH are passed on.\n"
    ".SH HOSTS\nHosts of \\fB\\-host\\fR (HOST, HOST:N, USER@HOST:N) and of a host file "
    "that are not in the "
    "virtual machine are added to it, all at the same time, before the job is started: "
    "by ssh, "
    "with the user's own configuration and without a question, or as \\fB\\-launcher\\fR "
    "says: ssh, rsh, "
    "fork (a virtual host on this machine), or a command with %h (host), %u (user) and "
    "%c (what to run "
    "there) in it. \\fB\\-launcher\\-exec\\fR names the program instead: it is run as "
    "PROGRAM HOST COMMAND, "
    "with \\-l USER in front where one is given, or as it stands when there is a %c in "
    "it. What a host "
    "file says of a host comes first. Each host that cannot be added is told with its "
    "reason, and when "
    "a process has to run there nothing is started; what else is in the list is for "
    "processes that are "
    "spawned. A virtual machine that was started for a job ends when no host "
    "of it "
    "has a task or a client, and its hosts with it; in one that a person has started "
    "they stay. When "
    "mpiexec is ended meanwhile, those that have not come yet are not waited for.\n"
    ".PP\nA program without \\fB\\-n\\fR is started once for each slot of the hosts "
    "that are named for it (one of a host of "
    "which no number is said), as by MPICH and Open MPI; with \\fB\\-ppn\\fR N times "
    "on each host; once when no host is named, or \\fB\\-arch\\fR is to choose among "
    "them. A master that spawns its workers itself takes \\fB\\-n 1\\fR.\n"
    ".SH FILES\nIn host files (\\fB\\-f\\fR) each line names a host: HOST, HOST:N, HOST "
    "slots=N or HOST "
    "cpu=N. In files of \\fB\\-configfile\\fR each line is a program with its options, "
    "in files of "
    "\\fB\\-file\\fR there are options only; '...', \"...\" and \\e quote, # begins a "
    "comment, \\e "
    "at the end of a line continues it.\n"
    ".SH EXIT STATUS\nThe largest of all processes: their exit status; 128 and the "
    "signal's number when "
    "a signal has ended one (on standard error it is told in words); the code of "
    "MPI_Abort. 1: the "
    "processes could not be started. 2: the command line makes no sense. 124: the time "
    "limit of "
    "\\fB\\-timeout\\fR has ended the job.\n"
    ".SH EXAMPLES\n.nf\nmpiexec \\-n 4 ./a.out\nmpiexec \\-n 1 ./master : \\-n 8 "
    "./worker\n"
    "mpiexec \\-l \\-n 4 \\-bind\\-to core \\-map\\-by socket ./a.out\n"
    "mpiexec \\-hosts alpha,me@beta:8 \\-n 16 ./a.out\n"
    "mpiexec \\-hosts alpha:4,beta:8 ./a.out\n"
    "mpiexec \\-launcher 'podman exec \\-i %h %c' \\-f hosts \\-n 16 ./a.out\n"
    "mpiexec \\-n 16 \\-outfile\\-pattern 'out.%r' \\-timeout 3600 ./a.out\n.fi\n"
    ".SH SEE ALSO\n\\fBpvmx\\fR(1)\n";

void man_print(void)
{
    printf(
        ".\\\" made by mpiexec -help-as man\n.TH MPIEXEC 1 \"\" \"PVMX %s\" \"PVMX\"\n",
        PVMX_VERSION);
    fputs(head, stdout);
    put_options();
    put_variables();
    fputs(tail, stdout);
}

/* ---- completion ------------------------------------------------------------------------------- */

static bool names_file(const struct opt *o)
{
    return o->nvalues == 1 &&
           (strcmp(o->values, "FILE") == 0 || strcmp(o->values, "DIR") == 0 ||
            strcmp(o->values, "PROGRAM") == 0);
}

/* Patterns of a shell's `case` for the options that take n values (files: that name one). */
static void put_case(int n, bool files, const char *action)
{
    bool first = true;
    for (int i = 0; i < opt_count; i++) {
        const struct opt *o = &opt_table[i];
        if (files ? !names_file(o) : o->nvalues != n)
            continue;
        for (int k = 0; k < 4 && o->names[k]; k++, first = false)
            if (strcmp(o->names[k], "?") != 0)
                printf("%s-%s|--%s", first ? "        " : "|", o->names[k], o->names[k]);
    }
    if (!first)
        printf(") %s;;\n", action);
}

void man_completion(void)
{
    puts("# bash completion for mpiexec and mpirun; made by mpiexec -help-as bash\n"
         "_pvmx_mpiexec()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} i=1 start=1 skip=0\n"
         "    # Where the program of the last ':' begins.\n"
         "    while [ $i -lt \"$COMP_CWORD\" ]; do\n"
         "        if [ \"${COMP_WORDS[i]}\" = : ]; then start=1; skip=0; i=$((i + 1)); "
         "continue; fi\n"
         "        if [ $skip -gt 0 ]; then skip=$((skip - 1)); i=$((i + 1)); continue; "
         "fi\n"
         "        if [ $start = 1 ]; then\n"
         "        case ${COMP_WORDS[i]} in");
    put_case(1, false, "skip=1");
    put_case(2, false, "skip=2");
    puts("        -*) ;;\n"
         "        *) start=0;;\n"
         "        esac\n"
         "        fi\n"
         "        i=$((i + 1))\n"
         "    done\n"
         "    COMPREPLY=()\n"
         "    if [ $start = 0 ]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
         "        return\n"
         "    fi\n"
         "    if [ $skip -gt 0 ]; then\n"
         "        case ${COMP_WORDS[COMP_CWORD - 1]} in");
    put_case(0, true, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")");
    puts("        -bind-to|--bind-to) mapfile -t COMPREPLY < <(compgen -W 'none hwthread "
         "core numa "
         "socket' -- \"$cur\");;\n"
         "        -map-by|--map-by) mapfile -t COMPREPLY < <(compgen -W 'packed hwthread "
         "core numa "
         "socket' -- \"$cur\");;\n"
         "        esac\n"
         "        return\n"
         "    fi\n"
         "    case $cur in\n"
         "    --*|-*)\n"
         "        local dash=-\n"
         "        [ \"${cur#--}\" != \"$cur\" ] && dash=--\n"
         "        mapfile -t COMPREPLY < <(compgen -P $dash -W '");
    for (int i = 0; i < opt_count; i++)
        for (int k = 0; k < 4 && opt_table[i].names[k]; k++)
            if (strcmp(opt_table[i].names[k], "?") != 0)
                puts(opt_table[i].names[k]);
    puts("' -- \"${cur#$dash}\")\n"
         "        ;;\n"
         "    *)\n"
         "        mapfile -t COMPREPLY < <(compgen -c -- \"$cur\"; compgen -f -- "
         "\"$cur\")\n"
         "        ;;\n"
         "    esac\n"
         "}\n"
         "complete -o filenames -F _pvmx_mpiexec mpiexec mpirun");
}
