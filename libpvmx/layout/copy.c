/* SPDX-License-Identifier: BSD-3-Clause */
/* Inner loops, one for each common size: a copy of constant size is a load and a store. */
#include "layout/copy.h"
#include <string.h>

/* The sizes of numbers, of small vectors of them, and of pairs. */
#define FOR_SIZES(X) X(1) X(2) X(3) X(4) X(6) X(8) X(12) X(16) X(20) X(24) X(32)

void px_copy_strided(char *to, int64_t to_step, const char *from, int64_t from_step,
                     uint64_t n, size_t len)
{
#define ONE(size, k) memcpy(to + (k)*to_step, from + (k)*from_step, (size));
#define CASE(size)                                                                       \
    case size:                                                                           \
        for (; n >= 4; n -= 4, to += 4 * to_step, from += 4 * from_step) {               \
            ONE(size, 0)                                                                 \
            ONE(size, 1)                                                                 \
            ONE(size, 2)                                                                 \
            ONE(size, 3)                                                                 \
        }                                                                                \
        for (; n > 0; n--, to += to_step, from += from_step)                             \
            ONE(size, 0)                                                                 \
        break;
    switch (len) {
        FOR_SIZES(CASE)
    default:
        for (; n > 0; n--, to += to_step, from += from_step)
            memcpy(to, from, len);
    }
#undef CASE
#undef ONE
}

void px_copy_gather(char *to, const char *mem, const int64_t *at, uint64_t n, size_t len)
{
#define CASE(size)                                                                       \
    case size:                                                                           \
        for (uint64_t k = 0; k < n; k++)                                                 \
            memcpy(to + k * (size), mem + at[k], (size));                                \
        break;
    switch (len) {
        FOR_SIZES(CASE)
    default:
        for (uint64_t k = 0; k < n; k++)
            memcpy(to + k * len, mem + at[k], len);
    }
#undef CASE
}

void px_copy_scatter(char *mem, const int64_t *at, const char *from, uint64_t n, size_t len)
{
#define CASE(size)                                                                       \
    case size:                                                                           \
        for (uint64_t k = 0; k < n; k++)                                                 \
            memcpy(mem + at[k], from + k * (size), (size));                              \
        break;
    switch (len) {
        FOR_SIZES(CASE)
    default:
        for (uint64_t k = 0; k < n; k++)
            memcpy(mem + at[k], from + k * len, len);
    }
#undef CASE
}
