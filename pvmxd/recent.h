/* SPDX-License-Identifier: BSD-3-Clause */
/* How often something has happened lately: everything within the last window is counted, and what is
 * up to an eighth of a window older. No memory but this; the clock is the caller's. */
#ifndef RECENT_H
#define RECENT_H

#include <stdint.h>
#include <string.h>

enum { RECENT_PARTS = 8 };

struct recent {
    uint32_t parts[RECENT_PARTS + 1]; /* the last one, and as many before it as make a window */
    uint64_t last;                    /* number of the last part since the clock's zero */
};

/* It has happened once more; returns how often within the window (> 0, the clock's unit) up to now. */
static inline uint32_t recent_count(struct recent *r, uint64_t now, uint64_t window)
{
    enum { N = RECENT_PARTS + 1 };
    uint64_t part = now / (window / RECENT_PARTS + 1);
    uint32_t sum = 0;
    if (part - r->last >= N)
        memset(r->parts, 0, sizeof r->parts);
    else
        for (uint64_t p = r->last + 1; p <= part; p++)
            r->parts[p % N] = 0;
    r->last = part;
    r->parts[part % N]++;
    for (int i = 0; i < N; i++)
        sum += r->parts[i];
    return sum;
}

#endif
