/* SPDX-License-Identifier: BSD-3-Clause */
/* Every parser of the protocol against random, truncated and mutated bytes. A fixed seed and a
 * fixed number of rounds; the sanitizers' builds run the same. */
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/trace.h"
#include "sample.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Decodes an exact copy, so that a sanitizer sees any access beyond the end; what was accepted
 * must be usable: encode it again. */
static pvmx_err decode_copy(const struct pxp_desc *desc, const uint8_t *body, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    struct pxp_zone z = {0};
    struct px_buf again = {0};
    char text[200], *m = malloc(desc->size);
    memcpy(copy, body, len);
    pvmx_err err = pxp_decode(desc, copy, len, m, &z);
    cr_assert(err == PVMX_OK || err == PVMX_ERR_PROTO || err == PVMX_ERR_TOOBIG, "%d", err);
    cr_assert_leq(z.total, PXP_ZONE_MAX);
    if (err == PVMX_OK)
        cr_assert_eq(pxp_encode(desc, &again, 1, m), PVMX_OK);
    pxp_describe(copy, len, text, 1 + len % sizeof text);
    cr_assert_lt(strlen(text), sizeof text);
    px_buf_free(&again);
    pxp_zone_free(&z);
    free(copy);
    free(m);
    return err;
}

static void copy_piece(struct dice *d, uint8_t *bytes, size_t len)
{
    size_t to = dice_below(d, len), from = dice_below(d, len);
    size_t room = len - (to > from ? to : from);
    memmove(bytes + to, bytes + from, 1 + dice_below(d, room));
}

static void mutate(struct dice *d, uint8_t *bytes, size_t len)
{
    static const uint8_t marks[] = {0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xcf,
                                    0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xff, 0x00};
    for (size_t i = 1 + dice_below(d, 4); i > 0 && len > 0; i--) {
        uint8_t *at = &bytes[dice_below(d, len)];
        switch (dice_below(d, 4)) {
        case 0:
            *at = (uint8_t)dice_roll(d);
            break;
        case 1:
            *at ^= (uint8_t)(1u << dice_below(d, 8));
            break;
        case 2:
            *at = marks[dice_below(d, sizeof marks)];
            break;
        default: /* a piece from elsewhere */
            copy_piece(d, bytes, len);
            break;
        }
    }
}

/* A valid body of a random message. */
static uint8_t *valid_body(struct dice *d, const struct pxp_desc *desc, size_t *len)
{
    struct pxp_zone z = {0};
    struct px_buf out = {0};
    cr_assert_eq(pxp_encode(desc, &out, 1, sample_message(d, desc, dice_below(d, 12), &z)),
                 PVMX_OK);
    const uint8_t *body = sample_body(&out, len);
    uint8_t *copy = malloc(*len);
    memcpy(copy, body, *len);
    px_buf_free(&out);
    pxp_zone_free(&z);
    return copy;
}

static const struct pxp_desc *any_desc(struct dice *d)
{
    size_t n;
    const struct pxp_desc *const *descs = pxp_descs(&n);
    return descs[dice_below(d, n)];
}

Test(fuzz, every_truncation_of_every_message_is_refused)
{
    size_t n, len;
    const struct pxp_desc *const *descs = pxp_descs(&n);
    struct dice d = {11};
    for (size_t i = 0; i < n; i++)
        for (int round = 0; round < 8; round++) {
            uint8_t *body = valid_body(&d, descs[i], &len);
            for (size_t cut = 0; cut < len && cut < 2000; cut++)
                cr_assert_eq(decode_copy(descs[i], body, cut), PVMX_ERR_PROTO);
            cr_assert_eq(decode_copy(descs[i], body, len), PVMX_OK);
            free(body);
        }
}

Test(fuzz, mutated_messages)
{
    struct dice d = {12};
    unsigned accepted = 0, refused = 0;
    for (int round = 0; round < 250000; round++) {
        size_t len;
        const struct pxp_desc *desc = any_desc(&d);
        uint8_t *body = valid_body(&d, desc, &len);
        mutate(&d, body, len);
        if (decode_copy(desc, body, len) == PVMX_OK)
            accepted++;
        else
            refused++;
        free(body);
    }
    /* Both kinds must occur, else this tests nothing. */
    cr_assert_gt(accepted, 1000);
    cr_assert_gt(refused, 1000);
}

Test(fuzz, random_bytes_behind_a_valid_head)
{
    struct dice d = {13};
    for (int round = 0; round < 250000; round++) {
        uint8_t body[300];
        const struct pxp_desc *desc = any_desc(&d);
        size_t len = 4 + dice_below(&d, sizeof body - 4);
        for (size_t i = 0; i < len; i++)
            body[i] = (uint8_t)dice_roll(&d);
        body[0] = 0x93;
        body[1] = (uint8_t)desc->number;
        body[2] = 1;
        body[3] = (uint8_t)(0x80 | dice_below(&d, 16));
        decode_copy(desc, body, len);
        decode_copy(desc, body + 1, len - 1);
    }
}

/* Frames in any pieces: what comes out is what the reader's contract allows, and it never stalls. */
Test(fuzz, the_frame_reader_on_random_streams)
{
    struct dice d = {14};
    for (int round = 0; round < 30000; round++) {
        struct px_buf in = {0};
        size_t max = dice_below(&d, 400), frames = 0;
        bool open = true;
        for (int piece = 0; open && piece < 40; piece++) {
            uint8_t bytes[100];
            size_t n = dice_below(&d, sizeof bytes);
            for (size_t i = 0; i < n; i++)
                bytes[i] = dice_below(&d, 4) ? 0 : (uint8_t)dice_roll(&d);
            cr_assert_eq(px_buf_append(&in, bytes, n), PVMX_OK);
            const uint8_t *body;
            size_t len;
            uint32_t number, serial;
            pvmx_err err;
            while ((err = pxp_frame_next(&in, max, &body, &len)) == PVMX_OK) {
                cr_assert_leq(len, max);
                cr_assert_leq(len, px_buf_len(&in));
                pxp_frame_head(body, len, &number, &serial);
                pxp_frame_drop(&in);
                frames++;
            }
            open = err == PVMX_ERR_AGAIN;
            if (open)
                cr_assert_lt(px_buf_len(&in), max + 4 + sizeof bytes);
        }
        px_buf_free(&in);
    }
}
