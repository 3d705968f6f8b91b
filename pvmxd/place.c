/* SPDX-License-Identifier: BSD-3-Clause */
/* Distributing tasks over hosts. */
#include "place.h"

static void give(struct place_host *h, uint32_t n)
{
    h->used += n;
    h->count += n;
}

/* Would one more task find less company on a than on b? */
static int lighter(const struct place_host *a, const struct place_host *b)
{
    uint64_t power_a =
        (uint64_t)(a->slots > 0 ? a->slots : 1) * (a->speed > 0 ? a->speed : 1);
    uint64_t power_b =
        (uint64_t)(b->slots > 0 ? b->slots : 1) * (b->speed > 0 ? b->speed : 1);
    return (double)(a->used + 1) * (double)power_b < (double)(b->used + 1) * (double)power_a;
}

void place_tasks(struct place_host *hosts, size_t nhosts, uint32_t n)
{
    for (size_t i = 0; i < nhosts; i++) {
        struct place_host *h = &hosts[i];
        uint32_t idle = h->slots > h->used ? h->slots - h->used : 0;
        uint32_t some = idle < n ? idle : n;
        h->count = 0;
        give(h, some);
        n -= some;
    }
    for (; n > 0; n--) {
        struct place_host *best = &hosts[0];
        for (size_t i = 1; i < nhosts; i++)
            if (lighter(&hosts[i], best))
                best = &hosts[i];
        give(best, 1);
    }
}
