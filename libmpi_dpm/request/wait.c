/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait and test: one, any, all, some; and looking without collecting. */
#include "abi/handles.h"
#include "coll/watch.h"
#include "request/request.h"
#include "rt/err.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <stdio.h>

/* What is done with a complete request: collected, or only looked at. Returns its class. */
typedef int take_fn(MPI_Request *handle, struct xmpi_request *req, MPI_Status *st);

static int collect(MPI_Request *handle, struct xmpi_request *req, MPI_Status *st)
{
    return xmpi_request_collect(req, st, handle);
}

/* The status of a complete request (NULL, inactive: the empty one), which stays as it is. */
static int look(MPI_Request *handle, struct xmpi_request *req, MPI_Status *st)
{
    (void)handle;
    if (!req || !req->active) {
        xmpi_status_set_empty(st);
        return MPI_SUCCESS;
    }
    xmpi_request_finish(req);
    xmpi_status_set(st, &req->status);
    if (st != MPI_STATUS_IGNORE)
        st->MPI_ERROR = req->cls;
    return MPI_SUCCESS;
}

/* ---- one --------------------------------------------------------------------------- */

static bool one_done(void *arg)
{
    return xmpi_request_done(arg);
}

/* Done now or after one round of progress. */
static bool one_tested(struct xmpi_request *req)
{
    if (xmpi_request_done(req))
        return true;
    pvmx_engine_progress();
    return xmpi_request_done(req);
}

int xmpi_wait(MPI_Request *request, MPI_Status *status)
{
    struct xmpi_request *req = xmpi_request_of(*request);
    if (!req) {
        xmpi_status_set_empty(status);
        return MPI_SUCCESS;
    }
    if (!xmpi_request_done(req)) {
        if (!req->ops)
            pvmx_engine_req_wait(req->engine);
        else
            xmpi_watch_wait(one_done, req, NULL);
    }
    return collect(request, req, status);
}

int xmpi_test(MPI_Request *request, int *flag, MPI_Status *status)
{
    struct xmpi_request *req = xmpi_request_of(*request);
    *flag = !req || one_tested(req);
    if (req && *flag)
        return collect(request, req, status);
    if (!req)
        xmpi_status_set_empty(status);
    return MPI_SUCCESS;
}

int xmpi_request_get_status(struct xmpi_request *req, int *flag, MPI_Status *status)
{
    *flag = !req || one_tested(req);
    return *flag ? look(NULL, req, status) : MPI_SUCCESS;
}

/* ---- any --------------------------------------------------------------------------- */

struct set {
    int count;
    const MPI_Request *handles;
    int found;   /* index of the first complete active request, -1: none */
    bool active; /* there is an active one                               */
};

/* True when there is nothing to wait for: one of the set is complete, or none is active. */
static bool any_done(void *arg)
{
    struct set *set = arg;
    set->active = false;
    set->found = -1;
    for (int i = 0; i < set->count; i++) {
        const struct xmpi_request *req = xmpi_request_of(set->handles[i]);
        if (!req || !req->active)
            continue;
        set->active = true;
        if (xmpi_request_done(req)) {
            set->found = i;
            return true;
        }
    }
    return !set->active;
}

/* Looks for a complete request of the set, with as much progress as is asked for. */
static struct set find_any(int count, const MPI_Request handles[], bool wait)
{
    struct set set = {.count = count, .handles = handles};
    if (any_done(&set))
        return set;
    if (wait) {
        xmpi_watch_wait(any_done, &set, NULL);
    } else {
        pvmx_engine_progress();
        any_done(&set);
    }
    return set;
}

static int take_any(const struct set *set, MPI_Request handles[], int *index, int *flag,
                    MPI_Status *status, take_fn *take)
{
    *index = set->found < 0 ? MPI_UNDEFINED : set->found;
    *flag = set->found >= 0 || !set->active;
    if (set->found >= 0)
        return take(&handles[set->found], xmpi_request_of(handles[set->found]), status);
    if (!set->active)
        xmpi_status_set_empty(status);
    return MPI_SUCCESS;
}

int xmpi_waitany(int count, MPI_Request handles[], int *index, MPI_Status *status)
{
    int flag;
    struct set set = find_any(count, handles, true);
    return take_any(&set, handles, index, &flag, status, collect);
}

int xmpi_testany(int count, MPI_Request handles[], int *index, int *flag, MPI_Status *status)
{
    struct set set = find_any(count, handles, false);
    return take_any(&set, handles, index, flag, status, collect);
}

int xmpi_request_get_status_any(int count, const MPI_Request handles[], int *index,
                                int *flag, MPI_Status *status)
{
    struct set set = find_any(count, handles, false);
    /* Looking does not change the handles. */
    return take_any(&set, (MPI_Request *)(uintptr_t)handles, index, flag, status, look);
}

/* ---- outcomes of several ----------------------------------------------------------- */

/* The statuses of one call. Once one request has failed each status says its own class
 * (MPI_ERR_IN_STATUS); before that MPI_ERROR is not touched. */
struct outcomes {
    MPI_Status *statuses; /* or MPI_STATUSES_IGNORE */
    int n;                /* filled                 */
    bool failed, said;
    int rc;
};

static MPI_Status *next_status(const struct outcomes *o)
{
    return o->statuses == MPI_STATUSES_IGNORE ? MPI_STATUS_IGNORE : &o->statuses[o->n];
}

static void add_failure(struct outcomes *o, int index, int cls)
{
    MPI_Status *st = next_status(o);
    if (cls && !o->failed) {
        o->failed = true;
        for (int k = 0; k < o->n && st != MPI_STATUS_IGNORE; k++)
            o->statuses[k].MPI_ERROR = MPI_SUCCESS;
    }
    if (cls && cls != MPI_ERR_PENDING && !o->said) {
        const char *sentence = xmpi_err_sentence(cls);
        char text[MPI_MAX_ERROR_STRING / 2];
        if (!sentence)
            sentence = xmpi_err_text(cls);
        snprintf(text, sizeof(text), "%s", sentence ? sentence : "an error of its own");
        o->rc = xmpi_err(MPI_ERR_IN_STATUS, "request %d: %s", index, text);
        o->said = true;
    }
    if (o->failed && st != MPI_STATUS_IGNORE)
        st->MPI_ERROR = cls;
    o->n++;
}

static inline void add_outcome(struct outcomes *o, int index, int cls)
{
    if (__builtin_expect(!cls && !o->failed, 1))
        o->n++;
    else
        add_failure(o, index, cls);
}

/* ---- all --------------------------------------------------------------------------- */

struct all {
    int count;
    const MPI_Request *handles;
    int at;            /* everything before is complete       */
    unsigned failures; /* known, when last looked for         */
    bool failed;       /* one has failed because a task ended */
};

static bool has_lost_peer(const struct xmpi_request *req)
{
    if (!req->active || req->ops || !xmpi_request_done(req))
        return false;
    pvmx_err err =
        req->engine ? pvmx_engine_req_status(req->engine)->error : req->status.error;
    return err == PVMX_ERR_PEER_DEAD || err == PVMX_ERR_DEAD_PENDING ||
           err == PVMX_ERR_REVOKED;
}

/* True when all are complete, or when waiting for the others may be in vain because a process that
 * one of them needs has ended. */
static bool all_done(void *arg)
{
    struct all *all = arg;
    for (; all->at < all->count; all->at++) {
        const struct xmpi_request *req = xmpi_request_of(all->handles[all->at]);
        if (req && !xmpi_request_done(req))
            break;
    }
    if (all->at == all->count)
        return true;
    unsigned failures = pvmx_engine_failures() +
                        atomic_load_explicit(&xmpi_request_lost, memory_order_relaxed);
    if (failures == all->failures)
        return all->failed;
    all->failures = failures;
    for (int i = 0; i < all->count && !all->failed; i++) {
        const struct xmpi_request *req = xmpi_request_of(all->handles[i]);
        all->failed = req && has_lost_peer(req);
    }
    return all->failed;
}

/* Collects what is complete; the rest is MPI_ERR_PENDING. */
static int collect_all(int count, MPI_Request handles[], MPI_Status statuses[])
{
    struct outcomes o = {.statuses = statuses};
    for (int i = 0; i < count; i++) {
        struct xmpi_request *req = xmpi_request_of(handles[i]);
        int cls = MPI_SUCCESS;
        if (!req)
            xmpi_status_set_empty(next_status(&o));
        else if (xmpi_request_done(req))
            cls = collect(&handles[i], req, next_status(&o));
        else
            cls = MPI_ERR_PENDING;
        add_outcome(&o, i, cls);
    }
    return o.rc;
}

int xmpi_waitall(int count, MPI_Request handles[], MPI_Status statuses[])
{
    struct all all = {.count = count, .handles = handles};
    if (!all_done(&all))
        xmpi_watch_wait(all_done, &all, NULL);
    return collect_all(count, handles, statuses);
}

static bool all_tested(struct all *all)
{
    if (all_done(all))
        return true;
    pvmx_engine_progress();
    return all_done(all);
}

int xmpi_testall(int count, MPI_Request handles[], int *flag, MPI_Status statuses[])
{
    struct all all = {.count = count, .handles = handles};
    *flag = all_tested(&all);
    return *flag ? collect_all(count, handles, statuses) : MPI_SUCCESS;
}

int xmpi_request_get_status_all(int count, const MPI_Request handles[], int *flag,
                                MPI_Status statuses[])
{
    struct all all = {.count = count, .handles = handles};
    struct outcomes o = {.statuses = statuses};
    *flag = all_tested(&all) && all.at == count;
    for (; o.n < count && *flag; o.n++)
        look(NULL, xmpi_request_of(handles[o.n]), next_status(&o));
    return MPI_SUCCESS;
}

/* ---- some -------------------------------------------------------------------------- */

/* Takes every complete active request of the set. */
static int take_some(const struct set *set, MPI_Request handles[], int *outcount,
                     int indices[], MPI_Status statuses[], take_fn *take)
{
    struct outcomes o = {.statuses = statuses};
    if (!set->active) {
        *outcount = MPI_UNDEFINED;
        return MPI_SUCCESS;
    }
    for (int i = 0; i < set->count; i++) {
        struct xmpi_request *req = xmpi_request_of(handles[i]);
        if (!req || !req->active || !xmpi_request_done(req))
            continue;
        indices[o.n] = i;
        add_outcome(&o, i, take(&handles[i], req, next_status(&o)));
    }
    *outcount = o.n;
    return o.rc;
}

int xmpi_waitsome(int count, MPI_Request handles[], int *outcount, int indices[],
                  MPI_Status statuses[])
{
    struct set set = find_any(count, handles, true);
    return take_some(&set, handles, outcount, indices, statuses, collect);
}

int xmpi_testsome(int count, MPI_Request handles[], int *outcount, int indices[],
                  MPI_Status statuses[])
{
    struct set set = find_any(count, handles, false);
    return take_some(&set, handles, outcount, indices, statuses, collect);
}

int xmpi_request_get_status_some(int count, const MPI_Request handles[], int *outcount,
                                 int indices[], MPI_Status statuses[])
{
    struct set set = find_any(count, handles, false);
    /* Looking does not change the handles. */
    return take_some(&set, (MPI_Request *)(uintptr_t)handles, outcount, indices, statuses,
                     look);
}
