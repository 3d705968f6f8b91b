/* SPDX-License-Identifier: BSD-3-Clause */
/* See cases.h: the collectives that move data. */
#include "cases.h"

#include "bench.h"
#include "ops.h"

#include <stdlib.h>
#include <string.h>

static void case_barrier(struct bench *b)
{
    CALL(b, Barrier, barrier, b->c->comm);
    bench_finish(b);
}

static void case_bcast(struct bench *b)
{
    int n = b->c->count;
    int *buf = bench_ints(&b->in, n);
    if (b->i_am_root)
        bench_fill(buf, &b->in, 0, n, b->root, 0, b->mine);
    CALL(b, Bcast, bcast, b->takes_part ? buf : NULL, b->takes_part ? n : 0, b->in.type,
         b->root, b->c->comm);
    bench_finish(b);
    if (b->i_am_root)
        bench_check(buf, &b->in, 0, n, b->root, 0, b->mine);
    else if (b->takes_part)
        bench_check(buf, &b->in, 0, n, b->inter ? MPI_ROOT : b->root, 0, b->theirs);
    bench_ints_release(buf, &b->in, n);
}

static void case_gather(struct bench *b)
{
    int n = b->c->count, p = b->others;
    int *mine = bench_ints(&b->out, n), *got = bench_ints(&b->in, n * p);
    bool in_place = b->in_place && b->i_am_root;
    if (in_place)
        bench_fill(got, &b->in, b->rank * n, n, b->rank, 0, b->mine);
    else
        bench_fill(mine, &b->out, 0, n, b->rank, 0, b->mine);
    CALL(b, Gather, gather, in_place ? MPI_IN_PLACE : mine, n, b->out.type,
         b->i_am_root ? got : NULL, n, b->in.type, b->root, b->c->comm);
    bench_finish(b);
    for (int k = 0; b->i_am_root && k < p; k++)
        bench_check(got, &b->in, k * n, n, k, 0, b->theirs);
    bench_ints_release(mine, &b->out, n);
    bench_ints_release(got, &b->in, n * p);
}

static void case_gatherv(struct bench *b)
{
    struct bench_layout l = bench_layout_make(b->c->count, 0, b->others, true, false);
    int n = bench_block_count(b->c->count, b->rank, 0), p = b->others;
    int *mine = bench_ints(&b->out, n), *got = bench_ints(&b->in, l.total);
    bool in_place = b->in_place && b->i_am_root;
    if (in_place)
        bench_fill(got, &b->in, l.displs[b->rank], n, b->rank, 0, b->mine);
    else
        bench_fill(mine, &b->out, 0, n, b->rank, 0, b->mine);
    CALL(b, Gatherv, gatherv, in_place ? MPI_IN_PLACE : mine, n, b->out.type,
         b->i_am_root ? got : NULL, l.counts, l.displs, b->in.type, b->root, b->c->comm);
    bench_finish(b);
    for (int k = 0; b->i_am_root && k < p; k++)
        bench_check(got, &b->in, l.displs[k], l.counts[k], k, 0, b->theirs);
    if (b->i_am_root)
        bench_check_gaps(got, &b->in, &l, p);
    bench_ints_release(mine, &b->out, n);
    bench_ints_release(got, &b->in, l.total);
    bench_layout_free(&l);
}

/* What a scatter must have brought here. */
static void check_scattered(const struct bench *b, const int *got, int n, bool in_place)
{
    if (b->inter ? b->takes_part && !b->i_am_root : !in_place)
        bench_check(got, &b->in, 0, n, b->rank, 0, b->theirs);
}

static void case_scatter(struct bench *b)
{
    int n = b->c->count, p = b->others;
    int *got = bench_ints(&b->in, n), *from = bench_ints(&b->out, n * p);
    bool in_place = b->in_place && b->i_am_root;
    for (int k = 0; k < p; k++)
        bench_fill(from, &b->out, k * n, n, k, 0, b->mine);
    CALL(b, Scatter, scatter, b->i_am_root ? from : NULL, n, b->out.type,
         in_place ? MPI_IN_PLACE : got, n, b->in.type, b->root, b->c->comm);
    bench_finish(b);
    check_scattered(b, got, n, in_place);
    bench_ints_release(got, &b->in, n);
    bench_ints_release(from, &b->out, n * p);
}

static void case_scatterv(struct bench *b)
{
    struct bench_layout l = bench_layout_make(b->c->count, 0, b->others, true, false);
    int n = bench_block_count(b->c->count, b->rank, 0), p = b->others;
    int *got = bench_ints(&b->in, n), *from = bench_ints(&b->out, l.total);
    bool in_place = b->in_place && b->i_am_root;
    for (int k = 0; k < p; k++)
        bench_fill(from, &b->out, l.displs[k], l.counts[k], k, 0, b->mine);
    CALL(b, Scatterv, scatterv, b->i_am_root ? from : NULL, l.counts, l.displs,
         b->out.type, in_place ? MPI_IN_PLACE : got, n, b->in.type, b->root, b->c->comm);
    bench_finish(b);
    check_scattered(b, got, n, in_place);
    bench_ints_release(got, &b->in, n);
    bench_ints_release(from, &b->out, l.total);
    bench_layout_free(&l);
}

static void case_allgather(struct bench *b)
{
    /* The two sides of an intercommunicator may contribute different amounts. */
    int n = b->c->count, mine_n = b->inter ? n + (b->c->high ? 1 : 0) : n, p = b->others;
    int their_n = b->inter ? n + (b->c->high ? 0 : 1) : n;
    int *mine = bench_ints(&b->out, mine_n), *got = bench_ints(&b->in, their_n * p);
    if (b->in_place)
        bench_fill(got, &b->in, b->rank * n, mine_n, b->rank, 0, b->mine);
    else
        bench_fill(mine, &b->out, 0, mine_n, b->rank, 0, b->mine);
    CALL(b, Allgather, allgather, b->in_place ? MPI_IN_PLACE : mine, mine_n, b->out.type,
         got, their_n, b->in.type, b->c->comm);
    bench_finish(b);
    for (int k = 0; k < p; k++)
        bench_check(got, &b->in, k * their_n, their_n, k, 0, b->theirs);
    bench_ints_release(mine, &b->out, mine_n);
    bench_ints_release(got, &b->in, their_n * p);
}

static void case_allgatherv(struct bench *b)
{
    struct bench_layout l = bench_layout_make(b->c->count, 0, b->others, true, false);
    int n = bench_block_count(b->c->count, b->rank, 0), p = b->others;
    int *mine = bench_ints(&b->out, n), *got = bench_ints(&b->in, l.total);
    if (b->in_place)
        bench_fill(got, &b->in, l.displs[b->rank], n, b->rank, 0, b->mine);
    else
        bench_fill(mine, &b->out, 0, n, b->rank, 0, b->mine);
    CALL(b, Allgatherv, allgatherv, b->in_place ? MPI_IN_PLACE : mine, n, b->out.type,
         got, l.counts, l.displs, b->in.type, b->c->comm);
    bench_finish(b);
    for (int k = 0; k < p; k++)
        bench_check(got, &b->in, l.displs[k], l.counts[k], k, 0, b->theirs);
    bench_check_gaps(got, &b->in, &l, p);
    bench_ints_release(mine, &b->out, n);
    bench_ints_release(got, &b->in, l.total);
    bench_layout_free(&l);
}

static void case_alltoall(struct bench *b)
{
    int n = b->c->count, p = b->others;
    int *from = bench_ints(&b->out, n * p), *got = bench_ints(&b->in, n * p);
    for (int k = 0; k < p; k++) /* block k goes to process k */
        bench_fill(b->in_place ? got : from, b->in_place ? &b->in : &b->out, k * n, n,
                   b->rank, (int64_t)k * 1000, b->mine);
    CALL(b, Alltoall, alltoall, b->in_place ? MPI_IN_PLACE : from, n, b->out.type, got, n,
         b->in.type, b->c->comm);
    bench_finish(b);
    for (int k = 0; k < p; k++)
        bench_check(got, &b->in, k * n, n, k, (int64_t)b->rank * 1000, b->theirs);
    bench_ints_release(from, &b->out, n * p);
    bench_ints_release(got, &b->in, n * p);
}

/* In place the amounts of a pair must be the same in both directions. */
static void make_symmetric(struct bench_layout *l, int count, int me, int n)
{
    l->total = 0;
    for (int k = n - 1; k >= 0; k--) {
        l->counts[k] = bench_block_count(count, k < me ? k : me, k < me ? me : k);
        l->displs[k] = l->total;
        l->total += l->counts[k] + 1;
    }
}

/* For alltoallw: displacements in bytes, types that alternate where they may. */
struct wide {
    int *displs;
    MPI_Datatype *types;
};

static struct wide widen(const struct bench_layout *l, const struct shape *s, int n)
{
    struct wide w = {malloc((size_t)n * sizeof(int)),
                     malloc((size_t)n * sizeof(MPI_Datatype))};
    for (int k = 0; k < n; k++) {
        w.displs[k] = l->displs[k] * s->stride * (int)sizeof(int);
        w.types[k] = s->type == MPI_INT && k % 2 ? MPI_INT32_T : s->type;
    }
    return w;
}

static void free_wide(struct wide *w)
{
    free(w->displs);
    free(w->types);
}

static void call_alltoallw(struct bench *b, const void *send, const struct bench_layout *to,
                           int *got, const struct bench_layout *in)
{
    struct wide out_w = widen(to, &b->out, b->others), in_w = widen(in, &b->in, b->others);
    CALL(b, Alltoallw, alltoallw, send, to->counts, out_w.displs, out_w.types, got,
         in->counts, in_w.displs, in_w.types, b->c->comm);
    bench_finish(b);
    free_wide(&out_w);
    free_wide(&in_w);
}

static void case_alltoallv(struct bench *b, bool w)
{
    int n = b->c->count, p = b->others;
    struct bench_layout to = bench_layout_make(n, b->rank, p, false, true);
    struct bench_layout in = bench_layout_make(n, b->rank, p, true, true);
    if (b->in_place)
        make_symmetric(&in, n, b->rank, p);
    const struct bench_layout *src = b->in_place ? &in : &to;
    int *from = bench_ints(&b->out, to.total), *got = bench_ints(&b->in, in.total);
    for (int k = 0; k < p; k++)
        bench_fill(b->in_place ? got : from, b->in_place ? &b->in : &b->out,
                   src->displs[k], src->counts[k], b->rank, (int64_t)k * 1000, b->mine);
    const void *send = b->in_place ? MPI_IN_PLACE : (void *)from;
    if (w) {
        call_alltoallw(b, send, &to, got, &in);
    } else {
        CALL(b, Alltoallv, alltoallv, send, to.counts, to.displs, b->out.type, got,
             in.counts, in.displs, b->in.type, b->c->comm);
        bench_finish(b);
    }
    for (int k = 0; k < p; k++)
        bench_check(got, &b->in, in.displs[k], in.counts[k], k, (int64_t)b->rank * 1000,
                    b->theirs);
    bench_check_gaps(got, &b->in, &in, p);
    bench_ints_release(from, &b->out, to.total);
    bench_ints_release(got, &b->in, in.total);
    bench_layout_free(&to);
    bench_layout_free(&in);
}

bool coll_case_rooted(enum xmpi_coll_kind kind)
{
    return kind == XMPI_COLL_BCAST || kind == XMPI_COLL_REDUCE ||
           kind == XMPI_COLL_GATHER || kind == XMPI_COLL_GATHERV ||
           kind == XMPI_COLL_SCATTER || kind == XMPI_COLL_SCATTERV;
}

bool coll_case_reduction(enum xmpi_coll_kind kind)
{
    return kind >= XMPI_COLL_REDUCE && kind <= XMPI_COLL_EXSCAN;
}

bool coll_case_inter(enum xmpi_coll_kind kind)
{
    return kind != XMPI_COLL_SCAN && kind != XMPI_COLL_EXSCAN &&
           kind < XMPI_COLL_NEIGHBOR_ALLGATHER;
}

void coll_cases_free(void)
{
    bench_shapes_free();
    op_cases_free();
}

void coll_case_run(enum xmpi_coll_kind kind, const struct coll_case *c)
{
    struct bench b = bench_open(c);
    switch (kind) {
    case XMPI_COLL_BARRIER:
        case_barrier(&b);
        break;
    case XMPI_COLL_BCAST:
        case_bcast(&b);
        break;
    case XMPI_COLL_GATHER:
        case_gather(&b);
        break;
    case XMPI_COLL_GATHERV:
        case_gatherv(&b);
        break;
    case XMPI_COLL_SCATTER:
        case_scatter(&b);
        break;
    case XMPI_COLL_SCATTERV:
        case_scatterv(&b);
        break;
    case XMPI_COLL_ALLGATHER:
        case_allgather(&b);
        break;
    case XMPI_COLL_ALLGATHERV:
        case_allgatherv(&b);
        break;
    case XMPI_COLL_ALLTOALL:
        case_alltoall(&b);
        break;
    case XMPI_COLL_ALLTOALLV:
        case_alltoallv(&b, false);
        break;
    case XMPI_COLL_ALLTOALLW:
        case_alltoallv(&b, true);
        break;
    default:
        if (coll_case_reduction(kind))
            case_reduction(&b, kind);
        else
            case_neighbor(&b, kind);
    }
}
