/* SPDX-License-Identifier: BSD-3-Clause */
/* Short collectives over a board: see board.h. */
#include "coll/board.h"

#include "rt/err.h"

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

/* False: the board is gone. */
static bool show(struct xmpi_comm *comm, const void *mine, size_t len)
{
    struct shown v = {.len = len};
    if (len)
        memcpy(v.bytes, mine, len);
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
    return show(comm, NULL, 0) ? MPI_SUCCESS : -1;
}

/* Everyone combines all contributions itself, in rank order: all get the same bits. */
int xmpi_board_allreduce(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    if (!show(comm, c->send.base, c->len))
        return -1;
    int cls = check(comm, c->len);
    if (cls || !c->len)
        return cls;
    memcpy(c->recv.base, part(comm, comm->size - 1)->bytes, c->len);
    for (int k = comm->size - 2; k >= 0; k--)
        xmpi_op_apply(c->op, c->type, part(comm, k)->bytes, c->recv.base, c->count);
    return MPI_SUCCESS;
}

int xmpi_board_allgather(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    size_t len = c->recv.len;
    const char *mine = c->in_place ? xmpi_block_at(&c->recv, comm->rank) : c->send.base;
    size_t give = c->in_place ? len : c->send.len;
    if (!show(comm, mine, give < XMPI_BOARD_BYTES ? give : XMPI_BOARD_BYTES))
        return -1;
    int cls = check(comm, len);
    for (int k = 0; !cls && len && k < comm->size; k++)
        memcpy(xmpi_block_at(&c->recv, k), part(comm, k)->bytes, len);
    return cls;
}

int xmpi_board_alltoall(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    const struct xmpi_blocks *from = c->in_place ? &c->recv : &c->send;
    size_t len = c->recv.len, all = from->len * (size_t)comm->size;
    if (!show(comm, from->base, all < XMPI_BOARD_BYTES ? all : XMPI_BOARD_BYTES))
        return -1;
    int cls = check(comm, len * (size_t)comm->size);
    for (int k = 0; !cls && len && k < comm->size; k++)
        memcpy(xmpi_block_at(&c->recv, k),
               part(comm, k)->bytes + (size_t)comm->rank * len, len);
    return cls;
}
