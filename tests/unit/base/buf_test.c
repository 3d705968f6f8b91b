/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers: order of bytes through growth, moving down and consuming. */
#include "base/buf.h"
#include <criterion/criterion.h>
#include <stdlib.h>

Test(buf, keeps_the_order_of_bytes_through_random_appends_and_consumes)
{
    struct px_buf b = {0};
    uint8_t in = 0, out = 0;
    size_t held = 0;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[700];
        size_t n = (size_t)rand() % sizeof bytes;
        if (rand() % 2) {
            for (size_t i = 0; i < n; i++)
                bytes[i] = in++;
            cr_assert_eq(px_buf_append(&b, bytes, n), PVMX_OK);
            held += n;
        } else {
            n = n < held ? n : held;
            for (size_t i = 0; i < n; i++)
                cr_assert_eq(px_buf_head(&b)[i], out++);
            px_buf_consume(&b, n);
            held -= n;
        }
        cr_assert_eq(px_buf_len(&b), held);
    }
    px_buf_free(&b);
}

Test(buf, a_long_lived_queue_does_not_grow)
{
    struct px_buf b = {0};
    uint8_t bytes[100] = {0};
    cr_assert_eq(px_buf_append(&b, bytes, 50), PVMX_OK);
    for (int i = 0; i < 100000; i++) {
        cr_assert_eq(px_buf_append(&b, bytes, sizeof bytes), PVMX_OK);
        px_buf_consume(&b, sizeof bytes);
    }
    cr_assert_leq(b.cap, 1024);
    px_buf_free(&b);
}

Test(buf, refuses_a_size_that_cannot_be)
{
    struct px_buf b = {0};
    cr_assert_null(px_buf_reserve(&b, SIZE_MAX));
    cr_assert_eq(px_buf_append(&b, "x", 1), PVMX_OK);
    cr_assert_null(px_buf_reserve(&b, SIZE_MAX - 1));
    cr_assert_eq(px_buf_len(&b), 1);
    px_buf_free(&b);
}

Test(buf, consuming_more_than_there_is_empties_it)
{
    struct px_buf b = {0};
    px_buf_consume(&b, 3);
    cr_assert_eq(px_buf_append(&b, "abc", 3), PVMX_OK);
    px_buf_consume(&b, 99);
    cr_assert_eq(px_buf_len(&b), 0);
    px_buf_free(&b);
    px_buf_free(&b);
    cr_assert_eq(px_buf_append(&b, NULL, 0), PVMX_OK);
}
