/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's side of spawn: everything that children inherit is gathered here and sent to the
 * daemon in one request, with the descriptors 0, 1 and 2. */
#include "core/ctx.h"
#include "core/range.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/param.h"
#include "proto/messages.h"
#include "proto/place_words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static int64_t init_timeout_ns;

static const struct px_param spawn_params[] = {
    {.name = "init_timeout",
     .type = PX_PARAM_TIME,
     .dflt = "60s",
     .min = 0,
     .max = INT64_MAX,
     .help = "a spawned program that has not called init by then is ended; 0: never",
     .store.number = &init_timeout_ns},
};

/* What the children inherit from this process. */
struct heritage {
    char cwd[PATH_MAX];
    char program[PATH_MAX];
    const char **env;
    size_t nenv;
    struct pxp_limit limits[RLIM_NLIMITS];
    uint32_t umask;
    int32_t nice;
};

/* The umask without disturbing other threads that create files just now. */
static uint32_t current_umask(void)
{
    unsigned mask = 022;
    if (!px_ctx.threads) {
        mode_t m = umask(022);
        umask(m);
        return m;
    }
    char line[128];
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Umask: %o", &mask) == 1)
            break;
    if (f)
        fclose(f);
    return mask;
}

static pvmx_err gather(struct heritage *h)
{
    if (!getcwd(h->cwd, sizeof h->cwd))
        return px_fail_errno(
            errno, "the working directory has no name; change to one that exists");
    ssize_t n = readlink("/proc/self/exe", h->program, sizeof h->program - 1);
    h->program[n > 0 ? n : 0] = 0;
    size_t count = 0;
    while (environ && environ[count])
        count++;
    h->env = malloc((count + 1) * sizeof *h->env);
    if (!h->env)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the environment of the children");
    h->nenv = 0;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], PX_TASK_ENV "=", sizeof PX_TASK_ENV) != 0)
            h->env[h->nenv++] = environ[i];
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit((__rlimit_resource_t)i, &r);
        h->limits[i] = (struct pxp_limit){(uint32_t)i, r.rlim_cur, r.rlim_max};
    }
    h->umask = current_umask();
    h->nice = getpriority(PRIO_PROCESS, 0);
    return PVMX_OK;
}

static size_t list_len(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* *count: how many tasks in all; < 0: the daemon knows. */
static pvmx_err convert_apps(const struct pvmx_spawn_args *args, struct pxp_app *apps,
                             int64_t *count)
{
    bool each = false;
    *count = 0;
    for (int32_t i = 0; i < args->napps; i++) {
        const struct pvmx_app *a = &args->apps[i];
        if (!a->command || !*a->command)
            return px_fail(PVMX_ERR_ARG, "the command to spawn is empty");
        if (a->count < 0 && a->count != PVMX_APP_EACH)
            return px_fail(PVMX_ERR_ARG, "cannot start %d tasks of '%s'", a->count,
                           a->command);
        apps[i] = (struct pxp_app){.command = a->command,
                                   .args = (const char **)a->argv,
                                   .n_args = list_len(a->argv),
                                   .count = a->count == PVMX_APP_EACH ? UINT32_MAX
                                                                      : (uint32_t)a->count,
                                   .wdir = a->wdir,
                                   .path = a->path,
                                   .own_wdir = a->own_wdir,
                                   .own_path = a->own_path,
                                   .env = (const char **)a->env,
                                   .n_env = list_len(a->env),
                                   .where = a->where,
                                   .place = a->place,
                                   .debugger = a->debugger,
                                   .preload = (const char **)a->preload,
                                   .n_preload = list_len(a->preload)};
        each = each || a->count == PVMX_APP_EACH;
        *count += a->count < 0 ? 0 : a->count;
    }
    if (*count > INT32_MAX)
        return px_fail(PVMX_ERR_LIMIT, "%lld tasks in one request are too many",
                       (long long)*count);
    *count = each ? -1 : *count;
    return PVMX_OK;
}

/* Descriptors 0, 1, 2 for the children; a closed one becomes /dev/null. */
static void stdio_fds(const int *given, int fds[3], int *null)
{
    *null = -1;
    for (int i = 0; i < 3; i++) {
        fds[i] = given ? given[i] : i;
        if (fcntl(fds[i], F_GETFD) >= 0)
            continue;
        if (*null < 0)
            *null = px_fd_up(open("/dev/null", O_RDWR | O_CLOEXEC));
        fds[i] = *null;
    }
}

/* A request on its way. */
struct pvmx_spawning {
    struct px_ctl_call call;
    int32_t count; /* as convert_apps has it */
};

static pvmx_err fill_result(const struct pxp_spawned *m, struct pvmx_spawn_result *out)
{
    if (out->count < 0)
        out->count = (int32_t)(m->n_tids > m->n_errors ? m->n_tids : m->n_errors);
    out->tids = calloc((size_t)out->count + 1, sizeof *out->tids);
    out->errors = calloc((size_t)out->count + 1, sizeof *out->errors);
    if (!out->tids || !out->errors)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the outcome of a spawn");
    out->job = m->job;
    for (size_t i = 0; i < (size_t)out->count; i++) {
        out->tids[i] = i < m->n_tids ? m->tids[i] : 0;
        out->errors[i] = i < m->n_errors ? m->errors[i] : (m->error ? m->error : PVMX_OK);
        out->started += out->tids[i] != 0;
    }
    return m->error ? px_fail(m->error, "%s", m->text) : PVMX_OK;
}

static pvmx_err request(const struct pxp_spawn *m, const int *stdio, struct pvmx_spawning *op)
{
    int fds[3], null;
    pvmx_err err = px_ctl_check();
    if (err)
        return err;
    stdio_fds(stdio, fds, &null);
    err = pxp_spawn_encode(&px_ctx.ctl.client.out, px_ctl_serial(&op->call), m);
    if (!err)
        px_ctl_call_start(&op->call, fds, 3);
    px_fd_close(&null);
    return err;
}

static pvmx_err start(const struct pvmx_spawn_args *args, struct heritage *h,
                      struct pvmx_spawning *op)
{
    struct pxp_app *apps = calloc((size_t)args->napps + 1, sizeof *apps);
    struct pxp_range *parents = calloc((size_t)args->nparents + 1, sizeof *parents);
    int64_t count = 0;
    pvmx_err err = apps && parents ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "no memory to spawn");
    if (!err)
        err = convert_apps(args, apps, &count);
    if (!err)
        err = gather(h);
    if (!err && !px_ctx.tid)
        err = px_enroll_connect(true);
    if (!err) {
        op->count = (int32_t)count;
        struct pxp_spawn m = {.flags = args->flags,
                              .apps = apps,
                              .n_apps = (size_t)args->napps,
                              .cwd = h->cwd,
                              .env = h->env,
                              .n_env = h->nenv,
                              .umask = h->umask,
                              .nice = h->nice,
                              .limits = h->limits,
                              .n_limits = RLIM_NLIMITS,
                              .parents = parents,
                              .n_parents =
                                  px_ranges_of(args->parents, args->nparents, parents),
                              .root = (uint32_t)args->root,
                              .ctx = args->ctx,
                              .init_timeout_ms = args->flags & PVMX_SPAWN_NO_MPI
                                                     ? 0
                                                     : (uint32_t)(init_timeout_ns / 1000000),
                              .program = h->program};
        err = request(&m, args->stdio, op);
    }
    free(apps);
    free(parents);
    return err;
}

void px_spawn_settings(void)
{
    px_param_register(spawn_params, 1);
}

pvmx_err pvmx_engine_spawn_start(const struct pvmx_spawn_args *args,
                                 struct pvmx_spawning **out)
{
    if (args->size != sizeof *args)
        return px_fail(PVMX_ERR_ARG, "pvmx_spawn_args.size is %zu, not %zu", args->size,
                       sizeof *args);
    struct heritage *h = calloc(1, sizeof *h);
    struct pvmx_spawning *op = calloc(1, sizeof *op);
    pvmx_err err = h && op ? PVMX_OK : px_fail(PVMX_ERR_NOMEM, "no memory to spawn");
    px_lock();
    px_spawn_settings();
    if (!err)
        err = start(args, h, op);
    px_unlock();
    if (h)
        free(h->env);
    free(h);
    if (err)
        free(op);
    else
        *out = op;
    return err;
}

bool pvmx_engine_spawn_done(const struct pvmx_spawning *op)
{
    return atomic_load_explicit(&op->call.done, memory_order_acquire);
}

static pvmx_err take(const struct px_ctl_call *call, struct pvmx_spawn_result *out)
{
    struct pxp_spawned rep;
    struct pxp_zone z = {0};
    pvmx_err err =
        call->number == PXP_SPAWNED
            ? pxp_spawned_decode(call->body, call->len, &rep, &z)
            : px_fail(PVMX_ERR_PROTO, "the daemon answers a spawn with nonsense");
    if (!err)
        err = fill_result(&rep, out);
    pxp_zone_free(&z);
    return err;
}

pvmx_err pvmx_engine_spawn_take(struct pvmx_spawning *op, struct pvmx_spawn_result *out)
{
    *out = (struct pvmx_spawn_result){.count = op->count};
    px_lock();
    pvmx_err err = px_ctl_done(&op->call);
    if (!err)
        err = take(&op->call, out);
    px_ctl_call_free(&op->call);
    px_progress_busy_host(&px_ctx.progress);
    px_unlock();
    if (out->count < 0)
        out->count = 0;
    free(op);
    return err;
}

pvmx_err pvmx_engine_spawn(const struct pvmx_spawn_args *args, struct pvmx_spawn_result *out)
{
    struct pvmx_spawning *op;
    *out = (struct pvmx_spawn_result){0};
    pvmx_err err = pvmx_engine_spawn_start(args, &op);
    return err ? err : pvmx_engine_spawn_take(op, out);
}

void pvmx_engine_spawn_result_free(struct pvmx_spawn_result *out)
{
    free(out->tids);
    free(out->errors);
    *out = (struct pvmx_spawn_result){0};
}

pvmx_err pvmx_engine_place_say(const char *key, const char *value, char **text)
{
    struct pxp_place_words w = {.text = *text};
    w.bound = *text && strstr(*text, "bind=");
    pvmx_err err = pxp_place_say(&w, key, key, value);
    *text = w.text;
    return err;
}

uint32_t pvmx_engine_place_each(const char *map_by)
{
    return pxp_place_each(map_by, NULL);
}

void pvmx_engine_job_release(uint32_t job)
{
    px_lock();
    struct pxp_release m = {.job = job};
    if (px_ctx.ctl.up && pxp_release_encode(&px_ctx.ctl.client.out, 0, &m) == PVMX_OK)
        px_ctl_post();
    px_unlock();
}

void pvmx_engine_drop(const pvmx_tid *tids, size_t n)
{
    px_lock();
    struct pxp_abort m = {.tids = (int32_t *)tids, .n_tids = n, .code = 1};
    if (px_ctx.ctl.up && pxp_abort_encode(&px_ctx.ctl.client.out, 0, &m) == PVMX_OK)
        px_ctl_post();
    px_unlock();
}

pvmx_err pvmx_engine_abort(const pvmx_tid *tids, size_t n, int code, const char *text)
{
    px_lock();
    struct px_ctl_call call;
    pvmx_err err = px_ctl_check();
    if (!err) {
        struct pxp_abort m = {.tids = (int32_t *)tids, .n_tids = n, .code = code, .text = text};
        err = pxp_abort_encode(&px_ctx.ctl.client.out, px_ctl_serial(&call), &m);
        if (!err)
            err = px_ctl_call(&call, NULL, 0);
        px_ctl_call_free(&call);
    }
    px_unlock();
    return err;
}
