/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn in five steps: gather (arguments -> request, at the root), ask (the engine), tell (one
 * broadcast of the outcome), build (the intercommunicator), report (the error codes). */
#include "abi/handles.h"
#include "coll/coll.h"
#include "dpm/dpm.h"
#include "dpm/outcome.h"
#include "dpm/spawn_info.h"
#include "rt/err.h"
#include "rt/info.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <pvmx/engine/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any virtual machine holds; keeps sums of counts in an int. */
enum { MOST_PROCESSES = 1 << 24 };

struct request {
    int napps;
    struct pvmx_app *apps; /* count: how many are asked for in this attempt */
    struct xmpi_spawn_hints *hints;
    int *maxprocs;
    int *limit; /* no more than that is tried from now on        */
    int total;  /* sum of maxprocs                               */
    uint32_t flags;
};

/* ---- gather ------------------------------------------------------------------------ */

static void request_free(struct request *rq)
{
    for (int i = 0; rq->hints && i < rq->napps; i++)
        xmpi_spawn_hints_free(&rq->hints[i]);
    free(rq->apps);
    free(rq->hints);
    free(rq->maxprocs);
    free(rq->limit);
}

static int request_alloc(struct request *rq, int napps)
{
    *rq = (struct request){.napps = napps};
    rq->apps = calloc((size_t)napps, sizeof(*rq->apps));
    rq->hints = calloc((size_t)napps, sizeof(*rq->hints));
    rq->maxprocs = calloc((size_t)napps, sizeof(*rq->maxprocs));
    rq->limit = calloc((size_t)napps, sizeof(*rq->limit));
    if (rq->apps && rq->hints && rq->maxprocs && rq->limit)
        return MPI_SUCCESS;
    request_free(rq);
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for a spawn request of %d programs", napps);
}

/* Choices that hold for the whole request may be made by any of its info objects, but once. */
static int merge_choice(int *into, int value, const char *key)
{
    if (value >= 0 && *into >= 0 && *into != value)
        return xmpi_err(MPI_ERR_INFO_VALUE,
                        "info key \"%s\" has different values for programs of one spawn",
                        key);
    if (value >= 0)
        *into = value;
    return MPI_SUCCESS;
}

static int gather_flags(struct request *rq)
{
    int detached = -1, oversubscribe = -1, cls = MPI_SUCCESS;
    for (int i = 0; i < rq->napps && !cls; i++) {
        cls = merge_choice(&detached, rq->hints[i].detached, "pvmx_lifetime");
        if (!cls)
            cls = merge_choice(&oversubscribe, rq->hints[i].oversubscribe,
                               "pvmx_oversubscribe");
    }
    rq->flags = (detached == 1 ? PVMX_SPAWN_DETACHED : 0u) |
                (oversubscribe == 0 ? PVMX_SPAWN_NO_OVERSUBSCRIBE : 0u);
    return cls;
}

static int gather_app(struct request *rq, int i, const char *command, char **argv,
                      int maxprocs, const struct xmpi_info *info)
{
    struct pvmx_app *app = &rq->apps[i];
    if (!command || !*command)
        return xmpi_err(MPI_ERR_ARG, "the command to spawn is empty");
    if (maxprocs < 0)
        return xmpi_err(MPI_ERR_ARG, "maxprocs is %d, less than 0, for %s", maxprocs,
                        command);
    if (maxprocs > MOST_PROCESSES - rq->total)
        return xmpi_err(MPI_ERR_SPAWN,
                        "%d processes of %s are more than a virtual machine can hold",
                        maxprocs, command);
    int cls = xmpi_spawn_hints_read(info, &rq->hints[i]);
    if (cls)
        return cls;
    rq->total += maxprocs;
    rq->maxprocs[i] = rq->limit[i] = maxprocs;
    app->command = command;
    app->argv = (const char *const *)argv;
    app->wdir = rq->hints[i].wdir;
    app->path = rq->hints[i].path;
    app->env = rq->hints[i].env;
    return MPI_SUCCESS;
}

/* ---- ask --------------------------------------------------------------------------- */

/* How many of each program to try; *any: whatever number the engine manages will do. */
static int choose_counts(struct request *rq, bool *any, int *total)
{
    *any = true;
    *total = 0;
    for (int i = 0; i < rq->napps; i++) {
        const struct xmpi_soft *soft = &rq->hints[i].soft;
        int count = xmpi_soft_largest(soft, rq->limit[i]);
        if (count < 0)
            return xmpi_err(
                MPI_ERR_SPAWN,
                "info key \"soft\" allows no number of processes of %s that could be "
                "started (limit now %d of %d)",
                rq->apps[i].command, rq->limit[i], rq->maxprocs[i]);
        rq->apps[i].count = count;
        *total += count;
        *any = *any && xmpi_soft_dense(soft, count);
    }
    return MPI_SUCCESS;
}

/* After an attempt that failed for want of room: the next lower numbers that "soft" allows, guided
 * by how many were fine. False when there is nothing more to try. */
static bool lower_limits(struct request *rq, const struct pvmx_spawn_result *res)
{
    bool lowered = false;
    int at = 0;
    for (int i = 0; i < rq->napps; i++) {
        int fine = 0, count = rq->apps[i].count;
        for (int k = 0; k < count && at + k < res->count; k++)
            fine += res->errors && res->errors[at + k] == PVMX_OK;
        at += count;
        if (rq->hints[i].soft.n == 0 || count == 0)
            continue;
        rq->limit[i] = fine < count ? fine : count - 1;
        lowered = true;
    }
    return lowered;
}

static bool is_want_of_room(pvmx_err err)
{
    return err == PVMX_ERR_LIMIT || err == PVMX_ERR_SPAWN || err == PVMX_ERR_AGAIN ||
           err == PVMX_ERR_NOMEM;
}

/* The class that a failed spawn has as a whole. */
static int spawn_class(pvmx_err err)
{
    return err == PVMX_ERR_NOMEM || err == PVMX_ERR_ARG
               ? xmpi_err_engine(err)
               : xmpi_err(MPI_ERR_SPAWN, "%s", pvmx_last_error());
}

/* Takes the result of an attempt into the outcome; *acceptable: the numbers are such. failed: none
 * of the tasks is there, whatever stands in tids. */
static int accept(const struct request *rq, const struct pvmx_spawn_result *res,
                  bool failed, struct xmpi_outcome *out, bool *acceptable)
{
    int at = 0;
    *acceptable = true;
    for (int i = 0; i < rq->napps; i++) {
        int started = 0, count = rq->apps[i].count;
        for (int k = 0; k < rq->maxprocs[i]; k++) {
            bool asked = k < count && at + k < res->count;
            pvmx_err err = asked && res->errors ? res->errors[at + k] : PVMX_ERR_SPAWN;
            pvmx_tid tid = asked && res->tids && !failed ? res->tids[at + k] : 0;
            int cls = xmpi_outcome_add(out, tid,
                                       tid   ? PVMX_OK
                                       : err ? err
                                             : PVMX_ERR_SPAWN);
            if (cls)
                return cls;
            started += tid != 0;
        }
        at += count;
        if (started != count && !xmpi_soft_allows(&rq->hints[i].soft, started))
            *acceptable = false;
    }
    return MPI_SUCCESS;
}

/* Nobody could even be asked. */
static int none_started(const struct request *rq, pvmx_err err, struct xmpi_outcome *out)
{
    int cls = spawn_class(err);
    for (int i = 0; i < rq->total; i++) {
        int added = xmpi_outcome_add(out, 0, err);
        if (added)
            return added;
    }
    return cls;
}

/* Asks until the numbers are acceptable or nothing lower is left to try. */
static int attempt(struct request *rq, struct pvmx_spawn_args *args, struct xmpi_outcome *out)
{
    /* Each round asks for as many as were fine before, so a few rounds do. */
    for (int round = 0; round < 16; round++) {
        struct pvmx_spawn_result res = {0};
        bool any, acceptable = false;
        int total, cls = choose_counts(rq, &any, &total);
        xmpi_outcome_clear(out);
        if (cls)
            return cls;
        pvmx_err err = PVMX_OK;
        args->flags = rq->flags | (any ? PVMX_SPAWN_SOFT : 0u);
        if (total > 0)
            err = pvmx_engine_spawn(args, &res);
        cls = err ? spawn_class(err) : MPI_SUCCESS;
        int took = accept(rq, &res, err != PVMX_OK, out, &acceptable);
        out->job = res.job;
        bool again = err && is_want_of_room(err) && lower_limits(rq, &res);
        if (!err && !took && !acceptable) {
            cls = xmpi_err(MPI_ERR_SPAWN,
                           "%d of %d processes could be started, which info key "
                           "\"soft\" does not allow",
                           res.started, rq->total);
            pvmx_engine_abort(out->tids, (size_t)out->started, 1, NULL);
        }
        if (total > 0)
            pvmx_engine_spawn_result_free(&res);
        if (took || !again)
            return took ? took : cls;
    }
    return xmpi_err(MPI_ERR_SPAWN,
                    "no number of processes that info key \"soft\" allows could be "
                    "started");
}

static int ask(struct request *rq, int root, struct xmpi_comm *comm, struct xmpi_outcome *out)
{
    pvmx_tid *parents = NULL;
    pvmx_err err = pvmx_engine_join_vm();
    if (err)
        return none_started(rq, err, out);
    int cls = xmpi_dpm_tids(comm, &parents);
    if (cls)
        return cls;
    out->ctx = pvmx_engine_ctx_alloc(8); /* the block of <pvmx/engine/dyn.h> */
    struct pvmx_spawn_args args = {
        .size = sizeof(args),
        .apps = rq->apps,
        .napps = rq->napps,
        .parents = parents,
        .nparents = comm->size,
        .root = root,
        .ctx = out->ctx,
    };
    cls = attempt(rq, &args, out);
    free(parents);
    if (!cls && out->started > 0)
        cls = xmpi_dpm_job_add(out->job, out->tids, out->started);
    return cls;
}

/* ---- build, report ----------------------------------------------------------------- */

static int build(struct xmpi_comm *comm, const struct xmpi_outcome *out, MPI_Comm *intercomm)
{
    struct xmpi_group *children;
    struct xmpi_comm *made;
    int cls = xmpi_group_make(out->tids, out->started, &children);
    if (cls)
        return cls;
    cls = xmpi_comm_make(out->ctx + 2, comm->local, children, comm, &made);
    if (!cls)
        *intercomm = xmpi_comm_handle(made);
    xmpi_group_release(children);
    return cls;
}

/* Steps three to five, in every process. */
static int conclude(struct xmpi_outcome *out, int root, struct xmpi_comm *comm,
                    MPI_Comm *intercomm, int errcodes[])
{
    int cls = MPI_SUCCESS;
    *intercomm = MPI_COMM_NULL;
    if (comm->size > 1)
        cls = xmpi_outcome_tell(out, root, comm);
    if (cls)
        return cls;
    if (errcodes != MPI_ERRCODES_IGNORE)
        xmpi_outcome_codes(out, errcodes);
    if (out->cls)
        return comm->rank == root ? out->cls : xmpi_err(out->cls, "%s", out->text);
    return build(comm, out, intercomm);
}

/* What the root has to say. Codes that nobody has set yet, because the request was not even made,
 * are those of the whole. */
static void set_class(struct xmpi_outcome *out, int cls, int total)
{
    xmpi_outcome_set_class(out, cls);
    if (cls && out->ncodes == 0)
        (void)xmpi_outcome_fill(out, cls, total);
}

/* Sum of the positive counts; 0 when that is more than anybody can mean. */
static int sum_counts(int n, const int maxprocs[])
{
    int64_t sum = 0;
    for (int i = 0; maxprocs && i < n; i++)
        sum += maxprocs[i] > 0 ? maxprocs[i] : 0;
    return sum > MOST_PROCESSES ? 0 : (int)sum;
}

static int check_comm(struct xmpi_comm *comm)
{
    if (comm->inter)
        return xmpi_err(MPI_ERR_COMM, "processes are spawned over an intracommunicator");
    if (comm->revoked) /* the root must not start what it cannot tell of */
        return xmpi_comm_error(comm, 0, PVMX_ERR_REVOKED);
    return MPI_SUCCESS;
}

int xmpi_comm_spawn(const char *command, char *argv[], int maxprocs, struct xmpi_info *info,
                    int root, struct xmpi_comm *comm, MPI_Comm *intercomm, int errcodes[])
{
    struct xmpi_outcome out = {0};
    struct request rq = {0};
    int cls = check_comm(comm);
    if (cls)
        return cls;
    if (comm->rank == root) {
        cls = request_alloc(&rq, 1);
        if (!cls)
            cls = gather_app(&rq, 0, command, argv, maxprocs, info);
        if (!cls)
            cls = gather_flags(&rq);
        if (!cls)
            cls = ask(&rq, root, comm, &out);
        set_class(&out, cls, sum_counts(1, &maxprocs));
        if (rq.apps)
            request_free(&rq);
    }
    cls = conclude(&out, root, comm, intercomm, errcodes);
    xmpi_outcome_free(&out);
    return cls;
}

static int gather_multiple(struct request *rq, int count, char *commands[],
                           char **argvs[], const int maxprocs[], const MPI_Info infos[])
{
    int cls = MPI_SUCCESS;
    if (count <= 0)
        return xmpi_err(MPI_ERR_ARG, "count is %d: at least one program has to be named",
                        count);
    if (!commands || !maxprocs || !infos)
        return xmpi_err(MPI_ERR_ARG,
                        "commands, maxprocs and info objects are needed for %d "
                        "programs, but an array is a null pointer",
                        count);
    cls = request_alloc(rq, count);
    for (int i = 0; i < count && !cls; i++) {
        struct xmpi_info *info = xmpi_info_of(infos[i]);
        if (!info && infos[i] != MPI_INFO_NULL)
            cls = xmpi_err(MPI_ERR_INFO, "the info handle of program %d is not valid", i);
        else
            cls = gather_app(rq, i, commands[i],
                             argvs == MPI_ARGVS_NULL ? NULL : argvs[i], maxprocs[i], info);
    }
    return cls ? cls : gather_flags(rq);
}

int xmpi_comm_spawn_multiple(int count, char *commands[], char **argvs[],
                             const int maxprocs[], const MPI_Info infos[], int root,
                             struct xmpi_comm *comm, MPI_Comm *intercomm, int errcodes[])
{
    struct xmpi_outcome out = {0};
    struct request rq = {0};
    int cls = check_comm(comm);
    if (cls)
        return cls;
    if (comm->rank == root) {
        cls = gather_multiple(&rq, count, commands, argvs, maxprocs, infos);
        if (!cls)
            cls = ask(&rq, root, comm, &out);
        set_class(&out, cls, sum_counts(count, maxprocs));
        if (rq.apps)
            request_free(&rq);
    }
    cls = conclude(&out, root, comm, intercomm, errcodes);
    xmpi_outcome_free(&out);
    return cls;
}
