/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of every collective: check, choose an algorithm, build the schedule, run or start it. */
#include "coll/coll.h"

#include "coll/algo.h"
#include "coll/board.h"
#include "rt/err.h"
#include "topo/topo.h"
#include "xmpi.h"
#include <limits.h>

static bool neighborhood(const struct xmpi_coll *c)
{
    return c->kind >= XMPI_COLL_NEIGHBOR_ALLGATHER;
}

/* The arrays of a side of n blocks; side: "send" or "recv". */
static int check_array(const char *side, const struct xmpi_blocks *b, int k)
{
    MPI_Count count = xmpi_block_count(b, k);
    const struct xmpi_dtype *type = b->types ? xmpi_dtype_of(b->types[k]) : b->type;
    size_t len;
    if (count < 0)
        return xmpi_err(MPI_ERR_COUNT, "%scounts[%d] is %lld; it must not be negative",
                        side, k, (long long)count);
    if (!type || type->size == SIZE_MAX)
        return xmpi_err(MPI_ERR_TYPE,
                        "%stypes[%d] is not a datatype that can be used here", side, k);
    if (!type->committed)
        return xmpi_err(MPI_ERR_TYPE, "%stypes[%d] is not committed", side, k);
    if (xmpi_dtype_bytes(type, count, &len))
        return xmpi_err(MPI_ERR_COUNT, "%scounts[%d] is %lld elements of %zu bytes: too many",
                        side, k, (long long)count, type->size);
    return MPI_SUCCESS;
}

static int check_side(const char *side, const struct xmpi_blocks *b, int n, bool displs)
{
    if (!b->vary) {
        if (b->len > (size_t)PTRDIFF_MAX / (size_t)(n + 1))
            return xmpi_err(MPI_ERR_COUNT, "%scount is %lld elements of %zu bytes: too many",
                            side, (long long)b->count, b->type->size);
        return MPI_SUCCESS;
    }
    if (b->base == MPI_IN_PLACE)
        return xmpi_err(MPI_ERR_BUFFER,
                        "%sbuf is MPI_IN_PLACE, which is not allowed here", side);
    const char *missing = !b->counts.i && !b->counts.c             ? "counts"
                          : displs && !b->displs.i && !b->displs.c ? "displs"
                          : !b->type && !b->types                  ? "types"
                                                                   : NULL;
    if (missing && n > 0)
        return xmpi_err(MPI_ERR_ARG, "the array of %s %s is a null pointer", side, missing);
    for (int k = 0, cls; k < n; k++)
        if ((cls = check_array(side, b, k)) != MPI_SUCCESS)
            return cls;
    return MPI_SUCCESS;
}

/* How many blocks of a side lie one after the other when they do not vary. */
static int in_a_row(const struct xmpi_coll *c, const struct xmpi_blocks *b, int n)
{
    bool gather = c->kind == XMPI_COLL_GATHER || c->kind == XMPI_COLL_GATHERV;
    bool scatter = c->kind == XMPI_COLL_SCATTER || c->kind == XMPI_COLL_SCATTERV;
    return c->op || b->same || (b == &c->send ? gather : scatter) ? 1 : n;
}

/* Block k of a side of n, or all of them; of the pieces of reduce_scatter the own one. */
static struct xmpi_span run(const struct xmpi_coll *c, const struct xmpi_blocks *b, int k,
                            int n, int me)
{
    if (!b->type && !b->types) /* does not count here */
        return xmpi_bytes(NULL, 0);
    if (b->vary && !b->displs.i && !b->displs.c)
        return xmpi_span(b->base, xmpi_block_count(b, me), b->type);
    return b->vary ? xmpi_block_vary(b, k) : xmpi_block_range(b, 0, in_a_row(c, b, n));
}

/* Of what does not lie in one run nothing can be said. */
static bool meet(struct xmpi_span a, struct xmpi_span b)
{
    uintptr_t at = (uintptr_t)a.base, bt = (uintptr_t)b.base;
    if (a.type || b.type || a.len == 0 || b.len == 0)
        return false;
    return at < bt ? bt - at < a.len : at - bt < b.len;
}

/* What is received overwrites what has yet to be sent: MPI_IN_PLACE should have been said. Of two sides
 * that vary, blocks are compared with those of the same number. */
static int check_overlap(const struct xmpi_coll *c, int nsend, int nrecv, int me)
{
    const struct xmpi_blocks *s = &c->send, *r = &c->recv;
    int n = s->vary || r->vary ? INT_MAX : 1;
    if (s->vary)
        n = nsend;
    if (r->vary && nrecv < n)
        n = nrecv;
    for (int k = 0; k < n && !c->in_place; k++)
        if (meet(run(c, s, k, nsend, me), run(c, r, k, nrecv, me)))
            return xmpi_err(
                MPI_ERR_BUFFER,
                "send and receive buffer %s; MPI_IN_PLACE says that this is meant",
                s->base == r->base ? "are the same" : "overlap");
    return MPI_SUCCESS;
}

static int check(const struct xmpi_coll *c, const struct xmpi_comm *comm)
{
    int nsend = comm->remote->size, nrecv = nsend;
    bool pieces = c->kind == XMPI_COLL_REDUCE_SCATTER;
    if (neighborhood(c)) {
        if (!comm->topo)
            return xmpi_err(
                MPI_ERR_TOPOLOGY,
                "the communicator has no virtual topology, hence no neighbors");
        nsend = comm->topo->nout;
        nrecv = comm->topo->nin;
    } else if (pieces) {
        nrecv = comm->size;
    }
    if (c->op && c->in_place && comm->inter)
        return xmpi_err(
            MPI_ERR_BUFFER,
            "sendbuf is MPI_IN_PLACE, which is not allowed on an intercommunicator");
    int cls = c->op ? xmpi_op_check(c->op, c->type) : MPI_SUCCESS;
    if (!cls)
        cls = check_side(c->op ? "" : "send", &c->send, nsend, true);
    if (!cls)
        cls = check_side("recv", &c->recv, nrecv, !pieces);
    return cls ? cls : check_overlap(c, nsend, pieces ? 1 : nrecv, comm->rank);
}

/* A request may outlive the handles of what it uses. */
static void hold(struct xmpi_sched *s, const struct xmpi_coll *c, const struct xmpi_comm *comm)
{
    const struct xmpi_blocks *sides[] = {&c->send, &c->recv};
    for (int i = 0; i < 2; i++) {
        int n = comm->remote->size;
        if (neighborhood(c))
            n = i == 0 ? comm->topo->nout : comm->topo->nin;
        xmpi_sched_hold(s, sides[i]->type);
        for (int k = 0; sides[i]->types && k < n; k++)
            xmpi_sched_hold(s, xmpi_dtype_of(sides[i]->types[k]));
    }
    xmpi_sched_hold(s, c->type);
}

/* What a process does alone has gone well; is there everybody whom it was for? */
static int whole(struct xmpi_comm *comm)
{
    int lost = pvmx_engine_board_lost(comm->board);
    return lost < 0 ? MPI_SUCCESS : xmpi_comm_error(comm, lost, PVMX_ERR_PEER_DEAD);
}

/* See what.h. Between two groups the function only: what else is given differs. Types count where a
 * predefined operation combines elements; others may be put together differently and be the same. */
static uint32_t what_is_done(const struct xmpi_coll *c, const struct xmpi_comm *comm)
{
    uint32_t what = 1u << XMPI_WHAT_VALID_AT | (uint32_t)c->kind;
    if (comm->inter)
        return what;
    what |= ((uint32_t)c->root & ((1u << XMPI_WHAT_ROOT_BITS) - 1)) << XMPI_WHAT_ROOT_AT;
    if (!c->op)
        return what;
    if (!c->op->index)
        return what | XMPI_WHAT_USERS_OP << XMPI_WHAT_OP_AT;
    return what | (uint32_t)c->op->index << XMPI_WHAT_OP_AT |
           (uint32_t)c->type->elem << XMPI_WHAT_ELEM_AT;
}

int xmpi_coll_do(struct xmpi_coll *c, struct xmpi_comm *comm, struct xmpi_form form)
{
    bool forced, agreed = c->internal; /* all have the same length */
    enum xmpi_turn turn = XMPI_TURN_NEXT;
    int cls = check(c, comm);
    if (cls)
        return cls;
    const struct xmpi_algo *a = xmpi_algo_select(c, comm, form.request != NULL, &forced);
    uint32_t what = what_is_done(c, comm);
    if (a->direct) {
        bool wanted = forced || (c->kind != XMPI_COLL_BARRIER && !c->internal);
        cls = -1;
        if (xmpi_board_ready(comm, wanted, what)) {
            comm->doing = what;
            cls = a->direct(c, comm);
        }
        if (cls == MPI_SUCCESS && !c->internal && c->len > 0)
            cls = whole(comm);
        if (cls == XMPI_ERR_PROC_FAILED && c->len == 0 && c->kind != XMPI_COLL_BARRIER)
            cls = MPI_SUCCESS; /* nothing was wanted of anybody */
        if (cls >= 0)
            return cls;
        if (comm->board) {
            turn = XMPI_TURN_PRESENT;
            agreed = true;
        }
        a = xmpi_algo_select(c, comm, true, &forced);
    }
    if (form.persistent)
        turn = XMPI_TURN_PERSISTENT;
    const char *name = xmpi_algo_lists[c->kind].mpi_name;
    struct xmpi_sched *s = xmpi_sched_get(comm, name, what, turn);
    if (!s)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for %s", name);
    if (c->op) {
        xmpi_op_ref(c->op);
        s->op = c->op;
    }
    s->type = c->type;
    s->watch.kind = c->kind;
    s->watch.len = c->len;
    if (form.request)
        hold(s, c, comm);
    agreed |= forced;
    if (!s->no_mem && (agreed || xmpi_meet_first(s, c, a))) {
        a->build(s, c);
        if (!agreed)
            xmpi_meet_last(s, c);
    }
    return form.request ? xmpi_sched_start(s, form) : xmpi_sched_run(s);
}

int xmpi_coll_barrier(struct xmpi_comm *comm)
{
    return xmpi_barrier(comm, (struct xmpi_form){.request = NULL});
}

int xmpi_coll_bcast_bytes(void *buf, size_t len, int root, struct xmpi_comm *comm)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_BCAST,
                          .root = root,
                          .internal = true,
                          .recv = {.base = buf, .len = len, .count = (MPI_Count)len},
                          .len = len};
    return xmpi_coll_do(&c, comm, (struct xmpi_form){.request = NULL});
}

int xmpi_coll_allgather_bytes(const void *mine, size_t len, void *all, struct xmpi_comm *comm)
{
    struct xmpi_coll c = {.kind = XMPI_COLL_ALLGATHER,
                          .internal = true,
                          .send = {.base = (char *)(uintptr_t)mine,
                                   .len = len,
                                   .count = (MPI_Count)len,
                                   .same = true},
                          .recv = {.base = all, .len = len, .count = (MPI_Count)len},
                          .len = len};
    return xmpi_coll_do(&c, comm, (struct xmpi_form){.request = NULL});
}
