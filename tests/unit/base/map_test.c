/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash map against a plain array as oracle. */
#include "base/map.h"
#include <criterion/criterion.h>
#include <stdlib.h>

enum { KEYS = 3000 };
static int values[KEYS];
static void *oracle[KEYS];

/* Keys as the engine has them: few bits differ, and far apart. */
static uint64_t key_of(int i)
{
    return i % 2 ? (uint64_t)i << 40 : (uint64_t)i * 8;
}

static size_t check_all(const struct px_map *m)
{
    size_t n = 0, walked = 0, pos = 0;
    uint64_t key;
    void *value;
    for (int i = 0; i < KEYS; i++) {
        cr_assert_eq(px_map_get(m, key_of(i)), oracle[i]);
        n += oracle[i] != NULL;
    }
    cr_assert_eq(m->count, n);
    while (px_map_next(m, &pos, &key, &value)) {
        int i = (int)((int *)value - values);
        cr_assert_eq(key, key_of(i));
        walked++;
    }
    cr_assert_eq(walked, n);
    return n;
}

Test(map, agrees_with_an_oracle_through_growth_and_shrinking)
{
    struct px_map m = {0};
    srand(3);
    for (int phase = 0; phase < 6; phase++) {
        for (int step = 0; step < 8000; step++) {
            int i = rand() % KEYS;
            if (rand() % 10 < (phase % 2 ? 1 : 9)) {
                cr_assert_eq(px_map_put(&m, key_of(i), &values[i]), PVMX_OK);
                oracle[i] = &values[i];
            } else {
                cr_assert_eq(px_map_remove(&m, key_of(i)), oracle[i]);
                oracle[i] = NULL;
            }
        }
        check_all(&m);
    }
    px_map_free(&m);
}

Test(map, gives_memory_back_when_it_gets_small)
{
    struct px_map m = {0};
    for (int i = 0; i < KEYS; i++)
        px_map_put(&m, key_of(i), &values[i]);
    size_t big = m.cap;
    for (int i = 0; i < KEYS; i++)
        px_map_remove(&m, key_of(i));
    px_map_put(&m, 1, &values[0]);
    cr_assert_lt(m.cap, big / 8);
    px_map_free(&m);
}

Test(map, does_not_grow_while_keys_come_and_go)
{
    struct px_map m = {0};
    for (int i = 0; i < 1000000; i++) {
        px_map_put(&m, (uint64_t)i, &values[0]);
        px_map_remove(&m, (uint64_t)i);
    }
    cr_assert_leq(m.cap, 64);
    px_map_free(&m);
}

Test(map, a_walk_may_remove_what_it_has_seen)
{
    struct px_map m = {0};
    size_t pos = 0, seen = 0;
    uint64_t key;
    void *value;
    for (int i = 0; i < KEYS; i++)
        px_map_put(&m, key_of(i), &values[i]);
    while (px_map_next(&m, &pos, &key, &value)) {
        cr_assert_eq(px_map_remove(&m, key), value);
        seen++;
    }
    cr_assert_eq(seen, KEYS);
    cr_assert_eq(m.count, 0);
    px_map_free(&m);
}

Test(map, replacing_keeps_one_entry)
{
    struct px_map m = {0};
    cr_assert_null(px_map_get(&m, 7));
    cr_assert_null(px_map_remove(&m, 7));
    px_map_put(&m, 7, &values[1]);
    px_map_put(&m, 7, &values[2]);
    cr_assert_eq(m.count, 1);
    cr_assert_eq(px_map_get(&m, 7), &values[2]);
    px_map_free(&m);
}
