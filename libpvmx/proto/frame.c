/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames on a byte stream. */
#include "proto/frame.h"
#include "base/err.h"
#include "proto/reader.h"
#include <string.h>

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

static void put_u32(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 24);
    to[1] = (uint8_t)(v >> 16);
    to[2] = (uint8_t)(v >> 8);
    to[3] = (uint8_t)v;
}

pvmx_err pxp_reframe(struct px_buf *out, uint32_t serial, const uint8_t *body, size_t len)
{
    enum { HEAD = 1 + 5 + 5, ARRAY_OF_3 = 0x93, U32 = 0xce };
    struct pxp_reader r = {body, body + len};
    struct pxp_token t;
    uint32_t number = 0, old = 0;
    pvmx_err err = pxp_frame_head(body, len, &number, &old);
    if (err != PVMX_OK)
        return err;
    for (int i = 0; i < 3; i++) /* the array, number, serial */
        if (!pxp_read(&r, &t))
            return px_fail(PVMX_ERR_PROTO, "a frame without a head");
    size_t rest = (size_t)(r.end - r.at);
    uint8_t *to = px_buf_reserve(out, LENGTH_SIZE + HEAD + rest);
    if (to == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory to pass a message on");
    put_u32(to, (uint32_t)(HEAD + rest));
    to[4] = ARRAY_OF_3;
    to[5] = U32;
    put_u32(to + 6, number);
    to[10] = U32;
    put_u32(to + 11, serial);
    memcpy(to + LENGTH_SIZE + HEAD, r.at, rest);
    out->end += LENGTH_SIZE + HEAD + rest;
    return PVMX_OK;
}
