/* SPDX-License-Identifier: BSD-3-Clause */
/* The cases of reductions, see cases.h. */
#include "bench.h"
#include "ops.h"

#include <stdlib.h>
#include <string.h>

const int coll_case_ops = OP_CASES;

const char *coll_case_op_name(int op)
{
    return op_cases()[op].name;
}

/* An element of any operation. */
union element {
    char bytes[64];
    long double aligned;
};

/* Element i of the combination of ranks 0 to n-1 of the group with this salt. */
static void oracle(const struct op_case *o, int n, int64_t i, unsigned salt,
                   union element *out)
{
    o->fill(out, n - 1, i, salt);
    for (int k = n - 2; k >= 0; k--) {
        union element in;
        o->fill(&in, k, i, salt);
        o->combine(&in, out);
    }
}

static char *at(const struct op_case *o, char *buf, int i)
{
    return buf + (size_t)i * o->size;
}

/* Elements 0.. of got are elements `from`.. of the combination of the first `ranks` processes; bytes
 * that are not data are as before. */
static void check_result(const struct bench *b, const struct op_case *o, char *got, int n,
                         int from, int ranks, unsigned salt)
{
    (void)b;
    for (int i = 0; i < n; i++) {
        union element want;
        memset(&want, GUARD, sizeof want);
        oracle(o, ranks, from + i, salt, &want);
        lab_check(memcmp(at(o, got, i), &want, o->size) == 0);
    }
}

static void check_unchanged(const struct bench *b, const struct op_case *o, char *mine, int n)
{
    for (int i = 0; i < n; i++) {
        union element want;
        memset(&want, GUARD, sizeof want);
        o->fill(&want, b->rank, i, b->mine);
        lab_check(memcmp(at(o, mine, i), &want, o->size) == 0);
    }
}

/* What this process must have got: n elements from `from` on, of so many ranks. */
struct wanted {
    int n, from, ranks;
};

/* Lengths of the pieces of reduce_scatter; both groups of an intercommunicator share `all`. */
static int *make_counts(const struct bench *b, int all)
{
    int *counts = calloc((size_t)b->size, sizeof(int)), left = all;
    for (int k = 0; k < b->size; k++) {
        counts[k] = bench_block_count(b->c->count, k, 1);
        if (counts[k] > left || k == b->size - 1)
            counts[k] = left;
        left -= counts[k];
    }
    return counts;
}

static int sum(const int *counts, int n)
{
    int all = 0;
    for (int k = 0; k < n; k++)
        all += counts[k];
    return all;
}

static struct wanted call(struct bench *b, enum xmpi_coll_kind kind,
                          const struct op_case *o, const void *send, void *out, int n)
{
    MPI_Comm comm = b->c->comm;
    struct wanted w = {n, 0, b->others};
    int *counts = make_counts(b, n), piece = n / b->size;
    switch (kind) {
    case XMPI_COLL_ALLREDUCE:
        CALL(b, Allreduce, allreduce, send, out, n, o->type, o->op, comm);
        break;
    case XMPI_COLL_SCAN:
        CALL(b, Scan, scan, send, out, n, o->type, o->op, comm);
        w.ranks = b->rank + 1;
        break;
    case XMPI_COLL_EXSCAN:
        CALL(b, Exscan, exscan, send, out, n, o->type, o->op, comm);
        w.ranks = b->rank;
        w.n = b->rank ? n : 0;
        break;
    case XMPI_COLL_REDUCE_SCATTER:
        CALL(b, Reduce_scatter, reduce_scatter, send, out, counts, o->type, o->op, comm);
        w = (struct wanted){counts[b->rank], sum(counts, b->rank), b->others};
        break;
    case XMPI_COLL_REDUCE_SCATTER_BLOCK:
        CALL(b, Reduce_scatter_block, reduce_scatter_block, send, out, piece, o->type,
             o->op, comm);
        w = (struct wanted){piece, b->rank * piece, b->others};
        break;
    default:
        CALL(b, Reduce, reduce, send, b->i_am_root ? out : NULL, n, o->type, o->op,
             b->root, comm);
        w.n = b->i_am_root ? n : 0;
    }
    bench_finish(b);
    free(counts);
    return w;
}

void case_reduction(struct bench *b, enum xmpi_coll_kind kind)
{
    const struct op_case *o = &op_cases()[b->c->op];
    int n = b->c->count;
    if (kind == XMPI_COLL_REDUCE_SCATTER_BLOCK) /* as many for both groups */
        n = n / (b->size * b->others) * b->size * b->others;
    size_t bytes = (size_t)n * o->size;
    char *mine = bench_memory(bytes), *out = bench_memory(bytes);
    bool in_place = b->in_place && (kind != XMPI_COLL_REDUCE || b->i_am_root);
    b->in_place = in_place;
    for (int i = 0; i < n; i++)
        o->fill(at(o, in_place ? out : mine, i), b->rank, i, b->mine);
    struct wanted w = call(b, kind, o, in_place ? MPI_IN_PLACE : mine, out, n);
    check_result(b, o, out, w.n, w.from, w.ranks, b->theirs);
    if (!in_place)
        check_unchanged(b, o, mine, n);
    bench_release(mine, bytes);
    bench_release(out, bytes);
}
