/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers of collectives: what is received must not overlap what is sent (the process that does it gets
 * MPI_ERR_BUFFER before anything is sent); neighbours in memory are no overlap, nor are the gaps of
 * types; and arguments that do not count in a process may be anything. */
#include "mtest.h"
#include <stdint.h>

enum { P = 3, N = 4 };

static MPI_Comm comm;
static int buf[4 * P * N], other[4 * P * N];
static const int counts[P] = {N, N, N}, displs[P] = {0, N, 2 * N};
static const int bytes[P] = {0, N * sizeof(int), 2 * N * sizeof(int)};
static const MPI_Datatype types[P] = {MPI_INT, MPI_INT, MPI_INT};
static MPI_Request req = MPI_REQUEST_NULL;

/* In all three forms. */
#define SAME(Name, name, ...)                                                             \
    do {                                                                                  \
        CHECK_CLASS(MPI_##Name(__VA_ARGS__), MPI_ERR_BUFFER);                             \
        CHECK_CLASS(MPI_I##name(__VA_ARGS__, &req), MPI_ERR_BUFFER);                      \
        CHECK_CLASS(MPI_##Name##_init(__VA_ARGS__, MPI_INFO_NULL, &req), MPI_ERR_BUFFER); \
        CHECK(req == MPI_REQUEST_NULL);                                                   \
    } while (0)

/* s lies within what is received at r. */
static void all_to_all(int *s, int *r)
{
    SAME(Allgather, allgather, s, N, MPI_INT, r, N, MPI_INT, comm);
    SAME(Allgatherv, allgatherv, s, N, MPI_INT, r, counts, displs, MPI_INT, comm);
    SAME(Alltoall, alltoall, s, N, MPI_INT, r, N, MPI_INT, comm);
    SAME(Allreduce, allreduce, s, r, P * N, MPI_INT, MPI_SUM, comm);
    SAME(Scan, scan, s, r, P * N, MPI_INT, MPI_SUM, comm);
    SAME(Exscan, exscan, s, r, P * N, MPI_INT, MPI_SUM, comm);
    SAME(Reduce_scatter_block, reduce_scatter_block, r, s, N, MPI_INT, MPI_SUM, comm);
    SAME(Reduce_scatter, reduce_scatter, r, s, counts, MPI_INT, MPI_SUM, comm);
}

static void at_the_root(int *s, int *r, int root)
{
    SAME(Gather, gather, s, N, MPI_INT, r, N, MPI_INT, root, comm);
    SAME(Gatherv, gatherv, s, N, MPI_INT, r, counts, displs, MPI_INT, root, comm);
    SAME(Scatter, scatter, r, N, MPI_INT, s, N, MPI_INT, root, comm);
    SAME(Scatterv, scatterv, r, counts, displs, MPI_INT, s, N, MPI_INT, root, comm);
    SAME(Reduce, reduce, s, r, P * N, MPI_INT, MPI_SUM, root, comm);
}

static void overlaps(void)
{
    all_to_all(buf, buf);
    all_to_all(buf + N * mt_rank, buf); /* the own place: it is MPI_IN_PLACE that says so */
    all_to_all(buf + P * N - 1, buf);
    at_the_root(buf, buf, mt_rank); /* whoever is the root sees it, alone */
    at_the_root(buf + P * N - 1, buf, mt_rank);
    SAME(Alltoallv, alltoallv, buf, counts, displs, MPI_INT, buf, counts, displs, MPI_INT,
         comm);
    SAME(Alltoallw, alltoallw, buf, counts, bytes, types, buf, counts, bytes, types, comm);
}

/* Side by side, or in each other's gaps. */
static void neighbours(void)
{
    MPI_Datatype spread, column;
    for (int i = 0; i < 2 * P * N; i++)
        buf[i] = mt_rank;
    OK(MPI_Allreduce(buf, buf + N, N, MPI_INT, MPI_SUM, comm));
    CHECK(buf[N] == P * (P - 1) / 2 && buf[2 * N - 1] == buf[N] && buf[2 * N] == mt_rank);
    OK(MPI_Allgather(buf + P * N, N, MPI_INT, buf, N, MPI_INT, comm));
    for (int i = 0; i < 2 * P * N; i++)
        CHECK_EQ(buf[i], i < P * N ? i / N : mt_rank);
    OK(MPI_Type_vector(N, 1, 2, MPI_INT, &spread));
    OK(MPI_Type_create_resized(spread, 0, 2 * N * sizeof(int), &column));
    OK(MPI_Type_commit(&column));
    for (int i = 0; i < 2 * P * N; i++)
        buf[i] = i % 2 ? mt_rank : -1;
    OK(MPI_Allgather(buf + 1, 1, column, buf, 1, column, comm));
    for (int i = 0; i < 2 * P * N; i++)
        CHECK_EQ(buf[i], i % 2 ? mt_rank : i / (2 * N));
    OK(MPI_Type_free(&column));
    OK(MPI_Type_free(&spread));
}

/* Nothing may be read of what does not count here. */
static void insignificant(void)
{
    void *const wild = (void *)(uintptr_t)8; /* an address of nothing */
    const int *const no_ints = NULL;
    const bool root = mt_rank == 1;
    for (int i = 0; i < P * N; i++)
        buf[i] = mt_rank;
    OK(MPI_Gather(buf, N, MPI_INT, root ? other : wild, root ? N : -5,
                  root ? MPI_INT : MPI_DATATYPE_NULL, 1, comm));
    for (int i = 0; root && i < P * N; i++)
        CHECK_EQ(other[i], i / N);
    OK(MPI_Gatherv(buf, N, MPI_INT, root ? other : wild, root ? counts : no_ints,
                   root ? displs : no_ints, root ? MPI_INT : MPI_DATATYPE_NULL, 1, comm));
    OK(MPI_Scatter(root ? other : wild, root ? N : -5, root ? MPI_INT : MPI_DATATYPE_NULL,
                   buf, N, MPI_INT, 1, comm));
    CHECK(buf[0] == mt_rank && buf[N - 1] == mt_rank);
    OK(MPI_Scatterv(root ? other : wild, root ? counts : no_ints, root ? displs : no_ints,
                    root ? MPI_INT : MPI_DATATYPE_NULL, buf, N, MPI_INT, 1, comm));
    /* The buffer for a result that is not here may be the same. */
    OK(MPI_Reduce(buf, root ? other : buf, N, MPI_INT, MPI_SUM, 1, comm));
    CHECK(buf[0] == mt_rank && (!root || other[0] == P * (P - 1) / 2));
    OK(MPI_Reduce(root ? MPI_IN_PLACE : buf, root ? buf : wild, N, MPI_INT, MPI_MAX, 1, comm));
    CHECK_EQ(buf[0], root ? P - 1 : mt_rank);
    OK(MPI_Alltoallv(MPI_IN_PLACE, no_ints, no_ints, MPI_DATATYPE_NULL, buf, counts,
                     displs, MPI_INT, comm));
    OK(MPI_Alltoallw(MPI_IN_PLACE, no_ints, no_ints, NULL, buf, counts, bytes, types, comm));
    OK(MPI_Allgather(MPI_IN_PLACE, -1, MPI_DATATYPE_NULL, buf, N, MPI_INT, comm));
}

/* What a process sends to itself has another length than it receives from itself, although it may be
 * alone. */
#define OTHER(class, Name, name, ...)                                                    \
    do {                                                                                 \
        CHECK_CLASS(MPI_##Name(__VA_ARGS__), class);                                     \
        OK(MPI_I##name(__VA_ARGS__, &req));                                              \
        CHECK_CLASS(MPI_Wait(&req, MPI_STATUS_IGNORE), class);                           \
    } while (0)

static void own_length(int sent, int got, int class)
{
    const MPI_Comm self = MPI_COMM_SELF;
    const int zero = 0;
    int *s = buf, *r = other;
    OTHER(class, Allgather, allgather, s, sent, MPI_INT, r, got, MPI_INT, self);
    OTHER(class, Allgatherv, allgatherv, s, sent, MPI_INT, r, &got, &zero, MPI_INT, self);
    OTHER(class, Alltoall, alltoall, s, sent, MPI_INT, r, got, MPI_INT, self);
    OTHER(class, Alltoallv, alltoallv, s, &sent, &zero, MPI_INT, r, &got, &zero, MPI_INT,
          self);
    OTHER(class, Alltoallw, alltoallw, s, &sent, &zero, types, r, &got, &zero, types, self);
    OTHER(class, Gather, gather, s, sent, MPI_INT, r, got, MPI_INT, 0, self);
    OTHER(class, Gatherv, gatherv, s, sent, MPI_INT, r, &got, &zero, MPI_INT, 0, self);
    OTHER(class, Scatter, scatter, s, sent, MPI_INT, r, got, MPI_INT, 0, self);
    OTHER(class, Scatterv, scatterv, s, &sent, &zero, MPI_INT, r, got, MPI_INT, 0, self);
}

int main(int argc, char **argv)
{
    comm = mt_begin(&argc, &argv, P);
    overlaps();
    neighbours();
    insignificant();
    own_length(2, 1, MPI_ERR_TRUNCATE);
    own_length(1, 2, MPI_ERR_COUNT);
    own_length(0, 1, MPI_ERR_COUNT);
    own_length(1, 0, MPI_ERR_TRUNCATE);
    own_length(2, 2, MPI_SUCCESS);
    return mt_end();
}
