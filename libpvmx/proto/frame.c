/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames on a byte stream. */
#include "proto/frame.h"
#include "base/err.h"

enum { LENGTH_SIZE = 4 };

static size_t length_at(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

pvmx_err pxp_frame_next(const struct px_buf *in, size_t max, const uint8_t **body, size_t *len)
{
    size_t have = px_buf_len(in);
    if (have < LENGTH_SIZE)
        return PVMX_ERR_AGAIN;
    size_t n = length_at(px_buf_head(in));
    if (n > max)
        return px_fail(PVMX_ERR_TOOBIG, "a frame of %zu bytes where %zu are allowed", n, max);
    if (have - LENGTH_SIZE < n)
        return PVMX_ERR_AGAIN;
    *body = px_buf_head(in) + LENGTH_SIZE;
    *len = n;
    return PVMX_OK;
}

void pxp_frame_drop(struct px_buf *in)
{
    if (px_buf_len(in) >= LENGTH_SIZE)
        px_buf_consume(in, LENGTH_SIZE + length_at(px_buf_head(in)));
}
