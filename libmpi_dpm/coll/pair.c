/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Reduce of long operands between two processes. The other process writes its contribution into the
 * root's result, piece by piece, and the root combines what has come with its own; while nothing has, it
 * fetches a piece itself. Who is free takes the next piece, so neither waits for one that computes. */
#include "coll/board.h"

#include "rt/err.h"

#include <assert.h>
#include <stdatomic.h>

enum {
    PIECE = 64 * 1024, /* shorter: more calls of the kernel, at 1 us and more each */
    PIECES = 128,      /* at most: of longer operands they are longer */
};

/* Stands in the root's answer. */
struct pair {
    _Atomic uint32_t next;        /* piece that nobody has taken */
    _Atomic uint8_t come[PIECES]; /* 1: has been written by the other process */
};
static_assert(sizeof(struct pair) <= (size_t)XMPI_SHOWN_BYTES, "fits the answer");

struct cut {
    size_t elements, size; /* of a piece; bytes of an element */
    uint32_t n;
};

static struct cut cut_of(const struct xmpi_coll *c)
{
    size_t size = c->type->size, count = (size_t)c->count;
    struct cut cut = {.elements = PIECE / size + 1, .size = size};
    if (count / PIECES >= cut.elements)
        cut.elements = count / PIECES + 1;
    cut.n = (uint32_t)((count + cut.elements - 1) / cut.elements);
    return cut;
}

static size_t elements_of(const struct xmpi_coll *c, const struct cut *cut, uint32_t k)
{
    size_t from = (size_t)k * cut->elements, left = (size_t)c->count - from;
    return left < cut->elements ? left : cut->elements;
}

bool xmpi_pair_fits(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    const struct xmpi_shown *root = xmpi_shown(comm, c->root);
    return comm->size == 2 && root->from != root->to && (c->root == 0 || c->op->commutative);
}

void xmpi_pair_prepare(struct xmpi_shown *answer)
{
    memset(answer->bytes, 0, sizeof(struct pair));
}

static bool take(struct pair *pair, const struct cut *cut, uint32_t *k)
{
    *k = atomic_fetch_add(&pair->next, 1);
    return *k < cut->n;
}

/* Everyone's contribution is inout = in op inout with the root's own as `in`: in the order of ranks when
 * the root is rank 0. */
static void combine(const struct xmpi_coll *c, struct xmpi_comm *comm,
                    const struct cut *cut, uint32_t k)
{
    const struct xmpi_shown *mine = xmpi_shown(comm, c->root);
    size_t at = (size_t)k * cut->elements * cut->size;
    MPI_Count low = c->type->true_lb;
    xmpi_op_apply(c->op, c->type, xmpi_at((void *)(uintptr_t)(mine->from + at), -low),
                  xmpi_at((void *)(uintptr_t)(mine->to + at), -low),
                  (MPI_Count)elements_of(c, cut, k));
}

/* Combines what has come; true: something had. */
static bool combine_come(const struct xmpi_coll *c, struct xmpi_comm *comm,
                         const struct cut *cut, struct pair *pair)
{
    bool any = false;
    for (uint32_t k = 0; k < cut->n; k++) {
        if (atomic_load_explicit(&pair->come[k], memory_order_acquire) != 1)
            continue;
        atomic_store_explicit(&pair->come[k], 2, memory_order_relaxed);
        combine(c, comm, cut, k);
        any = true;
    }
    return any;
}

static int at_root(const struct xmpi_coll *c, struct xmpi_comm *comm,
                   const struct cut *cut, struct pair *pair)
{
    int other = !c->root, cls = MPI_SUCCESS;
    const struct xmpi_shown *mine = xmpi_shown(comm, c->root),
                            *its = xmpi_shown(comm, other);
    uint32_t k;
    for (;;) {
        if (combine_come(c, comm, cut, pair))
            continue;
        if (cls || !take(pair, cut, &k))
            break;
        size_t at = (size_t)k * cut->elements * cut->size;
        size_t len = elements_of(c, cut, k) * cut->size;
        cls = xmpi_board_fetch(comm, other, its->from + at,
                               xmpi_bytes((void *)(uintptr_t)(mine->to + at), len));
        if (!cls)
            combine(c, comm, cut, k);
    }
    cls = xmpi_board_sync(comm, cls);
    if (!cls)
        combine_come(c, comm, cut, pair);
    return cls;
}

static int at_other(const struct xmpi_coll *c, struct xmpi_comm *comm,
                    const struct cut *cut, struct pair *pair)
{
    const struct xmpi_shown *mine = xmpi_shown(comm, comm->rank),
                            *root = xmpi_shown(comm, c->root);
    pvmx_err err = PVMX_OK;
    uint32_t k;
    while (!err && take(pair, cut, &k)) {
        size_t at = (size_t)k * cut->elements * cut->size;
        err = pvmx_engine_board_write(comm->board, c->root, root->to + at,
                                      (const void *)(uintptr_t)(mine->from + at),
                                      elements_of(c, cut, k) * cut->size);
        if (!err)
            atomic_store_explicit(&pair->come[k], 1, memory_order_release);
    }
    return xmpi_board_sync(comm, err ? xmpi_comm_error(comm, c->root, err) : MPI_SUCCESS);
}

int xmpi_pair_reduce(const struct xmpi_coll *c, struct xmpi_comm *comm)
{
    const struct xmpi_shown *answer = pvmx_engine_board_answer(comm->board, c->root);
    struct pair *pair = (struct pair *)(uintptr_t)answer->bytes;
    const struct cut cut = cut_of(c);
    return comm->rank == c->root ? at_root(c, comm, &cut, pair)
                                 : at_other(c, comm, &cut, pair);
}
