/* SPDX-License-Identifier: BSD-3-Clause */
/* The sending side of partitioned communication. Threads may mark partitions of one request at the
 * same time, so everything that a round changes is under the engine's lock. */
#include "abi/handles.h"
#include "partitioned/partitioned.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "xmpi.h"
#include <limits.h>
#include <pvmx/engine/prog.h>
#include <stdlib.h>
#include <string.h>

struct psend {
    struct xmpi_part_buf buf;
    uint64_t ctx;
    struct pvmx_peer *peer; /* NULL: MPI_PROC_NULL                               */
    int first;              /* all partitions before are ready and have left     */
    pvmx_err err;           /* of the first that could not be sent in this round */
    struct part {
        struct pvmx_req *req; /* NULL: has left when it is ready */
        bool ready;
    } parts[];
};

int xmpi_part_buf_init(struct xmpi_part_buf *b, const void *buf, int partitions,
                       MPI_Count count, struct xmpi_dtype *type)
{
    size_t whole;
    if (partitions < 0)
        return xmpi_err(MPI_ERR_ARG, "partitions is %d, less than 0", partitions);
    int cls = xmpi_data_init(&b->data, buf, count, type);
    if (cls)
        return cls;
    if (__builtin_mul_overflow((ptrdiff_t)count, type->extent, &b->stride) ||
        __builtin_mul_overflow(b->data.len, (size_t)partitions, &whole) ||
        whole > PTRDIFF_MAX)
        return xmpi_err(MPI_ERR_COUNT, "%d partitions of %lld elements of %s are more than memory can hold",
                        partitions, (long long)count, type->name);
    b->n = partitions;
    return MPI_SUCCESS;
}

int xmpi_part_check(int partition, int n)
{
    if (partition >= 0 && partition < n)
        return MPI_SUCCESS;
    return xmpi_err(MPI_ERR_ARG, "partition is %d, the request has partitions 0 to %d",
                    partition, n - 1);
}

static bool psend_done(const struct xmpi_request *req)
{
    struct psend *s = req->state;
    pvmx_engine_lock();
    for (; s->first < s->buf.n; s->first++) {
        const struct part *p = &s->parts[s->first];
        if (!p->ready || (p->req && !pvmx_engine_req_done(p->req)))
            break;
    }
    bool done = s->first == s->buf.n;
    pvmx_engine_unlock();
    return done;
}

static void free_parts(struct psend *s)
{
    for (int i = 0; i < s->buf.n; i++) {
        struct part *p = &s->parts[i];
        if (!p->req)
            continue;
        if (!s->err)
            s->err = pvmx_engine_req_status(p->req)->error;
        pvmx_engine_req_free(p->req);
        p->req = NULL;
    }
}

static int psend_finish(struct xmpi_request *req)
{
    struct psend *s = req->state;
    pvmx_engine_lock();
    free_parts(s);
    pvmx_engine_unlock();
    req->status = (struct pvmx_status){.source = MPI_ANY_SOURCE, .tag = MPI_ANY_TAG};
    return xmpi_comm_error(req->comm, req->rank, s->err);
}

static void psend_destroy(struct xmpi_request *req)
{
    free(req->state);
}

static int psend_start(struct xmpi_request *req)
{
    struct psend *s = req->state;
    pvmx_engine_lock();
    s->first = 0;
    s->err = PVMX_OK;
    memset(s->parts, 0, sizeof(s->parts[0]) * (size_t)s->buf.n);
    pvmx_engine_unlock();
    return MPI_SUCCESS;
}

static const struct xmpi_req_ops psend_ops = {
    .name = "partitioned send",
    .done = psend_done,
    .finish = psend_finish,
    .destroy = psend_destroy,
    .start = psend_start,
};

static int say_hello(struct xmpi_request *req)
{
    struct psend *s = req->state;
    struct pvmx_req *none; /* complete at once: the engine copies */
    struct xmpi_part_hello hello = {s->ctx, s->buf.data.len, (uint64_t)s->buf.n};
    int cls = xmpi_pt2pt_peer(req->comm, req->rank, &s->peer);
    if (cls)
        return cls;
    pvmx_err err =
        pvmx_engine_isend(s->peer, req->comm->ctx | XMPI_CTX_PARTITIONED, req->comm->rank,
                          req->tag, &hello, sizeof(hello), PVMX_SEND_BUFFERED, &none);
    /* That the receiver has ended is the outcome of each round, not of the init. */
    return err && err != PVMX_ERR_PEER_DEAD ? xmpi_comm_error(req->comm, req->rank, err)
                                            : MPI_SUCCESS;
}

int xmpi_psend_init(const void *buf, int partitions, MPI_Count count,
                    struct xmpi_dtype *datatype, int dest, int tag,
                    struct xmpi_comm *comm, struct xmpi_info *info, MPI_Request *request)
{
    struct xmpi_request *req;
    struct xmpi_part_buf parts;
    (void)info;
    int cls = xmpi_part_buf_init(&parts, buf, partitions, count, datatype);
    if (cls)
        return cls;
    struct psend *s = calloc(1, sizeof(*s) + sizeof(s->parts[0]) * (size_t)parts.n);
    cls = s ? xmpi_request_new_pt2pt(XMPI_REQ_PERSIST_PART, &parts.data, dest, tag, comm, &req)
            : xmpi_err(MPI_ERR_NO_MEM, "no memory for %d partitions", partitions);
    if (cls) {
        free(s);
        return cls;
    }
    s->buf = parts;
    s->ctx = pvmx_engine_ctx_alloc(1);
    req->ops = &psend_ops;
    req->state = s;
    cls = dest == MPI_PROC_NULL ? MPI_SUCCESS : say_hello(req);
    if (cls) {
        free(s);
        xmpi_request_release(req);
        return cls;
    }
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

/* ---- ready ------------------------------------------------------------------------- */

static int check_sender(const struct xmpi_request *req)
{
    if (!req || req->ops != &psend_ops)
        return xmpi_err(MPI_ERR_REQUEST, "request is %s, not a partitioned send",
                        req ? "of another kind" : "MPI_REQUEST_NULL");
    if (!req->active)
        return xmpi_err(MPI_ERR_REQUEST, "the partitioned send has not been started");
    return MPI_SUCCESS;
}

/* With the lock held. */
static int check_part(const struct psend *s, int partition)
{
    int cls = xmpi_part_check(partition, s->buf.n);
    if (!cls && s->parts[partition].ready)
        cls = xmpi_err(MPI_ERR_ARG, "partition %d was marked ready before in this round",
                       partition);
    return cls;
}

/* Sends a partition; what goes wrong is the outcome of the round. */
static void send_part(const struct xmpi_request *req, int partition)
{
    struct psend *s = req->state;
    struct part *p = &s->parts[partition];
    struct xmpi_data data = s->buf.data;
    p->ready = true;
    if (!s->peer)
        return;
    data.buf = (char *)data.buf + partition * s->buf.stride;
    pvmx_err err = xmpi_data_isend(&data, s->peer, s->ctx, req->comm->rank, partition,
                                   PVMX_SEND_STANDARD, &p->req);
    if (err) {
        p->req = NULL;
        s->err = err;
    }
}

/* Says whose handler an error of a request belongs to. */
static int failed(const struct xmpi_request *req, int cls)
{
    if (req)
        xmpi_err_from(req->comm);
    return cls;
}

/* Marks n partitions, those of the list or, when it is NULL, from low on: all or none. */
static int ready(struct xmpi_request *req, int low, const int *list, int n)
{
    int cls = check_sender(req);
    if (cls)
        return failed(req, cls);
    pvmx_engine_lock();
    int marked = 0;
    for (; marked < n && !cls; marked++) {
        int k = list ? list[marked] : low + marked;
        cls = check_part(req->state, k);
        if (!cls)
            ((struct psend *)req->state)->parts[k].ready = true; /* finds a number twice */
    }
    for (int i = 0; i < marked - (cls != MPI_SUCCESS); i++) {
        int k = list ? list[i] : low + i;
        if (cls)
            ((struct psend *)req->state)->parts[k].ready = false;
        else
            send_part(req, k);
    }
    pvmx_engine_unlock();
    if (cls)
        return failed(req, cls);
    pvmx_engine_wake(); /* who waits for the request may have waited for this */
    return MPI_SUCCESS;
}

int xmpi_pready(int partition, struct xmpi_request *req)
{
    return ready(req, partition, NULL, 1);
}

int xmpi_pready_range(int partition_low, int partition_high, struct xmpi_request *req)
{
    if (partition_low > partition_high)
        return failed(req, xmpi_err(MPI_ERR_ARG,
                                    "partition_low is %d, more than partition_high, %d",
                                    partition_low, partition_high));
    /* A range beyond the partitions is found at its first number that is one too many. */
    MPI_Count n = (MPI_Count)partition_high - partition_low + 1;
    return ready(req, partition_low, NULL, n > INT_MAX ? INT_MAX : (int)n);
}

int xmpi_pready_list(int length, const int array_of_partitions[], struct xmpi_request *req)
{
    if (length < 0)
        return failed(req, xmpi_err(MPI_ERR_ARG, "length is %d, less than 0", length));
    return ready(req, 0, array_of_partitions, length);
}
