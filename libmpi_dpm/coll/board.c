/* SPDX-License-Identifier: BSD-3-Clause */
/* Short collectives over a board: see board.h. */
#include "coll/board.h"

#include "rt/err.h"

#include <stdlib.h>
#include <string.h>

/* A communicator that is used a few times only does not repay the two collectives that opening a
 * board costs. */
enum { AFTER = 4, NEVER = -1 };

static struct pvmx_board *open_own(struct xmpi_comm *comm, uint64_t place)
{
    struct pvmx_board *b = NULL;
    if (place && pvmx_engine_board_open(comm->peers, comm->size, comm->rank, place, &b))
        b = NULL;
    return b;
}

static bool know_peers(struct xmpi_comm *comm)
{
    struct pvmx_peer *peer;
    for (int k = 0; k < comm->size; k++)
        if (xmpi_comm_peer(comm, k, &peer))
            return false;
    return true;
}

/* Either all members have it open afterwards or none uses it. (When a process ends in the middle of
 * this the survivors may disagree; then the board fails at once for those that have it, and they
 * do the operation with messages like the others.) */
static void open_board(struct xmpi_comm *comm)
{
    uint64_t place = 0;
    char ok, all[PVMX_BOARD_MEMBERS];
    bool known = know_peers(comm);
    comm->board_calls = NEVER;
    if (comm->rank == 0 && known && pvmx_engine_board_offer(comm->peers, comm->size, &place))
        place = 0;
    if (xmpi_coll_bcast_bytes(&place, sizeof place, 0, comm))
        place = 0;
    struct pvmx_board *b = known ? open_own(comm, place) : NULL;
    ok = b != NULL;
    if (xmpi_coll_allgather_bytes(&ok, 1, all, comm))
        ok = 0;
    if (ok && memchr(all, 0, (size_t)comm->size))
        ok = 0;
    if (ok)
        comm->board = b;
    else if (b)
        pvmx_engine_board_close(b);
}

bool xmpi_board_ready(struct xmpi_comm *comm, bool forced)
{
    if (comm->board || comm->board_calls == NEVER)
        return comm->board != NULL;
    if (++comm->board_calls < AFTER && !forced)
        return false;
    open_board(comm);
    return comm->board != NULL;
}

void xmpi_coll_comm_gone(struct xmpi_comm *comm)
{
    if (comm->board)
        pvmx_engine_board_close(comm->board);
    comm->board = NULL;
}

struct shown {
    uint64_t len;
    char bytes[XMPI_BOARD_BYTES];
};

/* Shows what fits (what is too long is an error that all find). False: the board is gone. */
static bool show(struct xmpi_comm *comm, struct xmpi_span mine)
{
    struct shown v = {.len = mine.len};
    size_t len = mine.len < XMPI_BOARD_BYTES ? mine.len : XMPI_BOARD_BYTES;
    xmpi_span_copy(xmpi_bytes(v.bytes, len), mine);
    if (!pvmx_engine_board_exchange(comm->board, &v, offsetof(struct shown, bytes) + len))
        return true;
    xmpi_coll_comm_gone(comm);
    return false;
}

static const struct shown *part(const struct xmpi_comm *comm, int k)
{
    return pvmx_engine_board_part(comm->board, k);
}

static int check(const struct xmpi_comm *comm, size_t len)
{
    for (int k = 0; k < comm->size; k++)
        if (part(comm, k)->len != len)
            return xmpi_err(part(comm, k)->len > len ? MPI_ERR_TRUNCATE : MPI_ERR_COUNT,
                            "rank %d gave %llu bytes where this process expects %zu", k,
                            (unsigned long long)part(comm, k)->len, len);
    return MPI_SUCCESS;
}

int xmpi_board_barrier(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    (void)c;
    return show(comm, xmpi_bytes(NULL, 0)) ? MPI_SUCCESS : -1;
}

/* Elements `from` on of what was shown by all before `to`, combined in rank order: all get the same
 * bits. scratch: an operand, for types that do not lie in one run. */
static void combine(const struct xmpi_coll *c, struct xmpi_comm *comm, int to,
                    MPI_Count from, MPI_Count count, char *scratch)
{
    struct xmpi_span in = xmpi_span(scratch, count, c->type);
    size_t at = xmpi_span(scratch, from, c->type).len, len = in.len;
    xmpi_span_copy(xmpi_span(c->recv.base, count, c->type),
                   xmpi_bytes(part(comm, to - 1)->bytes + at, len));
    for (int k = to - 2; k >= 0; k--) {
        const char *bytes = part(comm, k)->bytes + at;
        if (in.type)
            xmpi_span_copy(in, xmpi_bytes(bytes, len));
        else
            scratch = xmpi_at(bytes, -c->type->true_lb);
        xmpi_op_apply(c->op, c->type, scratch, c->recv.base, count);
    }
}

/* Everyone shows c->len bytes and combines a part of all by itself. */
static int show_and_combine(const struct xmpi_coll *c, struct xmpi_comm *comm, int to,
                            MPI_Count from, MPI_Count count)
{
    if (!show(comm, xmpi_block(&c->send, 0)))
        return -1;
    int cls = check(comm, c->len);
    if (cls || !c->len || !count || !to)
        return cls;
    char *room = NULL;
    ptrdiff_t low = c->type->true_lb, high = low + c->type->true_extent,
              last = (ptrdiff_t)(count - 1) * c->type->extent;
    *(last < 0 ? &low : &high) += last;
    if (!c->type->dense && !(room = malloc((size_t)(high - low))))
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a temporary operand");
    combine(c, comm, to, from, count, xmpi_at(room, -low));
    free(room);
    return MPI_SUCCESS;
}

int xmpi_board_allreduce(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    return show_and_combine(c, comm, comm->size, 0, c->count);
}

int xmpi_board_scan(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    int to = c->kind == XMPI_COLL_EXSCAN ? comm->rank : comm->rank + 1;
    return show_and_combine(c, comm, to, 0, c->count);
}

int xmpi_board_reduce_scatter(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    MPI_Count from = 0;
    for (int k = 0; k < comm->rank; k++)
        from += xmpi_block_count(&c->recv, k);
    return show_and_combine(c, comm, comm->size, from,
                            xmpi_block_count(&c->recv, comm->rank));
}

int xmpi_board_allgather(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    if (!show(comm, c->in_place ? xmpi_block(&c->recv, comm->rank) : xmpi_block(&c->send, 0)))
        return -1;
    int cls = check(comm, c->len);
    for (int k = 0; !cls && k < comm->size; k++)
        xmpi_span_copy(xmpi_block(&c->recv, k), xmpi_bytes(part(comm, k)->bytes, c->len));
    return cls;
}

int xmpi_board_alltoall(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    const struct xmpi_blocks *from = c->in_place ? &c->recv : &c->send;
    if (!show(comm, xmpi_block_range(from, 0, comm->size)))
        return -1;
    int cls = check(comm, c->len * (size_t)comm->size);
    for (int k = 0; !cls && k < comm->size; k++)
        xmpi_span_copy(xmpi_block(&c->recv, k),
                       xmpi_bytes(part(comm, k)->bytes + (size_t)comm->rank * c->len, c->len));
    return cls;
}
