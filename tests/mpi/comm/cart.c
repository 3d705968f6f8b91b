/* SPDX-License-Identifier: BSD-3-Clause */
/* Cartesian topologies: shape, neighbours, parts, duplicates, errors; MPI_Dims_create. */
#include "mtest.h"
#include <string.h>

/* 2 x 3 of the 7 processes, the second dimension periodic. */
static MPI_Comm grid(MPI_Comm comm)
{
    int dims[] = {2, 3}, periods[] = {0, 1};
    MPI_Comm cart;
    OK(MPI_Cart_create(comm, 2, dims, periods, 1, &cart));
    CHECK((cart == MPI_COMM_NULL) == (mt_rank >= 6));
    return cart;
}

static void shape(MPI_Comm cart)
{
    int n, status, rank, back, dims[2], periods[2], coords[2], size;
    OK(MPI_Topo_test(cart, &status));
    CHECK_EQ(status, MPI_CART);
    OK(MPI_Cartdim_get(cart, &n));
    CHECK_EQ(n, 2);
    OK(MPI_Comm_rank(cart, &rank));
    OK(MPI_Comm_size(cart, &size));
    CHECK_EQ(size, 6);
    OK(MPI_Cart_get(cart, 2, dims, periods, coords));
    CHECK(dims[0] == 2 && dims[1] == 3 && periods[0] == 0 && periods[1] == 1);
    CHECK(coords[0] == rank / 3 && coords[1] == rank % 3);
    for (int r = 0; r < 6; r++) {
        OK(MPI_Cart_coords(cart, r, 2, coords));
        CHECK(coords[0] == r / 3 && coords[1] == r % 3);
        coords[1] -= 6; /* periodic: the same point */
        OK(MPI_Cart_rank(cart, coords, &back));
        CHECK_EQ(back, r);
    }
}

static void shifts(MPI_Comm cart)
{
    int rank, from, to, got = -1;
    OK(MPI_Comm_rank(cart, &rank));
    OK(MPI_Cart_shift(cart, 0, 1, &from, &to));
    CHECK_EQ(from, rank < 3 ? MPI_PROC_NULL : rank - 3);
    CHECK_EQ(to, rank < 3 ? rank + 3 : MPI_PROC_NULL);
    OK(MPI_Cart_shift(cart, 1, -7, &from, &to));
    CHECK_EQ(to, rank / 3 * 3 + (rank + 2) % 3);
    CHECK_EQ(from, rank / 3 * 3 + (rank + 1) % 3);
    OK(MPI_Sendrecv(&rank, 1, MPI_INT, to, 3, &got, 1, MPI_INT, from, 3, cart,
                    MPI_STATUS_IGNORE));
    CHECK_EQ(got, from);
    OK(MPI_Cart_shift(cart, 1, 0, &from, &to));
    CHECK(from == rank && to == rank);
}

static void parts(MPI_Comm cart)
{
    int keep_row[] = {0, 1}, keep_none[] = {0, 0}, rank, n, dims[1], periods[1], coords[1];
    MPI_Comm row, point, again;
    int sum = 0;
    OK(MPI_Comm_rank(cart, &rank));
    OK(MPI_Cart_sub(cart, keep_row, &row));
    OK(MPI_Cart_get(row, 1, dims, periods, coords));
    CHECK(dims[0] == 3 && periods[0] == 1 && coords[0] == rank % 3);
    OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, row));
    CHECK_EQ(sum, rank < 3 ? 3 : 12);
    OK(MPI_Cart_sub(cart, keep_none, &point));
    OK(MPI_Cartdim_get(point, &n));
    CHECK_EQ(n, 0);
    OK(MPI_Comm_size(point, &n));
    CHECK_EQ(n, 1);
    OK(MPI_Cart_sub(point, NULL, &again)); /* of no dimensions: the same again */
    OK(MPI_Cart_rank(again, NULL, &n));
    CHECK_EQ(n, 0);
    OK(MPI_Comm_free(&again));
    OK(MPI_Comm_free(&point));
    OK(MPI_Comm_free(&row));
}

/* Duplicates have the topology, and it outlives the original; other constructors do not copy it. */
static void copies(MPI_Comm *cart)
{
    MPI_Comm dup, idup, split;
    MPI_Request req;
    int status, coords[2], rank;
    OK(MPI_Comm_rank(*cart, &rank));
    OK(MPI_Comm_dup(*cart, &dup));
    OK(MPI_Comm_idup(*cart, &idup, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Comm_split(*cart, 0, 0, &split));
    OK(MPI_Comm_free(cart));
    OK(MPI_Topo_test(split, &status));
    CHECK_EQ(status, MPI_UNDEFINED);
    OK(MPI_Cart_coords(dup, rank, 2, coords));
    CHECK(coords[0] == rank / 3 && coords[1] == rank % 3);
    OK(MPI_Topo_test(idup, &status));
    CHECK_EQ(status, MPI_CART);
    OK(MPI_Comm_free(&dup));
    OK(MPI_Comm_free(&idup));
    OK(MPI_Comm_free(&split));
}

static void create_errors(MPI_Comm comm)
{
    int big[] = {4, 2}, zero[] = {2, 0}, periods[] = {0, 0}, n, dims[2];
    MPI_Comm made = MPI_COMM_WORLD;
    CHECK_CLASS(MPI_Cart_create(comm, 2, big, periods, 0, &made), MPI_ERR_DIMS);
    CHECK(made == MPI_COMM_NULL);
    CHECK_CLASS(MPI_Cart_create(comm, 2, zero, periods, 0, &made), MPI_ERR_DIMS);
    CHECK_CLASS(MPI_Cart_create(comm, -1, big, periods, 0, &made), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Cart_create(comm, 2, NULL, periods, 0, &made), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Cart_map(comm, 2, big, periods, &n), MPI_ERR_DIMS);
    CHECK_CLASS(MPI_Cartdim_get(comm, &n), MPI_ERR_TOPOLOGY);
    CHECK_CLASS(MPI_Cart_get(comm, 2, dims, dims, dims), MPI_ERR_TOPOLOGY);
    CHECK_CLASS(MPI_Cart_sub(comm, dims, &made), MPI_ERR_TOPOLOGY);
    CHECK_CLASS(MPI_Graphdims_get(comm, &n, &n), MPI_ERR_TOPOLOGY);
    CHECK_CLASS(MPI_Topo_test(comm, NULL), MPI_ERR_ARG);
}

static void query_errors(MPI_Comm cart)
{
    int coords[2] = {2, 0}, n, m;
    CHECK_CLASS(MPI_Cart_rank(cart, coords, &n), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Cart_rank(cart, NULL, &n), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Cart_coords(cart, 6, 2, coords), MPI_ERR_RANK);
    CHECK_CLASS(MPI_Cart_coords(cart, 0, 1, coords), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Cart_get(cart, 1, coords, coords, coords), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Cart_shift(cart, 2, 1, &n, &m), MPI_ERR_DIMS);
    CHECK_CLASS(MPI_Cart_shift(cart, -1, 1, &n, &m), MPI_ERR_DIMS);
    CHECK_CLASS(MPI_Graphdims_get(cart, &n, &m), MPI_ERR_TOPOLOGY);
}

static void maps(MPI_Comm comm)
{
    int dims[] = {3, 2}, periods[] = {0, 0}, to;
    OK(MPI_Cart_map(comm, 2, dims, periods, &to));
    CHECK_EQ(to, mt_rank < 6 ? mt_rank : MPI_UNDEFINED);
    OK(MPI_Cart_map(comm, 0, NULL, NULL, &to));
    CHECK_EQ(to, mt_rank == 0 ? 0 : MPI_UNDEFINED);
}

static void dims_of(int nodes, int n, int *dims, const int *want)
{
    OK(MPI_Dims_create(nodes, n, dims));
    CHECK(memcmp(dims, want, (size_t)n * sizeof(*dims)) == 0);
}

#define DIMS(nodes, n, ...) dims_of(nodes, n, (int[8]){0}, (int[8]){__VA_ARGS__})

static void dims_create(void)
{
    int fixed[] = {0, 3, 0}, negative[] = {0, -1}, no_multiple[] = {4, 0};
    int all[] = {2, 3};
    DIMS(6, 2, 3, 2);
    DIMS(7, 1, 7);
    DIMS(7, 3, 7, 1, 1);
    DIMS(16, 2, 4, 4);
    DIMS(16, 3, 4, 2, 2);
    DIMS(60, 3, 5, 4, 3);
    DIMS(72, 3, 6, 4, 3);
    DIMS(36, 2, 6, 6);
    DIMS(5040, 3, 21, 16, 15);   /* not 20 x 18 x 14, whose factors are as close, */
    DIMS(13392, 4, 31, 9, 8, 6); /* nor 31 x 12 x 6 x 6 */
    DIMS(1, 4, 1, 1, 1, 1);
    DIMS(1000000, 6, 10, 10, 10, 10, 10, 10);
    DIMS(2147483647, 2, 2147483647, 1);
    DIMS(1102701600, 4, 187, 182, 180, 180);
    dims_of(24, 3, fixed, (int[]){4, 3, 2});
    dims_of(6, 2, all, (int[]){2, 3});
    CHECK_CLASS(MPI_Dims_create(6, 2, negative), MPI_ERR_DIMS);
    CHECK_CLASS(MPI_Dims_create(6, 2, no_multiple), MPI_ERR_DIMS);
    CHECK_CLASS(MPI_Dims_create(12, 2, all), MPI_ERR_DIMS);
    CHECK_CLASS(MPI_Dims_create(0, 2, all), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Dims_create(6, 2, NULL), MPI_ERR_ARG);
}

int main(int argc, char **argv)
{
    MPI_Comm comm = mt_begin(&argc, &argv, 7);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN); /* MPI_Dims_create */
    MPI_Comm cart = grid(comm);
    create_errors(comm);
    maps(comm);
    dims_create();
    if (cart != MPI_COMM_NULL) {
        shape(cart);
        shifts(cart);
        query_errors(cart);
        parts(cart);
        copies(&cart);
    }
    return mt_end();
}
