/* SPDX-License-Identifier: BSD-3-Clause */
/* Monotonic time in nanoseconds. */
#ifndef PX_CLOCK_H
#define PX_CLOCK_H

#include <stdint.h>
#include <time.h>

#define PX_MS 1000000ull
#define PX_SEC 1000000000ull
#define PX_NEVER UINT64_MAX

static inline uint64_t px_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * PX_SEC + (uint64_t)t.tv_nsec;
}

#endif
