/* SPDX-License-Identifier: BSD-3-Clause */
/* Zones: zeroed, aligned, apart, bounded. */
#include "proto/zone.h"
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(zone, pieces_are_zeroed_aligned_and_apart)
{
    struct pxp_zone z = {0};
    unsigned char *p[500];
    for (size_t i = 0; i < 500; i++) {
        size_t n = i * i % 9000;
        p[i] = pxp_zone_alloc(&z, n);
        cr_assert_not_null(p[i]);
        cr_assert_eq((uintptr_t)p[i] % 16, 0);
        for (size_t k = 0; k < n; k++)
            cr_assert_eq(p[i][k], 0);
        memset(p[i], (int)(i % 255) + 1, n);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < i * i % 9000; k++)
            cr_assert_eq(p[i][k], i % 255 + 1);
    pxp_zone_free(&z);
    cr_assert_null(z.chunks);
    cr_assert_eq(z.total, 0);
}

Test(zone, has_a_limit)
{
    struct pxp_zone z = {0};
    size_t n = 0;
    cr_assert_null(pxp_zone_alloc(&z, SIZE_MAX));
    cr_assert_null(pxp_zone_alloc(&z, (size_t)PXP_ZONE_MAX + 1));
    while (pxp_zone_alloc(&z, 1024 * 1024) != NULL)
        n++;
    cr_assert_eq(n, PXP_ZONE_MAX / (1024 * 1024));
    cr_assert_null(pxp_zone_alloc(&z, 1));
    pxp_zone_free(&z);
    cr_assert_not_null(pxp_zone_alloc(&z, 1));
    pxp_zone_free(&z);
}
