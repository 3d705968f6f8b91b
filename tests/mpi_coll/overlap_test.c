/* SPDX-License-Identifier: BSD-3-Clause */
/* Many collectives of random kinds in progress at once on several communicators that share processes,
 * blocking ones in between, completed in another order in each process; results against a naive
 * oracle. Arguments: the seed, the number of processes; "naps": who is late is asked all the time whether
 * it does the same, and must never be suspected. */
#include "lab.h"

#include "coll/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAP_NS = 3000000, PATIENCE_NS = 50000, FEWER = 600 };
enum { ROUNDS = 1200, OPEN = 10, COMMS = 5, MOST = 16 };

enum kind {
    BARRIER,
    BCAST,
    REDUCE,
    ALLREDUCE,
    SCAN,
    GATHER,
    SCATTER,
    ALLGATHER,
    ALLTOALL,
    REDUCE_SCATTER,
    KINDS
};
static const char *const names[KINDS] = {"barrier",  "bcast",
                                         "reduce",   "allreduce",
                                         "scan",     "gather",
                                         "scatter",  "allgather",
                                         "alltoall", "reduce_scatter_block"};

struct operation {
    enum kind kind;
    MPI_Comm comm;
    int rank, size, n, root;
    unsigned salt;
    int64_t *in, *out; /* size * n elements */
    MPI_Request request;
};

static int64_t sum(const struct operation *o, int ranks, int64_t i)
{
    int64_t all = 0;
    for (int k = 0; k < ranks; k++)
        all += lab_value(k, i, o->salt);
    return all;
}

/* What element i of the result must be; -1: the call must not have written it. */
static int64_t wanted(const struct operation *o, int i)
{
    bool root = o->rank == o->root;
    int n = o->n, block = n ? i / n : 0, at = n ? i % n : 0;
    switch (o->kind) {
    case BCAST:
        return i < n ? lab_value(o->root, i, o->salt) : -1;
    case REDUCE:
        return root && i < n ? sum(o, o->size, i) : -1;
    case ALLREDUCE:
        return i < n ? sum(o, o->size, i) : -1;
    case SCAN:
        return i < n ? sum(o, o->rank + 1, i) : -1;
    case GATHER:
        return root ? lab_value(block, at, o->salt) : -1;
    case SCATTER:
        return i < n ? lab_value(o->root, (int64_t)o->rank * n + i, o->salt) : -1;
    case ALLGATHER:
        return lab_value(block, at, o->salt);
    case ALLTOALL:
        return lab_value(block, (int64_t)o->rank * n + at, o->salt);
    case REDUCE_SCATTER:
        return i < n ? sum(o, o->size, (int64_t)o->rank * n + i) : -1;
    default:
        return -1;
    }
}

#define CALL(o, Name, name, ...)                                                         \
    (blocking ? MPI_##Name(__VA_ARGS__, (o)->comm)                                       \
              : MPI_I##name(__VA_ARGS__, (o)->comm, &(o)->request))

static void call(struct operation *o, bool blocking)
{
    const MPI_Datatype t = MPI_INT64_T;
    switch (o->kind) {
    case BARRIER:
        if (blocking)
            MPI_Barrier(o->comm);
        else
            MPI_Ibarrier(o->comm, &o->request);
        break;
    case BCAST:
        CALL(o, Bcast, bcast, o->out, o->n, t, o->root);
        break;
    case REDUCE:
        CALL(o, Reduce, reduce, o->in, o->out, o->n, t, MPI_SUM, o->root);
        break;
    case ALLREDUCE:
        CALL(o, Allreduce, allreduce, o->in, o->out, o->n, t, MPI_SUM);
        break;
    case SCAN:
        CALL(o, Scan, scan, o->in, o->out, o->n, t, MPI_SUM);
        break;
    case GATHER:
        CALL(o, Gather, gather, o->in, o->n, t, o->out, o->n, t, o->root);
        break;
    case SCATTER:
        CALL(o, Scatter, scatter, o->in, o->n, t, o->out, o->n, t, o->root);
        break;
    case ALLGATHER:
        CALL(o, Allgather, allgather, o->in, o->n, t, o->out, o->n, t);
        break;
    case ALLTOALL:
        CALL(o, Alltoall, alltoall, o->in, o->n, t, o->out, o->n, t);
        break;
    default:
        CALL(o, Reduce_scatter_block, reduce_scatter_block, o->in, o->out, o->n, t, MPI_SUM);
    }
}

static void finish(struct operation *o)
{
    if (o->kind == KINDS)
        return;
    MPI_Wait(&o->request, MPI_STATUS_IGNORE);
    lab_context("%s of %d elements, root %d, on %d processes", names[o->kind], o->n,
                o->root, o->size);
    for (int i = 0; i < o->n * o->size; i++)
        lab_check(o->out[i] == wanted(o, i));
    free(o->in);
    free(o->out);
    o->kind = KINDS;
}

static void begin(struct operation *o, uint64_t *state, const MPI_Comm *comms, unsigned salt)
{
    uint32_t which = lab_random(state), kind = lab_random(state), n = lab_random(state),
             root = lab_random(state), form = lab_random(state),
             size_class = lab_random(state);
    o->comm = comms[which % COMMS];
    if (o->comm == MPI_COMM_NULL)
        return;
    MPI_Comm_rank(o->comm, &o->rank);
    MPI_Comm_size(o->comm, &o->size);
    o->kind = (enum kind)(kind % KINDS);
    o->n = (int)(n % (size_class % 12 == 0 ? 6000u : size_class % 3 == 0 ? 300u : 9u));
    o->root = (int)(root % (uint32_t)o->size);
    o->salt = salt;
    o->request = MPI_REQUEST_NULL;
    size_t all = (size_t)o->n * (size_t)o->size;
    o->in = malloc((all + 1) * sizeof *o->in);
    o->out = malloc((all + 1) * sizeof *o->out);
    memset(o->out, 0xff, all * sizeof *o->out);
    for (size_t i = 0; i < all; i++)
        o->in[i] = lab_value(o->rank, (int64_t)i, salt);
    if (o->kind == BCAST && o->rank == o->root)
        memcpy(o->out, o->in, (size_t)o->n * sizeof *o->in);
    lab_context("start of %s of %d elements, root %d, on %d processes", names[o->kind],
                o->n, o->root, o->size);
    call(o, form % 3 == 0);
}

static void nap(uint64_t *own)
{
    if (lab_random(own) % 16 == 0)
        nanosleep(&(struct timespec){.tv_nsec = lab_random(own) % NAP_NS}, NULL);
}

int main(int argc, char **argv)
{
    uint64_t state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, own = state;
    MPI_Comm all = lab_start(argc, argv, argc > 2 ? atoi(argv[2]) : MOST), comms[COMMS];
    struct operation open[OPEN];
    int rank, size, rounds = argc > 3 ? FEWER : ROUNDS;
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    MPI_Comm_dup(all, &comms[0]);
    comms[1] = lab_first(all, size / 2 + 1);
    comms[2] = lab_first(all, size < 2 ? size : 2);
    MPI_Comm_split(all, 0, -rank, &comms[3]);
    MPI_Comm_split(all, rank % 3, rank, &comms[4]);
    own += 7919u * (unsigned)rank;
    for (int k = 0; k < OPEN; k++)
        open[k].kind = KINDS;
    if (argc > 3)
        xmpi_watch_first = PATIENCE_NS;
    for (int i = 0; i < rounds; i++) {
        finish(&open[i % OPEN]); /* the oldest, and one that each process chooses by itself */
        finish(&open[lab_random(&own) % OPEN]);
        if (argc > 3)
            nap(&own);
        begin(&open[i % OPEN], &state, comms, (unsigned)i);
    }
    for (int k = 0; k < OPEN; k++)
        finish(&open[k]);
    for (int k = 0; k < COMMS; k++)
        if (comms[k] != MPI_COMM_NULL)
            MPI_Comm_free(&comms[k]);
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("%d overlapping collectives on %d processes\n", rounds, size);
    return lab_end();
}
