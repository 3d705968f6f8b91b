/* SPDX-License-Identifier: BSD-3-Clause */
/* The greeting: versions that agree, versions that do not, roles. */
#include "proto/frame.h"
#include "proto/hello.h"
#include "sample.h"
#include <criterion/criterion.h>
#include <string.h>

static pvmx_err check(uint32_t version, uint32_t oldest, uint32_t *out)
{
    struct pxp_hello h = {.version = version,
                          .oldest = oldest,
                          .role = PXP_ROLE_TASK,
                          .release = "9.9.9"};
    return pxp_hello_check(&h, out);
}

Test(hello, the_newest_common_version_is_used)
{
    uint32_t v = 0;
    cr_assert_eq(check(PXP_VERSION, PXP_OLDEST, &v), PVMX_OK);
    cr_assert_eq(v, PXP_VERSION);
    cr_assert_eq(check(PXP_VERSION + 5, PXP_VERSION, &v), PVMX_OK);
    cr_assert_eq(v, PXP_VERSION);
    cr_assert_eq(check(PXP_VERSION + 5, PXP_VERSION + 1, &v), PVMX_ERR_VERSION);
    cr_assert_eq(check(PXP_OLDEST - 1, 0, &v), PVMX_ERR_VERSION);
    cr_assert_eq(check(0, 0, &v), PVMX_ERR_VERSION);
    cr_assert_eq(check(UINT32_MAX, UINT32_MAX, &v), PVMX_ERR_VERSION);
}

Test(hello, a_refusal_names_both_versions)
{
    struct pxp_hello h = {.version = 4711,
                          .oldest = 4710,
                          .role = PXP_ROLE_TASK,
                          .release = "9.9.9"};
    struct pxp_welcome w = {.vm = "default", .host = "h", .pid = 1, .release = "0"};
    struct px_buf out = {0};
    struct pxp_zone z = {0};
    struct pxp_refuse no;
    size_t len;
    cr_assert_eq(pxp_hello_answer(&out, 5, &h, &w), PVMX_ERR_VERSION);
    const uint8_t *body = sample_body(&out, &len);
    cr_assert_eq(pxp_refuse_decode(body, len, &no, &z), PVMX_OK);
    cr_assert_eq(no.error, PVMX_ERR_VERSION);
    cr_assert_not_null(strstr(no.text, "4710 to 4711"), "%s", no.text);
    cr_assert_not_null(strstr(no.text, "versions 1 to 1"), "%s", no.text);
    cr_assert_not_null(strstr(no.text, "9.9.9"), "%s", no.text);
    pxp_zone_free(&z);
    px_buf_free(&out);
}

Test(hello, a_welcome_carries_the_version_and_the_serial)
{
    struct pxp_hello h = {.version = PXP_VERSION,
                          .oldest = 1,
                          .role = PXP_ROLE_MPIEXEC,
                          .release = ""};
    struct pxp_welcome w = {.vm = "default", .host = "h", .pid = 77, .release = "0"}, got;
    struct px_buf out = {0};
    struct pxp_zone z = {0};
    uint32_t number, serial;
    size_t len;
    cr_assert_eq(pxp_hello_answer(&out, 5, &h, &w), PVMX_OK);
    const uint8_t *body = sample_body(&out, &len);
    cr_assert_eq(pxp_frame_head(body, len, &number, &serial), PVMX_OK);
    cr_assert_eq(number, PXP_WELCOME);
    cr_assert_eq(serial, 5);
    cr_assert_eq(pxp_welcome_decode(body, len, &got, &z), PVMX_OK);
    cr_assert_eq(got.version, PXP_VERSION);
    cr_assert_eq(got.pid, 77);
    pxp_zone_free(&z);
    px_buf_free(&out);
}

Test(hello, roles_that_do_not_exist)
{
    uint32_t v = 0;
    for (uint32_t role = 0; role < 6; role++) {
        struct pxp_hello h = {.version = PXP_VERSION, .oldest = 1, .role = role, .release = ""};
        cr_assert_eq(pxp_hello_check(&h, &v),
                     role >= 1 && role <= 3 ? PVMX_OK : PVMX_ERR_PROTO);
    }
}
