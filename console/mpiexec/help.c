/* SPDX-License-Identifier: BSD-3-Clause */
/* The help text, from the table of options; what -info tells; the nearest name. */
#include "parse.h"

#include "base/err.h"
#include "base/rundir.h"
#include "proto/start.h"

#include <limits.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *const help_titles[GROUPS] = {
    [GROUP_PROGRAM] = "Each program",
    [GROUP_ENV] = "Environment",
    [GROUP_OUTPUT] = "Output",
    [GROUP_INPUT] = "Input",
    [GROUP_PLACE] = "Processors",
    [GROUP_HOST] = "Hosts",
    [GROUP_RUN] = "The run",
    [GROUP_ABOUT] = "About",
    [GROUP_NOTHING] = "Accepted, since scripts for other systems have them",
};

const char help_notes[] = "(*) %r rank, %w world (0: the one started here; spawned ones "
                          "count from 1), %h host, %% "
                          "a %.";

static void print_option(const struct opt *o)
{
    char left[80] = "";
    size_t at = 0;
    for (int k = 0; k < 4 && o->names[k]; k++)
        at += (size_t)snprintf(left + at, sizeof left - at, "%s-%s", k ? ", " : "",
                               o->names[k]);
    if (o->values && *o->values)
        snprintf(left + at, sizeof left - at, " %s", o->values);
    if (strlen(left) > 26)
        printf("  %s\n  %-26s %s\n", left, "", o->help);
    else
        printf("  %-26s %s\n", left, o->help);
}

void help_print(void)
{
    puts("Usage: mpiexec [OPTION]... PROGRAM [ARGUMENT]... [: [OPTION]... PROGRAM "
         "...]...\n"
         "Runs programs as the processes of one MPI_COMM_WORLD; waits until all have "
         "ended.\n\n"
         "  mpiexec -n 4 ./a.out                  four processes\n"
         "  mpiexec -n 1 ./master : -n 8 ./worker two programs in one world\n"
         "  mpiexec -hosts a,b:4 -n 8 ./a.out     on hosts, which are added by ssh\n"
         "  mpiexec -l -n 4 -bind-to core ./a.out labelled lines, a core for each");
    for (int g = 0; g < GROUPS; g++) {
        printf("\n%s\n", help_titles[g]);
        for (int i = 0; i < opt_count; i++)
            if (opt_table[i].group == (enum opt_group)g && opt_table[i].help)
                print_option(&opt_table[i]);
    }
    printf("\n%s\n", help_notes);
    puts("One or two dashes, \"-np 4\" or \"--np=4\": all the same.\n"
         "Ctrl-C ends the job, a second one at once. Exit status: the largest of the "
         "processes, 128\n"
         "and the signal's number when a signal has ended one, 1 when they could not be "
         "started.\n"
         "Variables of the environment: mpiexec(1).");
}

void help_info(void)
{
    struct utsname u;
    struct px_rundir dir;
    char daemon[PATH_MAX];
    printf("mpiexec (PVMX) %s\nMPI 5.0 with the standard ABI (libmpi_abi.so.1)\n",
           PVMX_VERSION);
    if (uname(&u) == 0)
        printf("host: %s, %s %s, %s, %ld processors\n", u.nodename, u.sysname, u.release,
               u.machine, sysconf(_SC_NPROCESSORS_ONLN));
    printf("daemon: %s\n",
           pxp_daemon_find(daemon, sizeof daemon) == PVMX_OK ? daemon : pvmx_last_error());
    printf("runtime directory: %s\n", px_rundir_open(NULL, false, &dir) == PVMX_OK
                                          ? dir.path
                                          : "none yet: no VM has run");
    puts("placement: none, hwthread, core, numa, socket; packed or round robin (hwloc)");
}

/* ---- the nearest name ------------------------------------------------------------------------- */

enum { NAME_MAX_LEN = 40 };

/* How many letters have to be put in, taken out or changed (Levenshtein). */
static int distance(const char *a, size_t n, const char *b)
{
    int row[NAME_MAX_LEN + 1];
    size_t m = strlen(b);
    for (size_t k = 0; k <= m; k++)
        row[k] = (int)k;
    for (size_t i = 1; i <= n; i++) {
        int corner = row[0];
        row[0] = (int)i;
        for (size_t k = 1; k <= m; k++) {
            int change = corner + (a[i - 1] != b[k - 1]);
            int less = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;
            corner = row[k];
            row[k] = change < less ? change : less;
        }
    }
    return row[m];
}

const char *help_nearest(const char *word)
{
    const char *name = word + strspn(word, "-"), *best = NULL;
    size_t len = strcspn(name, "=");
    int least =
        len < 5 ? 2 : 4; /* beyond that it is a guess: more of a short name is changed than kept */
    for (int i = 0; i < opt_count && len <= NAME_MAX_LEN; i++)
        for (int k = 0; k < 4 && opt_table[i].names[k]; k++) {
            const char *candidate = opt_table[i].names[k];
            int d = strlen(candidate) > 1 ? distance(name, len, candidate) : least;
            if (d < least) {
                least = d;
                best = candidate;
            }
        }
    return best;
}
