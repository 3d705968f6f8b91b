/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Bcast, MPI_Allgather and MPI_Alltoall over a board. */
#include "coll/board.h"

#include "rt/err.h"

/* Two processes share the copying of one long message better with messages (msg/share.c). */
enum { SHARED = 64 * 1024 };

static int give(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    struct xmpi_span mine = xmpi_block(&c->recv, 0);
    int cls = xmpi_board_begin(comm, mine);
    if (cls)
        return cls;
    enum xmpi_way way = xmpi_board_way(comm, mine);
    xmpi_board_show(comm, mine, NULL, comm->rank, PVMX_BOARD_ALL);
    if (way == XMPI_WAY_MEMORY && (comm->size > 2 || mine.len < SHARED)) {
        pvmx_engine_board_step(comm->board);
        cls = xmpi_board_await(comm, PVMX_BOARD_ALL, true);
        way = XMPI_WAY_ENTRY;
    }
    xmpi_board_end(comm, cls);
    return way >= XMPI_WAY_MEMORY ? -1 : cls;
}

/* The root's way decides. */
static int get(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    struct xmpi_span mine = xmpi_block(&c->recv, 0);
    int cls = xmpi_board_look(comm);
    if (cls)
        return xmpi_board_end(comm, cls);
    cls = xmpi_board_await(comm, c->root, false);
    if (cls) { /* with a third one at fault the root may yet wait for this process */
        pvmx_engine_board_step(comm->board);
        pvmx_engine_board_show(comm->board, PVMX_BOARD_ALL, c->root);
        return xmpi_board_end(comm, cls);
    }
    const struct xmpi_shown *v = xmpi_shown(comm, c->root);
    cls = xmpi_board_agree(comm, c->root, v, v->len);
    if (cls)
        return xmpi_board_end(comm, cls);
    enum xmpi_way way = v->way;
    size_t len = v->len < mine.len ? v->len : mine.len;
    if (way == XMPI_WAY_MESSAGES ||
        (way == XMPI_WAY_MEMORY && comm->size == 2 && v->len >= SHARED)) {
        c->len = v->len; /* all choose by the root's length */
        return xmpi_board_end(comm, -1);
    }
    cls = xmpi_board_check(c->root, v->len, mine.len);
    if (mine.type)
        len -= len % mine.type->size;
    mine.len = len;
    if (way == XMPI_WAY_MEMORY) {
        int got = xmpi_board_fetch(comm, c->root, v->from, mine);
        cls = got ? got : cls;
        pvmx_engine_board_step(comm->board);
        pvmx_engine_board_show(comm->board, PVMX_BOARD_ALL, c->root);
    } else {
        const char *bytes =
            way == XMPI_WAY_ENTRY ? v->bytes : pvmx_engine_board_bulk(comm->board, c->root);
        xmpi_span_copy(mine, xmpi_bytes(bytes, len));
    }
    return xmpi_board_end(comm, cls);
}

int xmpi_board_bcast(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    return comm->rank == c->root ? give(c, comm) : get(c, comm);
}

int xmpi_board_allgather(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    enum xmpi_way way;
    int p = comm->size, r = comm->rank;
    struct xmpi_span mine = c->in_place ? xmpi_block(&c->recv, r) : xmpi_block(&c->send, 0);
    int cls = xmpi_board_exchange(comm, mine, NULL, &way);
    if (!cls)
        cls = xmpi_board_check(r, mine.len, c->len);
    if (cls || way == XMPI_WAY_MESSAGES)
        return xmpi_board_end(comm, cls ? cls : -1);
    if (way < XMPI_WAY_MEMORY) {
        for (int k = 0; k < p; k++)
            xmpi_span_copy(xmpi_block(&c->recv, k),
                           xmpi_bytes(xmpi_shown_bytes(comm, k), c->len));
        return xmpi_board_end(comm, MPI_SUCCESS);
    }
    for (int i = 1; i < p && !cls; i++) {
        int k = (r + i) % p;
        cls = xmpi_board_fetch(comm, k, xmpi_shown(comm, k)->from, xmpi_block(&c->recv, k));
    }
    xmpi_span_copy(xmpi_block(&c->recv, r), mine);
    return xmpi_board_end(comm, xmpi_board_sync(comm, cls));
}

/* What goes to others is put on the board; the own block is copied straight. */
static void put_blocks(const struct xmpi_blocks *from, struct xmpi_comm *comm, size_t len)
{
    char *place = xmpi_board_place(comm);
    for (int k = 0; place && k < comm->size; k++)
        if (k != comm->rank)
            xmpi_span_copy(xmpi_bytes(place + (size_t)k * len, len), xmpi_block(from, k));
}

static int get_block(const struct xmpi_coll *c, struct xmpi_comm *comm, int k,
                     enum xmpi_way way)
{
    size_t at = (size_t)comm->rank * c->len;
    struct xmpi_span to = xmpi_block(&c->recv, k);
    if (way >= XMPI_WAY_MEMORY)
        return xmpi_board_fetch(comm, k, xmpi_shown(comm, k)->from + at, to);
    xmpi_span_copy(to, xmpi_bytes(xmpi_shown_bytes(comm, k) + at, c->len));
    return MPI_SUCCESS;
}

/* In place what is fetched would overwrite what is to be given: only what fits the board. */
int xmpi_board_alltoall(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    enum xmpi_way way;
    int p = comm->size, r = comm->rank;
    const struct xmpi_blocks *from = c->in_place ? &c->recv : &c->send;
    struct xmpi_span mine = xmpi_block_range(from, 0, p);
    int cls = xmpi_board_begin(comm, mine);
    if (cls)
        return cls;
    xmpi_board_note(comm, mine, c->in_place ? NULL : c);
    put_blocks(from, comm, c->len);
    cls = xmpi_board_meet(comm, mine.len, &way);
    if (!cls)
        cls = xmpi_board_check(r, mine.len, c->len * (size_t)p);
    for (int k = 0; !cls && way == XMPI_WAY_MEMORY && k < p; k++)
        way = xmpi_shown(comm, k)->to ? way : XMPI_WAY_MESSAGES;
    if (cls || way == XMPI_WAY_MESSAGES)
        return xmpi_board_end(comm, cls ? cls : -1);
    for (int i = 1; i < p && !cls; i++)
        cls = get_block(c, comm, (r + i) % p, way);
    if (!c->in_place)
        xmpi_span_copy(xmpi_block(&c->recv, r), xmpi_block(&c->send, r));
    return xmpi_board_end(comm, way == XMPI_WAY_MEMORY ? xmpi_board_sync(comm, cls) : cls);
}
