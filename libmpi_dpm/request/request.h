/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI requests over engine requests. Requests without ops are point-to-point: one engine request.
 * Everything else (schedules of collectives, partitioned and generalized requests, idup, isendrecv,
 * buffer flush) plugs in by ops. */
#ifndef XMPI_REQUEST_H
#define XMPI_REQUEST_H

#include "comm/comm.h"
#include "mpi.h"
#include "rt/obj.h"
#include <pvmx/engine/prog.h>
#include <pvmx/engine/req.h>

enum xmpi_req_type {
    XMPI_REQ_SEND,
    XMPI_REQ_RECV,
    XMPI_REQ_COLL,    /* a schedule (coll/sched.h)              */
    XMPI_REQ_GENERAL, /* the program's own (request/grequest.c) */
    XMPI_REQ_OTHER,
    XMPI_REQ_PERSIST_SEND, /* this and what follows: inactive between completion and start */
    XMPI_REQ_PERSIST_RECV,
    XMPI_REQ_PERSIST_COLL,
    XMPI_REQ_PERSIST_PART, /* partitioned/ */
};

struct xmpi_req_ops {
    /* "MPI_Isendrecv", for the list of what is left over at finalize; NULL: the type says it. */
    const char *name;
    /* True when the operation is complete. Called with the engine's lock held: only looks, at own
     * state and pvmx_engine_req_done. */
    bool (*done)(const struct xmpi_request *req);
    /* Called once after done, by the collecting thread without the lock: fills req->status and
     * returns MPI_SUCCESS or the class after xmpi_err(). Then comes destroy, unless persistent. */
    int (*finish)(struct xmpi_request *req);
    /* Gives the parts back, not the request itself. Only called when nothing is in progress. */
    void (*destroy)(struct xmpi_request *req);
    /* Persistent requests: begins one round; NULL for the others. */
    int (*start)(struct xmpi_request *req);
    /* NULL: cannot be cancelled, MPI_Cancel has no effect. */
    void (*cancel)(struct xmpi_request *req);
};

/* What one message moves on one side, count elements of a type, in packed form len bytes. */
struct xmpi_data {
    void *buf; /* of a send: only read */
    size_t len;
    struct xmpi_dtype *type; /* NULL: the bytes are one run of memory at buf */
    MPI_Count count;
};

struct xmpi_request {
    struct xmpi_obj obj;
    enum xmpi_req_type type;
    bool active;   /* started and not yet collected by wait/test            */
    bool finished; /* the outcome stands in status and cls                  */
    bool given_up; /* by MPI_Request_free                                   */
    int cls;       /* MPI_SUCCESS or the error class, once finished         */
    const struct xmpi_req_ops *ops; /* NULL: point-to-point                            */
    struct pvmx_req *engine; /* NULL: complete already, outcome in status             */
    struct xmpi_comm *comm;  /* exists as long as the request; NULL: generalized      */
    struct pvmx_status status;
    struct xmpi_request *next, **pprev; /* of comm->active or orphans; engine lock     */
    void *state; /* of ops; or the segment of a buffered send             */
    /* Point-to-point: what was asked, for sentences and for persistent requests. */
    struct xmpi_data data; /* its type is held                                      */
    int rank, tag;         /* rank may be MPI_ANY_SOURCE or MPI_PROC_NULL           */
    int mode;              /* enum pvmx_send_mode                                   */
};

static inline bool xmpi_request_is_persistent(const struct xmpi_request *req)
{
    return req->type >= XMPI_REQ_PERSIST_SEND;
}

static inline bool xmpi_request_is_receive(const struct xmpi_request *req)
{
    return req->type == XMPI_REQ_RECV || req->type == XMPI_REQ_PERSIST_RECV;
}

/* A request of this type for comm, inactive, not in any list. */
int xmpi_request_new(enum xmpi_req_type type, struct xmpi_comm *comm,
                     struct xmpi_request **out);
/* The same for a message to or from rank. Holds data's type. */
int xmpi_request_new_pt2pt(enum xmpi_req_type type, const struct xmpi_data *data, int rank,
                           int tag, struct xmpi_comm *comm, struct xmpi_request **out);
/* Marks it started: enters comm's list of active requests. */
static inline void xmpi_request_activate(struct xmpi_request *req)
{
    struct xmpi_comm *comm = req->comm;
    req->active = true;
    req->finished = false;
    if (!comm || (!req->engine && !req->ops))
        return; /* complete already: nobody needs to wait for it */
    pvmx_engine_lock();
    req->next = comm->active;
    req->pprev = &comm->active;
    if (comm->active)
        comm->active->pprev = &req->next;
    comm->active = req;
    pvmx_engine_unlock();
}
/* Takes it out of the list and gives it back; its parts must be gone. */
void xmpi_request_release(struct xmpi_request *req);
/* Complete? Only looks; safe with the engine's lock held. Inactive requests are. */
static inline bool xmpi_request_done(const struct xmpi_request *req)
{
    if (!req->active || req->finished)
        return true;
    if (req->ops)
        return req->ops->done(req);
    return !req->engine || pvmx_engine_req_done(req->engine);
}
/* Fixes the outcome of a complete request in status and cls; may be called again. */
void xmpi_request_finish(struct xmpi_request *req);
/* The outcome of a complete request: its class, its status in st (may be MPI_STATUS_IGNORE;
 * MPI_ERROR untouched). Persistent: becomes inactive; else it is freed and *handle (NULL: none)
 * becomes MPI_REQUEST_NULL. A wildcard receive that a failure holds up stays as it is. */
int xmpi_request_collect(struct xmpi_request *req, MPI_Status *st, MPI_Request *handle);
/* Waits until every request of comm is complete (its errors stay for who collects it). */
void xmpi_request_drain(struct xmpi_comm *comm);
/* Gives a request up: freed at once when it is not active, else when it is complete. What fails
 * is a generalized request's free function. */
int xmpi_request_abandon(struct xmpi_request *req);
/* Frees abandoned requests of comm that are complete, looking at no more than `most`. */
void xmpi_request_reap(struct xmpi_comm *comm, unsigned most);
/* Ends whatever is still in comm's lists without waiting: receives are cancelled, sends are left to
 * the engine. For communicators that are left over at finalize. */
void xmpi_request_forsake(struct xmpi_comm *comm);
/* Frees all memory of requests; at finalize. */
void xmpi_request_stop(void);
/* Tells of every request that the program holds: "MPI_Irecv of 8 bytes from rank 1 with tag 2 on
 * comm, complete". Returns how many. For the list of what is left over at finalize. */
unsigned xmpi_request_leaks(void (*tell)(const char *what, void *arg), void *arg);
/* Writes such a sentence. */
void xmpi_request_describe(const struct xmpi_request *req, char *out, size_t size);

/* Generalized requests (request/grequest.c). Collected: calls the program's free function, whose
 * error comes before the outcome cls. */
int xmpi_grequest_end(struct xmpi_request *req, int cls);
/* MPI_Request_free: the free function is called when the operation is complete. */
int xmpi_grequest_abandon(struct xmpi_request *req);
int xmpi_grequest_cancel(struct xmpi_request *req);

/* How many requests were begun for a process that had ended already. */
extern _Atomic unsigned xmpi_request_lost;

/* A request that is complete from birth, shared by all sends that left at once. */
extern struct xmpi_request xmpi_request_sent;

/* The opposite, of a status that the program has filled. */
void xmpi_status_get(const MPI_Status *st, struct pvmx_status *to);
/* Fills an MPI_Status (may be MPI_STATUS_IGNORE) from the engine's. Does not touch MPI_ERROR. */
void xmpi_status_set(MPI_Status *st, const struct pvmx_status *from);
void xmpi_status_set_empty(MPI_Status *st);
/* What a receive from MPI_PROC_NULL returns. */
void xmpi_status_set_proc_null(MPI_Status *st);
/* Layout of MPI_internal: [0..1] byte count (memcpy of uint64_t), [2] cancelled. */

#endif
