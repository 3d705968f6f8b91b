/* SPDX-License-Identifier: BSD-3-Clause */
/* pvm_spawn, and the environment that children get. */
#include "output.h"
#include "rm.h"
#include "rmcall.h"
#include "state.h"
#include "trace.h"

#include "base/pvmenv.h"

#include <limits.h>
#include <pvmx/engine/vm.h>
#include <pvmx/pvmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a call of pvm_spawn becomes. */
struct request {
    char wdir[PATH_MAX], path[2 * PATH_MAX], command[PATH_MAX];
    char debugger[PATH_MAX]; /* empty: run without one */
    char ctx[32], rm[32], out[48], flags[32], trace[P3_TRACE_VARS][P3_TRACE_VAR];
    const char **env;
    char **argv;
    int parent;
    bool no_parent, own_wdir; /* wd= of the host goes first */
    char *where;              /* hosts, as pvmxd has it; NULL: any */
};

/* ---- the search path: PVM_PATH, else where PVM looks when nobody says anything; then, by the daemon,
 * PATH, the working directory, and beside the spawner */

/* "dir/prog" is looked for in the directories of the path too, before the working directory. */
static void resolve_relative(struct request *r, const char *task)
{
    snprintf(r->command, sizeof r->command, "%s", task);
    if (*task == '/' || !strchr(task, '/'))
        return;
    for (const char *dir = r->path; *dir;) {
        size_t len = strcspn(dir, ":");
        char full[PATH_MAX];
        int n = snprintf(full, sizeof full, "%.*s/%s", (int)len, dir, task);
        if (len && n > 0 && (size_t)n < sizeof full && access(full, X_OK) == 0) {
            memcpy(r->command, full, (size_t)n + 1);
            return;
        }
        dir += len + (dir[len] == ':');
    }
}

/* ---- where */

static bool is_wanted(const struct pvmx_host *h, uint32_t self, int flag, const char *host)
{
    bool same;
    if (!(flag & PvmTaskHost))
        same = strcmp(host, P3_ARCH) == 0;
    else if (strcmp(host, ".") == 0 || strcmp(host, "localhost") == 0)
        same = h->index == self;
    else
        same = strcmp(host, h->name) == 0;
    return same == !(flag & PvmHostCompl);
}

/* The hosts on which n tasks are to be started, as pvmxd reads it: "hosts=NAME,... node=K", or all of them,
 * so that they get one task each by turns. As with PVM the one behind the own host begins, and the next call
 * goes on where this one has ended. */
static int places(int flag, const char *host, int n, char **where)
{
    static unsigned turn;
    struct pvmx_hosts hosts;
    unsigned first = ((unsigned)pvmmytid >> 18) + turn;
    size_t used = 0, size = 40;
    turn += (unsigned)n;
    *where = NULL;
    if (!(flag & (PvmTaskHost | PvmTaskArch)))
        return asprintf(where, "node=%u", first) < 0 ? PvmNoMem : PvmOk;
    int cc = p3_error(pvmx_engine_hosts(&hosts));
    if (cc)
        return cc;
    for (size_t i = 0; i < hosts.n; i++)
        size += strlen(hosts.list[i].name) + 4;
    char *text = malloc(size);
    for (size_t i = 0; text && i < hosts.n; i++)
        if (is_wanted(&hosts.list[i], hosts.self, flag, host))
            used += (size_t)sprintf(text + used, "%s%s",
                                    used ? "," : "hosts=", hosts.list[i].name);
    pvmx_engine_hosts_free(&hosts);
    if (!text)
        return PvmNoMem;
    if (!used) {
        free(text);
        return PvmNoHost;
    }
    sprintf(text + used, " node=%u", first);
    *where = text;
    return PvmOk;
}

static void fail_all(int *tids, int n, int cc)
{
    for (int i = 0; tids && i < n; i++)
        tids[i] = cc;
}

/* A host that was there a moment ago is not known. */
static int error_of(pvmx_err err)
{
    return err == PVMX_ERR_UNSUPPORTED ? PvmNoHost : p3_error(err);
}

/* Tids of those that run first, then the errors of the others. */
static int report(const struct pvmx_spawn_result *res, int *tids, int n, pvmx_err err)
{
    int started = 0, at = 0;
    for (int i = 0; i < res->count && i < n; i++)
        started += res->tids && res->tids[i] != 0;
    if (!tids)
        return started;
    for (int i = 0; i < n && started; i++)
        if (res->tids[i])
            tids[at++] = res->tids[i];
    for (int i = 0; i < n && at < n; i++) {
        pvmx_err e = res->errors && i < res->count ? res->errors[i] : err;
        if (e)
            tids[at++] = error_of(e == PVMX_ERR_CANCELLED ? err : e);
    }
    fail_all(tids + at, n - at, error_of(err ? err : PVMX_ERR_SPAWN));
    return started;
}

static void tell_collector(const struct pvmx_spawn_result *res)
{
    int n = 0,
        *tids = p3_output_to() ? malloc(((size_t)res->count + 1) * sizeof *tids) : NULL;
    for (int i = 0; tids && res->tids && i < res->count; i++)
        if (res->tids[i])
            tids[n++] = res->tids[i];
    if (n)
        p3_output_tell(tids, n);
    free(tids);
}

static int start(struct request *r, int n, int *tids)
{
    pvmx_tid parent = r->parent;
    struct pvmx_app app = {.command = r->command,
                           .argv = (const char *const *)r->argv,
                           .count = n,
                           .wdir = *r->wdir ? r->wdir : NULL,
                           .own_wdir = r->own_wdir,
                           .path = r->path,
                           .own_path = true,
                           .env = r->env,
                           .where = r->where,
                           .debugger = r->debugger};
    struct pvmx_spawn_args args = {.size = sizeof args,
                                   .apps = &app,
                                   .napps = 1,
                                   .flags = PVMX_SPAWN_SOFT | PVMX_SPAWN_DETACHED |
                                            PVMX_SPAWN_NO_MPI | PVMX_SPAWN_FILE_NAME,
                                   .parents = &parent,
                                   .nparents = r->no_parent ? 0 : 1,
                                   .ctx = pvmx_engine_ctx_alloc(8)};
    struct pvmx_spawn_result res;
    pvmx_err err = p3_output_spawn(&args, &res);
    if (err == PVMX_ERR_VM_LOST || err == PVMX_ERR_NO_VM) {
        pvmx_engine_spawn_result_free(&res);
        return PvmSysErr;
    }
    int started = report(&res, tids, n, err);
    tell_collector(&res);
    pvmx_engine_spawn_result_free(&res);
    return started;
}

/* more: variables that are given in any case, NULL-terminated. */
static int make_env(struct request *r, int flag, const char *const *more)
{
    size_t n = 0, at = 0;
    while (more && more[n])
        n++;
    r->env = calloc(n + 6 + P3_TRACE_VARS, sizeof *r->env);
    if (!r->env)
        return PvmNoMem;
    snprintf(r->ctx, sizeof r->ctx, "PVMCTX=0x%x", (unsigned)pvmmyctx);
    if (!more)
        r->env[at++] = r->ctx;
    for (size_t i = 0; i < n; i++)
        r->env[at++] = more[i];
    if (*r->rm)
        r->env[at++] = r->rm;
    for (int i = 0, vars = p3_trace_vars(r->trace); i < vars; i++)
        r->env[at++] = r->trace[i];
    snprintf(r->out, sizeof r->out, "PVMX_PVM_OUT=%x,%x,%x", (unsigned)p3_output_to(),
             (unsigned)p3.opt[PvmOutputCode], (unsigned)p3.opt[PvmOutputContext]);
    r->env[at++] = r->out;
    if (flag) { /* for a tasker */
        snprintf(r->flags, sizeof r->flags, P3_FLAGS_VAR "=%d", flag);
        r->env[at++] = r->flags;
    }
    if (flag & PvmNoSpawnParent)
        r->env[at++] = "PVMX_PVM_NO_PARENT=1";
    return PvmOk;
}

static int prepare(struct request *r, const char *task, char **argv, int flag,
                   const char *const *env)
{
    px_pvm_path(r->path, sizeof r->path);
    r->own_wdir = !*r->wdir;
    if (r->own_wdir)
        px_pvm_wdir(r->wdir, sizeof r->wdir);
    resolve_relative(r, task);
    if (flag & PvmTaskDebug)
        px_pvm_debugger(r->debugger, sizeof r->debugger);
    r->argv = argv;
    return make_env(r, flag, env);
}

static void free_request(struct request *r)
{
    free(r->env);
    free(r->where);
    free(r);
}

/* Starts them; what cannot be started is told in tids. */
static int run(struct request *r, const struct p3_exec *e, int cc, int *tids)
{
    if (cc == PvmNoHost) { /* what each of them gets; none has been started */
        fail_all(tids, e->n, cc);
        return PvmOk;
    }
    if (!cc && (!*e->file || strlen(e->file) >= sizeof r->command)) {
        fail_all(tids, e->n, PvmNoFile);
        return PvmOk;
    }
    r->parent = e->parent;
    r->no_parent = (e->flags & PvmNoSpawnParent) != 0;
    if (!cc)
        cc = prepare(r, e->file, e->argv, e->flags, e->env);
    return cc ? cc : start(r, e->n, tids);
}

int p3_spawn_for(const struct p3_exec *e, int *tids)
{
    struct pvmx_hosts hosts;
    struct request *r = calloc(1, sizeof *r);
    int cc = r ? p3_error(pvmx_engine_hosts(&hosts)) : PvmNoMem;
    if (cc) {
        free(r);
        fail_all(tids, e->n, cc);
        return 0;
    }
    cc = PvmNoHost;
    for (size_t i = 0; cc == PvmNoHost && i < hosts.n; i++)
        if (hosts.list[i].index == e->host)
            cc = asprintf(&r->where, "hosts=%s:1", hosts.list[i].name) < 0 ? PvmNoMem : PvmOk;
    pvmx_engine_hosts_free(&hosts);
    snprintf(r->rm, sizeof r->rm, "PVMX_PVM_RM=%x", (unsigned)pvmmytid);
    cc = run(r, e, cc, tids);
    free_request(r);
    if (cc < 0)
        fail_all(tids, e->n, cc);
    return cc < 0 ? 0 : cc;
}

static int spawn(const char *task, char **argv, int flag, const char *where, int n, int *tids)
{
    char host[PATH_MAX] = "";
    const char *more = getenv("PVMTASK");
    int asked;
    if (!task || n < 1)
        return PvmBadParam;
    if (more)
        flag |= (int)strtol(more, NULL, 0);
    if (p3_rm_rules() && (asked = p3_rm_spawn(task, argv, flag, where, n, tids)) != PvmNoTask)
        return asked;
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return PvmNoMem;
    if (where) { /* "host:working directory" */
        size_t len = strcspn(where, ":");
        snprintf(host, sizeof host, "%.*s", (int)len, where);
        if (where[len])
            snprintf(r->wdir, sizeof r->wdir, "%s", where + len + 1);
    }
    struct p3_exec e = {.parent = pvmmytid, .flags = flag, .n = n, .file = task, .argv = argv};
    int cc = run(r, &e, places(flag, host, n, &r->where), tids);
    free_request(r);
    return cc;
}

P3_PUBLIC int pvm_spawn(char *task, char **argv, int flag, char *where, int n, int *tids)
{
    int cc = p3_enter();
    P3_TRACE(TEV_SPAWN, {TEV_DID_SE, 0, task ? task : ""},
             {TEV_DID_SW, 0, where ? where : ""}, {TEV_DID_SF, flag, NULL},
             {TEV_DID_SC, n, NULL});
    cc = cc ? cc : spawn(task, argv, flag, where, n, tids);
    P3_TRACE_MORE({TEV_DID_STL, cc, tids});
    return p3_leave("pvm_spawn", cc);
}

/* ---- PVM_EXPORT: children have the whole environment; kept for those who look at it */

static int set_export(const char *value)
{
    return setenv("PVM_EXPORT", value, 1) == 0 ? PvmOk : PvmNoMem;
}

/* Copies the list without name; *found tells whether it was in. */
static char *without(const char *list, const char *name, size_t extra, bool *found)
{
    char *copy = malloc(strlen(list) + extra + 2), *to = copy;
    *found = false;
    for (; copy && *list;) {
        size_t len = strcspn(list, ":");
        if (len == strlen(name) && strncmp(list, name, len) == 0) {
            *found = true;
        } else if (len) {
            if (to != copy)
                *to++ = ':';
            memcpy(to, list, len);
            to += len;
        }
        list += len + (list[len] == ':');
    }
    if (copy)
        *to = 0;
    return copy;
}

static int change_export(const char *name, bool add)
{
    const char *list = getenv("PVM_EXPORT");
    bool found;
    if (!name || !*name || strpbrk(name, ":="))
        return PvmBadParam;
    char *copy = without(list ? list : "", name, strlen(name), &found);
    if (!copy)
        return PvmNoMem;
    if (add)
        sprintf(copy + strlen(copy), "%s%s", *copy ? ":" : "", name);
    int cc = add != found ? set_export(copy) : PvmOk;
    free(copy);
    return cc;
}

P3_PUBLIC int pvm_export(char *name)
{
    p3_enter_only();
    return p3_leave("pvm_export", change_export(name, true));
}

P3_PUBLIC int pvm_unexport(char *name)
{
    p3_enter_only();
    return p3_leave("pvm_unexport", change_export(name, false));
}
