/* SPDX-License-Identifier: BSD-3-Clause */
/* What the cases of cases.h are made of. What each process sends follows from its rank and a salt,
 * so every process knows what it must receive without asking anybody. */
#ifndef COLL_BENCH_H
#define COLL_BENCH_H

#include "cases.h"

#include <stddef.h>

/* Integers in memory: element i of a buffer lies at i * stride + first, in ints. */
struct shape {
    MPI_Datatype type; /* one element */
    int stride, first;
};

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
    struct shape out, in;       /* how this process sends and receives */
    MPI_Request request;
};

struct bench bench_open(const struct coll_case *c);
/* Waits for the request of a nonblocking form; a persistent one is started a second time when that
 * must have the same outcome, and freed. */
void bench_finish(struct bench *b);
void bench_shapes_free(void);

/* Memory between two guards that nobody may write, full of untouched bytes. */
enum { GUARD = 0x5a };
void *bench_memory(size_t bytes);
void bench_release(void *mem, size_t bytes);
/* The same for n integers of a shape. */
int *bench_ints(const struct shape *s, int n);
void bench_ints_release(int *buf, const struct shape *s, int n);

/* n elements from element `at` on: those that process rank contributes from number `from` on; check
 * also looks at what lies between them. */
void bench_fill(int *buf, const struct shape *s, int at, int n, int rank, int64_t from,
                unsigned salt);
void bench_check(const int *buf, const struct shape *s, int at, int n, int rank,
                 int64_t from, unsigned salt);
void bench_check_untouched(const int *buf, const struct shape *s, int at, int n);

/* Counts and displacements of the v forms: blocks of different length (some empty), in reverse
 * order, with gaps that must stay untouched. */
struct bench_layout {
    int *counts, *displs;
    int total; /* elements from the first to the last */
};
int bench_block_count(int count, int from, int to);
/* Blocks that process `me` exchanges with n others; to_me: those that it receives. pairwise: their
 * lengths depend on both. */
struct bench_layout bench_layout_make(int count, int me, int n, bool to_me, bool pairwise);
void bench_layout_free(struct bench_layout *l);
void bench_check_gaps(const int *buf, const struct shape *s, const struct bench_layout *l,
                      int n);

/* Calls the form of MPI_Xyz that the case asks for. */
#define CALL(b, Name, name, ...)                                                         \
    do {                                                                                 \
        if ((b)->c->form == COLL_BLOCKING) {                                             \
            MPI_##Name(__VA_ARGS__);                                                     \
        } else if ((b)->c->form == COLL_NONBLOCKING) {                                   \
            MPI_I##name(__VA_ARGS__, &(b)->request);                                     \
        } else {                                                                         \
            MPI_##Name##_init(__VA_ARGS__, MPI_INFO_NULL, &(b)->request);                \
            MPI_Start(&(b)->request);                                                    \
        }                                                                                \
    } while (0)

/* The cases by file. */
void case_reduction(struct bench *b, enum xmpi_coll_kind kind);
void case_neighbor(struct bench *b, enum xmpi_coll_kind kind);

#endif
