/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm: the console that PVM's users and scripts know. */
#include "console.h"

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool quitting;

/* $HOME/.pvmrc, each line shown as it is read. */
static void run_profile(void)
{
    const char *home = getenv("HOME");
    char path[PATH_MAX], *line = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/.pvmrc", home ? home : "");
    FILE *f = home ? fopen(path, "re") : NULL;
    while (f && !quitting && getline(&line, &size, f) >= 0) {
        line[strcspn(line, "\n")] = 0;
        puts(line);
        run_line(line);
    }
    free(line);
    if (f)
        fclose(f);
}

static void run_input(void)
{
    char *line;
    while (!quitting && (line = input_line()) != NULL)
        run_line(line);
    if (!quitting)
        puts("quit");
}

int console_enrol(void)
{
    if (pvm_mytid() < 0)
        return -1;
    pvm_setopt(PvmNoReset, 1);
    pvm_setopt(PvmResvTids, 1);
    pvm_setopt(PvmRoute, PvmDontRoute);
    pvm_setopt(PvmSelfOutputTid, -1);
    pvm_setopt(PvmSelfTraceTid, -1);
    pvm_setopt(PvmOutputTid, 0); /* which follows the own one */
    pvm_setopt(PvmTraceTid, 0);
    pvm_setopt(PvmOutputCode, 11);
    pvm_setopt(PvmTraceOptions, PvmTraceFull);
    trace_init();
    return 0;
}

int main(int argc, char **argv)
{
    struct start s = {.hostfile = getenv("PVMHOSTFILE")};
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strncmp(argv[1], "-@", 2) == 0) /* for spawn -@ of pvmx */
        return reader_run(argv[1] + 2);
    if (!start_options("pvm", argc, argv, &s))
        return 2;
    int running = start_daemon("pvm", &s);
    if (running < 0 || console_enrol() != 0)
        return 1;
    if (running)
        puts("pvmd already running.");
    run_profile();
    input_open();
    if (!quitting)
        run_input();
    puts("\nConsole: exit handler called\npvmd still running.");
    int failed = fflush(stdout) != 0 || ferror(stdout);
    input_close();
    jobs_end();
    return failed;
}
