/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in words. */
#include "proto/messages.h"
#include "proto/trace.h"
#include "sample.h"
#include <criterion/criterion.h>
#include <string.h>

Test(trace, fields_by_name_lists_by_count_and_no_environment)
{
    const char *env[] = {"SECRET=1", "B=2"};
    struct pxp_spawn m = {.flags = 1, .cwd = "/tmp", .env = env, .n_env = 2};
    struct px_buf out = {0};
    char text[300];
    size_t len;
    cr_assert_eq(pxp_spawn_encode(&out, 3, &m), PVMX_OK);
    const uint8_t *body = sample_body(&out, &len);
    pxp_describe(body, len, text, sizeof text);
    cr_assert_str_eq(text, "spawn(20) #3 {flags=1 cwd=\"/tmp\" env=[2]}");
    pxp_describe(body, len, text, 12);
    cr_assert_str_eq(text, "spawn(20) #");
    pxp_describe(body, len, text, 1);
    cr_assert_str_eq(text, "");
    px_buf_free(&out);
}

Test(trace, numbers_nobody_knows_and_bytes_that_are_no_message)
{
    char text[200];
    pxp_describe((const uint8_t *)"\x93\xcd\x03\xe7\x00\x81\x05\xff", 8, text, sizeof text);
    cr_assert_str_eq(text, "?(999) #0 {5=-1}");
    pxp_describe((const uint8_t *)"hello", 5, text, sizeof text);
    cr_assert_str_eq(text, "5 bytes that are no message");
    pxp_describe((const uint8_t *)"\x93\x14\x00\x82\x01\x05", 6, text, sizeof text);
    cr_assert_str_eq(text, "spawn(20) #0 { ...broken");
}

Test(trace, long_texts_are_cut)
{
    char text[300], cwd[500];
    memset(cwd, 'a', sizeof cwd - 1);
    cwd[sizeof cwd - 1] = '\0';
    struct pxp_spawn m = {.cwd = cwd};
    struct px_buf out = {0};
    size_t len;
    cr_assert_eq(pxp_spawn_encode(&out, 3, &m), PVMX_OK);
    const uint8_t *body = sample_body(&out, &len);
    pxp_describe(body, len, text, sizeof text);
    cr_assert_lt(strlen(text), 120);
    cr_assert_not_null(strstr(text, "\"...}"));
    px_buf_free(&out);
}
