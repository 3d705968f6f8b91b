/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffered sends. A message is copied into the buffer that the program attached (to its
 * communicator, else to the session that this comes from, else to the process) and sent from there.
 * It takes its length and a header, which together stay below length + MPI_BSEND_OVERHEAD, until it
 * has left. Pieces are kept in the order of their addresses and found by first fit. */
#include "abi/handles.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "rt/session.h"
#include "xmpi.h"
#include <assert.h>
#include <pvmx/engine/prog.h>
#include <pvmx/engine/req.h>
#include <stdlib.h>
#include <string.h>

/* Head of a piece of the buffer; the message follows. */
struct piece {
    struct piece *next;   /* the next higher address; automatic: any */
    size_t size;          /* with this head                          */
    struct pvmx_req *req; /* NULL: the message has left              */
};

enum { PIECE_ALIGN = 16 };
static_assert(sizeof(struct piece) + 2 * PIECE_ALIGN <= MPI_BSEND_OVERHEAD,
              "overhead is enough");

struct xmpi_bsend {
    unsigned refs; /* attached: one; one for each request that waits for it      */
    void *user;    /* as attached; MPI_BUFFER_AUTOMATIC: pieces come from malloc */
    size_t user_size;
    char *base, *end; /* the aligned part                                           */
    struct piece *first;
};

static struct xmpi_bsend *process_buffer; /* engine lock, as all pieces */

static bool is_automatic(const struct xmpi_bsend *b)
{
    return b->user == MPI_BUFFER_AUTOMATIC;
}

static size_t align_up(size_t n)
{
    return (n + PIECE_ALIGN - 1) & ~(size_t)(PIECE_ALIGN - 1);
}

/* Gives back the pieces whose messages have left. */
static void reap(struct xmpi_bsend *b)
{
    for (struct piece **at = &b->first; *at;) {
        struct piece *p = *at;
        if (p->req && !pvmx_engine_req_done(p->req)) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        if (p->req)
            pvmx_engine_req_free(p->req);
        if (is_automatic(b))
            free(p);
    }
}

/* First gap that is large enough; NULL: none. */
static struct piece *find_room(struct xmpi_bsend *b, size_t size)
{
    struct piece **at = &b->first, *p;
    if (is_automatic(b)) {
        p = malloc(size);
    } else {
        char *from = b->base;
        for (; *at && (size_t)((char *)*at - from) < size; at = &(*at)->next)
            from = (char *)*at + (*at)->size;
        p = *at || (size_t)(b->end - from) >= size ? (struct piece *)(void *)from : NULL;
    }
    if (p) {
        p->next = *at;
        p->size = size;
        p->req = NULL;
        *at = p;
    }
    return p;
}

static size_t bytes_used(const struct xmpi_bsend *b)
{
    size_t n = 0;
    for (const struct piece *p = b->first; p; p = p->next)
        n += p->size;
    return n;
}

static int no_room(const struct xmpi_bsend *b, size_t len)
{
    if (!b)
        return xmpi_err(
            MPI_ERR_BUFFER,
            "no buffer is attached for buffered sends: call MPI_Buffer_attach first");
    return xmpi_err(
        MPI_ERR_BUFFER,
        "a buffered send of %zu bytes does not fit the attached buffer of %zu bytes, of "
        "which %zu are in use",
        len, b->user_size, bytes_used(b));
}

/* The buffer that a send on comm uses. */
static struct xmpi_bsend *buffer_of(struct xmpi_comm *comm)
{
    if (comm->bsend)
        return comm->bsend;
    return comm->session && comm->session->bsend ? comm->session->bsend : process_buffer;
}

/* With the lock held: copy and send. */
static int put_locked(struct xmpi_comm *comm, struct pvmx_peer *peer, int dest, int tag,
                      const struct xmpi_data *data)
{
    struct xmpi_bsend *b = buffer_of(comm);
    size_t len = data->len;
    size_t size = align_up(sizeof(struct piece) + len);
    struct piece *p = NULL;
    if (b && size > len) {
        reap(b);
        p = find_room(b, size);
        if (!p && b->first) {
            pvmx_engine_progress();
            reap(b);
            p = find_room(b, size);
        }
    }
    if (!p)
        return no_room(b, len);
    xmpi_data_pack(data, p + 1);
    pvmx_err err = pvmx_engine_isend(peer, comm->ctx, comm->rank, tag, p + 1, len,
                                     PVMX_SEND_STANDARD, &p->req);
    if (err)
        p->req = NULL;
    return err ? xmpi_comm_error(comm, dest, err) : MPI_SUCCESS;
}

int xmpi_bsend_begin(struct xmpi_comm *comm, int dest, int tag, const struct xmpi_data *data)
{
    struct pvmx_peer *peer;
    int cls = xmpi_pt2pt_peer(comm, dest, &peer);
    if (cls)
        return cls;
    pvmx_engine_lock();
    cls = put_locked(comm, peer, dest, tag, data);
    pvmx_engine_unlock();
    return cls;
}

/* ---- attach, detach, flush --------------------------------------------------------- */

static int attach(struct xmpi_bsend **where, void *buffer, MPI_Count size)
{
    struct xmpi_bsend *b = calloc(1, sizeof(*b));
    if (!b)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory to attach a buffer");
    b->refs = 1;
    b->user = buffer;
    if (buffer != MPI_BUFFER_AUTOMATIC) {
        b->user_size = (size_t)size;
        b->base = (char *)align_up((uintptr_t)buffer);
        b->end = (char *)buffer + size;
        if (!buffer || b->base > b->end)
            b->end = b->base; /* too small for anything */
    }
    pvmx_engine_lock();
    bool taken = *where != NULL;
    if (!taken)
        *where = b;
    pvmx_engine_unlock();
    if (!taken)
        return MPI_SUCCESS;
    free(b);
    return xmpi_err(MPI_ERR_BUFFER, "a buffer is attached already: detach it first");
}

static bool is_empty(const struct xmpi_bsend *b)
{
    for (const struct piece *p = b->first; p; p = p->next)
        if (p->req && !pvmx_engine_req_done(p->req))
            return false;
    return true;
}

static bool empty_cond(void *arg)
{
    return is_empty(arg);
}

static void unref(struct xmpi_bsend *b)
{
    pvmx_engine_lock();
    bool last = --b->refs == 0;
    pvmx_engine_unlock();
    if (last)
        free(b);
}

static void flush(struct xmpi_bsend *b)
{
    pvmx_engine_wait_until(empty_cond, b, UINT64_MAX);
    pvmx_engine_lock();
    reap(b);
    pvmx_engine_unlock();
}

static int detach(struct xmpi_bsend **where, void *buffer_addr, MPI_Count *size)
{
    struct xmpi_bsend *b = *where;
    if (!b)
        return xmpi_err(MPI_ERR_BUFFER, "no buffer is attached");
    flush(b);
    if (buffer_addr)
        memcpy(buffer_addr, &b->user, sizeof(b->user));
    if (size)
        *size = (MPI_Count)b->user_size;
    pvmx_engine_lock();
    *where = NULL;
    pvmx_engine_unlock();
    unref(b);
    return MPI_SUCCESS;
}

/* What an iflush request waits for: the pieces there are, known by the buffer. */
static bool iflush_done(const struct xmpi_request *req)
{
    return is_empty(req->state);
}

static int iflush_finish(struct xmpi_request *req)
{
    req->status = (struct pvmx_status){.source = MPI_ANY_SOURCE, .tag = MPI_ANY_TAG};
    return MPI_SUCCESS;
}

static void iflush_destroy(struct xmpi_request *req)
{
    unref(req->state);
}

static const struct xmpi_req_ops iflush_ops = {
    .done = iflush_done,
    .finish = iflush_finish,
    .destroy = iflush_destroy,
};

static int iflush(struct xmpi_bsend *b, struct xmpi_comm *comm, MPI_Request *request)
{
    struct xmpi_request *req;
    if (!b || is_empty(b)) {
        *request = xmpi_request_handle(&xmpi_request_sent);
        return MPI_SUCCESS;
    }
    int cls = xmpi_request_new(XMPI_REQ_OTHER, comm, &req);
    if (cls)
        return cls;
    pvmx_engine_lock();
    b->refs++;
    pvmx_engine_unlock();
    req->ops = &iflush_ops;
    req->state = b;
    xmpi_request_activate(req);
    *request = xmpi_request_handle(req);
    return MPI_SUCCESS;
}

int xmpi_buffer_attach(void *buffer, MPI_Count size)
{
    return attach(&process_buffer, buffer, size);
}

int xmpi_buffer_detach(void *buffer_addr, MPI_Count *size)
{
    return detach(&process_buffer, buffer_addr, size);
}

int xmpi_buffer_flush(void)
{
    if (process_buffer)
        flush(process_buffer);
    return MPI_SUCCESS;
}

int xmpi_buffer_iflush(MPI_Request *request)
{
    return iflush(process_buffer, &xmpi_self, request);
}

int xmpi_comm_attach_buffer(struct xmpi_comm *comm, void *buffer, MPI_Count size)
{
    return attach(&comm->bsend, buffer, size);
}

int xmpi_comm_detach_buffer(struct xmpi_comm *comm, void *buffer_addr, MPI_Count *size)
{
    return detach(&comm->bsend, buffer_addr, size);
}

int xmpi_comm_flush_buffer(struct xmpi_comm *comm)
{
    if (comm->bsend)
        flush(comm->bsend);
    return MPI_SUCCESS;
}

int xmpi_comm_iflush_buffer(struct xmpi_comm *comm, MPI_Request *request)
{
    return iflush(comm->bsend, comm, request);
}

int xmpi_session_attach_buffer(struct xmpi_session *session, void *buffer, MPI_Count size)
{
    return attach(&session->bsend, buffer, size);
}

int xmpi_session_detach_buffer(struct xmpi_session *session, void *buffer_addr,
                               MPI_Count *size)
{
    return detach(&session->bsend, buffer_addr, size);
}

int xmpi_session_flush_buffer(struct xmpi_session *session)
{
    if (session->bsend)
        flush(session->bsend);
    return MPI_SUCCESS;
}

int xmpi_session_iflush_buffer(struct xmpi_session *session, MPI_Request *request)
{
    return iflush(session->bsend, &xmpi_self, request);
}

void xmpi_bsend_drop(struct xmpi_comm *comm)
{
    if (comm->bsend)
        detach(&comm->bsend, NULL, NULL);
}

static bool has_buffer(const struct xmpi_comm *comm)
{
    return comm->bsend != NULL;
}

void xmpi_bsend_stop(struct xmpi_session *session)
{
    struct xmpi_comm *comm;
    struct xmpi_bsend **where = session ? &session->bsend : &process_buffer;
    if (*where)
        detach(where, NULL, NULL);
    while ((comm = xmpi_comm_find(session, has_buffer)) != NULL) {
        xmpi_bsend_drop(comm);
        xmpi_comm_release(comm);
    }
}
