/* SPDX-License-Identifier: BSD-3-Clause */
/* See opts.h. */
#include "opts.h"

#include <errno.h>
#include <pvmx/engine/dyn.h>
#include <pvmx/version.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2 }; /* exit status of a command line that makes no sense */

struct parse {
    struct opts *opts;
    struct pxp_app *app; /* the one that is being read */
    bool counted;        /* -n was given for it        */
    int status;          /* what opts_parse returns    */
};

/* One option: run gets its values (as many as `values` has words). False: p->status is set. */
struct opt {
    const char *names[4]; /* without leading dashes: one or two are accepted */
    const char *values;   /* for the help text; NULL: takes none             */
    int nvalues;
    const char *help;
    bool (*run)(struct parse *p, char **values);
};

static bool fail(struct parse *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct parse *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("mpiexec: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs(" (mpiexec --help tells more)\n", stderr);
    va_end(ap);
    p->status = USAGE;
    return false;
}

/* Appends to a list of strings. */
static bool push(struct parse *p, const char ***list, size_t *n, const char *text)
{
    const char **grown = text ? realloc(*list, (*n + 1) * sizeof **list) : NULL;
    if (!grown)
        return fail(p, "out of memory");
    grown[*n] = text;
    *list = grown;
    (*n)++;
    return true;
}

static char *joined(const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    char *text = malloc(size);
    if (text)
        snprintf(text, size, "%s=%s", name, value);
    return text;
}

static bool check_name(struct parse *p, const char *option, const char *name)
{
    if (*name && !strchr(name, '='))
        return true;
    return fail(p, "%s takes a name and a value as two words; \"%s\" is no name", option,
                name);
}

static bool run_count(struct parse *p, char **v)
{
    char *end;
    errno = 0;
    long n = strtol(v[0], &end, 10);
    if (end == v[0] || *end || errno || n < 1 || n > 1000000)
        return fail(p, "-n %s: the number of processes must be from 1 to 1000000", v[0]);
    p->app->count = (uint32_t)n;
    p->counted = true;
    return true;
}

static bool run_wdir(struct parse *p, char **v)
{
    p->app->wdir = v[0];
    return true;
}

static bool run_path(struct parse *p, char **v)
{
    p->app->path = v[0];
    return true;
}

static bool run_env(struct parse *p, char **v)
{
    return check_name(p, "-env", v[0]) &&
           push(p, &p->app->env, &p->app->n_env, joined(v[0], v[1]));
}

static bool run_genv(struct parse *p, char **v)
{
    return check_name(p, "-genv", v[0]) &&
           push(p, &p->opts->genv, &p->opts->ngenv, joined(v[0], v[1]));
}

static bool run_soft(struct parse *p, char **v)
{
    (void)v;
    p->opts->flags |= PVMX_SPAWN_SOFT;
    return true;
}

static bool run_slots(struct parse *p, char **v)
{
    (void)v;
    p->opts->flags |= PVMX_SPAWN_NO_OVERSUBSCRIBE;
    return true;
}

static bool run_crowd(struct parse *p, char **v)
{
    (void)v;
    p->opts->flags &= ~(uint32_t)PVMX_SPAWN_NO_OVERSUBSCRIBE;
    return true;
}

static bool run_vm(struct parse *p, char **v)
{
    p->opts->vm = v[0];
    return true;
}

static bool run_version(struct parse *p, char **v)
{
    (void)v;
    printf("mpiexec (PVMX) %s\n", PVMX_VERSION);
    p->status = 0;
    return false;
}

static bool run_help(struct parse *p, char **v);

/* Alphabetical but for help and version. */
static const struct opt table[] = {
    {{"env"}, "NAME VALUE", 2, "set a variable for this program's processes", run_env},
    {{"genv"}, "NAME VALUE", 2, "set a variable for the processes of all programs", run_genv},
    {{"n", "np", "c"}, "N", 1, "how many processes (default 1)", run_count},
    {{"nooversubscribe"},
     NULL,
     0,
     "refuse to start more processes than there are free slots",
     run_slots},
    {{"oversubscribe"}, NULL, 0, "start them all the same (default)", run_crowd},
    {{"path"}, "DIRS", 1, "look for the program here first, folders separated by ':'", run_path},
    {{"soft"}, NULL, 0, "start as many as can be started instead of all or nothing", run_soft},
    {{"vm"}, "NAME", 1, "use this virtual machine (default: PVMX_VM, else \"default\")", run_vm},
    {{"wdir", "wd"}, "DIR", 1, "working directory of the processes", run_wdir},
    {{"h", "help"}, NULL, 0, "print this text", run_help},
    {{"V", "version"}, NULL, 0, "print the version", run_version},
};
enum { NOPTS = sizeof table / sizeof *table };

static bool run_help(struct parse *p, char **v)
{
    (void)v;
    puts("usage: mpiexec [OPTION]... PROGRAM [ARGUMENT]... [: [OPTION]... PROGRAM ...]\n"
         "Starts processes that form one MPI_COMM_WORLD, and waits until they have "
         "ended.\n");
    for (int i = 0; i < NOPTS; i++) {
        char left[64] = "";
        size_t at = 0;
        for (int k = 0; k < 4 && table[i].names[k]; k++)
            at += (size_t)snprintf(left + at, sizeof left - at, "%s-%s", k ? ", " : "",
                                   table[i].names[k]);
        if (table[i].values)
            snprintf(left + at, sizeof left - at, " %s", table[i].values);
        printf("  %-22s %s\n", left, table[i].help);
    }
    puts(
        "\n':' separates programs that run in one world. A first Ctrl-C goes to the "
        "processes, a\n"
        "second one ends them at once; SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, "
        "SIGWINCH, SIGTSTP\n"
        "and SIGCONT are passed on too. Exit status: the largest of the processes; 128 "
        "and the\n"
        "signal's number when a signal has ended one; 1 when they could not be started.");
    p->status = 0;
    return false;
}

static const struct opt *find(const char *word)
{
    const char *name = word + 1 + (word[1] == '-');
    for (int i = 0; i < NOPTS; i++)
        for (int k = 0; k < 4 && table[i].names[k]; k++)
            if (strcmp(table[i].names[k], name) == 0)
                return &table[i];
    return NULL;
}

/* Reads one app from argv[i]; returns the index after it (and its ':'), 0 on failure. */
static int parse_app(struct parse *p, int argc, char **argv, int i)
{
    while (i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--") != 0) {
        const struct opt *o = find(argv[i]);
        if (!o) {
            fail(p, "unknown option %s", argv[i]);
            return 0;
        }
        if (argc - i <= o->nvalues) {
            fail(p, "%s needs %s", argv[i], o->values);
            return 0;
        }
        if (!o->run(p, argv + i + 1))
            return 0;
        i += 1 + o->nvalues;
    }
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i >= argc || strcmp(argv[i], ":") == 0) {
        if (p->counted)
            fail(p, "a program to run is missing after -n %u", p->app->count);
        else
            fail(p, "which program?");
        return 0;
    }
    p->app->command = argv[i++];
    int first = i;
    while (i < argc && strcmp(argv[i], ":") != 0)
        i++;
    p->app->args = (const char **)(argv + first);
    p->app->n_args = (size_t)(i - first);
    if (i < argc && i + 1 == argc) {
        fail(p, "a program to run is missing after ':'");
        return 0;
    }
    return i < argc ? i + 1 : i;
}

/* What -genv says holds for every app, but an app's own -env wins: the last one of a name counts. */
static bool spread_genv(struct parse *p)
{
    for (size_t a = 0; a < p->opts->napps; a++) {
        struct pxp_app *app = &p->opts->apps[a];
        const char **own = app->env;
        size_t nown = app->n_env;
        app->env = NULL;
        app->n_env = 0;
        bool ok = true;
        for (size_t i = 0; i < p->opts->ngenv && ok; i++)
            ok = push(p, &app->env, &app->n_env, strdup(p->opts->genv[i]));
        for (size_t i = 0; i < nown && ok; i++)
            ok = push(p, &app->env, &app->n_env, own[i]);
        free(own);
        if (!ok)
            return false;
    }
    return true;
}

int opts_parse(int argc, char **argv, struct opts *out)
{
    struct parse p = {.opts = out, .status = USAGE};
    *out = (struct opts){.flags = PVMX_SPAWN_NO_MPI};
    for (int i = 1; i < argc || out->napps == 0;) {
        struct pxp_app *grown = realloc(out->apps, (out->napps + 1) * sizeof *grown);
        if (!grown) {
            fail(&p, "out of memory");
            return p.status;
        }
        out->apps = grown;
        p.app = &out->apps[out->napps++];
        *p.app = (struct pxp_app){.count = 1};
        p.counted = false;
        i = parse_app(&p, argc, argv, i);
        if (i == 0)
            return p.status;
    }
    return spread_genv(&p) ? -1 : p.status;
}

void opts_free(struct opts *opts)
{
    for (size_t a = 0; a < opts->napps; a++) {
        for (size_t i = 0; i < opts->apps[a].n_env; i++)
            free((char *)opts->apps[a].env[i]);
        free(opts->apps[a].env);
    }
    for (size_t i = 0; i < opts->ngenv; i++)
        free((char *)opts->genv[i]);
    free(opts->genv);
    free(opts->apps);
}
