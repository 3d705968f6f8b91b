/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands, their help, and how a line becomes a call. */
#include "console.h"

#include <string.h>

static const struct command commands[] = {
    {"add", "add hosts to the virtual machine", 1, -1, false,
     "add host ...\n   or    add 'host option=value ...' ...\n"
     "Options are those of a line in a host file: see pvmd3(1).\n",
     cmd_add},
    {"alias", "give commands other names, or list such names", 0, -1, false,
     "alias [ name command [ word ... ] ]\n", cmd_alias},
    {"conf", "list the hosts", 0, 0, false,
     "conf\nColumns: HOST name, DTID its tid, ARCH architecture, SPEED relative speed,\n"
     "DSIG data format\n",
     cmd_conf},
    {"delete", "take hosts out of the virtual machine", 1, -1, false, "delete host ...\n",
     cmd_delete},
    {"echo", "print words", 0, -1, false, "echo [ word ... ]\n", cmd_echo},
    {"export", "pass variables on to spawned tasks, or list them", 0, -1, false,
     "export [ variable ... ]\n", cmd_export},
    {"getopt", "show options of the console task", 0, 1, false, "getopt [ option ]\n",
     cmd_getopt},
    {"halt", "end all tasks, the daemons and the console", 0, 0, false, "halt\n", cmd_halt},
    {"help", "list the commands, or tell of one", 0, 1, false, "help [ command ]\n", cmd_help},
    {"id", "print the console's tid", 0, 0, false, "id\n", cmd_id},
    {"idump", "show memory of the library", 0, 1, true, "idump [ how ]\n", cmd_idump},
    {"jobs", "list jobs that run and whose output is collected", 0, -1, false,
     "jobs [ -l ]\n  -l   each task in a line\n", cmd_jobs},
    {"kill", "end tasks", 1, -1, false,
     "kill [ -c ] tid ...\n  -c   the children of these tasks\n", cmd_kill},
    {"mstat", "tell whether hosts are in the virtual machine", 1, -1, false,
     "mstat host ...\n", cmd_mstat},
    {"names", "list entries of the mailbox", 0, 1, false,
     "names [ pattern ]\nPattern: a part of the name, in which * stands for anything\n",
     cmd_names},
    {"ps", "list tasks", 0, -1, false,
     "ps [ -alx ] [ -htid ] [ -nname ]\n"
     "  -a      of all hosts; else of this one\n"
     "  -htid   of the host with this tid\n"
     "  -nname  of this host\n"
     "  -l      with parent and process\n"
     "  -x      also consoles, and programs started by hand\n"
     "FLAG: c is connected, f was started by a daemon\n",
     cmd_ps},
    {"pstat", "tell whether tasks run", 1, -1, false, "pstat tid ...\n", cmd_pstat},
    {"put", "put an entry into the mailbox", 3, 3, false, "put name flags text\n", cmd_put},
    {"quit", "leave the console; tasks and daemons stay", 0, 0, false, "quit\n", cmd_quit},
    {"reset", "end all tasks, and drop entries they have left", 0, 3, false,
     "reset\n   or    reset info [ name [ index ] ]\n"
     "With info only entries of the mailbox are dropped whose tasks have ended.\n",
     cmd_reset},
    {"setenv", "show or set variables of the environment", 0, -1, false,
     "setenv [ name [ value ] ]\n", cmd_setenv},
    {"setopt", "set an option of the console task", 2, 2, false, "setopt option value\n",
     cmd_setopt},
    {"sig", "send a signal to tasks", 2, -1, false,
     "sig signal tid ...\nSignal: a number, or a name such as USR1\n", cmd_sig},
    {"spawn", "start tasks", 1, -1, false,
     "spawn [ option ... ] file [ argument ... ]\n"
     "  -COUNT          so many; else 1\n"
     "  -HOST           on this host\n"
     "  -ARCH           on hosts of this architecture\n"
     "  -HOST:DIR -ARCH:DIR -:DIR   in this working directory\n"
     "  --host=ADDRESS[:DIR]        on the host with this address\n"
     "  ->              show their output\n"
     "  ->FILE          write their output into a file\n"
     "  ->>FILE         append their output to a file\n"
     "  -@ -@FILE       trace: show what happens, or write it into a file\n"
     "  -?              run them under the debugger ($PVM_DEBUGGER)\n",
     cmd_spawn},
    {"tickle", "ask the daemon", 1, -1, true,
     "tickle how [ number ... ]\n"
     "  5        show the mask of debug messages\n"
     "  6 mask   set it\n"
     "Others are accepted; there is nothing to dump.\n",
     cmd_tickle},
    {"trace", "choose events that are traced in children", 0, -1, false,
     "trace\n   or    trace [ + | - ] event ...        * stands for all\n"
     "   or    trace xpvm                       those of XPVM\n"
     "   or    trace buf [ bytes ]\n   or    trace opt [ full | time | count ]\n",
     cmd_trace},
    {"unalias", "forget aliases", 1, -1, false, "unalias name ...\n", cmd_unalias},
    {"unexport", "pass variables on no more", 0, -1, false, "unexport [ variable ... ]\n",
     cmd_unexport},
    {"version", "print the version of PVM", 0, 0, false, "version\n", cmd_version},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

const struct command *command_at(int i)
{
    return i < COMMANDS ? &commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

void cmd_help(int argc, char **argv)
{
    const struct command *c = command_find(argc > 1 ? argv[1] : "help");
    if (!c)
        return;
    printf("%-11s %s\nSyntax:  %s", c->name, c->summary, c->usage);
    if (strcmp(c->name, "help") != 0)
        return;
    puts("Commands are:");
    for (int i = 0; i < COMMANDS; i++)
        if (!commands[i].hidden)
            printf("  %-11s %s\n", commands[i].name, commands[i].summary);
}

/* The words of an alias take the place of the first one, once; how many there are then. */
static int replace_alias(int n, char **words)
{
    int more;
    char *const *with = alias_find(words[0], &more);
    if (!with || n - 1 + more > WORDS_MAX)
        return n;
    memmove(words + more, words + 1, (size_t)(n - 1) * sizeof *words);
    memcpy(words, with, (size_t)more * sizeof *words);
    return n - 1 + more;
}

void run_line(char *line)
{
    char *words[WORDS_MAX + 1];
    if (line[strspn(line, " \t")] == '#')
        return;
    int n = words_split(line, words);
    if (n < 1)
        return;
    n = replace_alias(n, words);
    words[n] = NULL;
    const struct command *c = command_find(words[0]);
    if (!c)
        printf("%s: not found\n", words[0]);
    else if (n - 1 < c->min || (c->max >= 0 && n - 1 > c->max))
        printf("%s: wrong #args\n", c->name);
    else
        c->run(n, words);
    fflush(stdout);
}
