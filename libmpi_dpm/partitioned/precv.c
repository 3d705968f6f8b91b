/* SPDX-License-Identifier: BSD-3-Clause */
/* The receiving side of partitioned communication. */
#include "abi/handles.h"
#include "partitioned/partitioned.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* One of the sender's partitions in one round. */
struct piece {
    struct pvmx_req *req;
    char *aside; /* its bytes, when they are no whole elements here, until they are all there */
};

/* Engine lock, under which rounds begin and are looked at, by hooks and by several threads. */
struct precv {
    struct xmpi_part_buf buf;
    struct xmpi_data whole; /* all partitions */
    struct xmpi_request *owner;
    struct pvmx_peer *peer;    /* NULL: MPI_PROC_NULL             */
    struct pvmx_req *greeting; /* receives hello                   */
    struct xmpi_part_hello hello;
    bool paired;           /* hello is here */
    struct pvmx_hook hook; /* while a started round waits for the hello */
    bool hooked;
    int first;            /* all of the sender's partitions before are here */
    struct piece *pieces; /* of a round, hello.partitions; NULL: not begun */
    pvmx_err err;         /* why a round could not begin                   */
};

/* ---- pairing ----------------------------------------------------------------------- */

/* Takes the hello when it has come. True: it is here, or will not come (then err says why). */
static bool take_hello(struct precv *r)
{
    if (!r->greeting)
        return true;
    if (!pvmx_engine_req_done(r->greeting))
        return false;
    r->err = pvmx_engine_req_status(r->greeting)->error;
    r->paired = r->err == PVMX_OK;
    pvmx_engine_req_free(r->greeting);
    r->greeting = NULL;
    return true;
}

static void post_greeting(struct precv *r)
{
    const struct xmpi_request *req = r->owner;
    r->err =
        pvmx_engine_irecv(r->peer, NULL, req->comm->ctx | XMPI_CTX_PARTITIONED, req->rank,
                          req->tag, &r->hello, sizeof(r->hello), &r->greeting);
    if (r->err)
        r->greeting = NULL;
}

/* Where the sender's partition k belongs, as far as there is room: a run of memory, whole elements,
 * or memory aside. */
static pvmx_err place_piece(struct precv *r, uint64_t k, struct xmpi_data *out)
{
    const struct xmpi_dtype *type = r->whole.type;
    uint64_t from = k * r->hello.bytes, len = r->hello.bytes;
    *out = (struct xmpi_data){0};
    if (from >= r->whole.len)
        return PVMX_OK;
    out->len = r->whole.len - from < len ? r->whole.len - from : len;
    if (!type) {
        out->buf = (char *)r->whole.buf + from;
    } else if (from % type->size == 0 && out->len % type->size == 0) {
        out->buf = (char *)r->whole.buf + (ptrdiff_t)(from / type->size) * type->extent;
        out->type = r->whole.type;
        out->count = (MPI_Count)(out->len / type->size);
    } else {
        out->buf = r->pieces[k].aside = malloc(out->len);
        return out->buf ? PVMX_OK : PVMX_ERR_NOMEM;
    }
    return PVMX_OK;
}

/* Posts the receives of a round. */
static void post_round(struct precv *r)
{
    uint64_t n = r->hello.partitions;
    if (r->err || n == 0)
        return;
    r->pieces = calloc(n, sizeof(r->pieces[0]));
    if (!r->pieces)
        r->err = PVMX_ERR_NOMEM;
    for (uint64_t k = 0; k < n && !r->err; k++) {
        struct xmpi_data data;
        r->err = place_piece(r, k, &data);
        if (!r->err)
            r->err = xmpi_data_irecv(&data, r->peer, NULL, r->hello.ctx, r->owner->rank,
                                     (int32_t)k, &r->pieces[k].req);
    }
}

/* True when the piece is in its place. */
static bool is_here(struct precv *r, uint64_t k)
{
    struct piece *p = &r->pieces[k];
    if (!pvmx_engine_req_done(p->req))
        return false;
    if (p->aside) {
        const struct pvmx_status *st = pvmx_engine_req_status(p->req);
        struct pvmx_view view = xmpi_data_view(&r->whole);
        if (!st->error || st->error == PVMX_ERR_TRUNCATE)
            pvmx_engine_unpack(&view, k * r->hello.bytes, p->aside, r->hello.bytes);
        free(p->aside);
        p->aside = NULL;
    }
    return true;
}

static unsigned await_hello(struct pvmx_hook *hook)
{
    struct precv *r = (struct precv *)(void *)((char *)hook - offsetof(struct precv, hook));
    if (!take_hello(r))
        return 0;
    pvmx_engine_hook_remove(hook);
    r->hooked = false;
    post_round(r);
    return 1;
}

/* ---- rounds ------------------------------------------------------------------------ */

static int precv_start(struct xmpi_request *req)
{
    struct precv *r = req->state;
    if (!r->peer)
        return MPI_SUCCESS;
    pvmx_engine_lock();
    r->first = 0;
    r->err = PVMX_OK;
    if (!r->paired && !r->greeting) /* the round before failed */
        post_greeting(r);
    if (take_hello(r)) {
        post_round(r);
    } else {
        r->hook.fn = await_hello;
        pvmx_engine_hook_add(&r->hook);
        r->hooked = true;
    }
    pvmx_engine_unlock();
    return MPI_SUCCESS;
}

static bool round_done(struct precv *r)
{
    if (!r->peer || r->err)
        return true;
    if (r->hooked)
        return false;
    while (r->first < (int)r->hello.partitions && is_here(r, (uint64_t)r->first))
        r->first++;
    return r->first == (int)r->hello.partitions;
}

static bool precv_done(const struct xmpi_request *req)
{
    pvmx_engine_lock();
    bool done = round_done(req->state);
    pvmx_engine_unlock();
    return done;
}

/* Ends the receive of one piece. */
static void end_piece(struct precv *r, uint64_t k, pvmx_err *err, uint64_t *bytes)
{
    struct piece *p = &r->pieces[k];
    if (p->req) {
        if (!is_here(r, k)) /* a later one could not be posted */
            pvmx_engine_req_cancel(p->req);
        const struct pvmx_status *st = pvmx_engine_req_status(p->req);
        *bytes += st->length;
        if (!*err)
            *err = st->error;
        pvmx_engine_req_free(p->req);
    }
    free(p->aside);
}

static int precv_finish(struct xmpi_request *req)
{
    struct precv *r = req->state;
    struct pvmx_status st = {.source = req->rank, .tag = req->tag};
    if (!r->peer) {
        req->status = xmpi_proc_null_status;
        return MPI_SUCCESS;
    }
    pvmx_engine_lock();
    st.error = r->err;
    for (uint64_t k = 0; r->pieces && k < r->hello.partitions; k++)
        end_piece(r, k, &st.error, &st.length);
    free(r->pieces);
    r->pieces = NULL;
    pvmx_engine_unlock();
    req->status = st;
    return xmpi_recv_outcome(req->comm, req->rank, req->tag, r->whole.len, &req->status);
}

static void precv_destroy(struct xmpi_request *req)
{
    struct precv *r = req->state;
    pvmx_engine_lock();
    if (r->greeting) {
        pvmx_engine_req_cancel(r->greeting);
        pvmx_engine_req_free(r->greeting);
    }
    pvmx_engine_unlock();
    free(r);
}

static const struct xmpi_req_ops precv_ops = {
    .name = "partitioned receive",
    .done = precv_done,
    .finish = precv_finish,
    .destroy = precv_destroy,
    .start = precv_start,
};

int xmpi_precv_init(void *buf, int partitions, MPI_Count count,
                    struct xmpi_dtype *datatype, int source, int tag,
                    struct xmpi_comm *comm, struct xmpi_info *info, MPI_Request *request)
{
    struct xmpi_request *req;
    struct xmpi_part_buf parts;
    struct pvmx_peer *peer = NULL;
    (void)info;
    if (source == MPI_ANY_SOURCE)
        return xmpi_err(MPI_ERR_RANK,
                        "source is MPI_ANY_SOURCE, but partitioned receives "
                        "have no wildcards");
    if (tag == MPI_ANY_TAG)
        return xmpi_err(MPI_ERR_TAG,
                        "tag is MPI_ANY_TAG, but partitioned receives have no wildcards");
    int cls = xmpi_part_buf_init(&parts, buf, partitions, count, datatype);
    if (!cls && source != MPI_PROC_NULL)
        cls = xmpi_pt2pt_peer(comm, source, &peer);
    if (cls)
        return cls;
    struct precv *r = calloc(1, sizeof(*r));
    cls = r ? xmpi_request_new_pt2pt(XMPI_REQ_PERSIST_PART, &parts.data, source, tag,
                                     comm, &req)
            : xmpi_err(MPI_ERR_NO_MEM, "no memory for a partitioned receive");
    if (cls) {
        free(r);
        return cls;
    }
    r->buf = parts;
    r->whole = parts.data;
    r->whole.len *= (size_t)partitions;
    r->whole.count *= partitions;
    r->owner = req;
    r->peer = peer;
    req->ops = &precv_ops;
    req->state = r;
    if (peer)
        post_greeting(r);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

/* ---- arrived ----------------------------------------------------------------------- */

/* Are all bytes of the receiver's partition here? With the lock held. */
static bool arrived(struct precv *r, int partition)
{
    if (round_done(r))
        return true;
    if (r->hooked)
        return false;
    if (r->hello.bytes == 0)
        return true;
    uint64_t from = (uint64_t)partition * r->buf.data.len, to = from + r->buf.data.len;
    for (uint64_t k = from / r->hello.bytes; k < r->hello.partitions; k++) {
        if (k * r->hello.bytes >= to)
            break;
        if (!is_here(r, k))
            return false;
    }
    return true;
}

int xmpi_parrived(struct xmpi_request *req, int partition, int *flag)
{
    if (!req || req->ops != &precv_ops)
        return xmpi_err(MPI_ERR_REQUEST, "request is %s, not a partitioned receive",
                        req ? "of another kind" : "MPI_REQUEST_NULL");
    struct precv *r = req->state;
    int cls = xmpi_part_check(partition, r->buf.n);
    if (cls) {
        xmpi_err_from(req->comm);
        return cls;
    }
    pvmx_engine_lock();
    *flag = !req->active || req->finished || arrived(r, partition);
    if (!*flag) {
        pvmx_engine_progress();
        *flag = arrived(r, partition);
    }
    pvmx_engine_unlock();
    return MPI_SUCCESS;
}
