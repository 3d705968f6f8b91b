/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions of what lies in the memory of the processes: each combines a part of all contributions, in
 * segments that stay in the second-level cache from when they are read to when they are combined. */
#include "coll/board.h"

#include "rt/err.h"

#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT = 64 * 1024,
    /* Without temporary memory. Each call of the kernel costs: 1 MiB is read in 74 us in one piece, in
     * 99 in pieces of 64 KiB. */
    LONG_SEGMENT = 256 * 1024,
};

struct far {
    const struct xmpi_coll *c;
    struct xmpi_comm *comm;
    int first; /* whose contribution the others are combined with: the last one */
    char *in, *acc;
};

/* A pointer to elements that lie in one run, as an operation wants it. */
static char *operand(const struct far *f, char *run)
{
    return xmpi_at(run, -f->c->type->true_lb);
}

/* n elements at byte `at` of all contributions into `to`, which may be the own contribution if that is
 * the first. */
static int combine(const struct far *f, size_t at, MPI_Count n, char *to)
{
    struct xmpi_comm *comm = f->comm;
    size_t len = (size_t)n * f->c->type->size;
    int cls = xmpi_board_fetch(comm, f->first, xmpi_shown(comm, f->first)->from + at,
                               xmpi_bytes(to, len));
    for (int k = comm->size - 1; k >= 0 && !cls; k--) {
        uint64_t from = xmpi_shown(comm, k)->from + at;
        char *in = (char *)(uintptr_t)from;
        if (k == f->first)
            continue;
        if (k != comm->rank) {
            in = f->in;
            cls = xmpi_board_fetch(comm, k, from, xmpi_bytes(in, len));
        }
        if (!cls)
            xmpi_op_apply(f->c->op, f->c->type, operand(f, in), operand(f, to), n);
    }
    return cls;
}

static int put(const struct far *f, int whose, uint64_t addr, size_t len)
{
    pvmx_err err = pvmx_engine_board_write(f->comm->board, whose, addr, f->acc, len);
    return err ? xmpi_comm_error(f->comm, whose, err) : MPI_SUCCESS;
}

/* With two processes and an operation that commutes it does not matter whose is the right operand. */
static int first_of(const struct xmpi_coll *c, const struct xmpi_comm *comm)
{
    return comm->size == 2 && c->op->commutative && !c->in_place ? !comm->rank
                                                                 : comm->size - 1;
}

int xmpi_far_combine(const struct xmpi_coll *c, struct xmpi_comm *comm, MPI_Count from,
                     MPI_Count n, int whose, uint64_t out)
{
    struct far f = {.c = c, .comm = comm, .first = first_of(c, comm)};
    bool straight = whose == comm->rank && (!c->in_place || f.first == comm->rank);
    bool alone = straight && comm->size == 2 && f.first != comm->rank;
    size_t size = c->type->size, want = alone ? LONG_SEGMENT : SEGMENT;
    size_t room = size > want ? size : want;
    MPI_Count most = (MPI_Count)(room / size);
    char *mem = n > 0 && !alone ? malloc(2 * room) : NULL;
    int cls = MPI_SUCCESS;
    if (n > 0 && !alone && !mem)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for two segments of a reduction");
    f.in = mem;
    f.acc = mem ? mem + room : NULL;
    for (MPI_Count done = 0, k; done < n && !cls; done += k) {
        k = n - done < most ? n - done : most;
        size_t at = (size_t)(from + done) * size, len = (size_t)k * size;
        uint64_t to = out + (uint64_t)done * size;
        cls = combine(&f, at, k, straight ? (char *)(uintptr_t)to : f.acc);
        if (!cls && !straight)
            cls = put(&f, whose, to, len);
    }
    free(mem);
    return cls;
}
