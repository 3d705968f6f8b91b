/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of collectives over the world. usage: coll MILLISECONDS OPERATION:BYTES... Prints
 * "OPERATION:BYTES microseconds" for each: the median of up to 9 batches that together take about so
 * many milliseconds (but at least one operation each, and one batch). BYTES are those of one block;
 * reductions are sums of doubles. A batch takes as long as for its slowest process. */
#include "timing.h"

#include <mpi.h>
#include <string.h>

enum { BATCHES = 9, WARM_UP = 3 };

struct cell {
    const char *name;
    int bytes, n; /* n: doubles */
    double *in, *out;
};

static void barrier(struct cell *c)
{
    (void)c;
    MPI_Barrier(MPI_COMM_WORLD);
}

static void bcast(struct cell *c)
{
    MPI_Bcast(c->in, c->bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void reduce(struct cell *c)
{
    MPI_Reduce(c->in, c->out, c->n, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
}

static void allreduce(struct cell *c)
{
    MPI_Allreduce(c->in, c->out, c->n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static void allgather(struct cell *c)
{
    MPI_Allgather(c->in, c->bytes, MPI_BYTE, c->out, c->bytes, MPI_BYTE, MPI_COMM_WORLD);
}

static void alltoall(struct cell *c)
{
    MPI_Alltoall(c->in, c->bytes, MPI_BYTE, c->out, c->bytes, MPI_BYTE, MPI_COMM_WORLD);
}

static void wait(MPI_Request *req)
{
    MPI_Wait(req, MPI_STATUS_IGNORE);
}

static void iallreduce(struct cell *c)
{
    MPI_Request req;
    MPI_Iallreduce(c->in, c->out, c->n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, &req);
    wait(&req);
}

static void iallgather(struct cell *c)
{
    MPI_Request req;
    MPI_Iallgather(c->in, c->bytes, MPI_BYTE, c->out, c->bytes, MPI_BYTE, MPI_COMM_WORLD,
                   &req);
    wait(&req);
}

static void ibcast(struct cell *c)
{
    MPI_Request req;
    MPI_Ibcast(c->in, c->bytes, MPI_BYTE, 0, MPI_COMM_WORLD, &req);
    wait(&req);
}

static void ialltoall(struct cell *c)
{
    MPI_Request req;
    MPI_Ialltoall(c->in, c->bytes, MPI_BYTE, c->out, c->bytes, MPI_BYTE, MPI_COMM_WORLD,
                  &req);
    wait(&req);
}

static const struct operation {
    const char *name;
    void (*run)(struct cell *c);
} operations[] = {
    {"barrier", barrier},       {"bcast", bcast},           {"reduce", reduce},
    {"allreduce", allreduce},   {"allgather", allgather},   {"alltoall", alltoall},
    {"iallreduce", iallreduce}, {"iallgather", iallgather}, {"ibcast", ibcast},
    {"ialltoall", ialltoall},
};

/* Microseconds of one operation in a batch of n; the same number everywhere. */
static double batch(const struct operation *o, struct cell *c, int n)
{
    double each, most;
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = now_us();
    for (int i = 0; i < n; i++)
        o->run(c);
    each = (now_us() - begin) / n;
    MPI_Allreduce(&each, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return most;
}

static double measure(const struct operation *o, struct cell *c, double budget_us)
{
    double times[BATCHES], spent = 0, each = batch(o, c, 1);
    int k = 0;
    /* First uses are slower: memory, channels, boards. */
    for (int i = 0; i < WARM_UP && each < budget_us / BATCHES; i++)
        each = batch(o, c, each < budget_us / BATCHES / 8 ? 8 : 1);
    int n = each < budget_us / BATCHES ? (int)(budget_us / BATCHES / (each + 0.01)) + 1 : 1;
    while (k < BATCHES && (k == 0 || spent + each < budget_us * 1.2)) {
        times[k] = batch(o, c, n);
        spent += times[k++] * n;
    }
    return median(times, k);
}

static void run(const char *text, double budget_us, int rank, int size)
{
    char name[32] = "";
    struct cell c = {.name = text};
    if (sscanf(text, "%31[a-z]:%d", name, &c.bytes) != 2)
        MPI_Abort(MPI_COMM_WORLD, 2);
    c.n = c.bytes / (int)sizeof(double);
    size_t room = ((size_t)c.bytes + 8) * (size_t)size;
    c.in = malloc(room);
    c.out = malloc(room);
    memset(c.in, 0, room);
    memset(c.out, 0, room);
    for (size_t k = 0; k < sizeof operations / sizeof *operations; k++)
        if (strcmp(operations[k].name, name) == 0) {
            double us = measure(&operations[k], &c, budget_us);
            if (rank == 0)
                result(text, us);
        }
    free(c.in);
    free(c.out);
}

int main(int argc, char **argv)
{
    int rank, size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int i = 2; i < argc; i++)
        run(argv[i], atof(argv[1]) * 1e3, rank, size);
    MPI_Finalize();
    return 0;
}
