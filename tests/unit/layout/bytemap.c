/* SPDX-License-Identifier: BSD-3-Clause */
/* The oracle: lists of bytes. */
#include "bytemap.h"
#include <stdlib.h>

struct bytemap bm_bytes(uint64_t n)
{
    struct bytemap b = {n, malloc((n + 1) * sizeof(int64_t)), true, 0, (int64_t)n};
    for (uint64_t i = 0; i < n; i++)
        b.at[i] = (int64_t)i;
    return b;
}

void bm_append(struct bytemap *to, const struct bytemap *child, uint64_t count, int64_t displ)
{
    to->at = realloc(to->at, (to->n + count * child->n + 1) * sizeof(int64_t));
    for (uint64_t c = 0; c < count; c++) {
        int64_t base = displ + (int64_t)c * bm_extent(child);
        for (uint64_t i = 0; i < child->n; i++)
            to->at[to->n++] = base + child->at[i];
        if (child->n == 0 && child->lb == 0 && child->ub == 0)
            continue;
        if (!to->bounded || base + child->lb < to->lb)
            to->lb = base + child->lb;
        if (!to->bounded || base + child->ub > to->ub)
            to->ub = base + child->ub;
        to->bounded = true;
    }
}

int64_t bm_extent(const struct bytemap *b)
{
    return b->ub - b->lb;
}

void bm_touched(const struct bytemap *b, int64_t *lo, int64_t *hi)
{
    *lo = *hi = 0;
    for (uint64_t i = 0; i < b->n; i++) {
        if (i == 0 || b->at[i] < *lo)
            *lo = b->at[i];
        if (i == 0 || b->at[i] + 1 > *hi)
            *hi = b->at[i] + 1;
    }
}

bool bm_dense(const struct bytemap *b)
{
    for (uint64_t i = 1; i < b->n; i++)
        if (b->at[i] != b->at[i - 1] + 1)
            return false;
    return bm_extent(b) == (int64_t)b->n && b->lb == (b->n ? b->at[0] : 0);
}

void bm_free(struct bytemap *b)
{
    free(b->at);
    *b = (struct bytemap){0};
}
