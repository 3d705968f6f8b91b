/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames: any splitting of the stream, limits, heads. */
#include "proto/frame.h"
#include "sample.h"
#include <criterion/criterion.h>
#include <string.h>

static void put_frame(struct px_buf *b, size_t len, uint8_t fill)
{
    uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                       (uint8_t)len};
    cr_assert_eq(px_buf_append(b, head, 4), PVMX_OK);
    cr_assert_not_null(px_buf_reserve(b, len + 1));
    memset(b->data + b->end, fill, len);
    b->end += len;
}

Test(frame, comes_out_whole_however_the_stream_is_split)
{
    static const size_t sizes[] = {0, 1, 3, 4, 5, 255, 256, 65535, 65536, 70000};
    enum { N = sizeof sizes / sizeof sizes[0] };
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct px_buf all = {0}, in = {0};
        struct dice d = {seed};
        size_t got = 0, len;
        const uint8_t *body;
        for (size_t i = 0; i < N; i++)
            put_frame(&all, sizes[i], (uint8_t)i);
        while (px_buf_len(&all) > 0) {
            size_t n = 1 + dice_below(&d, seed < 10 ? 5000 : 100000);
            n = n < px_buf_len(&all) ? n : px_buf_len(&all);
            px_buf_append(&in, px_buf_head(&all), n);
            px_buf_consume(&all, n);
            while (pxp_frame_next(&in, 70000, &body, &len) == PVMX_OK) {
                cr_assert_eq(len, sizes[got]);
                for (size_t k = 0; k < len; k++)
                    cr_assert_eq(body[k], got);
                got++;
                pxp_frame_drop(&in);
            }
        }
        cr_assert_eq(got, N);
        cr_assert_eq(px_buf_len(&in), 0);
        px_buf_free(&all);
        px_buf_free(&in);
    }
}

Test(frame, a_length_beyond_the_limit_is_known_from_its_head)
{
    struct px_buf in = {0};
    const uint8_t *body;
    size_t len;
    px_buf_append(&in, "\x00\x00\x10", 3);
    cr_assert_eq(pxp_frame_next(&in, PXP_HELLO_MAX, &body, &len), PVMX_ERR_AGAIN);
    px_buf_append(&in, "\x01", 1);
    cr_assert_eq(pxp_frame_next(&in, PXP_HELLO_MAX, &body, &len), PVMX_ERR_TOOBIG);
    cr_assert_not_null(strstr(pvmx_last_error(), "4097"));
    px_buf_free(&in);
    px_buf_append(&in, "GET / HTTP/1.1\r\n", 16);
    cr_assert_eq(pxp_frame_next(&in, PXP_FRAME_MAX, &body, &len), PVMX_ERR_TOOBIG);
    px_buf_free(&in);
}

Test(frame, heads)
{
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t number, serial;
    } heads[] = {
        {"\x93\x05\x07\x80", 4, 5, 7},
        {"\xdc\x00\x03\xcd\x01\x00\xce\xff\xff\xff\xff\x80", 12, 256, UINT32_MAX},
        {"\x94\x05\x07\x80\xc0", 5, 5, 7},
        {"", 0, 0, 0},
        {"\x93", 1, 0, 0},
        {"\x93\x05", 2, 0, 0},
        {"\x92\x05\x07", 3, 0, 0},
        {"\x93\x00\x07\x80", 4, 0, 0},
        {"\x93\xff\x07\x80", 4, 0, 0},
        {"\x93\xa1x\x07\x80", 5, 0, 0},
        {"\x93\xcf\x00\x00\x00\x01\x00\x00\x00\x00\x07\x80", 12, 0, 0},
        {"\x83\x05\x07\x80\x80\x80\x80", 7, 0, 0},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        uint32_t number = 0, serial = 0;
        pvmx_err err =
            pxp_frame_head((const uint8_t *)heads[i].bytes, heads[i].len, &number, &serial);
        cr_assert_eq(err, heads[i].number ? PVMX_OK : PVMX_ERR_PROTO, "%zu", i);
        cr_assert_eq(number, heads[i].number);
        cr_assert_eq(serial, heads[i].serial);
    }
}
