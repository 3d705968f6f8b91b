/* SPDX-License-Identifier: BSD-3-Clause */
/* Random sequences of collectives on several communicators that share processes, with the same seed
 * in all of them: what one operation leaves behind must not disturb the next. Argument: the seed. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROCESSES = 7, ROUNDS = 1500 };

static void one(uint64_t *state, const MPI_Comm *comms, const int *sizes, int n)
{
    int k = (int)(lab_random(state) % (uint32_t)n);
    int kind = (int)(lab_random(state) % XMPI_COLL_KINDS), size = sizes[k];
    uint32_t shape = lab_random(state);
    struct coll_case c = {.comm = comms[k],
                          .count =
                              (int)(lab_random(state) % (shape % 16 == 0 ? 30000u : 50u)),
                          .root = (int)(lab_random(state) % (uint32_t)size),
                          .in_place = shape & 256,
                          .form = (enum coll_form)(shape / 512 % COLL_FORMS),
                          .salt = shape % 1000,
                          .shape = (int)(shape / 4096 % COLL_SHAPES),
                          .op = (int)(lab_random(state) % (uint32_t)coll_case_ops)};
    const struct xmpi_algo_list *l = &xmpi_algo_lists[kind];
    uint32_t a = lab_random(state) % (uint32_t)(l->count + 1);
    if (comms[k] == MPI_COMM_NULL)
        return;
    lab_context("%s, count %d, root %d, on communicator %d of %d", l->name, c.count,
                c.root, k, size);
    lab_force((enum xmpi_coll_kind)kind, a < (uint32_t)l->count ? &l->algos[a] : NULL);
    coll_case_run((enum xmpi_coll_kind)kind, &c);
    lab_force((enum xmpi_coll_kind)kind, NULL);
}

/* Several operations in progress at once on one communicator, completed in any order. */
static void overlap(uint64_t *state, MPI_Comm comm, int size, int rank)
{
    enum { N = 8 };
    int in[N], sum[N], root[N], word[N];
    MPI_Request r[2 * N];
    lab_context("%d reductions and broadcasts in progress at once", N);
    for (int i = 0; i < N; i++) {
        root[i] = (int)(lab_random(state) % (uint32_t)size);
        in[i] = rank + i;
        word[i] = rank == root[i] ? 1000 + i : -1;
        MPI_Iallreduce(&in[i], &sum[i], 1, MPI_INT, MPI_SUM, comm, &r[2 * i]);
        MPI_Ibcast(&word[i], 1, MPI_INT, root[i], comm, &r[2 * i + 1]);
    }
    for (int i = 0; i < N; i++) /* each process in another order */
        MPI_Wait(&r[2 * ((i + rank) % N)], MPI_STATUS_IGNORE);
    MPI_Waitall(2 * N, r, MPI_STATUSES_IGNORE);
    for (int i = 0; i < N; i++) {
        lab_check(sum[i] == size * (size - 1) / 2 + i * size);
        lab_check(word[i] == 1000 + i);
    }
}

int main(int argc, char **argv)
{
    uint64_t state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    MPI_Comm all = lab_start(argc, argv, PROCESSES), comms[4];
    int rank, size, sizes[4];
    MPI_Comm_rank(all, &rank);
    MPI_Comm_size(all, &size);
    MPI_Comm_dup(all, &comms[0]);
    sizes[0] = size;
    sizes[1] = size / 2 + 1;
    comms[1] = lab_first(all, sizes[1]);
    sizes[2] = 2 < size ? 2 : size;
    comms[2] = lab_first(all, sizes[2]);
    MPI_Comm_split(all, 0, -rank, &comms[3]); /* everyone, in reverse order */
    sizes[3] = size;
    for (int i = 0; i < ROUNDS; i++) {
        one(&state, comms, sizes, 4);
        if (i % 50 == 0)
            overlap(&state, comms[0], size, rank);
    }
    for (int k = 0; k < 4; k++)
        if (comms[k] != MPI_COMM_NULL)
            MPI_Comm_free(&comms[k]);
    coll_cases_free();
    MPI_Comm_free(&all);
    if (rank == 0)
        printf("%d random collectives on %d processes\n", ROUNDS, size);
    return lab_end();
}
