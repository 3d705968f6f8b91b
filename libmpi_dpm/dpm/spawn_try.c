/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking the engine for processes, in as many rounds as "soft" has acceptable numbers to try. */
#include "dpm/dpm.h"
#include "dpm/spawn.h"
#include "rt/err.h"
#include <pvmx/engine/prog.h>
#include <pvmx/engine/util.h>
#include <pvmx/engine/vm.h>
#include <stdlib.h>

enum {
    ROUNDS_MAX = 16
}; /* each asks for as many as were fine before, so a few rounds do */

/* ---- before a round ---------------------------------------------------------------- */

/* How many of each program to try; *any: whatever number the engine manages will do. */
static int choose_counts(struct xmpi_spawn *s, bool *any, bool *none)
{
    *any = !s->fixed;
    *none = true;
    for (int i = 0; i < s->napps; i++) {
        const struct xmpi_program *p = &s->programs[i];
        int count = p->limit;
        if (p->soft->n > 0)
            count = xmpi_soft_largest(p->soft, p->limit);
        if (p->soft->n > 0 && count < 0)
            return xmpi_err(
                MPI_ERR_SPAWN,
                "info key \"soft\" allows no number of processes of %s that could be "
                "started (limit now %d of %d)",
                s->apps[i].command, p->limit, p->maxprocs);
        s->apps[i].count = count;
        *none = *none && count == 0;
        *any = *any && xmpi_soft_dense(p->soft, count);
    }
    return MPI_SUCCESS;
}

/* The class that a failed spawn has as a whole. */
static int spawn_class(const struct xmpi_spawn *s, pvmx_err err)
{
    bool placed = false;
    for (int i = 0; i < s->napps; i++)
        placed = placed || s->apps[i].where;
    if (err == PVMX_ERR_ARG && placed)
        return xmpi_err(MPI_ERR_INFO_VALUE, "%s", pvmx_last_error());
    if (err == PVMX_ERR_NOMEM || err == PVMX_ERR_ARG)
        return xmpi_err_engine(err);
    return xmpi_err(MPI_ERR_SPAWN, "%s", pvmx_last_error());
}

static int begin_round(struct xmpi_spawn *s)
{
    bool any, none;
    int cls = choose_counts(s, &any, &none);
    s->asked = !cls && !none;
    if (cls || none)
        return cls;
    struct pvmx_spawn_args args = {
        .size = sizeof(args),
        .apps = s->apps,
        .napps = s->napps,
        .flags = s->flags | (any ? PVMX_SPAWN_SOFT : 0u),
        .parents = s->parents,
        .nparents = s->comm->size,
        .root = s->root,
        .stdio = s->stdio,
        .ctx = s->out.ctx,
    };
    pvmx_err err = pvmx_engine_spawn_start(&args, &s->op);
    s->asked = !err;
    return err ? spawn_class(s, err) : MPI_SUCCESS;
}

/* Asks for the hosts of add-host and add-hostfile; s->wanting stays NULL when there are none. */
static int want_hosts(struct xmpi_spawn *s)
{
    size_t n = 0;
    for (int i = 0; i < s->given; i++)
        n += s->hints[i].add[0].n + s->hints[i].add[1].n;
    if (n == 0)
        return MPI_SUCCESS;
    struct pvmx_host_spec *specs = malloc(n * sizeof(*specs));
    if (!specs)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for %zu hosts", n);
    n = 0;
    for (int i = 0; i < 2 * s->given; i++) {
        const struct pvmx_host_list *list = &s->hints[i / 2].add[i % 2];
        for (size_t k = 0; k < list->n; k++)
            specs[n++] = list->specs[k];
    }
    pvmx_err err = pvmx_engine_hosts_want(specs, n, &s->wanting);
    free(specs);
    return err ? spawn_class(s, err) : MPI_SUCCESS;
}

int xmpi_spawn_begin(struct xmpi_spawn *s)
{
    pvmx_err err = pvmx_engine_join_vm(); /* before context ids are asked for */
    if (err)
        return spawn_class(s, err);
    int cls = xmpi_dpm_tids(s->comm, &s->parents);
    if (cls)
        return cls;
    s->out.ctx = pvmx_engine_ctx_alloc(8); /* the block of <pvmx/engine/dyn.h> */
    cls = want_hosts(s);
    return cls || s->wanting ? cls : begin_round(s);
}

/* ---- after it ---------------------------------------------------------------------- */

static bool is_want_of_room(pvmx_err err)
{
    return err == PVMX_ERR_LIMIT || err == PVMX_ERR_SPAWN || err == PVMX_ERR_AGAIN ||
           err == PVMX_ERR_NOMEM;
}

/* After a round that failed for want of room: the next lower numbers that "soft" allows, guided by
 * how many were fine before the first that was not. When that was the first, or nobody was even
 * tried, little is known: large numbers are halved, so that a few rounds do. False when there is
 * nothing more to try. */
static bool lower_limits(struct xmpi_spawn *s, const struct pvmx_spawn_result *res)
{
    enum { SMALL = 16 };
    bool lowered = false;
    int at = 0;
    for (int i = 0; i < s->napps; i++) {
        int fine = 0, count = s->apps[i].count;
        while (res->errors && fine < count && at + fine < res->count &&
               (res->errors[at + fine] == PVMX_OK ||
                res->errors[at + fine] == PVMX_ERR_CANCELLED))
            fine++;
        at += count;
        if (s->programs[i].soft->n == 0 || count == 0)
            continue;
        s->programs[i].limit = fine > 0 && fine < count ? fine
                               : count > SMALL          ? count / 2
                                                        : count - 1;
        lowered = true;
    }
    return lowered;
}

/* Takes process number `at` of the answer into the outcome; *started counts those that run. */
static int take_one(struct xmpi_outcome *out, const struct pvmx_spawn_result *res, int at,
                    bool failed, int *started)
{
    bool asked = at >= 0 && at < res->count;
    pvmx_err err = asked && res->errors ? res->errors[at] : PVMX_ERR_SPAWN;
    pvmx_tid tid = asked && res->tids && !failed ? res->tids[at] : 0;
    *started += tid != 0;
    if (!tid && !err)
        err = PVMX_ERR_SPAWN;
    return xmpi_outcome_add(out, tid, tid ? PVMX_OK : err);
}

/* A schema's processes: all that there are. Their number is none that the caller knows, and it has
 * room for s->total codes. */
static int take_all(struct xmpi_spawn *s, const struct pvmx_spawn_result *res, bool failed)
{
    int started = 0, cls = MPI_SUCCESS;
    for (int i = 0; i < res->count && !cls; i++)
        cls = take_one(&s->out, res, i, failed, &started);
    return cls ? cls : xmpi_outcome_fit(&s->out, MPI_ERR_SPAWN, s->total);
}

/* *acceptable: the numbers are such. failed: none of the tasks is there, whatever stands in tids. */
static int take_numbers(struct xmpi_spawn *s, const struct pvmx_spawn_result *res,
                        bool failed, bool *acceptable)
{
    int at = 0;
    *acceptable = true;
    for (int i = 0; i < s->napps; i++) {
        const struct xmpi_program *p = &s->programs[i];
        int started = 0, count = s->apps[i].count;
        for (int k = 0; k < p->maxprocs; k++) {
            int cls = take_one(&s->out, res, k < count ? at + k : -1, failed, &started);
            if (cls)
                return cls;
        }
        at += count;
        if (started != count && !xmpi_soft_allows(p->soft, started))
            *acceptable = false;
    }
    return MPI_SUCCESS;
}

static int take_result(struct xmpi_spawn *s, const struct pvmx_spawn_result *res,
                       pvmx_err err, bool *again)
{
    bool acceptable = true;
    int cls = err ? spawn_class(s, err) : MPI_SUCCESS;
    int took = s->fixed ? take_all(s, res, err != PVMX_OK)
                        : take_numbers(s, res, err != PVMX_OK, &acceptable);
    s->out.job = res->job;
    *again = !took && err && is_want_of_room(err) && lower_limits(s, res);
    if (!err && !took && !acceptable) {
        cls =
            xmpi_err(MPI_ERR_SPAWN,
                     "%d of %d processes could be started, which info key \"soft\" does "
                     "not allow",
                     res->started, s->total);
        pvmx_engine_drop(s->out.tids, (size_t)s->out.started);
    }
    return took ? took : cls;
}

/* The hosts are there, or one is not. */
static int take_hosts(struct xmpi_spawn *s)
{
    pvmx_err err = pvmx_engine_hosts_want_take(s->wanting);
    s->wanting = NULL;
    return err == PVMX_ERR_NOMEM ? xmpi_err_engine(err)
           : err                 ? xmpi_err(MPI_ERR_SPAWN, "%s", pvmx_last_error())
                                 : begin_round(s);
}

bool xmpi_spawn_answered(const struct xmpi_spawn *s)
{
    if (s->wanting)
        return pvmx_engine_hosts_want_done(s->wanting);
    return !s->asked || pvmx_engine_spawn_done(s->op);
}

int xmpi_spawn_next(struct xmpi_spawn *s, bool *again)
{
    struct pvmx_spawn_result res = {0};
    if (s->wanting) {
        int hosts = take_hosts(s);
        *again = !hosts;
        return hosts;
    }
    pvmx_err err = s->asked ? pvmx_engine_spawn_take(s->op, &res) : PVMX_OK;
    s->asked = false;
    s->op = NULL;
    int cls = take_result(s, &res, err, again);
    pvmx_engine_spawn_result_free(&res);
    if (*again && ++s->round >= ROUNDS_MAX) {
        *again = false;
        cls = xmpi_err(MPI_ERR_SPAWN,
                       "no number of processes that info key \"soft\" allows "
                       "could be started");
    }
    if (*again) {
        xmpi_outcome_clear(&s->out);
        cls = begin_round(s);
        *again = !cls;
    }
    if (!cls && !*again && s->out.started > 0)
        cls = xmpi_dpm_job_add(s->out.job, s->out.tids, s->out.started);
    return cls;
}

void xmpi_spawn_settle(struct xmpi_spawn *s, int cls)
{
    xmpi_outcome_set_class(&s->out, cls);
    if (cls && s->out.ncodes == 0)
        (void)xmpi_outcome_fill(&s->out, cls, s->total);
}
