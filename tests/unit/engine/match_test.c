/* SPDX-License-Identifier: BSD-3-Clause */
/* Matching against a naive oracle, and with very many entries. */
#include "match/match.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>

static uint32_t seed;

static uint32_t rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static bool fits(const struct px_key *pattern, const struct px_key *msg)
{
    return pattern->ctx == msg->ctx &&
           (pattern->source == PVMX_ANY_SOURCE || pattern->source == msg->source) &&
           (pattern->tag == PVMX_ANY_TAG || pattern->tag == msg->tag);
}

enum { LIVE = 4000 };

/* The oracle: plain arrays in order of time. */
static struct px_posted *posted[LIVE];
static struct px_unexp *unexp[LIVE];
static int nposted, nunexp;

static int first_posted(const struct px_key *msg)
{
    for (int i = 0; i < nposted; i++)
        if (fits(&posted[i]->key, msg))
            return i;
    return -1;
}

static int first_unexp(const struct px_key *pattern)
{
    for (int i = 0; i < nunexp; i++)
        if (fits(pattern, &unexp[i]->key))
            return i;
    return -1;
}

static void step_message(struct px_match *m, struct px_key key)
{
    int want = first_posted(&key);
    struct px_posted *got = px_match_arrive(m, &key);
    if (want >= 0) {
        cr_assert_eq(got, posted[want], "the oldest fitting receive must be taken");
        free(got);
        memmove(&posted[want], &posted[want + 1],
                (size_t)(--nposted - want) * sizeof *posted);
        return;
    }
    cr_assert_null(got);
    struct px_unexp *u = calloc(1, sizeof *u);
    u->key = key;
    cr_assert_eq(px_match_add_unexp(m, u), PVMX_OK);
    unexp[nunexp++] = u;
}

static void step_receive(struct px_match *m, struct px_key pattern)
{
    int want = first_unexp(&pattern);
    struct px_unexp *got = px_match_find_unexp(m, &pattern);
    if (want >= 0) {
        cr_assert_eq(got, unexp[want], "the oldest fitting message must be found");
        px_match_remove_unexp(m, got);
        free(got);
        memmove(&unexp[want], &unexp[want + 1], (size_t)(--nunexp - want) * sizeof *unexp);
        return;
    }
    cr_assert_null(got);
    struct px_posted *p = calloc(1, sizeof *p);
    p->key = pattern;
    cr_assert_eq(px_match_add_posted(m, p), PVMX_OK);
    posted[nposted++] = p;
}

static void cancel_one(struct px_match *m)
{
    if (!nposted)
        return;
    int i = (int)rnd((uint32_t)nposted);
    px_match_remove_posted(m, posted[i]);
    free(posted[i]);
    memmove(&posted[i], &posted[i + 1], (size_t)(--nposted - i) * sizeof *posted);
}

static void run(uint32_t s, uint32_t keys, bool wild)
{
    struct px_match m;
    seed = s;
    nposted = nunexp = 0;
    cr_assert_eq(px_match_init(&m), PVMX_OK);
    for (int k = 0; k < 20000; k++) {
        struct px_key key = {rnd(2), (int32_t)rnd(keys), (int32_t)rnd(keys)};
        uint32_t what = rnd(20);
        if (what == 0) {
            cancel_one(&m);
        } else if (what < 11 || nposted >= LIVE - 1) {
            if (nunexp < LIVE - 1)
                step_message(&m, key);
        } else {
            if (wild && rnd(4) == 0)
                key.source = PVMX_ANY_SOURCE;
            if (wild && rnd(4) == 0)
                key.tag = PVMX_ANY_TAG;
            step_receive(&m, key);
        }
    }
    while (nposted)
        cancel_one(&m);
    struct px_unexp *u;
    for (; (u = px_match_any_unexp(&m)) != NULL; nunexp--) {
        px_match_remove_unexp(&m, u);
        free(u);
    }
    cr_assert_eq(nunexp, 0);
    px_match_fini(&m);
}

Test(match, agrees_with_a_naive_oracle_few_keys)
{
    run(1, 3, true);
}

Test(match, agrees_with_a_naive_oracle_many_keys)
{
    run(2, 100, true);
}

Test(match, agrees_with_a_naive_oracle_without_wildcards)
{
    run(3, 40, false);
}

static size_t tables_size(const struct px_match *m)
{
    return m->posted.nqueues + m->unexp.nqueues;
}

Test(match, ten_thousand_unexpected_in_reverse_order_leave_nothing)
{
    enum { N = 10000 };
    struct px_match m;
    struct px_unexp *u = calloc(N, sizeof *u);
    cr_assert_eq(px_match_init(&m), PVMX_OK);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            u[i].key = (struct px_key){7, 1, i};
            cr_assert_eq(px_match_add_unexp(&m, &u[i]), PVMX_OK);
        }
        cr_assert_leq(m.unexp.nqueues, m.unexp.nbuckets,
                      "look-ups meet one queue on average");
        for (int i = N - 1; i >= 0; i--) {
            struct px_key key = {7, i % 2 ? 1 : PVMX_ANY_SOURCE, i};
            cr_assert_eq(px_match_find_unexp(&m, &key), &u[i]);
            px_match_remove_unexp(&m, &u[i]);
        }
        cr_assert_eq(m.nunexp, 0);
    }
    cr_assert_lt(tables_size(&m), 3 * N + 3, "empty queues are given back");
    px_match_fini(&m);
    free(u);
}
