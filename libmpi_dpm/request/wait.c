/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait and test: one, any, all, some; and looking without collecting. */
#include "abi/handles.h"
#include "request/request.h"
#include "rt/err.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <stdio.h>

static bool one_done(void *arg)
{
    return xmpi_request_done(arg);
}

static void wait_one(struct xmpi_request *req)
{
    if (xmpi_request_done(req))
        return;
    if (!req->ops)
        pvmx_engine_req_wait(req->engine);
    else
        pvmx_engine_wait_until(one_done, req, UINT64_MAX);
}

/* Collects the request behind a handle and nulls the handle unless the request is persistent. */
static int collect(MPI_Request *handle, struct xmpi_request *req, MPI_Status *st)
{
    bool keeps = req->type == XMPI_REQ_PERSIST_SEND ||
                 req->type == XMPI_REQ_PERSIST_RECV || req->type == XMPI_REQ_PERSIST_COLL;
    int cls = xmpi_request_collect(req, st);
    if (!keeps)
        *handle = MPI_REQUEST_NULL;
    return cls;
}

int xmpi_wait(MPI_Request *request, MPI_Status *status)
{
    struct xmpi_request *req = xmpi_request_of(*request);
    if (!req) {
        xmpi_status_set_empty(status);
        return MPI_SUCCESS;
    }
    wait_one(req);
    return collect(request, req, status);
}

int xmpi_test(MPI_Request *request, int *flag, MPI_Status *status)
{
    struct xmpi_request *req = xmpi_request_of(*request);
    *flag = 1;
    if (!req) {
        xmpi_status_set_empty(status);
        return MPI_SUCCESS;
    }
    if (!xmpi_request_done(req)) {
        pvmx_engine_progress();
        if (!xmpi_request_done(req)) {
            *flag = 0;
            return MPI_SUCCESS;
        }
    }
    return collect(request, req, status);
}

/* ---- sets -------------------------------------------------------------------------- */

struct set {
    int count;
    const MPI_Request *handles;
    int found; /* index of a complete active request */
};

/* True when one of the set is complete; then found is the first such. */
static bool any_done(void *arg)
{
    struct set *set = arg;
    for (int i = 0; i < set->count; i++) {
        const struct xmpi_request *req = xmpi_request_of(set->handles[i]);
        if (req && req->active && xmpi_request_done(req)) {
            set->found = i;
            return true;
        }
    }
    return false;
}

static bool none_active(int count, const MPI_Request handles[])
{
    for (int i = 0; i < count; i++) {
        const struct xmpi_request *req = xmpi_request_of(handles[i]);
        if (req && req->active)
            return false;
    }
    return true;
}

static bool all_done(int count, const MPI_Request handles[])
{
    for (int i = 0; i < count; i++) {
        const struct xmpi_request *req = xmpi_request_of(handles[i]);
        if (req && !xmpi_request_done(req))
            return false;
    }
    return true;
}

/* MPI_ERR_IN_STATUS: once one request of a set fails, every status says its own class. */
static int in_status(int index, int cls)
{
    const char *sentence = xmpi_err_sentence(cls);
    char text[MPI_MAX_ERROR_STRING / 2];
    snprintf(text, sizeof(text), "%s", sentence ? sentence : xmpi_err_text(cls));
    return xmpi_err(MPI_ERR_IN_STATUS, "request %d: %s", index, text);
}

static MPI_Status *status_at(MPI_Status statuses[], int i)
{
    return statuses == MPI_STATUSES_IGNORE ? MPI_STATUS_IGNORE : &statuses[i];
}

static int collect_all(int count, MPI_Request handles[], MPI_Status statuses[])
{
    int rc = MPI_SUCCESS;
    for (int i = 0; i < count; i++) {
        struct xmpi_request *req = xmpi_request_of(handles[i]);
        MPI_Status *st = status_at(statuses, i);
        int cls = MPI_SUCCESS;
        if (!req)
            xmpi_status_set_empty(st);
        else
            cls = collect(&handles[i], req, st);
        if (cls && !rc) {
            rc = in_status(i, cls);
            for (int k = 0; k < i && statuses != MPI_STATUSES_IGNORE; k++)
                statuses[k].MPI_ERROR = MPI_SUCCESS;
        }
        if (rc && st != MPI_STATUS_IGNORE)
            st->MPI_ERROR = cls;
    }
    return rc;
}

int xmpi_waitall(int count, MPI_Request handles[], MPI_Status statuses[])
{
    for (int i = 0; i < count; i++) {
        struct xmpi_request *req = xmpi_request_of(handles[i]);
        if (req)
            wait_one(req);
    }
    return collect_all(count, handles, statuses);
}

int xmpi_testall(int count, MPI_Request handles[], int *flag, MPI_Status statuses[])
{
    *flag = all_done(count, handles);
    if (!*flag) {
        pvmx_engine_progress();
        *flag = all_done(count, handles);
    }
    return *flag ? collect_all(count, handles, statuses) : MPI_SUCCESS;
}

int xmpi_waitany(int count, MPI_Request handles[], int *index, MPI_Status *status)
{
    struct set set = {count, handles, 0};
    if (none_active(count, handles)) {
        *index = MPI_UNDEFINED;
        xmpi_status_set_empty(status);
        return MPI_SUCCESS;
    }
    if (!any_done(&set))
        pvmx_engine_wait_until(any_done, &set, UINT64_MAX);
    *index = set.found;
    return collect(&handles[set.found], xmpi_request_of(handles[set.found]), status);
}

int xmpi_testany(int count, MPI_Request handles[], int *index, int *flag, MPI_Status *status)
{
    struct set set = {count, handles, 0};
    *index = MPI_UNDEFINED;
    *flag = 1;
    if (none_active(count, handles)) {
        xmpi_status_set_empty(status);
        return MPI_SUCCESS;
    }
    if (!any_done(&set)) {
        pvmx_engine_progress();
        if (!any_done(&set)) {
            *flag = 0;
            return MPI_SUCCESS;
        }
    }
    *index = set.found;
    return collect(&handles[set.found], xmpi_request_of(handles[set.found]), status);
}

/* Collects every complete active request of the set. */
static int collect_some(int count, MPI_Request handles[], int *outcount, int indices[],
                        MPI_Status statuses[])
{
    int rc = MPI_SUCCESS, n = 0;
    for (int i = 0; i < count; i++) {
        struct xmpi_request *req = xmpi_request_of(handles[i]);
        MPI_Status *st = status_at(statuses, n);
        if (!req || !req->active || !xmpi_request_done(req))
            continue;
        int cls = collect(&handles[i], req, st);
        if (cls && !rc) {
            rc = in_status(i, cls);
            for (int k = 0; k < n && statuses != MPI_STATUSES_IGNORE; k++)
                statuses[k].MPI_ERROR = MPI_SUCCESS;
        }
        if (rc && st != MPI_STATUS_IGNORE)
            st->MPI_ERROR = cls;
        indices[n++] = i;
    }
    *outcount = n;
    return rc;
}

int xmpi_waitsome(int count, MPI_Request handles[], int *outcount, int indices[],
                  MPI_Status statuses[])
{
    struct set set = {count, handles, 0};
    if (none_active(count, handles)) {
        *outcount = MPI_UNDEFINED;
        return MPI_SUCCESS;
    }
    if (!any_done(&set))
        pvmx_engine_wait_until(any_done, &set, UINT64_MAX);
    return collect_some(count, handles, outcount, indices, statuses);
}

int xmpi_testsome(int count, MPI_Request handles[], int *outcount, int indices[],
                  MPI_Status statuses[])
{
    struct set set = {count, handles, 0};
    if (none_active(count, handles)) {
        *outcount = MPI_UNDEFINED;
        return MPI_SUCCESS;
    }
    if (!any_done(&set))
        pvmx_engine_progress();
    return collect_some(count, handles, outcount, indices, statuses);
}

/* ---- looking ----------------------------------------------------------------------- */

/* The status of a complete request (NULL, inactive: the empty one), which stays as it is. */
static void look(struct xmpi_request *req, MPI_Status *st)
{
    if (!req || !req->active) {
        xmpi_status_set_empty(st);
        return;
    }
    xmpi_request_finish(req);
    xmpi_status_set(st, &req->status);
    if (st != MPI_STATUS_IGNORE)
        st->MPI_ERROR = req->cls;
}

int xmpi_request_get_status(struct xmpi_request *req, int *flag, MPI_Status *status)
{
    *flag = !req || xmpi_request_done(req);
    if (!*flag) {
        pvmx_engine_progress();
        *flag = xmpi_request_done(req);
    }
    if (*flag)
        look(req, status);
    return MPI_SUCCESS;
}

int xmpi_request_get_status_any(int count, const MPI_Request handles[], int *index,
                                int *flag, MPI_Status *status)
{
    struct set set = {count, handles, 0};
    *index = MPI_UNDEFINED;
    *flag = 1;
    if (none_active(count, handles)) {
        xmpi_status_set_empty(status);
        return MPI_SUCCESS;
    }
    if (!any_done(&set)) {
        pvmx_engine_progress();
        if (!any_done(&set)) {
            *flag = 0;
            return MPI_SUCCESS;
        }
    }
    *index = set.found;
    look(xmpi_request_of(handles[set.found]), status);
    return MPI_SUCCESS;
}

int xmpi_request_get_status_all(int count, const MPI_Request handles[], int *flag,
                                MPI_Status statuses[])
{
    *flag = all_done(count, handles);
    if (!*flag) {
        pvmx_engine_progress();
        *flag = all_done(count, handles);
    }
    for (int i = 0; i < count && *flag; i++)
        look(xmpi_request_of(handles[i]), status_at(statuses, i));
    return MPI_SUCCESS;
}

int xmpi_request_get_status_some(int count, const MPI_Request handles[], int *outcount,
                                 int indices[], MPI_Status statuses[])
{
    struct set set = {count, handles, 0};
    int n = 0;
    if (none_active(count, handles)) {
        *outcount = MPI_UNDEFINED;
        return MPI_SUCCESS;
    }
    if (!any_done(&set))
        pvmx_engine_progress();
    for (int i = 0; i < count; i++) {
        struct xmpi_request *req = xmpi_request_of(handles[i]);
        if (!req || !req->active || !xmpi_request_done(req))
            continue;
        look(req, status_at(statuses, n));
        indices[n++] = i;
    }
    *outcount = n;
    return MPI_SUCCESS;
}
