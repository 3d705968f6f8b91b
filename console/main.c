/* SPDX-License-Identifier: BSD-3-Clause */
/* pvmx: the console. One command from its arguments, a script, or a prompt. */
#include "boxes.h"
#include "cmd.h"
#include "pvm.h"
#include "text.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAVING (3 * PX_SEC) /* that the daemon has for our last words */

/* Commands one on each line, until one fails; a terminal's echo is missing, so nothing is shown. */
static int run_script(struct console *c, FILE *f, const char *name)
{
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    while (!c->quit && c->status == CMD_OK && !link_interrupted() &&
           getline(&line, &size, f) >= 0) {
        int n;
        char **words = words_split(line, &n);
        number++;
        c->status = words ? cmd_run(c, n, words) : CMD_USAGE;
        free(words);
        if (c->status != CMD_OK && !c->quit)
            fprintf(stderr, "pvmx: line %u ends the script\n", number);
    }
    if (c->status == CMD_OK && link_interrupted())
        c->status = CMD_INTERRUPTED;
    else if (c->status == CMD_OK && ferror(f))
        c->status = cmd_fail("cannot read %s: %s", name, strerror(errno));
    free(line);
    return c->status;
}

static int run_file(struct console *c, const char *path)
{
    if (strcmp(path, "-") == 0)
        return run_script(c, stdin, "standard input");
    FILE *f = fopen(path, "re");
    if (!f)
        return link_interrupted() ? CMD_INTERRUPTED
                                  : cmd_fail("%s: %s", path, strerror(errno));
    int status = run_script(c, f, path);
    fclose(f);
    return status;
}

/* Nothing to do was said: starts a VM when none runs, then reads commands. */
static int run_input(struct console *c)
{
    bool ran = link_open(&c->link, false) == PVMX_OK;
    if (!ran && link_open(&c->link, true) != PVMX_OK)
        return cmd_error();
    if (!isatty(STDIN_FILENO))
        return run_script(c, stdin, "standard input");
    printf("%s virtual machine \"%s\" on host %s (help lists the commands)\n",
           ran ? "Attached to" : "Started", c->link.info.vm, c->link.info.host);
    c->interactive = true;
    return repl_run(c);
}

#define USAGE                                                                            \
    "[--vm NAME] [--json] [-f FILE | --pvm3 [ARGUMENT]... | COMMAND [ARGUMENT]...]"

static int usage(const char *problem, const char *word)
{
    fprintf(stderr, "pvmx: %s%s; usage: pvmx " USAGE "\n", problem, word);
    return CMD_USAGE;
}

static int run(struct console *c, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            c->json = true;
        } else if (strcmp(argv[i], "--vm") == 0 && i + 1 < argc) {
            c->link.vm = argv[++i];
        } else if (strncmp(argv[i], "--vm=", 5) == 0) {
            c->link.vm = argv[i] + 5;
        } else if (strcmp(argv[i], "--pvm3") == 0) {
            return pvm_become(c->link.vm, argv + i);
        } else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc) {
            return i + 2 == argc
                       ? run_file(c, argv[i + 1])
                       : usage("what follows a script is too much: ", argv[i + 2]);
        } else if (strcmp(argv[i], "--vm") == 0 || strcmp(argv[i], "-f") == 0) {
            return usage(argv[i][1] == 'f' ? "a file must follow "
                                           : "the name of a virtual machine must follow ",
                         argv[i]);
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            char *help[] = {(char[]){"help"}, NULL};
            puts("Usage: pvmx " USAGE "\n\n"
                 "Without a command: a prompt, or a script from standard input; starts a "
                 "virtual machine\nwhen none runs. --vm: another one than \"default\"; "
                 "--json: "
                 "listings for programs; -f: a\nscript; --pvm3: as PVM's console.\n");
            return cmd_run(c, 1, help);
        } else if (strcmp(argv[i], "--version") == 0) {
            char *version[] = {(char[]){"version"}, NULL};
            return cmd_run(c, 1, version);
        } else {
            return usage("unknown option ", argv[i]);
        }
    }
    c->single = i < argc;
    return c->single ? cmd_run(c, argc - i, argv + i) : run_input(c);
}

/* What Ctrl-C cut off is missed by nobody, nor what had no reader any more. */
static int end_output(int status)
{
    struct pollfd p = {.fd = STDOUT_FILENO};
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || link_interrupted())
        return status;
    if (poll(&p, 1, 0) <= 0 || !(p.revents & POLLERR))
        fprintf(stderr, "pvmx: some of the output could not be written%s%s\n",
                errno ? ": " : "", errno ? strerror(errno) : "");
    return status ? status : CMD_FAILED;
}

int main(int argc, char **argv)
{
    static struct console c = {.link.client.fd = -1};
    text_locale();
    px_log_set_name("pvmx");
    signal(SIGPIPE, SIG_IGN);
    link_catch_interrupts();
    options_begin(&c.options);
    int status = end_output(run(&c, argc, argv));
    link_uninterrupt(); /* what is still to be done is done, unless Ctrl-C is pressed again */
    c.link.until = px_now_ns() + LEAVING;
    boxes_leave(&c.link, &c.boxes);
    link_close(&c.link);
    alias_free(&c);
    free(c.here);
    return status;
}
