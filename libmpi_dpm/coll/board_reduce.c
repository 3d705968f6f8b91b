/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions over a board. All combine in the order of ranks, and each element is combined by one process
 * for all or by all in the same way: all get the same bits. */
#include "coll/board.h"

#include "rt/err.h"

#include <stdlib.h>

enum {
    /* From so many bytes on each process combines a part for all, which costs one step more. */
    IN_PIECES = 2 * 1024,
};

/* What is combined: bytes in packed form, shown by the first `to` processes. */
struct fold {
    const struct xmpi_coll *c;
    struct xmpi_comm *comm;
    int to;
    const char *own; /* the own contribution when it has not been shown; else NULL */
    char *scratch;   /* an operand, for types that do not lie in one run */
    void *room;
};

/* False: no memory. */
static bool fold_open(struct fold *f, MPI_Count count)
{
    const struct xmpi_dtype *t = f->c->type;
    ptrdiff_t low = t->true_lb, high = low + t->true_extent,
              last = (ptrdiff_t)(count - 1) * t->extent;
    *(last < 0 ? &low : &high) += last;
    if (t->dense || count == 0)
        return true;
    f->room = malloc((size_t)(high - low));
    f->scratch = xmpi_at(f->room, -low);
    return f->room != NULL;
}

static const char *bytes_of(const struct fold *f, int k)
{
    return f->own && k == f->comm->rank ? f->own : xmpi_shown_bytes(f->comm, k);
}

/* Elements `from` on into out. */
static void fold(const struct fold *f, MPI_Count from, MPI_Count count, char *out)
{
    const struct xmpi_dtype *type = f->c->type;
    struct xmpi_span in = xmpi_span(f->scratch, count, type);
    size_t at = (size_t)from * type->size;
    xmpi_span_copy(xmpi_span(out, count, type),
                   xmpi_bytes(bytes_of(f, f->to - 1) + at, in.len));
    for (int k = f->to - 2; k >= 0; k--) {
        const char *bytes = bytes_of(f, k) + at;
        char *operand = f->scratch;
        if (in.type)
            xmpi_span_copy(in, xmpi_bytes(bytes, in.len));
        else
            operand = xmpi_at(bytes, -type->true_lb);
        xmpi_op_apply(f->c->op, type, operand, out, count);
    }
}

static int fold_once(struct fold *f, MPI_Count from, MPI_Count count, char *out)
{
    if (!count || !f->to)
        return MPI_SUCCESS;
    if (!fold_open(f, count))
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for a temporary operand");
    fold(f, from, count, out);
    free(f->room);
    return MPI_SUCCESS;
}

static MPI_Count cut(const struct xmpi_coll *c, const struct xmpi_comm *comm, int k)
{
    return xmpi_part_cut(c->count, comm->size, k);
}

/* Piece k of the operand at base. */
static struct xmpi_span piece(const struct xmpi_coll *c, const struct xmpi_comm *comm, int k)
{
    MPI_Count from = cut(c, comm, k);
    return xmpi_span(xmpi_at(c->recv.base, from * c->type->extent),
                     cut(c, comm, k + 1) - from, c->type);
}

/* Process k's result lies where its contributions to that piece lay, which nobody else reads. */
static struct xmpi_span shared_piece(const struct xmpi_coll *c,
                                     const struct xmpi_comm *comm, int k)
{
    char *bulk = pvmx_engine_board_bulk(comm->board, k);
    return xmpi_bytes(bulk + (size_t)cut(c, comm, k) * c->type->size, piece(c, comm, k).len);
}

static int allreduce_pieces(const struct xmpi_coll *c, struct xmpi_comm *comm, struct fold *f)
{
    int r = comm->rank;
    MPI_Count from = cut(c, comm, r);
    int cls = fold_once(f, from, cut(c, comm, r + 1) - from,
                        xmpi_at(c->recv.base, from * c->type->extent));
    xmpi_span_copy(shared_piece(c, comm, r), piece(c, comm, r));
    cls = xmpi_board_sync(comm, cls);
    for (int k = 0; k < comm->size && !cls; k++)
        if (k != r)
            xmpi_span_copy(piece(c, comm, k), shared_piece(c, comm, k));
    return cls;
}

/* Each combines its piece, then all fetch each other's. */
static int allreduce_far(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    int p = comm->size, r = comm->rank;
    MPI_Count from = cut(c, comm, r);
    size_t size = c->type->size;
    int cls = xmpi_far_combine(c, comm, from, cut(c, comm, r + 1) - from, r,
                               (uint64_t)(uintptr_t)piece(c, comm, r).base);
    cls = xmpi_board_sync(comm, cls);
    if (cls)
        return cls;
    for (int i = 1; i < p && !cls; i++) {
        int k = (r + i) % p;
        cls = xmpi_board_fetch(comm, k,
                               xmpi_shown(comm, k)->to + (uint64_t)cut(c, comm, k) * size,
                               piece(c, comm, k));
    }
    return xmpi_board_sync(comm, cls);
}

int xmpi_board_allreduce(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    enum xmpi_way way;
    struct fold f = {.c = c, .comm = comm, .to = comm->size};
    int cls = xmpi_board_exchange(comm, xmpi_block(&c->send, 0),
                                  xmpi_block(&c->recv, 0).base, &way);
    if (cls || way == XMPI_WAY_MESSAGES)
        return xmpi_board_end(comm, cls ? cls : -1);
    if (way == XMPI_WAY_MEMORY)
        cls = allreduce_far(c, comm);
    else if (way == XMPI_WAY_BULK && c->len >= IN_PIECES && comm->size > 2)
        cls = allreduce_pieces(c, comm, &f);
    else
        cls = fold_once(&f, 0, c->count, c->recv.base);
    return xmpi_board_end(comm, cls);
}

/* Each combines a piece and writes it into the root's result. Of two processes where the pair's way does
 * not fit the root does all: writing the other half back takes as long as the work on it. */
static int reduce_far(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    if (xmpi_pair_fits(c, comm))
        return xmpi_pair_reduce(c, comm);
    MPI_Count from = cut(c, comm, comm->rank), n = cut(c, comm, comm->rank + 1) - from;
    if (comm->size == 2) {
        from = 0;
        n = comm->rank == c->root ? c->count : 0;
    }
    uint64_t to = xmpi_shown(comm, c->root)->to + (uint64_t)from * (uint64_t)c->type->size;
    return xmpi_board_sync(comm, xmpi_far_combine(c, comm, from, n, c->root, to));
}

/* What is short is left on the board for the root; with more all wait for what it says. */
static int contribute(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    struct xmpi_span mine = xmpi_block(&c->send, 0);
    int cls = xmpi_board_begin(comm, mine);
    if (cls)
        return cls;
    xmpi_board_show(comm, mine, NULL, PVMX_BOARD_ALL, c->root);
    if (xmpi_board_way(comm, mine) < XMPI_WAY_MEMORY)
        return xmpi_board_end(comm, MPI_SUCCESS);
    pvmx_engine_board_step(comm->board);
    cls = xmpi_board_await(comm, c->root, false);
    if (cls)
        return xmpi_board_end(comm, cls);
    const struct xmpi_shown *answer = pvmx_engine_board_answer(comm->board, c->root);
    if (answer->len)
        cls =
            xmpi_err((int)answer->len,
                     "the root, rank %d, which expects %llu bytes of each, cannot reduce "
                     "what it is given (%s); this process gives %zu",
                     c->root, (unsigned long long)answer->from,
                     xmpi_err_text((int)answer->len), mine.len);
    else
        cls = answer->way == XMPI_WAY_MESSAGES ? -1 : reduce_far(c, comm);
    return xmpi_board_end(comm, cls);
}

/* len: what the root expects of each. */
static void answer(struct xmpi_comm *comm, int cls, enum xmpi_way way, size_t len)
{
    pvmx_engine_board_step(comm->board);
    struct xmpi_shown *v = pvmx_engine_board_value(comm->board);
    v->len = (uint64_t)cls;
    v->way = way;
    v->from = len;
    xmpi_pair_prepare(v);
    pvmx_engine_board_show(comm->board, comm->rank, PVMX_BOARD_ALL);
}

/* All lengths must be the root's; the way is that of the worst. */
static int look(struct xmpi_comm *comm, size_t len, enum xmpi_way *way)
{
    int cls = MPI_SUCCESS;
    for (int k = 0; k < comm->size; k++) {
        if (k == comm->rank)
            continue;
        const struct xmpi_shown *v = xmpi_shown(comm, k);
        *way = v->way > *way ? v->way : *way;
        if (!cls)
            cls = xmpi_board_agree(comm, k, v, len);
    }
    return cls;
}

static int collect(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    struct xmpi_span mine = xmpi_block(&c->send, 0), to = xmpi_block(&c->recv, 0);
    struct fold f = {.c = c, .comm = comm, .to = comm->size};
    int cls = xmpi_board_begin(comm, mine);
    if (cls)
        return cls;
    enum xmpi_way way = xmpi_board_way(comm, mine);
    if (way <= XMPI_WAY_BULK && !mine.type && mine.base != to.base)
        f.own = mine.base;
    else
        xmpi_board_put(comm, mine, to.base);
    cls = xmpi_board_await(comm, PVMX_BOARD_ALL, false);
    if (!cls) /* else not all have shown what they do */
        cls = look(comm, mine.len, &way);
    if (cls || way >= XMPI_WAY_MEMORY)
        answer(comm, cls, way, mine.len);
    if (cls || way == XMPI_WAY_MESSAGES)
        return xmpi_board_end(comm, cls ? cls : -1);
    if (way == XMPI_WAY_MEMORY)
        cls = reduce_far(c, comm);
    else
        cls = fold_once(&f, 0, c->count, c->recv.base);
    return xmpi_board_end(comm, cls);
}

int xmpi_board_reduce(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    return comm->rank == c->root ? collect(c, comm) : contribute(c, comm);
}

/* Everyone shows c->len bytes and combines a part of what the first `to` have shown. */
static int show_and_fold(struct xmpi_coll *c, struct xmpi_comm *comm, int to,
                         MPI_Count from, MPI_Count count)
{
    enum xmpi_way way;
    struct fold f = {.c = c, .comm = comm, .to = to};
    int cls = xmpi_board_exchange(comm, xmpi_block(&c->send, 0), NULL, &way);
    if (!cls)
        cls = way >= XMPI_WAY_MEMORY ? -1 : fold_once(&f, from, count, c->recv.base);
    return xmpi_board_end(comm, cls);
}

int xmpi_board_scan(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    int to = c->kind == XMPI_COLL_EXSCAN ? comm->rank : comm->rank + 1;
    return show_and_fold(c, comm, to, 0, c->count);
}

int xmpi_board_reduce_scatter(struct xmpi_coll *c, struct xmpi_comm *comm)
{
    MPI_Count from = 0;
    for (int k = 0; k < comm->rank; k++)
        from += xmpi_block_count(&c->recv, k);
    return show_and_fold(c, comm, comm->size, from, xmpi_block_count(&c->recv, comm->rank));
}
