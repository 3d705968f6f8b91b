/* SPDX-License-Identifier: BSD-3-Clause */
/* See pool.h. The errors of a communicator are returned, not fatal: that is what lets a master
 * outlive its workers. A receive from one named worker fails when that worker dies, so the index that
 * MPI_Waitany returns with the error says who it was. */
#include "pool.h"

#include "bar.h"
#include "blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t pool_in_size(size_t block_size)
{
    return sizeof(struct block_head) + block_size;
}

size_t pool_out_size(size_t block_size)
{
    return sizeof(struct result_head) + compressed_bound(block_size);
}

int pool_universe_size(void)
{
    int *size, known;
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, &size, &known);
    return known && *size > 0 ? *size : 1;
}

static void say_mpi_error(const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int len = 0;
    if (MPI_Error_string(code, text, &len) != MPI_SUCCESS)
        len = snprintf(text, sizeof text, "MPI error %d", code);
    bar_message("%s: %.*s", what, len, text);
}

static void post_receive(struct pool *pool, int i)
{
    struct worker *w = &pool->workers[i];
    int err = MPI_Irecv(w->result, (int)pool->out_cap, MPI_BYTE, w->rank, TAG_RESULT,
                        w->comm, &pool->recvs[i]);
    if (err != MPI_SUCCESS)
        pool->recvs[i] = MPI_REQUEST_NULL;
}

/* Gives a job's communicator back when no entry uses it any more. */
static void release_comm(struct pool *pool, MPI_Comm comm)
{
    for (int i = 0; i < pool->nworkers; i++)
        if (pool->workers[i].comm == comm)
            return;
    if (comm != MPI_COMM_NULL)
        MPI_Comm_disconnect(&comm);
}

/* Starts n workers as one job and puts them into the entries first, first + 1, ... */
static int start_job(struct pool *pool, int first, int n)
{
    MPI_Comm comm;
    int err = MPI_Comm_spawn(pool->program, pool->argv, n, MPI_INFO_NULL, 0,
                             MPI_COMM_SELF, &comm, MPI_ERRCODES_IGNORE);
    if (err != MPI_SUCCESS)
        return err;
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    for (int i = 0; i < n; i++) {
        struct worker *w = &pool->workers[first + i];
        w->comm = comm;
        w->rank = i;
        w->pid = 0;
        w->nblocks = 0;
        pool->nlive++;
        post_receive(pool, first + i);
    }
    return MPI_SUCCESS;
}

bool pool_start(struct pool *pool, const char *program, int n, size_t block_size,
                int level, bool quiet)
{
    static char block_arg[24], level_arg[8];
    snprintf(block_arg, sizeof block_arg, "%zu", block_size);
    snprintf(level_arg, sizeof level_arg, "%d", level);
    *pool = (struct pool){
        .program = program,
        .argv = {block_arg, level_arg, NULL},
        .in_cap = pool_in_size(block_size),
        .out_cap = pool_out_size(block_size),
        .nworkers = n,
        .workers = calloc((size_t)n, sizeof *pool->workers),
        .recvs = malloc((size_t)n * sizeof *pool->recvs),
        .quiet = quiet,
    };
    bool ok = pool->workers && pool->recvs;
    for (int i = 0; ok && i < n; i++) {
        pool->recvs[i] = MPI_REQUEST_NULL;
        pool->workers[i].comm = MPI_COMM_NULL;
        ok = (pool->workers[i].result = malloc(pool->out_cap)) != NULL;
    }
    if (!ok) {
        bar_message("not enough memory for %d workers with blocks of %zu bytes", n,
                    block_size);
        pool_stop(pool);
        return false;
    }
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    int err = start_job(pool, 0, n);
    if (err != MPI_SUCCESS) {
        char what[600];
        snprintf(what, sizeof what, "cannot start %d worker%s (%.500s)", n,
                 n == 1 ? "" : "s", program);
        say_mpi_error(what, err);
        pool_stop(pool);
    }
    return err == MPI_SUCCESS;
}

bool pool_give(struct pool *pool, struct block *block)
{
    struct worker *to = NULL;
    for (int i = 0; i < pool->nworkers; i++) {
        struct worker *w = &pool->workers[i];
        if (w->comm != MPI_COMM_NULL && w->nblocks < POOL_AHEAD &&
            (!to || w->nblocks < to->nblocks))
            to = w;
    }
    if (!to)
        return false;
    struct block_head head = {.seq = block->seq};
    memcpy(block->in, &head, sizeof head);
    MPI_Request *req = &to->sends[to->nblocks];
    if (MPI_Isend(block->in, (int)(sizeof head + block->len), MPI_BYTE, to->rank,
                  TAG_BLOCK, to->comm, req) != MPI_SUCCESS)
        *req = MPI_REQUEST_NULL; /* it has just died: its receive will say so */
    to->blocks[to->nblocks++] = block;
    block->state = BLOCK_OUT;
    return true;
}

/* Worker i is dead: its blocks are to be done by others, and a new worker takes its place. */
static void replace(struct pool *pool, int i, struct block **bad)
{
    struct worker *w = &pool->workers[i];
    char who[64], tail[200];
    int n = w->nblocks;
    for (int k = 0; k < n; k++) {
        MPI_Wait(&w->sends[k], MPI_STATUS_IGNORE);
        w->blocks[k]->state = BLOCK_READY;
        /* Only the oldest one can have been in work: the others are not to blame. */
        if (k == 0 && ++w->blocks[k]->tries >= BLOCK_TRIES)
            *bad = w->blocks[k];
    }
    if (w->pid)
        snprintf(who, sizeof who, "worker %d (process %u)", i, w->pid);
    else
        snprintf(who, sizeof who, "worker %d", i);
    w->nblocks = 0;
    MPI_Comm comm = w->comm;
    w->comm = MPI_COMM_NULL;
    pool->recvs[i] = MPI_REQUEST_NULL;
    pool->nlive--;
    release_comm(pool, comm);
    pool->ndied++;
    int err = start_job(pool, i, 1);
    if (err == MPI_SUCCESS)
        snprintf(tail, sizeof tail, "a new worker takes its place");
    else
        snprintf(tail, sizeof tail, "no replacement could be started, %d left", pool->nlive);
    if (!pool->quiet || err != MPI_SUCCESS)
        bar_message("%s has died; its %d block%s to be done again; %s", who, n,
                    n == 1 ? " is" : "s are", tail);
}

struct block *pool_collect(struct pool *pool, struct block **bad)
{
    MPI_Status status;
    int i = MPI_UNDEFINED, len;
    int err = MPI_SUCCESS;
    for (int k = 0; k < pool->nworkers; k++)
        if (pool->workers[k].comm != MPI_COMM_NULL && pool->recvs[k] == MPI_REQUEST_NULL)
            i = k; /* known to be dead already when its receive was to be posted */
    if (i == MPI_UNDEFINED)
        err = MPI_Waitany(pool->nworkers, pool->recvs, &i, &status);
    else
        err = MPI_ERR_OTHER;
    if (i == MPI_UNDEFINED)
        return NULL;
    if (err != MPI_SUCCESS) {
        replace(pool, i, bad);
        return NULL;
    }
    struct worker *w = &pool->workers[i];
    struct result_head head;
    MPI_Get_count(&status, MPI_BYTE, &len);
    memcpy(&head, w->result, sizeof head);
    struct block *block = NULL;
    for (int k = 0; k < w->nblocks && !block; k++) {
        if (w->blocks[k]->seq != head.seq)
            continue;
        block = w->blocks[k];
        MPI_Wait(&w->sends[k], MPI_STATUS_IGNORE);
        w->nblocks--;
        memmove(&w->blocks[k], &w->blocks[k + 1],
                (size_t)(w->nblocks - k) * sizeof *w->blocks);
        memmove(&w->sends[k], &w->sends[k + 1], (size_t)(w->nblocks - k) * sizeof *w->sends);
    }
    if (block) {
        unsigned char *result = w->result;
        w->result = block->out; /* no copy: the two buffers change places */
        block->out = result;
        block->out_len = (size_t)len - sizeof head;
        block->crc = head.crc;
        block->state = BLOCK_DONE;
        w->pid = head.pid;
    }
    post_receive(pool, i);
    return block;
}

/* Takes the results of what worker i still has (after an error: there is none on a normal end), so that
 * it is not left waiting with a message that nobody wants; then tells it to stop. */
static void dismiss(struct pool *pool, int i)
{
    struct worker *w = &pool->workers[i];
    int err = MPI_SUCCESS;
    for (int k = 0; k < w->nblocks && err == MPI_SUCCESS; k++) {
        err = MPI_Wait(&pool->recvs[i], MPI_STATUS_IGNORE);
        if (err == MPI_SUCCESS)
            post_receive(pool, i);
    }
    for (int k = 0; k < w->nblocks; k++)
        MPI_Wait(&w->sends[k], MPI_STATUS_IGNORE);
    if (pool->recvs[i] != MPI_REQUEST_NULL) {
        MPI_Cancel(&pool->recvs[i]);
        MPI_Wait(&pool->recvs[i], MPI_STATUS_IGNORE);
    }
    MPI_Send(NULL, 0, MPI_BYTE, w->rank, TAG_STOP, w->comm);
}

void pool_stop(struct pool *pool)
{
    for (int i = 0; i < pool->nworkers && pool->workers && pool->recvs; i++)
        if (pool->workers[i].comm != MPI_COMM_NULL)
            dismiss(pool, i);
    for (int i = 0; i < pool->nworkers && pool->workers; i++) {
        /* All workers of a job share one communicator: the last of them gives it back. */
        MPI_Comm comm = pool->workers[i].comm;
        pool->workers[i].comm = MPI_COMM_NULL;
        release_comm(pool, comm);
        free(pool->workers[i].result);
    }
    free(pool->workers);
    free(pool->recvs);
    *pool = (struct pool){0};
}
