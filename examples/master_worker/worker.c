/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker: takes a block from its parent, compresses it, sends it back, until told to stop. */
#include "blocks.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* Makes raw deflate data of in[0..n) that ends at a byte boundary and is not the end of the stream,
 * so that the results of all workers, one after the other, are one deflate stream. */
static size_t compress_block(z_stream *z, unsigned char *in, size_t n, unsigned char *out,
                             size_t cap)
{
    z->next_in = in;
    z->avail_in = (uInt)n;
    z->next_out = out;
    z->avail_out = (uInt)cap;
    if (deflateReset(z) != Z_OK || deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in > 0 ||
        z->avail_out == 0) {
        fprintf(stderr, "worker: zlib could not compress a block of %zu bytes\n", n);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return cap - z->avail_out;
}

/* While one block is being compressed the next one is already on its way into the other buffer. */
static void work(MPI_Comm parent, size_t block_size, int level)
{
    size_t in_cap = sizeof(struct block_head) + block_size;
    size_t out_cap = compressed_bound(block_size);
    unsigned char *in[2] = {malloc(in_cap), malloc(in_cap)};
    unsigned char *out = malloc(sizeof(struct result_head) + out_cap);
    z_stream z = {0};
    if (!in[0] || !in[1] || !out ||
        deflateInit2(&z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        fprintf(stderr, "worker: not enough memory for blocks of %zu bytes\n", block_size);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    MPI_Request next;
    MPI_Irecv(in[0], (int)in_cap, MPI_BYTE, 0, MPI_ANY_TAG, parent, &next);
    for (int now = 0;; now = !now) {
        MPI_Status status;
        MPI_Wait(&next, &status);
        if (status.MPI_TAG == TAG_STOP)
            break;
        MPI_Irecv(in[!now], (int)in_cap, MPI_BYTE, 0, MPI_ANY_TAG, parent, &next);

        int len;
        struct block_head block;
        MPI_Get_count(&status, MPI_BYTE, &len);
        memcpy(&block, in[now], sizeof block);
        unsigned char *data = in[now] + sizeof block;
        size_t n = (size_t)len - sizeof block;

        struct result_head result = {.seq = block.seq, .pid = (uint32_t)getpid()};
        result.crc = (uint32_t)crc32(0, data, (uInt)n);
        memcpy(out, &result, sizeof result);
        size_t size = compress_block(&z, data, n, out + sizeof result, out_cap);
        MPI_Send(out, (int)(sizeof result + size), MPI_BYTE, 0, TAG_RESULT, parent);
    }
    deflateEnd(&z);
    free(in[0]);
    free(in[1]);
    free(out);
}

int main(int argc, char **argv)
{
    MPI_Comm parent;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent == MPI_COMM_NULL || argc != 3) {
        fprintf(stderr,
                "worker: I am started by master, not by hand: ./master FILE...\n");
        MPI_Finalize();
        return 2;
    }
    work(parent, strtoul(argv[1], NULL, 10), atoi(argv[2]));
    MPI_Comm_disconnect(&parent);
    MPI_Finalize();
    return 0;
}
