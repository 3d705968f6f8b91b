/* SPDX-License-Identifier: BSD-3-Clause */
/* Derived datatypes. usage: derived pack ROWS... (one process): MPI_Pack and MPI_Unpack of a column of
 * a matrix of doubles with so many rows and columns, and the same by a loop written by hand; prints
 * "pack:ROWS", "unpack:ROWS", "loop:ROWS" and "unloop:ROWS" in microseconds. derived pingpong ROWS...
 * (two processes): half a round trip of such a column, "ROWS microseconds". */
#include "timing.h"

#include <mpi.h>
#include <string.h>

enum { BATCHES = 5 };
static const double batch_us = 20e3;

struct column {
    double *matrix, *dense;
    int rows;
    MPI_Datatype type;
};

static void column_make(struct column *c, int rows)
{
    size_t all = (size_t)rows * (size_t)rows;
    c->rows = rows;
    c->matrix = malloc(all * sizeof(double));
    c->dense = malloc((size_t)rows * sizeof(double));
    for (size_t i = 0; i < all; i++)
        c->matrix[i] = (double)i;
    for (int i = 0; i < rows; i++)
        c->dense[i] = i;
    MPI_Type_vector(rows, 1, rows, MPI_DOUBLE, &c->type);
    MPI_Type_commit(&c->type);
}

static void column_free(struct column *c)
{
    MPI_Type_free(&c->type);
    free(c->matrix);
    free(c->dense);
}

static void by_pack(struct column *c)
{
    int at = 0;
    MPI_Pack(c->matrix, 1, c->type, c->dense, c->rows * 8, &at, MPI_COMM_SELF);
}

static void by_unpack(struct column *c)
{
    int at = 0;
    MPI_Unpack(c->dense, c->rows * 8, &at, c->matrix, 1, c->type, MPI_COMM_SELF);
}

/* What a person would write; not to be merged with the loop around it. */
static __attribute__((noinline)) void by_loop(struct column *c)
{
    for (int i = 0; i < c->rows; i++)
        c->dense[i] = c->matrix[(size_t)i * (size_t)c->rows];
}

static __attribute__((noinline)) void by_unloop(struct column *c)
{
    for (int i = 0; i < c->rows; i++)
        c->matrix[(size_t)i * (size_t)c->rows] = c->dense[i];
}

static double once(void (*way)(struct column *), struct column *c, int n)
{
    double begin = now_us();
    for (int i = 0; i < n; i++)
        way(c);
    return (now_us() - begin) / n;
}

static void measure_pack(int rows)
{
    static const struct {
        const char *name;
        void (*way)(struct column *);
    } ways[] = {{"loop", by_loop},
                {"pack", by_pack},
                {"unloop", by_unloop},
                {"unpack", by_unpack}};
    struct column c;
    double times[4][BATCHES];
    char name[32];
    column_make(&c, rows);
    once(by_loop, &c, 3);
    double each = once(by_loop, &c, 10);
    int n = (int)(batch_us / (each > 0.01 ? each : 0.01)) + 1;
    for (int b = 0; b < BATCHES; b++) /* in turn: what else the machine does meets all */
        for (int w = 0; w < 4; w++)
            times[w][b] = once(ways[w].way, &c, n);
    for (int w = 0; w < 4; w++) {
        snprintf(name, sizeof name, "%s:%d", ways[w].name, rows);
        result(name, median(times[w], BATCHES));
    }
    column_free(&c);
}

static void pings(const struct column *c, int n, int rank)
{
    for (int i = 0; i < n; i++) {
        if (rank == 0)
            MPI_Send(c->matrix, 1, c->type, 1, 1, MPI_COMM_WORLD);
        MPI_Recv(c->matrix, 1, c->type, !rank, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (rank == 1)
            MPI_Send(c->matrix, 1, c->type, 0, 1, MPI_COMM_WORLD);
    }
}

static void measure_pingpong(int rows, int rank)
{
    struct column c;
    double times[BATCHES];
    char name[32];
    column_make(&c, rows);
    pings(&c, 20, rank);
    double begin = now_us();
    pings(&c, 20, rank);
    int n = (int)(batch_us / ((now_us() - begin) / 20)) + 1;
    MPI_Bcast(&n, 1, MPI_INT, 0, MPI_COMM_WORLD);
    for (int b = 0; b < BATCHES; b++) {
        begin = now_us();
        pings(&c, n, rank);
        times[b] = (now_us() - begin) / n / 2;
    }
    snprintf(name, sizeof name, "%d", rows);
    if (rank == 0)
        result(name, median(times, BATCHES));
    column_free(&c);
}

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (argc < 3) {
        fprintf(stderr, "usage: derived pack|pingpong ROWS...\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[1], "pack") == 0)
            measure_pack(atoi(argv[i]));
        else
            measure_pingpong(atoi(argv[i]), rank);
    }
    MPI_Finalize();
    return 0;
}
