/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of options, and what each does. */
#include "parse.h"

#include <pvmx/engine/dyn.h>
#include <pvmx/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- program ---------------------------------------------------------------------------------- */

static bool run_count(struct parse *p, char **v)
{
    parse_more(p)->counted = true;
    return parse_number(p, "-n", v[0], 1, 1000000, &parse_app(p)->count);
}

static bool run_wdir(struct parse *p, char **v)
{
    parse_app(p)->wdir = v[0];
    return *v[0] || parse_fail(p, "-wdir needs a directory");
}

static bool run_preload(struct parse *p, char **v)
{
    struct opts_list files = {0};
    char *rest = parse_printf(p, "%s", v[0]);
    while (rest) {
        const char *name = strsep(&rest, ",");
        if (!*name || access(name, R_OK) != 0)
            return parse_fail(p, "-preload-files %s: no file of this name can be read", name);
        if (!parse_push(p, &files, name))
            return false;
    }
    parse_app(p)->preload = files.items;
    parse_app(p)->n_preload = files.n;
    return files.n > 0;
}

static bool run_path(struct parse *p, char **v)
{
    parse_app(p)->path = v[0];
    return true;
}

static bool run_soft(struct parse *p, char **v)
{
    return value_soft(p, v[0]);
}

static bool run_file(struct parse *p, char **v)
{
    return words_options(p, v[0]);
}

static bool run_config(struct parse *p, char **v)
{
    return words_config(p, v[0]);
}

static bool run_handler(struct parse *p, char **v)
{
    static const char *const names[] = {"mpi_errors_are_fatal", "mpi_errors_abort",
                                        "mpi_errors_return"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(v[0], names[i]) == 0)
            return parse_push(p, &parse_more(p)->env.set,
                              parse_printf(p, "PVMX_INITIAL_ERRHANDLER=%s", v[0]));
    return parse_fail(p,
                      "-initial-errhandler %s: must be mpi_errors_are_fatal, "
                      "mpi_errors_abort or mpi_errors_return",
                      v[0]);
}

/* ---- environment ------------------------------------------------------------------------------ */

static bool set_env(struct parse *p, struct opts_env *env, const char *option, char **v)
{
    if (!*v[0] || *v[0] == '=')
        return parse_fail(p, "%s takes NAME VALUE or NAME=VALUE; \"%s\" has no name",
                          option, v[0]);
    return parse_push(p, &env->set, v[1] ? parse_printf(p, "%s=%s", v[0], v[1]) : v[0]);
}

static bool list_env(struct parse *p, struct opts_env *env, const char *option, char *names)
{
    env->inherit = INHERIT_LIST;
    env->names.n = 0;
    char *copy = parse_printf(p, "%s", names), *name;
    if (!copy)
        return false;
    while ((name = strsep(&copy, ",")) != NULL) {
        if (!*name || strchr(name, '='))
            return parse_fail(p, "%s %s: must be names separated by commas", option, names);
        if (!parse_push(p, &env->names, name))
            return false;
    }
    return true;
}

static bool run_env(struct parse *p, char **v)
{
    return set_env(p, &parse_more(p)->env, "-env", v);
}

static bool run_envnone(struct parse *p, char **v)
{
    (void)v;
    parse_more(p)->env.inherit = INHERIT_NONE;
    return true;
}

static bool run_envall(struct parse *p, char **v)
{
    (void)v;
    parse_more(p)->env.inherit = INHERIT_ALL;
    return true;
}

static bool run_envlist(struct parse *p, char **v)
{
    return list_env(p, &parse_more(p)->env, "-envlist", v[0]);
}

static bool run_genv(struct parse *p, char **v)
{
    return set_env(p, &p->opts->genv, "-genv", v);
}

static bool run_genvnone(struct parse *p, char **v)
{
    (void)v;
    p->opts->genv.inherit = INHERIT_NONE;
    return true;
}

static bool run_genvall(struct parse *p, char **v)
{
    (void)v;
    p->opts->genv.inherit = INHERIT_ALL;
    return true;
}

static bool run_genvlist(struct parse *p, char **v)
{
    return list_env(p, &p->opts->genv, "-genvlist", v[0]);
}

/* NAME,... or NAME=VALUE for all programs, as LAM and Open MPI have it. */
static bool run_x(struct parse *p, char **v)
{
    struct opts_list *set = &p->opts->genv.set;
    char *names = parse_printf(p, "%s", v[0]), *name;
    if (!*v[0] || *v[0] == '=')
        return parse_fail(p, "-x %s: must be NAME,... or NAME=VALUE", v[0]);
    if (strchr(v[0], '='))
        return parse_push(p, set, v[0]);
    while (names && (name = strsep(&names, ",")) != NULL) {
        const char *value = getenv(name);
        if (value && !parse_push(p, set, parse_printf(p, "%s=%s", name, value)))
            return false;
    }
    return true;
}

/* ---- output and input ------------------------------------------------------------------------- */

static bool run_label(struct parse *p, char **v)
{
    (void)v;
    p->opts->label = true;
    return true;
}

static bool run_prepend(struct parse *p, char **v)
{
    p->opts->prefix[1] = p->opts->prefix[2] = v[0];
    p->prefix_given = true;
    return true;
}

static bool run_outfile(struct parse *p, char **v)
{
    p->opts->file[1] = v[0];
    return *v[0] || parse_fail(p, "-outfile-pattern needs the name of a file");
}

static bool run_errfile(struct parse *p, char **v)
{
    p->opts->file[2] = v[0];
    return *v[0] || parse_fail(p, "-errfile-pattern needs the name of a file");
}

static bool run_outbuf(struct parse *p, char **v)
{
    return value_buffer(p, "-stdoutbuf", v[0], &p->opts->buffer[1]);
}

static bool run_errbuf(struct parse *p, char **v)
{
    return value_buffer(p, "-stderrbuf", v[0], &p->opts->buffer[2]);
}

static bool run_stdin(struct parse *p, char **v)
{
    return value_stdin(p, v[0]);
}

/* ---- processors and hosts --------------------------------------------------------------------- */

static bool run_bind(struct parse *p, char **v)
{
    return value_place(p, "-bind-to", "bind_to", v[0]);
}

static bool run_map(struct parse *p, char **v)
{
    return value_place(p, "-map-by", "map_by", v[0]);
}

static bool run_usize(struct parse *p, char **v)
{
    p->usize_given = true;
    return value_usize(p, "-usize", v[0]);
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

static bool run_host(struct parse *p, char **v)
{
    return hosts_list(p, "-host", v[0], &parse_more(p)->hosts);
}

static bool run_hosts(struct parse *p, char **v)
{
    return hosts_list(p, "-hosts", v[0], &p->opts->hosts);
}

static bool run_hostfile(struct parse *p, char **v)
{
    return hosts_file(p, v[0]);
}

static bool run_arch(struct parse *p, char **v)
{
    return hosts_arch(p, v[0]);
}

static bool run_ppn(struct parse *p, char **v)
{
    return parse_number(p, "-ppn", v[0], 1, 1000000, &p->opts->ppn);
}

static bool run_pernode(struct parse *p, char **v)
{
    (void)v;
    p->opts->ppn = 1;
    return true;
}

static bool run_launcher(struct parse *p, char **v)
{
    return hosts_launcher(p, v[0]);
}

static bool run_launcher_exec(struct parse *p, char **v)
{
    p->opts->launcher_exec = v[0];
    return *v[0] || parse_fail(p, "-launcher-exec needs a program");
}

static bool run_vm(struct parse *p, char **v)
{
    p->opts->vm = v[0];
    return true;
}

/* ---- run, about ------------------------------------------------------------------------------- */

static bool run_timeout(struct parse *p, char **v)
{
    p->timeout_given = true;
    return value_seconds(p, "-timeout", v[0]);
}

static bool run_exitinfo(struct parse *p, char **v)
{
    (void)v;
    p->opts->exitinfo = true;
    return true;
}

static bool run_verbose(struct parse *p, char **v)
{
    (void)v;
    p->opts->verbose = p->opts->exitinfo = p->opts->all_ends = true;
    return true;
}

static bool run_all_ends(struct parse *p, char **v)
{
    (void)v;
    p->opts->exitinfo = p->opts->all_ends = true;
    return true;
}

static bool run_where(struct parse *p, char **v)
{
    (void)v;
    p->opts->where = true;
    return true;
}

static bool run_bindings(struct parse *p, char **v)
{
    (void)v;
    p->opts->bindings = true;
    return true;
}

static bool run_go_on(struct parse *p, char **v)
{
    (void)v;
    p->opts->go_on = true;
    return true;
}

static bool run_nothing(struct parse *p, char **v)
{
    (void)p;
    (void)v;
    return true;
}

static bool run_version(struct parse *p, char **v)
{
    (void)v;
    printf("mpiexec (PVMX) %s\n", PVMX_VERSION);
    p->status = 0;
    return false;
}

static bool run_info(struct parse *p, char **v)
{
    (void)v;
    help_info();
    p->status = 0;
    return false;
}

static bool run_help(struct parse *p, char **v)
{
    (void)v;
    help_print();
    p->status = 0;
    return false;
}

static bool run_help_as(struct parse *p, char **v)
{
    bool man = strcmp(v[0], "man") == 0;
    if (!man && strcmp(v[0], "bash") != 0)
        return parse_fail(p, "-help-as %s: must be man or bash", v[0]);
    if (man)
        man_print();
    else
        man_completion();
    p->status = 0;
    return false;
}

/* clang-format off */
const struct opt opt_table[] = {
    {GROUP_PROGRAM, {"n", "np", "c"}, "N", 1,
     "how many processes (default 1; with hosts one for each slot)", run_count},
    {GROUP_PROGRAM, {"soft"}, "SET", 1, "other numbers that will do: 1:8, 2:16:2, 4,8", run_soft},
    {GROUP_PROGRAM, {"wdir", "wd"}, "DIR", 1, "working directory", run_wdir},
    {GROUP_PROGRAM, {"path"}, "DIRS", 1, "look for the program here first (DIR:DIR...)", run_path},
    {GROUP_PROGRAM, {"preload-files"}, "FILES", 1,
     "copy FILE,FILE... to the working directory on each host first", run_preload},
    {GROUP_PROGRAM, {"initial-errhandler"}, "NAME", 1,
     "mpi_errors_are_fatal, mpi_errors_abort or mpi_errors_return", run_handler},
    {GROUP_PROGRAM, {"file"}, "FILE", 1, "read more options of this program from FILE", run_file},
    {GROUP_PROGRAM, {"configfile", "app"}, "FILE", 1,
     "read programs from FILE, one on each line", run_config},

    {GROUP_ENV, {"env"}, "NAME VALUE", 2, "set a variable", run_env},
    {GROUP_ENV, {"envnone"}, NULL, 0, "inherit no variables", run_envnone},
    {GROUP_ENV, {"envlist"}, "NAME,...", 1, "inherit only these", run_envlist},
    {GROUP_ENV, {"envall"}, NULL, 0, "inherit all (default)", run_envall},
    {GROUP_ENV, {"genv"}, "NAME VALUE", 2,
     "as -env for all programs; what one has itself wins", run_genv},
    {GROUP_ENV, {"genvnone"}, NULL, 0, "as -envnone for all programs", run_genvnone},
    {GROUP_ENV, {"genvlist"}, "NAME,...", 1, "as -envlist for all programs", run_genvlist},
    {GROUP_ENV, {"genvall"}, NULL, 0, "as -envall for all programs", run_genvall},
    {GROUP_ENV, {"x"}, "NAME[=VALUE]", 1, "as -genv; NAME,... alone have their values of here", run_x},

    {GROUP_OUTPUT, {"l", "prepend-rank", "tag-output"}, NULL, 0,
     "label each line with [rank] or [world:rank]", run_label},
    {GROUP_OUTPUT, {"prepend-pattern"}, "TEXT", 1, "label each line with TEXT (*)", run_prepend},
    {GROUP_OUTPUT, {"outfile-pattern"}, "FILE", 1, "write standard output to FILE (*)", run_outfile},
    {GROUP_OUTPUT, {"errfile-pattern"}, "FILE", 1, "write standard error to FILE (*)", run_errfile},
    {GROUP_OUTPUT, {"stdoutbuf"}, "KIND", 1,
     "none (mpiexec's own goes to the job), line (keep lines whole) or block", run_outbuf},
    {GROUP_OUTPUT, {"stderrbuf"}, "KIND", 1, "the same for standard error", run_errbuf},

    {GROUP_INPUT, {"s", "stdin"}, "RANKS", 1,
     "who reads standard input: all, none, 0,2-4 (default 0)", run_stdin},

    {GROUP_PLACE, {"bind-to"}, "LEVEL[:N]", 1,
     "none (default), hwthread, core, numa or socket; holds for the programs behind it too", run_bind},
    {GROUP_PLACE, {"map-by"}, "ORDER", 1,
     "packed (default), or round robin over core, numa, socket, node (hosts)", run_map},
    {GROUP_PLACE, {"report-bindings"}, NULL, 0,
     "tell which processors each process is bound to", run_bindings},
    {GROUP_PLACE, {"usize"}, "N", 1, "MPI_UNIVERSE_SIZE: a number, SYSTEM or INFINITE", run_usize},
    {GROUP_PLACE, {"oversubscribe"}, NULL, 0,
     "more processes than processors are fine (default)", run_crowd},
    {GROUP_PLACE, {"nooversubscribe", "no-oversubscribe"}, NULL, 0,
     "refuse to start more than there is room for", run_slots},

    {GROUP_HOST, {"host", "H"}, "HOST,...", 1, "where to run; HOST:N has N slots", run_host},
    {GROUP_HOST, {"hosts"}, "HOST,...", 1, "the same for all programs that have no -host", run_hosts},
    {GROUP_HOST, {"f", "hostfile", "machinefile"}, "FILE", 1, "the same, from a host file", run_hostfile},
    {GROUP_HOST, {"ppn", "perhost", "npernode", "N"}, "N", 1,
     "processes on each host before the next", run_ppn},
    {GROUP_HOST, {"pernode", "rr"}, NULL, 0, "as -ppn 1", run_pernode},
    {GROUP_HOST, {"arch"}, "NAME", 1, "run on hosts of this architecture", run_arch},
    {GROUP_HOST, {"launcher"}, "NAME", 1,
     "how to add hosts: ssh, fork, or a command with %h %u %c", run_launcher},
    {GROUP_HOST, {"launcher-exec"}, "PROGRAM", 1, "the program that does it: PROGRAM HOST COMMAND",
     run_launcher_exec},
    {GROUP_HOST, {"vm"}, "NAME", 1, "use this virtual machine", run_vm},

    {GROUP_RUN, {"timeout", "maxtime"}, "SECONDS", 1,
     "end the job after this time, with status 124", run_timeout},
    {GROUP_RUN, {"exitinfo"}, NULL, 0, "tell of each process that failed", run_exitinfo},
    {GROUP_RUN, {"print-all-exitcodes"}, NULL, 0, "tell of each process how it ended", run_all_ends},
    {GROUP_RUN, {"display-map", "print-rank-map"}, NULL, 0, "tell where each process runs", run_where},
    {GROUP_RUN, {"disable-auto-cleanup", "enable-recovery"}, NULL, 0,
     "let the others go on when a process fails", run_go_on},
    {GROUP_RUN, {"v", "verbose"}, NULL, 0, "tell what runs where, and how it ended", run_verbose},

    {GROUP_ABOUT, {"info"}, NULL, 0, "tell about this installation", run_info},
    {GROUP_ABOUT, {"V", "version"}, NULL, 0, "print the version", run_version},
    {GROUP_ABOUT, {"h", "help", "?"}, NULL, 0, "print this text", run_help},
    {GROUP_ABOUT, {"help-as"}, "FORM", 1,
     "print the manual page (man), or completion rules (bash)", run_help_as},

    {GROUP_NOTHING, {"allow-run-as-root"}, NULL, 0, "there is no need for it", run_nothing},
    {GROUP_NOTHING, {"mca", "gmca", "prtemca", "pmixmca"}, "NAME VALUE", 2, "parameters of Open MPI",
     run_nothing},
    {GROUP_NOTHING, {"tune", "am"}, "FILE", 1, "a file of such parameters", run_nothing},
    {GROUP_NOTHING, {"prefix"}, "DIR", 1, "programs find what belongs to them", run_nothing},
    {GROUP_NOTHING, {"noprefix", "quiet", "q"}, NULL, 0, "it is so", run_nothing},
    {GROUP_NOTHING, {"rmk", "bootstrap"}, "NAME", 1, "job managers of other systems", run_nothing},
    {GROUP_NOTHING, {"topolib"}, "NAME", 1, "it is hwloc", run_nothing},
    {GROUP_NOTHING, {"demux"}, "NAME", 1, "it is poll", run_nothing},
    {GROUP_NOTHING, {"iface"}, "NAME", 1, "processes of one host need no network", run_nothing},
    {GROUP_NOTHING, {"localhost"}, "NAME", 1, "the same", run_nothing},
    {GROUP_NOTHING, {"nameserver"}, "HOST", 1, "names are kept by the virtual machine", run_nothing},
    {GROUP_NOTHING, {"disable-hostname-propagation"}, NULL, 0, "nothing is propagated", run_nothing},
    {GROUP_NOTHING, {"enable-x", "disable-x"}, NULL, 0, "X11 forwarding", run_nothing},
};
/* clang-format on */
const int opt_count = sizeof opt_table / sizeof *opt_table;
