/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding programs and building their arguments and environment. */
#include "resolve.h"
#include "base/err.h"
#include "proto/arena.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pvmx/engine/dyn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was found on the way, for the sentence if nothing better comes. */
struct search {
    const char *wdir;
    char path[PATH_MAX]; /* the candidate of last resort */
    int errnum;          /* why it was not taken; ENOENT: there was none */
};

static const char *zone_join(struct pxp_zone *z, const char *a, const char *sep,
                             const char *b)
{
    size_t n = strlen(a) + strlen(sep) + strlen(b) + 1;
    char *s = pxp_zone_alloc(z, n);
    if (s != NULL)
        snprintf(s, n, "%s%s%s", a, sep, b);
    return s;
}

/* May this file be executed? EISDIR, EACCES (also: not a regular file), ENOENT, ... */
static int probe(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
        return EACCES;
    return 0;
}

/* Tries dir/command; dir may be relative to the working directory. true: found, in s->path. */
static bool try_dir(struct search *s, const char *dir, size_t dir_len, const char *command)
{
    char path[PATH_MAX];
    int n;
    if (dir_len == 0)
        n = snprintf(path, sizeof path, "%s/%s", s->wdir, command);
    else if (dir[0] == '/')
        n = snprintf(path, sizeof path, "%.*s/%s", (int)dir_len, dir, command);
    else
        n = snprintf(path, sizeof path, "%s/%.*s/%s", s->wdir, (int)dir_len, dir, command);
    int errnum = n < 0 || (size_t)n >= sizeof path ? ENAMETOOLONG : probe(path);
    bool missing = errnum == ENOENT || errnum == ENOTDIR;
    /* The first that exists but cannot be run is the one to talk about. */
    if (errnum == 0 || (!missing && s->errnum == ENOENT)) {
        s->errnum = errnum;
        snprintf(s->path, sizeof s->path, "%s",
                 n > 0 && (size_t)n < sizeof path ? path : command);
    }
    return errnum == 0;
}

static bool try_list(struct search *s, const char *list, const char *command)
{
    if (list == NULL || list[0] == '\0')
        return false;
    for (;;) {
        size_t len = strcspn(list, ":");
        if (try_dir(s, list, len, command))
            return true;
        if (list[len] == '\0')
            return false;
        list += len + 1;
    }
}

/* In the directories that the spawner names, and in those that the host has for its tasks. */
static bool try_paths(struct search *s, const struct pxp_app *app, const struct own *own,
                      const char *command)
{
    const char *first = app->own_path ? own->path : app->path;
    const char *second = app->own_path ? app->path : own->path;
    return try_list(s, first, command) || try_list(s, second, command);
}

static const char *env_get(char *const *env, size_t n, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (strncmp(env[i], name, len) == 0 && env[i][len] == '=')
            return env[i] + len + 1;
    return NULL;
}

static pvmx_err explain_search(const struct search *s, const char *command,
                               const char *host, const char *path, const char *beside)
{
    if (s->errnum == EISDIR)
        return px_fail(PVMX_ERR_PERM, "cannot start '%s' on host %s: %s is a directory",
                       command, host, s->path);
    if (s->errnum == EACCES)
        return px_fail(
            PVMX_ERR_PERM,
            "cannot start '%s' on host %s: %s is not an executable file (chmod +x?)",
            command, host, s->path);
    if (s->errnum != ENOENT)
        return px_fail_errno(s->errnum, "cannot start '%s' on host %s: %s", command, host,
                             s->path);
    if (strchr(command, '/') != NULL && command[0] == '/')
        return px_fail(PVMX_ERR_NOENT, "cannot start '%s' on host %s: no such file",
                       command, host);
    if (strchr(command, '/') != NULL)
        return px_fail(PVMX_ERR_NOENT, "cannot start '%s' on host %s: no such file in %s",
                       command, host, s->wdir);
    if (beside != NULL)
        return px_fail(
            PVMX_ERR_NOENT,
            "cannot start '%s' on host %s: no such file in PATH (%s), in %s or beside %s",
            command, host, path != NULL ? path : "not set", s->wdir, beside);
    return px_fail(PVMX_ERR_NOENT,
                   "cannot start '%s' on host %s: no such file in PATH (%s) or in %s",
                   command, host, path != NULL ? path : "not set", s->wdir);
}

/* Order: see <pvmx/engine/dyn.h>, struct pvmx_app. */
static pvmx_err find_program(const struct pxp_spawn *req, const struct pxp_app *app,
                             const char *host, const struct own *own,
                             struct pxp_zone *zone, struct exec_plan *plan)
{
    const char *program = req->program;
    struct search s = {.wdir = plan->wdir, .errnum = ENOENT};
    const char *path = env_get(plan->env, plan->nenv, "PATH");
    if (path == NULL && app->bare) /* not inherited, but the program is looked for all the same */
        path = env_get((char *const *)req->env, req->n_env, "PATH");
    const char *slash = strrchr(program, '/');
    bool found;
    if (app->command[0] == '\0')
        return px_fail(PVMX_ERR_ARG, "the name of the program to start is empty");
    if (strchr(app->command, '/') != NULL) {
        if (app->command[0] == '/') {
            s.errnum = probe(app->command);
            found = s.errnum == 0;
            if (snprintf(s.path, sizeof s.path, "%s", app->command) >= (int)sizeof s.path)
                s.errnum = ENAMETOOLONG;
        } else {
            found = try_dir(&s, "", 0, app->command);
        }
    } else {
        found = try_paths(&s, app, own, app->command) ||
                try_list(&s, path, app->command) || try_dir(&s, "", 0, app->command) ||
                (slash != NULL && slash > program &&
                 try_dir(&s, program, (size_t)(slash - program), app->command));
    }
    if (!found && own->wrapper != NULL && s.errnum == ENOENT) {
        plan->path = app->command; /* it may exist where the wrapper leads */
        return PVMX_OK;
    }
    if (!found)
        return explain_search(&s, app->command, host, path, slash != NULL ? program : NULL);
    plan->path = zone_join(zone, s.path, "", "");
    return plan->path != NULL ? PVMX_OK
                              : px_fail(PVMX_ERR_NOMEM, "no memory for a spawn request");
}

static bool same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* Those that each task gets from us alone (launch.c). */
static bool is_ours(const char *entry)
{
    static const char *const names[] = {
        PX_TASK_ENV "=", "MPI_APPNUM=",      "MPI_UNIVERSE_SIZE=", "PVMX_RANK=",
        "PVMX_SIZE=",    "PVMX_LOCAL_RANK=", "PVMX_MAXPROCS="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (same_name(names[i], entry))
            return true;
    return false;
}

/* The spawner's environment, the program's additions, and none of our own variables. */
static pvmx_err build_env(const struct pxp_spawn *req, const struct pxp_app *app,
                          struct pxp_zone *zone, struct exec_plan *plan)
{
    size_t n = 0;
    plan->env = pxp_zone_alloc(zone, (req->n_env + app->n_env + 1) * sizeof *plan->env);
    if (plan->env == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a spawn request");
    for (size_t i = 0; !app->bare && i < req->n_env; i++)
        if (!is_ours(req->env[i]))
            plan->env[n++] = (char *)req->env[i];
    for (size_t k = 0; k < app->n_env; k++) {
        size_t i = 0;
        if (strchr(app->env[k], '=') == NULL)
            return px_fail(PVMX_ERR_ARG,
                           "\"%.80s\" is no setting of the environment (NAME=value)",
                           app->env[k]);
        if (is_ours(app->env[k]))
            continue;
        while (i < n && !same_name(app->env[k], plan->env[i]))
            i++;
        plan->env[i] = (char *)app->env[k];
        n += i == n;
    }
    plan->nenv = n;
    return PVMX_OK;
}

static pvmx_err build_args(const struct pxp_app *app, struct pxp_zone *zone,
                           struct exec_plan *plan)
{
    plan->argv = pxp_zone_alloc(zone, (app->n_args + 2) * sizeof *plan->argv);
    if (plan->argv == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a spawn request");
    plan->argv[0] = (char *)app->command;
    for (size_t i = 0; i < app->n_args; i++)
        plan->argv[i + 1] = (char *)app->args[i];
    return PVMX_OK;
}

/* The program at path is run; what was to be run, and its arguments, stand behind the n words. */
static pvmx_err prepend(const char *path, char *const *words, size_t n,
                        struct pxp_zone *zone, struct exec_plan *plan)
{
    size_t args = 0;
    while (plan->argv[args] != NULL)
        args++;
    char **argv = pxp_zone_alloc(zone, (n + args + 1) * sizeof *argv);
    const char *copy = zone_join(zone, path, "", "");
    if (argv == NULL || copy == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a spawn request");
    memcpy(argv, words, n * sizeof *argv);
    memcpy(argv + n, plan->argv, (args + 1) * sizeof *argv);
    argv[n] = (char *)(uintptr_t)plan->path;
    plan->argv = argv;
    plan->path = copy;
    return PVMX_OK;
}

/* Makes the program that was found an argument of a debugger. */
static pvmx_err debug(const struct pxp_app *app, const char *host, const struct own *own,
                      struct pxp_zone *zone, struct exec_plan *plan)
{
    const char *debugger = own->debugger != NULL ? own->debugger : app->debugger;
    bool absolute = *debugger == '/', found;
    struct search s = {.wdir = absolute ? "" : plan->wdir, .errnum = ENOENT};
    if (*app->debugger == '\0')
        return PVMX_OK;
    if (strchr(debugger, '/') != NULL)
        found = try_dir(&s, "", 0, debugger + absolute);
    else
        found = try_paths(&s, app, own, debugger) ||
                try_list(&s, env_get(plan->env, plan->nenv, "PATH"), debugger);
    if (!found && own->wrapper != NULL && s.errnum == ENOENT) /* as with programs */
        snprintf(s.path, sizeof s.path, "%s", debugger);
    else if (!found)
        return px_fail(
            s.errnum == ENOENT ? PVMX_ERR_NOENT : PVMX_ERR_PERM,
            "cannot start '%s' on host %s: its debugger %s is no program there",
            app->command, host, debugger);
    return prepend(s.path, (char *const[]){(char *)(uintptr_t)debugger}, 1, zone, plan);
}

/* Puts the host's wrapper in front of the program that was found. */
static pvmx_err wrap(const struct pxp_app *app, const char *host, const struct own *own,
                     struct pxp_zone *zone, struct exec_plan *plan)
{
    struct search s = {.wdir = plan->wdir, .errnum = ENOENT};
    char *save = NULL;
    size_t n = 0;
    if (own->wrapper == NULL)
        return PVMX_OK;
    char *words = (char *)(uintptr_t)zone_join(zone, own->wrapper, "", "");
    char **argv = pxp_zone_alloc(zone, (strlen(own->wrapper) + 1) * sizeof *argv);
    if (words == NULL || argv == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a spawn request");
    for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    if (n == 0)
        return PVMX_OK;
    bool found = strchr(argv[0], '/') != NULL ? try_dir(&s, "/", 1, argv[0])
                                              : try_list(&s, own->path, argv[0]) ||
                                                    try_list(&s, getenv("PATH"), argv[0]);
    if (!found)
        return px_fail(PVMX_ERR_NOENT,
                       "cannot start '%s' on host %s: its wrapper %s is no program there",
                       app->command, host, argv[0]);
    return prepend(s.path, argv, n, zone, plan);
}

pvmx_err resolve_wdir(const struct pxp_spawn *req, const struct pxp_app *app,
                      const char *host, const struct own *own, struct pxp_zone *zone,
                      struct exec_plan *plan)
{
    struct stat st;
    bool says = app->wdir[0] != '\0' && !(app->own_wdir && own->wdir != NULL);
    plan->wdir = says ? app->wdir : own->wdir != NULL ? own->wdir : req->cwd;
    if (plan->wdir[0] == '\0')
        plan->wdir = "/";
    else if (plan->wdir[0] != '/')
        plan->wdir = zone_join(zone, req->cwd, "/", plan->wdir);
    if (plan->wdir == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for a spawn request");
    if (stat(plan->wdir, &st) != 0)
        return px_fail_errno(errno, "cannot start '%s' on host %s: working directory %s",
                             app->command, host, plan->wdir);
    if (!S_ISDIR(st.st_mode))
        return px_fail(PVMX_ERR_ARG, "cannot start '%s' on host %s: working directory %s is not a directory",
                       app->command, host, plan->wdir);
    return PVMX_OK;
}

pvmx_err resolve_app(const struct pxp_spawn *req, const struct pxp_app *app, const char *host,
                     const struct own *own, struct pxp_zone *zone, struct exec_plan *out)
{
    pvmx_err err = resolve_wdir(req, app, host, own, zone, out);
    if (err == PVMX_OK)
        err = build_env(req, app, zone, out);
    if (err == PVMX_OK)
        err = build_args(app, zone, out);
    if (err == PVMX_OK)
        err = find_program(req, app, host, own, zone, out);
    if (err == PVMX_OK && (req->flags & PVMX_SPAWN_FILE_NAME) != 0)
        out->argv[0] = (char *)(uintptr_t)out->path;
    if (err == PVMX_OK)
        err = debug(app, host, own, zone, out);
    if (err == PVMX_OK)
        err = wrap(app, host, own, zone, out);
    return err;
}
