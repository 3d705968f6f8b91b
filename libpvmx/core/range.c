/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of tasks as ranges. */
#include "core/range.h"

#include "core/ctx.h"

size_t px_ranges_of(const pvmx_tid *tids, int32_t n, struct pxp_range *out)
{
    size_t k = 0;
    for (int32_t i = 0; i < n; i++) {
        pvmx_tid t = tids[i] ? tids[i] : px_ctx.tid;
        if (k && t == out[k - 1].first + (int32_t)out[k - 1].count)
            out[k - 1].count++;
        else
            out[k++] = (struct pxp_range){t, 1};
    }
    return k;
}

size_t px_ranges_total(const struct pxp_range *r, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n && sum <= (size_t)PX_NSLOTS * 4096; i++)
        sum += r[i].count;
    return sum;
}

pvmx_tid *px_ranges_expand(pvmx_tid *to, const struct pxp_range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < r[i].count; k++)
            *to++ = r[i].first + (pvmx_tid)k;
    return to;
}
