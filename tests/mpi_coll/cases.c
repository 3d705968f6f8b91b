/* SPDX-License-Identifier: BSD-3-Clause */
/* See cases.h. What each process sends follows from its rank and a salt, so every process knows
 * what it must receive without asking anybody. */
#include "cases.h"

#include "ops.h"

#include <stdlib.h>
#include <string.h>

const int coll_case_ops = 6;

const char *coll_case_op_name(int op)
{
    return op_cases()[op].name;
}

/* What a case works with. On an intercommunicator "they" are the other group, whose contents differ
 * by their salt; on an intracommunicator both are the same. */
struct bench {
    const struct coll_case *c;
    int rank, size;        /* own, in the own group */
    int others;            /* number of processes that data comes from and goes to */
    unsigned mine, theirs; /* salts */
    bool inter, in_place;
    bool i_am_root, takes_part; /* rooted ones */
    int root;                   /* argument of the call */
    MPI_Request request;
};

static struct bench open_bench(const struct coll_case *c)
{
    struct bench b = {.c = c};
    int inter;
    MPI_Comm_test_inter(c->comm, &inter);
    MPI_Comm_rank(c->comm, &b.rank);
    MPI_Comm_size(c->comm, &b.size);
    b.inter = inter;
    b.others = b.size;
    b.mine = b.theirs = 2 * c->salt;
    b.in_place = c->in_place && !inter;
    b.root = c->root;
    b.i_am_root = b.rank == c->root;
    b.takes_part = true;
    if (inter) {
        MPI_Comm_remote_size(c->comm, &b.others);
        b.mine += c->high;
        b.theirs += !c->high;
        bool here = c->high == c->from_high;
        b.i_am_root = here && b.rank == c->root;
        b.takes_part = !here || b.i_am_root;
        b.root = !here ? c->root : b.i_am_root ? MPI_ROOT : MPI_PROC_NULL;
    }
    return b;
}

enum { GUARD = 0x5a };

/* n elements between two guards that nobody may write. */
static void *guarded(size_t bytes)
{
    char *p = malloc(bytes + 128);
    lab_check(p != NULL);
    memset(p, GUARD, bytes + 128);
    return p + 64;
}

static void check_guards(void *mem, size_t bytes)
{
    const char *p = (const char *)mem - 64;
    for (int i = 0; i < 64; i++)
        lab_check(p[i] == GUARD && p[64 + bytes + i] == GUARD);
}

static void release(void *mem, size_t bytes)
{
    check_guards(mem, bytes);
    free((char *)mem - 64);
}

static void finish(struct bench *b)
{
    if (b->c->nonblocking) {
        MPI_Wait(&b->request, MPI_STATUS_IGNORE);
        lab_check(b->request == MPI_REQUEST_NULL);
    }
}

/* Calls the blocking or the nonblocking form. */
#define CALL(b, name, ...)                                                               \
    do {                                                                                 \
        if ((b)->c->nonblocking)                                                         \
            MPI_I##name(__VA_ARGS__, &(b)->request);                                     \
        else                                                                             \
            BLOCKING_##name(__VA_ARGS__);                                                \
    } while (0)
#define BLOCKING_barrier MPI_Barrier
#define BLOCKING_bcast MPI_Bcast
#define BLOCKING_reduce MPI_Reduce
#define BLOCKING_allreduce MPI_Allreduce
#define BLOCKING_gather MPI_Gather
#define BLOCKING_gatherv MPI_Gatherv
#define BLOCKING_scatter MPI_Scatter
#define BLOCKING_scatterv MPI_Scatterv
#define BLOCKING_allgather MPI_Allgather
#define BLOCKING_allgatherv MPI_Allgatherv
#define BLOCKING_alltoall MPI_Alltoall
#define BLOCKING_alltoallv MPI_Alltoallv
#define BLOCKING_alltoallw MPI_Alltoallw

static void fill(int *place, int n, int rank, int64_t from, unsigned salt)
{
    for (int i = 0; i < n; i++)
        place[i] = (int)lab_value(rank, from + i, salt);
}

static void check_ints(const int *got, int n, int rank, int64_t from, unsigned salt)
{
    for (int i = 0; i < n; i++)
        lab_check(got[i] == (int)lab_value(rank, from + i, salt));
}

static void case_barrier(struct bench *b)
{
    CALL(b, barrier, b->c->comm);
    finish(b);
}

static void case_bcast(struct bench *b)
{
    int n = b->c->count;
    size_t bytes = (size_t)n * sizeof(int);
    int *buf = guarded(bytes);
    if (b->i_am_root)
        fill(buf, n, b->root, 0, b->mine);
    CALL(b, bcast, b->takes_part ? buf : NULL, b->takes_part ? n : 0, MPI_INT, b->root,
         b->c->comm);
    finish(b);
    if (b->i_am_root)
        check_ints(buf, n, b->root, 0, b->mine);
    else if (b->takes_part)
        check_ints(buf, n, b->inter ? MPI_ROOT : b->root, 0, b->theirs);
    release(buf, bytes);
}

/* The expected result of a reduction over the group with this salt, element i. */
static void reduce_oracle(const struct op_case *o, int p, int64_t i, unsigned salt, void *out)
{
    o->fill(out, p - 1, i, salt);
    for (int k = p - 2; k >= 0; k--) {
        char in[64];
        o->fill(in, k, i, salt);
        o->combine(in, out);
    }
}

static void check_reduced(const struct bench *b, const struct op_case *o, const char *got)
{
    for (int i = 0; i < b->c->count; i++) {
        char want[64];
        reduce_oracle(o, b->others, i, b->theirs, want);
        lab_check(memcmp(got + (size_t)i * o->size, want, o->size) == 0);
    }
}

static void case_reduction(struct bench *b, bool all)
{
    const struct op_case *o = &op_cases()[b->c->op];
    int n = b->c->count;
    size_t bytes = (size_t)n * o->size;
    char *mine = guarded(bytes), *out = guarded(bytes);
    bool in_place = b->in_place && (all || b->i_am_root);
    for (int i = 0; i < n; i++)
        o->fill((in_place ? out : mine) + (size_t)i * o->size, b->rank, i, b->mine);
    const void *send = in_place ? MPI_IN_PLACE : mine;
    if (all)
        CALL(b, allreduce, send, out, n, o->type, o->op, b->c->comm);
    else
        CALL(b, reduce, send, b->i_am_root ? out : NULL, n, o->type, o->op, b->root,
             b->c->comm);
    finish(b);
    if (all || b->i_am_root)
        check_reduced(b, o, out);
    for (int i = 0; !in_place && i < n; i++) { /* what was sent is as it was */
        char want[64];
        o->fill(want, b->rank, i, b->mine);
        lab_check(memcmp(mine + (size_t)i * o->size, want, o->size) == 0);
    }
    release(mine, bytes);
    release(out, bytes);
}

/* Counts and displacements of the v forms: blocks of different length (some empty), in reverse
 * order, with gaps that must stay untouched. */
struct layout {
    int *counts, *displs;
    int total; /* elements from the first to the last */
};

static int block_count(int count, int from, int to, bool vary)
{
    return vary ? (count * (from + 2 * to + 1)) % (count + 3) : count;
}

/* Blocks that process `me` exchanges with n others; to_me: those that it receives. */
static struct layout make_layout(int count, int me, int n, bool to_me, bool pairwise)
{
    struct layout l = {calloc((size_t)n, sizeof(int)), calloc((size_t)n, sizeof(int)), 0};
    for (int k = n - 1; k >= 0; k--) {
        int from = to_me ? k : me, to = to_me ? me : k;
        l.counts[k] = block_count(count, pairwise || to_me ? from : 0,
                                  pairwise || !to_me ? to : 0, true);
        l.displs[k] = l.total;
        l.total += l.counts[k] + 1;
    }
    return l;
}

static void free_layout(struct layout *l)
{
    free(l->counts);
    free(l->displs);
}

static void check_gaps(const int *buf, const struct layout *l, int n)
{
    int untouched;
    memset(&untouched, GUARD, sizeof untouched);
    for (int k = 0; k < n; k++)
        lab_check(buf[l->displs[k] + l->counts[k]] == untouched);
}

static void case_gather(struct bench *b)
{
    int n = b->c->count, p = b->others;
    size_t bytes = (size_t)n * sizeof(int), all = bytes * (size_t)p;
    int *mine = guarded(bytes), *out = guarded(all);
    bool in_place = b->in_place && b->i_am_root;
    fill(in_place ? out + b->rank * n : mine, n, b->rank, 0, b->mine);
    CALL(b, gather, in_place ? MPI_IN_PLACE : mine, n, MPI_INT, b->i_am_root ? out : NULL,
         n, MPI_INT, b->root, b->c->comm);
    finish(b);
    for (int k = 0; b->i_am_root && k < p; k++)
        check_ints(out + k * n, n, k, 0, b->theirs);
    release(mine, bytes);
    release(out, all);
}

static void case_gatherv(struct bench *b)
{
    struct layout l = make_layout(b->c->count, 0, b->others, true, false);
    int n = block_count(b->c->count, b->rank, 0, true), p = b->others;
    size_t bytes = (size_t)n * sizeof(int), all = (size_t)l.total * sizeof(int);
    int *mine = guarded(bytes), *out = guarded(all);
    bool in_place = b->in_place && b->i_am_root;
    fill(in_place ? out + l.displs[b->rank] : mine, n, b->rank, 0, b->mine);
    CALL(b, gatherv, in_place ? MPI_IN_PLACE : mine, n, MPI_INT,
         b->i_am_root ? out : NULL, l.counts, l.displs, MPI_INT, b->root, b->c->comm);
    finish(b);
    for (int k = 0; b->i_am_root && k < p; k++)
        check_ints(out + l.displs[k], l.counts[k], k, 0, b->theirs);
    if (b->i_am_root)
        check_gaps(out, &l, p);
    release(mine, bytes);
    release(out, all);
    free_layout(&l);
}

static void case_scatter(struct bench *b)
{
    int n = b->c->count, p = b->others;
    size_t bytes = (size_t)n * sizeof(int), all = bytes * (size_t)p;
    int *out = guarded(bytes), *from = guarded(all);
    bool in_place = b->in_place && b->i_am_root;
    for (int k = 0; k < p; k++)
        fill(from + k * n, n, k, 0, b->mine);
    CALL(b, scatter, b->i_am_root ? from : NULL, n, MPI_INT,
         in_place ? MPI_IN_PLACE : out, n, MPI_INT, b->root, b->c->comm);
    finish(b);
    if (b->inter ? b->takes_part && !b->i_am_root : !in_place)
        check_ints(out, n, b->rank, 0, b->theirs);
    release(out, bytes);
    release(from, all);
}

static void case_scatterv(struct bench *b)
{
    struct layout l = make_layout(b->c->count, 0, b->others, true, false);
    int n = block_count(b->c->count, b->rank, 0, true), p = b->others;
    size_t bytes = (size_t)n * sizeof(int), all = (size_t)l.total * sizeof(int);
    int *out = guarded(bytes), *from = guarded(all);
    bool in_place = b->in_place && b->i_am_root;
    for (int k = 0; k < p; k++)
        fill(from + l.displs[k], l.counts[k], k, 0, b->mine);
    CALL(b, scatterv, b->i_am_root ? from : NULL, l.counts, l.displs, MPI_INT,
         in_place ? MPI_IN_PLACE : out, n, MPI_INT, b->root, b->c->comm);
    finish(b);
    if (b->inter ? b->takes_part && !b->i_am_root : !in_place)
        check_ints(out, n, b->rank, 0, b->theirs);
    release(out, bytes);
    release(from, all);
    free_layout(&l);
}

static void case_allgather(struct bench *b)
{
    /* The two sides of an intercommunicator may contribute different amounts. */
    int n = b->c->count, mine_n = b->inter ? n + (b->c->high ? 1 : 0) : n, p = b->others;
    int their_n = b->inter ? n + (b->c->high ? 0 : 1) : n;
    size_t bytes = (size_t)mine_n * sizeof(int),
           all = (size_t)their_n * sizeof(int) * (size_t)p;
    int *mine = guarded(bytes), *out = guarded(all);
    fill(b->in_place ? out + b->rank * n : mine, mine_n, b->rank, 0, b->mine);
    CALL(b, allgather, b->in_place ? MPI_IN_PLACE : mine, mine_n, MPI_INT, out, their_n,
         MPI_INT, b->c->comm);
    finish(b);
    for (int k = 0; k < p; k++)
        check_ints(out + k * their_n, their_n, k, 0, b->theirs);
    release(mine, bytes);
    release(out, all);
}

static void case_allgatherv(struct bench *b)
{
    struct layout l = make_layout(b->c->count, 0, b->others, true, false);
    int n = block_count(b->c->count, b->rank, 0, true), p = b->others;
    size_t bytes = (size_t)n * sizeof(int), all = (size_t)l.total * sizeof(int);
    int *mine = guarded(bytes), *out = guarded(all);
    fill(b->in_place ? out + l.displs[b->rank] : mine, n, b->rank, 0, b->mine);
    CALL(b, allgatherv, b->in_place ? MPI_IN_PLACE : mine, n, MPI_INT, out, l.counts,
         l.displs, MPI_INT, b->c->comm);
    finish(b);
    for (int k = 0; k < p; k++)
        check_ints(out + l.displs[k], l.counts[k], k, 0, b->theirs);
    check_gaps(out, &l, p);
    release(mine, bytes);
    release(out, all);
    free_layout(&l);
}

static void case_alltoall(struct bench *b)
{
    int n = b->c->count, p = b->others;
    size_t all = (size_t)n * sizeof(int) * (size_t)p;
    int *from = guarded(all), *out = guarded(all);
    for (int k = 0; k < p; k++) /* block k goes to process k */
        fill((b->in_place ? out : from) + k * n, n, b->rank, (int64_t)k * 1000, b->mine);
    CALL(b, alltoall, b->in_place ? MPI_IN_PLACE : from, n, MPI_INT, out, n, MPI_INT,
         b->c->comm);
    finish(b);
    for (int k = 0; k < p; k++)
        check_ints(out + k * n, n, k, (int64_t)b->rank * 1000, b->theirs);
    release(from, all);
    release(out, all);
}

/* In place the amounts of a pair must be the same in both directions. */
static void make_symmetric(struct layout *l, int count, int me, int n)
{
    l->total = 0;
    for (int k = n - 1; k >= 0; k--) {
        int low = k < me ? k : me, high = k < me ? me : k;
        l->counts[k] = block_count(count, low, high, true);
        l->displs[k] = l->total;
        l->total += l->counts[k] + 1;
    }
}

static void bytes_layout(struct layout *l, MPI_Datatype *types, int n)
{
    for (int k = 0; k < n; k++) {
        types[k] = k % 2 ? MPI_INT : MPI_INT32_T;
        l->displs[k] *= (int)sizeof(int);
    }
}

static void case_alltoallv(struct bench *b, bool w)
{
    int n = b->c->count, p = b->others;
    struct layout to = make_layout(n, b->rank, p, false, true);
    struct layout in = make_layout(n, b->rank, p, true, true);
    if (b->in_place)
        make_symmetric(&in, n, b->rank, p);
    struct layout *src = b->in_place ? &in : &to;
    size_t sent = (size_t)to.total * sizeof(int), got = (size_t)in.total * sizeof(int);
    int *from = guarded(sent), *out = guarded(got);
    MPI_Datatype *types = malloc((size_t)p * sizeof *types);
    for (int k = 0; k < p; k++)
        fill((b->in_place ? out : from) + src->displs[k], src->counts[k], b->rank,
             (int64_t)k * 1000, b->mine);
    const void *send = b->in_place ? MPI_IN_PLACE : (void *)from;
    if (w) {
        struct layout in_bytes = {in.counts, malloc((size_t)p * sizeof(int)), 0};
        memcpy(in_bytes.displs, in.displs, (size_t)p * sizeof(int));
        bytes_layout(&in_bytes, types, p);
        bytes_layout(&to, types, p);
        CALL(b, alltoallw, send, to.counts, to.displs, types, out, in.counts,
             in_bytes.displs, types, b->c->comm);
        finish(b);
        free(in_bytes.displs);
    } else {
        CALL(b, alltoallv, send, to.counts, to.displs, MPI_INT, out, in.counts, in.displs,
             MPI_INT, b->c->comm);
        finish(b);
    }
    for (int k = 0; k < p; k++)
        check_ints(out + in.displs[k], in.counts[k], k, (int64_t)b->rank * 1000, b->theirs);
    check_gaps(out, &in, p);
    release(from, sent);
    release(out, got);
    free_layout(&to);
    free_layout(&in);
    free(types);
}

void coll_case_run(enum xmpi_coll_kind kind, const struct coll_case *c)
{
    struct bench b = open_bench(c);
    switch (kind) {
    case XMPI_COLL_BARRIER:
        case_barrier(&b);
        break;
    case XMPI_COLL_BCAST:
        case_bcast(&b);
        break;
    case XMPI_COLL_REDUCE:
        case_reduction(&b, false);
        break;
    case XMPI_COLL_ALLREDUCE:
        case_reduction(&b, true);
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
        lab_check(!"a collective without a test");
    }
}
