/* SPDX-License-Identifier: BSD-3-Clause */
/* What master and worker say to each other: two tags, and a header in front of the bytes.
 *
 *   master -> worker   TAG_BLOCK  struct block_head, then the block's bytes
 *                      TAG_STOP   nothing: no more work
 *   worker -> master   TAG_RESULT struct result_head, then the compressed bytes
 *
 * A worker's arguments are the block size in bytes and the level of compression (1-9). */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdint.h>

enum { TAG_BLOCK = 1, TAG_STOP = 2, TAG_RESULT = 3 };

struct block_head {
    uint64_t seq; /* the block's number over all files; comes back with the result */
};

struct result_head {
    uint64_t seq;
    uint32_t crc; /* CRC-32 of the bytes before compression */
    uint32_t pid; /* so that the master can name a worker   */
};

/* The most that raw deflate with one sync flush can make of n bytes: stored blocks of at most 16 KiB
 * (the smallest that zlib's default memory level makes) with 5 bytes each, and the flush marker. */
static inline uint64_t compressed_bound(uint64_t n)
{
    return n + 5 * (n / 16383 + 1) + 16;
}

#endif
