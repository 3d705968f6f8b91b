/* SPDX-License-Identifier: BSD-3-Clause */
/* Random nested layouts against the list of their bytes: bounds, pack, unpack and runs, in one go
 * and in pieces. */
#include "bytemap.h"
#include <criterion/criterion.h>
#include <pvmx/engine/layout.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { LIMIT = 3000 /* bytes of one element */, ROUNDS = 6000, BLOCKS = 6 };

static uint32_t state = 12345;

static uint32_t below(uint32_t n)
{
    state = state * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)(state >> 8) * n) >> 24);
}

static int64_t around(int n)
{
    return (int64_t)below((uint32_t)(2 * n + 1)) - n;
}

struct pair {
    struct pvmx_layout *l;
    struct bytemap b;
};

static void drop(struct pair *p)
{
    pvmx_engine_layout_put(p->l);
    bm_free(&p->b);
}

static struct pair random_layout(int depth);

static struct pair leaf(void)
{
    static const uint8_t sizes[] = {0, 1, 2, 3, 4, 8, 8, 16, 24, 33};
    uint64_t n = sizes[below(sizeof(sizes))];
    struct pair p = {.b = bm_bytes(n)};
    cr_assert_eq(pvmx_engine_layout_bytes(n, &p.l), PVMX_OK);
    return p;
}

static struct pair vector(struct pair child)
{
    struct pair p = {0};
    uint64_t count = below(5), blocklen = below(4);
    int64_t stride = below(3) ? around(80) : (int64_t)blocklen * bm_extent(&child.b);
    for (uint64_t i = 0; i < count; i++)
        bm_append(&p.b, &child.b, blocklen, (int64_t)i * stride);
    cr_assert_eq(pvmx_engine_layout_vector(count, blocklen, stride, child.l, &p.l), PVMX_OK);
    return p;
}

/* Indexed or struct; sometimes with the regular displacements that become loops. */
static struct pair blocks(struct pair child, int depth)
{
    struct pair p = {0}, others[BLOCKS];
    struct pvmx_layout *children[BLOCKS];
    uint64_t lens[BLOCKS], n = below(BLOCKS + 1);
    int64_t displs[BLOCKS], next = around(50);
    bool of_struct = below(2), even = below(2);
    for (uint64_t k = 0; k < n; k++) {
        others[k] = of_struct ? random_layout(depth - 1) : child;
        children[k] = others[k].l;
        lens[k] = even ? 2 : below(4);
        displs[k] = below(3) ? next : around(200);
        bm_append(&p.b, &others[k].b, lens[k], displs[k]);
        next = displs[k] + (int64_t)lens[k] * bm_extent(&others[k].b) + (even ? 8 : 0);
    }
    pvmx_err err = of_struct ? pvmx_engine_layout_struct(n, lens, displs, children, &p.l)
                             : pvmx_engine_layout_indexed(n, lens, displs, child.l, &p.l);
    cr_assert_eq(err, PVMX_OK);
    for (uint64_t k = 0; of_struct && k < n; k++)
        drop(&others[k]);
    return p;
}

static struct pair resized(struct pair child)
{
    struct pair p = {0};
    int64_t lb = around(20), extent = below(4) ? around(60) : (int64_t)child.b.n;
    bm_append(&p.b, &child.b, 1, 0);
    p.b.bounded = true;
    p.b.lb = lb;
    p.b.ub = lb + extent;
    cr_assert_eq(pvmx_engine_layout_resized(child.l, lb, extent, &p.l), PVMX_OK);
    return p;
}

static struct pair random_layout(int depth)
{
    if (depth == 0)
        return leaf();
    struct pair child = random_layout(depth - 1);
    if (child.b.n > LIMIT)
        return child;
    uint32_t kind = below(8);
    struct pair p = kind < 3   ? vector(child)
                    : kind < 6 ? blocks(child, depth)
                    : kind < 7 ? resized(child)
                               : leaf();
    drop(&child);
    return p;
}

static void check_info(const struct pair *p)
{
    const struct pvmx_layout_info *i = pvmx_engine_layout_info(p->l);
    int64_t lo, hi;
    bm_touched(&p->b, &lo, &hi);
    cr_assert_eq(i->size, p->b.n);
    cr_assert_eq(i->lb, p->b.lb);
    cr_assert_eq(i->extent, bm_extent(&p->b));
    cr_assert_eq(i->true_lb, lo);
    cr_assert_eq(i->true_extent, hi - lo);
    cr_assert_eq(i->dense, bm_dense(&p->b), "dense is %d", i->dense);
}

/* A message and its oracle: memory around the base, and the packed form. */
struct message {
    struct pvmx_view v;
    struct bytemap all;
    int64_t lo, hi;
    char *memory, *packed;
};

static struct message message_of(const struct pair *p, uint64_t count)
{
    struct message m = {0};
    bm_append(&m.all, &p->b, count, 0);
    bm_touched(&m.all, &m.lo, &m.hi);
    m.memory = malloc((size_t)(m.hi - m.lo) + 1);
    m.packed = malloc(m.all.n + 1);
    for (int64_t i = 0; i < m.hi - m.lo; i++)
        m.memory[i] = (char)below(256);
    for (uint64_t i = 0; i < m.all.n; i++)
        m.packed[i] = m.memory[m.all.at[i] - m.lo];
    m.v = (struct pvmx_view){p->l, (void *)((uintptr_t)m.memory - (uintptr_t)m.lo), count};
    cr_assert_eq(pvmx_view_size(&m.v), m.all.n);
    return m;
}

/* Random pieces of either direction. */
static uint64_t piece(uint64_t total)
{
    return below(3) ? 1 + below(40) : 1 + below((uint32_t)total + 10);
}

static void check_pack(const struct message *m)
{
    char *got = calloc(1, m->all.n + 16);
    cr_assert_eq(pvmx_engine_pack(&m->v, 0, got, m->all.n + 10), m->all.n);
    cr_assert_eq(memcmp(got, m->packed, m->all.n), 0);
    cr_assert_eq(got[m->all.n], 0, "pack wrote behind the end");
    memset(got, 0, m->all.n);
    for (uint64_t from = 0, n; from < m->all.n; from += n) {
        uint64_t want = piece(m->all.n);
        n = pvmx_engine_pack(&m->v, from, got + from,
                             want < m->all.n - from ? want : m->all.n - from);
        cr_assert_gt(n, 0);
    }
    cr_assert_eq(memcmp(got, m->packed, m->all.n), 0);
    cr_assert_eq(pvmx_engine_pack(&m->v, m->all.n, got, 1), 0);
    free(got);
}

static void check_unpack(const struct message *m)
{
    size_t room = (size_t)(m->hi - m->lo);
    char *want = malloc(room + 1), *was = m->v.base;
    for (int pieces = 0; pieces < 2; pieces++) {
        for (size_t i = 0; i < room; i++)
            m->memory[i] = want[i] = (char)~i;
        /* In the order of the packed form, so that the oracle agrees where bytes overlap. */
        bool overlap = false;
        char *hit = calloc(1, room + 1);
        for (uint64_t i = 0; i < m->all.n; i++) {
            int64_t at = m->all.at[i] - m->lo;
            overlap |= hit[at];
            hit[at] = 1;
            want[at] = m->packed[i];
        }
        for (uint64_t from = 0, n; from < m->all.n; from += n) {
            n = pieces ? piece(m->all.n) : m->all.n;
            n = n < m->all.n - from ? n : m->all.n - from;
            cr_assert_eq(pvmx_engine_unpack(&m->v, from, m->packed + from, n), n);
        }
        /* Bytes that the type map names twice may get either value, others none but theirs. */
        for (size_t i = 0; i < room; i++)
            cr_assert(m->memory[i] == want[i] || (overlap && hit[i]), "byte %zu", i);
        free(hit);
    }
    cr_assert_eq(was, m->v.base);
    free(want);
}

static void check_runs(const struct message *m)
{
    struct iovec runs[5];
    uint64_t from = 0, bytes;
    while (from < m->all.n) {
        size_t max = 1 + below(5);
        size_t n = pvmx_engine_view_runs(&m->v, from, runs, max, &bytes);
        cr_assert(n > 0 && n <= max && bytes > 0);
        uint64_t covered = 0;
        for (size_t k = 0; k < n; k++) {
            cr_assert(k == 0 || (char *)runs[k - 1].iov_base + runs[k - 1].iov_len !=
                                    runs[k].iov_base);
            for (size_t i = 0; i < runs[k].iov_len; i++, covered++)
                cr_assert_eq((char *)runs[k].iov_base + i,
                             (char *)((uintptr_t)m->v.base +
                                      (uintptr_t)m->all.at[from + covered]));
        }
        cr_assert_eq(covered, bytes);
        from += n == max && below(2) ? 1 + below((uint32_t)bytes) : bytes;
        cr_assert(n == max || from == m->all.n);
    }
    cr_assert_eq(pvmx_engine_view_runs(&m->v, m->all.n, runs, 5, &bytes), 0);
    cr_assert_eq(bytes, 0);
}

Test(layout_random, agrees_with_the_list_of_its_bytes)
{
    uint64_t moved = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct pair p = random_layout((int)below(5));
        check_info(&p);
        struct message m = message_of(&p, p.b.n > LIMIT ? 1 : below(60));
        check_runs(&m);
        check_pack(&m);
        check_unpack(&m);
        moved += m.all.n;
        free(m.memory);
        free(m.packed);
        bm_free(&m.all);
        drop(&p);
    }
    cr_assert_gt(moved, 1000000, "the generator makes too little");
}
