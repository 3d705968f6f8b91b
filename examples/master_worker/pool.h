/* SPDX-License-Identifier: BSD-3-Clause */
/* The workers: starts them, gives them blocks, takes results, replaces those that die. This is
 * all that the example has to do with MPI. */
#ifndef POOL_H
#define POOL_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POOL_AHEAD = 2, /* blocks that a worker holds: one in work, one on its way, to hide latency */
    BLOCK_TRIES = 5, /* a block that was with that many dying workers is given up                */
};

enum block_state { BLOCK_FREE, BLOCK_READY, BLOCK_OUT, BLOCK_DONE };

struct block {
    uint64_t seq;
    enum block_state state;
    int tries;
    void *owner;        /* for whoever made the block                           */
    unsigned char *in;  /* struct block_head, then len bytes                    */
    unsigned char *out; /* struct result_head, then out_len bytes               */
    size_t len, out_len;
    uint32_t crc;
};

struct worker {
    MPI_Comm comm;         /* to the job it was started in; MPI_COMM_NULL: it is gone   */
    int rank;              /* in that job                                               */
    unsigned pid;          /* 0: not known yet                                          */
    unsigned char *result; /* where the next one arrives         */
    struct block *blocks[POOL_AHEAD]; /* handed out, oldest first           */
    MPI_Request sends[POOL_AHEAD];
    int nblocks;
};

struct pool {
    const char *program;
    char *argv[3];
    size_t in_cap, out_cap;
    int nworkers, nlive, ndied;
    struct worker *workers;
    MPI_Request *recvs; /* one for each worker, always posted while it lives      */
    bool quiet;
};

/* Sizes of the two buffers of a block, heads included. */
size_t pool_in_size(size_t block_size);
size_t pool_out_size(size_t block_size);

/* What MPI_UNIVERSE_SIZE says; 1 when it is not known. */
int pool_universe_size(void);

/* Starts n workers. False: said why on stderr; the pool is as after pool_stop. */
bool pool_start(struct pool *pool, const char *program, int n, size_t block_size,
                int level, bool quiet);
/* Hands a READY block to the worker with the fewest; it becomes OUT. False: all have enough. */
bool pool_give(struct pool *pool, struct block *block);
/* Waits until a worker has sent a result, and returns the block, now DONE. NULL: a worker has died
 * instead; its blocks are READY again and a replacement has been tried. When nlive is 0 after that,
 * or a block has been tried too often (*bad), there is no point in going on. */
struct block *pool_collect(struct pool *pool, struct block **bad);
/* Ends the workers. */
void pool_stop(struct pool *pool);

#endif
