/* SPDX-License-Identifier: BSD-3-Clause */
/* Msgpack tokens: every format of the specification, cut at every byte, and counts that lie. */
#include "proto/reader.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define B(s) s, sizeof(s) - 1

static const struct {
    const char *bytes;
    size_t len;
    enum pxp_kind kind;
    uint64_t u;
    int64_t i;
} tokens[] = {
    {B("\x00"), PXP_K_UINT, 0, 0},
    {B("\x7f"), PXP_K_UINT, 127, 0},
    {B("\xcc\xff"), PXP_K_UINT, 255, 0},
    {B("\xcd\x01\x02"), PXP_K_UINT, 0x102, 0},
    {B("\xce\x01\x02\x03\x04"), PXP_K_UINT, 0x1020304, 0},
    {B("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), PXP_K_UINT, UINT64_MAX, 0},
    {B("\xff"), PXP_K_NINT, 0, -1},
    {B("\xe0"), PXP_K_NINT, 0, -32},
    {B("\xd0\x80"), PXP_K_NINT, 0, -128},
    {B("\xd0\x05"), PXP_K_UINT, 5, 0},
    {B("\xd1\x80\x00"), PXP_K_NINT, 0, -32768},
    {B("\xd2\x80\x00\x00\x00"), PXP_K_NINT, 0, INT32_MIN},
    {B("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), PXP_K_NINT, 0, INT64_MIN},
    {B("\xd3\x00\x00\x00\x00\x00\x00\x00\x09"), PXP_K_UINT, 9, 0},
    {B("\xc0"), PXP_K_NIL, 0, 0},
    {B("\xc2"), PXP_K_BOOL, 0, 0},
    {B("\xc3"), PXP_K_BOOL, 1, 0},
    {B("\xca\x00\x00\x00\x00"), PXP_K_FLOAT, 0, 0},
    {B("\xcb\x00\x00\x00\x00\x00\x00\x00\x00"), PXP_K_FLOAT, 0, 0},
    {B("\xa3"
       "abc"),
     PXP_K_STR, 3, 0},
    {B("\xd9\x02"
       "ab"),
     PXP_K_STR, 2, 0},
    {B("\xda\x00\x01"
       "a"),
     PXP_K_STR, 1, 0},
    {B("\xdb\x00\x00\x00\x01"
       "a"),
     PXP_K_STR, 1, 0},
    {B("\xc4\x01"
       "a"),
     PXP_K_BIN, 1, 0},
    {B("\xc5\x00\x01"
       "a"),
     PXP_K_BIN, 1, 0},
    {B("\xc6\x00\x00\x00\x01"
       "a"),
     PXP_K_BIN, 1, 0},
    {B("\xc7\x02\x07"
       "ab"),
     PXP_K_EXT, 2, 0},
    {B("\xc8\x00\x02\x07"
       "ab"),
     PXP_K_EXT, 2, 0},
    {B("\xc9\x00\x00\x00\x02\x07"
       "ab"),
     PXP_K_EXT, 2, 0},
    {B("\xd4\x01"
       "a"),
     PXP_K_EXT, 1, 0},
    {B("\xd5\x01"
       "ab"),
     PXP_K_EXT, 2, 0},
    {B("\xd6\x01"
       "abcd"),
     PXP_K_EXT, 4, 0},
    {B("\xd7\x01"
       "abcdefgh"),
     PXP_K_EXT, 8, 0},
    {B("\xd8\x01"
       "abcdefghijklmnop"),
     PXP_K_EXT, 16, 0},
    {B("\x92\x01\x02"), PXP_K_ARRAY, 2, 0},
    {B("\xdc\x00\x02\x01\x02"), PXP_K_ARRAY, 2, 0},
    {B("\xdd\x00\x00\x00\x02\x01\x02"), PXP_K_ARRAY, 2, 0},
    {B("\x81\x01\x02"), PXP_K_MAP, 1, 0},
    {B("\xde\x00\x01\x01\x02"), PXP_K_MAP, 1, 0},
    {B("\xdf\x00\x00\x00\x01\x01\x02"), PXP_K_MAP, 1, 0},
};

Test(reader, every_format_whole_and_cut_at_every_byte)
{
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        for (size_t cut = 0; cut <= tokens[i].len; cut++) {
            /* An exact copy, so that a sanitizer sees a read beyond the end. */
            uint8_t *copy = malloc(cut + 1);
            memcpy(copy, tokens[i].bytes, cut);
            copy = realloc(copy, cut > 0 ? cut : 1);
            struct pxp_reader r = {copy, copy + cut}, whole = r;
            struct pxp_token t = {0};
            bool ok = pxp_read(&r, &t);
            cr_assert_eq(pxp_skip(&whole), cut == tokens[i].len, "%zu cut at %zu", i, cut);
            if (cut == tokens[i].len) {
                cr_assert(ok);
                cr_assert_eq(t.kind, tokens[i].kind, "%zu", i);
                if (t.kind == PXP_K_NINT)
                    cr_assert_eq(t.i, tokens[i].i);
                else
                    cr_assert_eq(t.u, tokens[i].u);
                cr_assert_eq(whole.at, whole.end);
            }
            free(copy);
        }
    }
}

Test(reader, counts_that_lie_are_refused_before_anything_is_allocated)
{
    static const char *const lies[] = {"\xdd\xff\xff\xff\xff", "\xdf\x7f\xff\xff\xff",
                                       "\xdf\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff",
                                       "\xc6\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct pxp_reader r = {(const uint8_t *)lies[i], (const uint8_t *)lies[i] + 5};
        struct pxp_token t;
        cr_assert_not(pxp_read(&r, &t));
    }
    struct pxp_reader never = {(const uint8_t *)"\xc1", (const uint8_t *)"\xc1" + 1};
    cr_assert_not(pxp_skip(&never));
}

Test(reader, skips_a_million_levels_without_a_stack)
{
    enum { DEEP = 1000000 };
    uint8_t *bytes = malloc(DEEP + 1);
    memset(bytes, 0x91, DEEP);
    bytes[DEEP] = 0xc0;
    struct pxp_reader r = {bytes, bytes + DEEP + 1};
    cr_assert(pxp_skip(&r));
    cr_assert_eq(r.at, r.end);
    r = (struct pxp_reader){bytes, bytes + DEEP};
    cr_assert_not(pxp_skip(&r));
    free(bytes);
}
