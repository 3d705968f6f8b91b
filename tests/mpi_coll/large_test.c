/* SPDX-License-Identifier: BSD-3-Clause */
/* Every collective in its six functions (blocking, nonblocking, persistent; with int and with large
 * counts), with a buffer of its own and with MPI_IN_PLACE, and counts that no int holds. */
#include "lab.h"

#include <stdio.h>
#include <string.h>

enum { P = 3, N = 2, ROOT = 1, FUNCTIONS = 6 };

static MPI_Comm comm, ring;
static int rank, function;
static bool in_place;
static MPI_Request req;
static int s[P * N], r[P * N];

/* Of the vector collectives: the same in both widths. */
static const int counts[P] = {N, N, N}, displs[P] = {0, N, 2 * N};
static const int bytes[P] = {0, N * sizeof(int), 2 * N * sizeof(int)};
static const MPI_Count counts_c[P] = {N, N, N};
static const MPI_Aint displs_c[P] = {0, N, 2 * N};
static const MPI_Aint bytes_c[P] = {0, N * sizeof(int), 2 * N * sizeof(int)};
static const MPI_Datatype types[P] = {MPI_INT, MPI_INT, MPI_INT};

static void finish(void)
{
    if (function >= 4)
        lab_check(MPI_Start(&req) == MPI_SUCCESS);
    if (function >= 2)
        lab_check(MPI_Wait(&req, MPI_STATUS_IGNORE) == MPI_SUCCESS);
    if (function >= 4)
        lab_check(MPI_Request_free(&req) == MPI_SUCCESS);
    lab_check(function < 2 || req == MPI_REQUEST_NULL);
}

#define LIST(...) __VA_ARGS__
#define CALL(call) lab_check((call) == MPI_SUCCESS)
/* ints, large: arguments in parentheses, without request and info. */
#define RUN(Name, Iname, ints, large)                                                        \
    do {                                                                                     \
        lab_context("MPI_%s, function %d%s", #Name, function, in_place ? ", in place" : ""); \
        switch (function) {                                                                  \
        case 0:                                                                              \
            CALL(MPI_##Name(LIST ints));                                                     \
            break;                                                                           \
        case 1:                                                                              \
            CALL(MPI_##Name##_c(LIST large));                                                \
            break;                                                                           \
        case 2:                                                                              \
            CALL(MPI_##Iname(LIST ints, &req));                                              \
            break;                                                                           \
        case 3:                                                                              \
            CALL(MPI_##Iname##_c(LIST large, &req));                                         \
            break;                                                                           \
        case 4:                                                                              \
            CALL(MPI_##Name##_init(LIST ints, MPI_INFO_NULL, &req));                         \
            break;                                                                           \
        default:                                                                             \
            CALL(MPI_##Name##_init_c(LIST large, MPI_INFO_NULL, &req));                      \
            break;                                                                           \
        }                                                                                    \
        finish();                                                                            \
    } while (0)
#define RUN_SAME(Name, Iname, args) RUN(Name, Iname, args, args)

/* Element i of block k of `from`'s. */
static int value(int from, int k, int i)
{
    return from * 100 + k * 10 + i;
}

/* What this process gives: blocks of its own in s, or in r when in place. `own`: one block only, which
 * lies in its place of r then. Returns what the send buffer is. */
static const void *give(bool own)
{
    memset(r, -1, sizeof r);
    for (int k = 0; k < P; k++)
        for (int i = 0; i < N; i++) {
            s[k * N + i] = value(rank, own ? 0 : k, i);
            if (in_place && (!own || k == rank))
                r[k * N + i] = s[k * N + i];
        }
    return in_place ? MPI_IN_PLACE : s;
}

static void got_all(void) /* everyone's block */
{
    for (int k = 0; k < P * N; k++)
        lab_check(r[k] == value(k / N, 0, k % N));
}

static void got_mine(void) /* everyone's block for this process */
{
    for (int k = 0; k < P * N; k++)
        lab_check(r[k] == value(k / N, rank, k % N));
}

/* Blocks of `from` on, as many elements: the sum of those of the first `of` processes. */
static void got_sum(int from, int n, int of)
{
    for (int i = 0; i < n; i++) {
        int sum = 0;
        for (int k = 0; k < of; k++)
            sum += value(k, from + i / N, i % N);
        lab_check(r[i] == sum);
    }
}

static void gathers(void)
{
    const void *b = give(true);
    RUN_SAME(Allgather, Iallgather, (b, N, MPI_INT, r, N, MPI_INT, comm));
    got_all();
    b = give(true);
    RUN(Allgatherv, Iallgatherv, (b, N, MPI_INT, r, counts, displs, MPI_INT, comm),
        (b, N, MPI_INT, r, counts_c, displs_c, MPI_INT, comm));
    got_all();
    b = give(true);
    b = rank == ROOT ? b : s;
    RUN_SAME(Gather, Igather, (b, N, MPI_INT, r, N, MPI_INT, ROOT, comm));
    if (rank == ROOT)
        got_all();
    give(true);
    RUN(Gatherv, Igatherv, (b, N, MPI_INT, r, counts, displs, MPI_INT, ROOT, comm),
        (b, N, MPI_INT, r, counts_c, displs_c, MPI_INT, ROOT, comm));
    if (rank == ROOT)
        got_all();
}

static void scattered(bool kept)
{
    for (int i = 0; i < N && !kept; i++)
        lab_check(r[i] == value(ROOT, rank, i));
}

static void scatters(void)
{
    bool kept = in_place && rank == ROOT;
    void *to = kept ? MPI_IN_PLACE : r;
    give(false);
    RUN_SAME(Scatter, Iscatter, (s, N, MPI_INT, to, N, MPI_INT, ROOT, comm));
    scattered(kept);
    give(false);
    RUN(Scatterv, Iscatterv, (s, counts, displs, MPI_INT, to, N, MPI_INT, ROOT, comm),
        (s, counts_c, displs_c, MPI_INT, to, N, MPI_INT, ROOT, comm));
    scattered(kept);
    give(false);
    RUN_SAME(Bcast, Ibcast, (s, P * N, MPI_INT, ROOT, comm));
    for (int k = 0; k < P * N; k++)
        lab_check(s[k] == value(ROOT, k / N, k % N));
}

static void exchanges(void)
{
    const void *b = give(false);
    RUN_SAME(Alltoall, Ialltoall, (b, N, MPI_INT, r, N, MPI_INT, comm));
    got_mine();
    give(false);
    RUN(Alltoallv, Ialltoallv,
        (b, counts, displs, MPI_INT, r, counts, displs, MPI_INT, comm),
        (b, counts_c, displs_c, MPI_INT, r, counts_c, displs_c, MPI_INT, comm));
    got_mine();
    give(false);
    RUN(Alltoallw, Ialltoallw, (b, counts, bytes, types, r, counts, bytes, types, comm),
        (b, counts_c, bytes_c, types, r, counts_c, bytes_c, types, comm));
    got_mine();
}

static void reductions(void)
{
    const void *b = give(false), *at_root = rank == ROOT ? b : s;
    RUN_SAME(Allreduce, Iallreduce, (b, r, P * N, MPI_INT, MPI_SUM, comm));
    got_sum(0, P * N, P);
    give(false);
    RUN_SAME(Reduce, Ireduce, (at_root, r, P * N, MPI_INT, MPI_SUM, ROOT, comm));
    if (rank == ROOT)
        got_sum(0, P * N, P);
    give(false);
    RUN_SAME(Reduce_scatter_block, Ireduce_scatter_block, (b, r, N, MPI_INT, MPI_SUM, comm));
    got_sum(rank, N, P);
    give(false);
    RUN(Reduce_scatter, Ireduce_scatter, (b, r, counts, MPI_INT, MPI_SUM, comm),
        (b, r, counts_c, MPI_INT, MPI_SUM, comm));
    got_sum(rank, N, P);
    give(false);
    RUN_SAME(Scan, Iscan, (b, r, P * N, MPI_INT, MPI_SUM, comm));
    got_sum(0, P * N, rank + 1);
    give(false);
    RUN_SAME(Exscan, Iexscan, (b, r, P * N, MPI_INT, MPI_SUM, comm));
    if (rank > 0)
        got_sum(0, P * N, rank);
    give(false);
    for (int i = 0; i < N; i++)
        r[i] = i ? -1 : s[i] + 5;
    CALL(MPI_Reduce_local_c(s, r, N, MPI_INT, MPI_MAX));
    lab_check(r[0] == s[0] + 5 && r[1] == s[1]);
}

static void got_left(void)
{
    int left = (rank + P - 1) % P;
    for (int i = 0; i < P * N; i++)
        lab_check(r[i] == (i < N ? value(left, 0, i) : -1));
}

/* Each has its left neighbour's block; there is no MPI_IN_PLACE. */
static void neighborhoods(void)
{
    give(false);
    RUN_SAME(Neighbor_allgather, Ineighbor_allgather, (s, N, MPI_INT, r, N, MPI_INT, ring));
    got_left();
    give(false);
    RUN(Neighbor_allgatherv, Ineighbor_allgatherv,
        (s, N, MPI_INT, r, counts, displs, MPI_INT, ring),
        (s, N, MPI_INT, r, counts_c, displs_c, MPI_INT, ring));
    got_left();
    give(false);
    RUN_SAME(Neighbor_alltoall, Ineighbor_alltoall, (s, N, MPI_INT, r, N, MPI_INT, ring));
    got_left();
    give(false);
    RUN(Neighbor_alltoallv, Ineighbor_alltoallv,
        (s, counts, displs, MPI_INT, r, counts, displs, MPI_INT, ring),
        (s, counts_c, displs_c, MPI_INT, r, counts_c, displs_c, MPI_INT, ring));
    got_left();
    give(false);
    RUN(Neighbor_alltoallw, Ineighbor_alltoallw,
        (s, counts, bytes_c, types, r, counts, bytes_c, types, ring),
        (s, counts_c, bytes_c, types, r, counts_c, bytes_c, types, ring));
    got_left();
}

/* 2^40 elements without a byte, and one element too many for memory. */
static void huge(void)
{
    const MPI_Count many = (MPI_Count)1 << 40;
    MPI_Datatype nothing;
    int cls;
    MPI_Type_contiguous(0, MPI_INT, &nothing);
    MPI_Type_commit(&nothing);
    lab_context("2^40 elements of nothing");
    CALL(MPI_Bcast_c(s, many, nothing, ROOT, comm));
    CALL(MPI_Allgather_c(s, many, nothing, r, many, nothing, comm));
    CALL(MPI_Alltoall_c(s, many, nothing, r, many, nothing, comm));
    CALL(MPI_Ibcast_c(s, many, nothing, ROOT, comm, &req));
    CALL(MPI_Wait(&req, MPI_STATUS_IGNORE));
    MPI_Type_free(&nothing);
    lab_context("2^62 integers");
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_Error_class(MPI_Bcast_c(s, (MPI_Count)1 << 62, MPI_INT, ROOT, comm), &cls);
    lab_check(cls == MPI_ERR_COUNT);
}

static void barriers(void)
{
    CALL(MPI_Barrier_init(comm, MPI_INFO_NULL, &req));
    for (int k = 0; k < 3; k++) {
        CALL(MPI_Start(&req));
        CALL(MPI_Wait(&req, MPI_STATUS_IGNORE));
    }
    CALL(MPI_Request_free(&req));
}

int main(int argc, char **argv)
{
    comm = lab_start(argc, argv, P);
    MPI_Comm_rank(comm, &rank);
    int left = (rank + P - 1) % P, right = (rank + 1) % P, weight = 1;
    MPI_Dist_graph_create_adjacent(comm, 1, &left, &weight, 1, &right, &weight,
                                   MPI_INFO_NULL, 0, &ring);
    for (int k = 0; k < 2 * FUNCTIONS; k++) {
        function = k / 2;
        in_place = k % 2;
        gathers();
        scatters();
        exchanges();
        reductions();
        in_place = false;
        neighborhoods();
    }
    barriers();
    huge();
    MPI_Comm_free(&ring);
    MPI_Comm_free(&comm);
    if (rank == 0)
        printf("collectives in all their functions\n");
    return lab_end();
}
