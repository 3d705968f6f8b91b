/* SPDX-License-Identifier: BSD-3-Clause */
/* Agree and shrink: the same agreement, of which the one takes the value and the other the list of
 * those who have ended. */
#include "abi/handles.h"
#include "ft/ft.h"
#include "request/request.h"
#include "rt/err.h"
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdlib.h>

struct agreement {
    struct xmpi_comm *comm;
    struct pvmx_agree *op; /* NULL: nobody else is there, the outcome is known */
    uint32_t value;
    uint64_t fresh;
    int *flag;         /* agree  */
    MPI_Comm *newcomm; /* shrink */
};

/* ---- begin ------------------------------------------------------------------------- */

static void fill_known(const struct xmpi_comm *comm, const pvmx_tid *tids,
                       struct pvmx_agree_args *args, pvmx_tid *known)
{
    args->nknown = comm->ft ? comm->ft->nacked : 0;
    for (int i = 0; i < args->nknown; i++)
        known[i] = tids[comm->ft->failed[i]];
    args->known = known;
}

static int begin(struct agreement *a)
{
    struct xmpi_comm *comm = a->comm;
    pvmx_tid *tids, *known;
    struct pvmx_agree_args args = {.ctx = comm->ctx, .value = a->value};
    int n, cls = xmpi_ft_tids(comm, &tids, &n);
    if (cls)
        return cls;
    a->fresh = args.fresh = pvmx_engine_ctx_alloc(xmpi_cid_count(comm->inter));
    args.tids = tids;
    args.n = n;
    known = malloc((size_t)n * sizeof(*known));
    if (!known) {
        free(tids);
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an agreement of %d processes", n);
    }
    pvmx_err err = PVMX_OK;
    pvmx_engine_lock();
    args.round = comm->agreements++;
    fill_known(comm, tids, &args, known);
    if (n > 1)
        err = pvmx_engine_agree_start(&args, &a->op);
    pvmx_engine_unlock();
    free(known);
    free(tids);
    return xmpi_err_engine(err);
}

/* ---- outcome ----------------------------------------------------------------------- */

static bool has(const struct pvmx_agree_result *res, pvmx_tid tid)
{
    for (int i = 0; i < res->nended; i++)
        if (res->ended[i] == tid)
            return true;
    return false;
}

static int survivors(const struct xmpi_group *group, const struct pvmx_agree_result *res,
                     struct xmpi_group **out)
{
    pvmx_tid *tids = malloc(((size_t)group->size + 1) * sizeof(*tids));
    int n = 0;
    if (!tids)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a group of %d processes", group->size);
    for (int i = 0; i < group->size; i++)
        if (!has(res, xmpi_tid(group->tids[i])))
            tids[n++] = xmpi_tid(group->tids[i]);
    int cls = xmpi_group_make(tids, n, out);
    free(tids);
    return cls;
}

static int make_shrunk(struct xmpi_comm *comm, const struct pvmx_agree_result *res,
                       MPI_Comm *out)
{
    struct xmpi_group *local, *remote = NULL;
    struct xmpi_comm *made;
    int cls = survivors(comm->local, res, &local);
    if (cls)
        return cls;
    if (comm->inter)
        cls = survivors(comm->remote, res, &remote);
    if (!cls)
        cls = xmpi_comm_make(res->fresh, local, remote, comm, &made);
    if (!cls)
        *out = xmpi_comm_handle(made);
    if (remote)
        xmpi_group_release(remote);
    xmpi_group_release(local);
    return cls;
}

static int conclude(struct agreement *a, const struct pvmx_agree_result *res)
{
    if (a->newcomm)
        return make_shrunk(a->comm, res, a->newcomm);
    *a->flag = (int)res->value;
    if (!res->news)
        return MPI_SUCCESS;
    return xmpi_err(
        XMPI_ERR_PROC_FAILED,
        "%d of the processes have ended, t%x among them, and not everyone has "
        "acknowledged that",
        res->nended, (unsigned)res->ended[0]);
}

static int finish(struct agreement *a)
{
    struct pvmx_agree_result res = {.value = a->value, .fresh = a->fresh};
    pvmx_err err = PVMX_OK;
    if (a->op)
        err = pvmx_engine_agree_take(a->op, &res);
    a->op = NULL;
    int cls = err ? xmpi_err_engine(err) : conclude(a, &res);
    if (!err)
        free(res.ended);
    return cls;
}

/* ---- blocking ---------------------------------------------------------------------- */

static bool is_done(void *arg)
{
    const struct agreement *a = arg;
    return !a->op || pvmx_engine_agree_done(a->op);
}

static int run(struct agreement *a)
{
    int cls = begin(a);
    if (cls)
        return cls;
    pvmx_engine_wait_until(is_done, a, UINT64_MAX);
    return finish(a);
}

int xmpi_ft_agree(struct xmpi_comm *comm, int *flag)
{
    struct agreement a = {.comm = comm, .flag = flag, .value = (uint32_t)*flag};
    return run(&a);
}

int xmpi_ft_shrink(struct xmpi_comm *comm, MPI_Comm *newcomm)
{
    struct agreement a = {.comm = comm, .newcomm = newcomm};
    return run(&a);
}

/* ---- nonblocking ------------------------------------------------------------------- */

static bool request_done(const struct xmpi_request *req)
{
    return is_done(req->state);
}

static int request_finish(struct xmpi_request *req)
{
    req->status = (struct pvmx_status){.source = MPI_ANY_SOURCE, .tag = MPI_ANY_TAG};
    return finish(req->state);
}

static void request_destroy(struct xmpi_request *req)
{
    free(req->state);
    req->state = NULL;
}

static const struct xmpi_req_ops agree_ops = {
    .done = request_done,
    .finish = request_finish,
    .destroy = request_destroy,
};

static int start(const struct agreement *what, MPI_Request *request)
{
    struct xmpi_request *req;
    struct agreement *a = malloc(sizeof(*a));
    if (!a)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an agreement");
    *a = *what;
    int cls = xmpi_request_new(XMPI_REQ_OTHER, a->comm, &req);
    if (!cls) {
        cls = begin(a);
        if (cls)
            xmpi_request_release(req);
    }
    if (cls) {
        free(a);
        return cls;
    }
    req->ops = &agree_ops;
    req->state = a;
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_ft_iagree(struct xmpi_comm *comm, int *flag, MPI_Request *request)
{
    return start(&(struct agreement){.comm = comm, .flag = flag, .value = (uint32_t)*flag},
                 request);
}

int xmpi_ft_ishrink(struct xmpi_comm *comm, MPI_Comm *newcomm, MPI_Request *request)
{
    return start(&(struct agreement){.comm = comm, .newcomm = newcomm}, request);
}
