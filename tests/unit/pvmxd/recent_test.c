/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting within a window that moves along: nothing younger than the window is ever forgotten, nothing
 * older than a window and an eighth of it counts. */
#include "recent.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define WINDOW 3000u

static uint32_t within(const uint64_t *times, size_t n, uint64_t now, uint64_t window)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += now - times[i] <= window;
    return sum;
}

Test(recent, exact_up_to_an_eighth)
{
    static uint64_t times[20000];
    struct recent r = {0};
    uint64_t now = 1;
    srand(11);
    for (size_t n = 0; n < 20000; n++) {
        now += (uint64_t)rand() % (n % 1000 < 20 ? 2 * WINDOW : 40);
        times[n] = now;
        uint32_t got = recent_count(&r, now, WINDOW);
        cr_assert_geq(got, within(times, n + 1, now, WINDOW), "event %zu at %lu", n, now);
        cr_assert_leq(got, within(times, n + 1, now, 9 * (WINDOW / 8 + 1)),
                      "event %zu at %lu", n, now);
    }
}

/* Two that are less than a window apart, the first of which lies near the end of one that began earlier. */
Test(recent, windows_do_not_begin_anew)
{
    struct recent r = {0};
    cr_assert_eq(recent_count(&r, 14478, WINDOW), 1);
    cr_assert_eq(recent_count(&r, 17184, WINDOW), 2);
    cr_assert_eq(recent_count(&r, 17485, WINDOW), 2 + (17485 - 14478 <= WINDOW + WINDOW / 8));
    cr_assert_eq(recent_count(&r, 40000, WINDOW), 1);
}
