/* SPDX-License-Identifier: BSD-3-Clause */
/* XDR: numbers in big-endian order, short ones widened to four bytes. */
#ifndef P3_SWAP_H
#define P3_SWAP_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* n numbers of 4 or 8 bytes, either way; two of 4 bytes in one swap. */
static inline void p3_swap4(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    uint64_t v;
    uint32_t w;
    for (; n >= 2; n -= 2, t += 8, f += 8) {
        memcpy(&v, f, 8);
        v = htobe64(v);
        if (htobe32(1) != 1)
            v = v << 32 | v >> 32;
        memcpy(t, &v, 8);
    }
    if (n) {
        memcpy(&w, f, 4);
        w = htobe32(w);
        memcpy(t, &w, 4);
    }
}

static inline void p3_swap8(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    for (; n; n--, t += 8, f += 8) {
        uint64_t v;
        memcpy(&v, f, 8);
        v = htobe64(v);
        memcpy(t, &v, 8);
    }
}

/* Shorts are four bytes on the wire. */
static inline void p3_widen2(void *to, const void *from, size_t n, int is_signed)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t v;
        memcpy(&v, (const char *)from + 2 * i, 2);
        uint32_t w = htobe32(is_signed ? (uint32_t)(int32_t)(int16_t)v : v);
        memcpy((char *)to + 4 * i, &w, 4);
    }
}

static inline void p3_narrow2(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t w;
        memcpy(&w, (const char *)from + 4 * i, 4);
        uint16_t v = (uint16_t)be32toh(w);
        memcpy((char *)to + 2 * i, &v, 2);
    }
}

#endif
