/* SPDX-License-Identifier: BSD-3-Clause */
/* Layouts: what they amount to, counts beyond 32 bits, limits. */
#include "layout/layout.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

static struct pvmx_layout *bytes(uint64_t n)
{
    struct pvmx_layout *l;
    cr_assert_eq(pvmx_engine_layout_bytes(n, &l), PVMX_OK);
    return l;
}

/* Consumes the child. */
static struct pvmx_layout *vector(uint64_t count, uint64_t blocklen, int64_t stride,
                                  struct pvmx_layout *child)
{
    struct pvmx_layout *l;
    cr_assert_eq(pvmx_engine_layout_vector(count, blocklen, stride, child, &l), PVMX_OK);
    pvmx_engine_layout_put(child);
    return l;
}

Test(layout, a_matrix_of_contiguous_rows_is_one_run)
{
    struct pvmx_layout *l = vector(100, 50, 400, bytes(8));
    cr_assert(pvmx_engine_layout_info(l)->dense);
    cr_assert_eq(l->shape->kind, PX_SHAPE_RUN);
    cr_assert_eq(pvmx_engine_layout_info(l)->size, 40000);
    pvmx_engine_layout_put(l);
}

Test(layout, nested_loops_that_follow_each_other_collapse)
{
    /* Columns of 10 doubles, the next one where this one ends. */
    struct pvmx_layout *l = vector(7, 1, 10 * 32, vector(10, 1, 32, bytes(8)));
    cr_assert_eq(l->shape->kind, PX_SHAPE_LOOP);
    cr_assert_eq(l->shape->count, 70);
    cr_assert_eq(l->shape->stride, 32);
    cr_assert_eq(l->shape->child->kind, PX_SHAPE_RUN);
    pvmx_engine_layout_put(l);
}

Test(layout, regular_indexed_blocks_are_a_loop_and_neighbours_join)
{
    struct pvmx_layout *l, *b = bytes(4);
    uint64_t lens[] = {1, 2, 3, 3};
    int64_t displs[] = {0, 4, 24, 48};
    cr_assert_eq(pvmx_engine_layout_indexed(4, lens, displs, b, &l), PVMX_OK);
    cr_assert_eq(l->shape->kind, PX_SHAPE_LOOP);
    cr_assert_eq(l->shape->count, 3);
    cr_assert_eq(l->shape->child->size, 12);
    pvmx_engine_layout_put(l);
    pvmx_engine_layout_put(b);
}

Test(layout, a_struct_of_structs_is_one_list_of_runs)
{
    struct pvmx_layout *inner, *outer, *four = bytes(4), *eight = bytes(8);
    struct pvmx_layout *children[] = {four, eight};
    uint64_t ones[] = {1, 1};
    int64_t displs[] = {0, 8}, next[] = {0, 16};
    cr_assert_eq(pvmx_engine_layout_struct(2, ones, displs, children, &inner), PVMX_OK);
    struct pvmx_layout *both[] = {inner, eight};
    cr_assert_eq(pvmx_engine_layout_struct(2, ones, next, both, &outer), PVMX_OK);
    cr_assert_eq(outer->shape->kind, PX_SHAPE_RUNS);
    cr_assert_eq(outer->shape->n, 2); /* 4 at 0, 16 at 8 */
    pvmx_engine_layout_put(inner);
    pvmx_engine_layout_put(outer);
    pvmx_engine_layout_put(four);
    pvmx_engine_layout_put(eight);
}

Test(layout, negative_strides_have_a_negative_lower_bound)
{
    struct pvmx_layout *l = vector(3, 1, -8, bytes(4));
    const struct pvmx_layout_info *i = pvmx_engine_layout_info(l);
    cr_assert_eq(i->lb, -16);
    cr_assert_eq(i->true_lb, -16);
    cr_assert_eq(i->extent, 20);
    int32_t at[5] = {10, 11, 12, 13, 14}, got[3];
    struct pvmx_view v = {l, &at[4], 1};
    cr_assert_eq(pvmx_engine_pack(&v, 0, got, sizeof(got)), 12);
    cr_assert(got[0] == 14 && got[1] == 12 && got[2] == 10);
    pvmx_engine_layout_put(l);
}

Test(layout, empty_layouts_move_nothing)
{
    struct pvmx_layout *l = vector(0, 3, 8, bytes(4)), *e = vector(5, 5, 5, bytes(0));
    struct pvmx_layout *sized;
    uint64_t got;
    cr_assert_eq(pvmx_engine_layout_info(l)->size, 0);
    cr_assert_eq(pvmx_engine_layout_info(e)->extent, 0);
    cr_assert_eq(pvmx_engine_layout_resized(e, -3, 7, &sized), PVMX_OK);
    cr_assert_eq(pvmx_engine_layout_info(sized)->extent, 7);
    cr_assert_not(pvmx_engine_layout_info(sized)->dense);
    struct pvmx_view v = {sized, NULL, 1000};
    cr_assert_eq(pvmx_engine_pack(&v, 0, &got, sizeof(got)), 0);
    cr_assert_eq(pvmx_engine_unpack(&v, 0, &got, sizeof(got)), 0);
    pvmx_engine_layout_put(l);
    pvmx_engine_layout_put(e);
    pvmx_engine_layout_put(sized);
    pvmx_engine_layout_put(NULL);
}

Test(layout, counts_beyond_32_bits_are_found_without_replay)
{
    /* One byte of each 2 of 6 * 2^32: only the window that is looked at exists. */
    const uint64_t n = 3ull << 33;
    struct pvmx_layout *l = vector(n, 1, 2, bytes(1));
    char window[32], got[8];
    for (int i = 0; i < 32; i++)
        window[i] = (char)i;
    uint64_t from = n - 12;
    char *base = (char *)((uintptr_t)window - (uintptr_t)(2 * from));
    struct pvmx_view v = {l, base, 1};
    cr_assert_eq(pvmx_view_size(&v), n);
    cr_assert_eq(pvmx_engine_pack(&v, from, got, 8), 8);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(got[i], 2 * i);
    struct iovec runs[4];
    uint64_t covered;
    cr_assert_eq(pvmx_engine_view_runs(&v, from, runs, 4, &covered), 4);
    cr_assert_eq(covered, 4);
    cr_assert_eq(runs[3].iov_base, window + 6);
    v = (struct pvmx_view){l, window, 1000};
    cr_assert_eq(pvmx_view_size(&v), 1000 * n);
    cr_assert_eq(pvmx_engine_pack(&v, 4, got, 2), 2);
    cr_assert_eq(got[1], 10);
    pvmx_engine_layout_put(l);
}

Test(layout, uneven_blocks_are_found_by_their_position)
{
    enum { N = 3000 };
    static uint64_t lens[N];
    static int64_t displs[N];
    static char memory[N * 8];
    uint64_t total = 0;
    for (int k = 0; k < N; k++) {
        lens[k] = 1 + (uint64_t)k % 5;
        displs[k] = 8 * (N - 1 - k);
        total += lens[k];
        memset(memory + displs[k], k, lens[k]);
    }
    struct pvmx_layout *l, *b = bytes(1);
    cr_assert_eq(pvmx_engine_layout_indexed(N, lens, displs, b, &l), PVMX_OK);
    struct pvmx_view v = {l, memory, 1};
    char got;
    uint64_t from = 0;
    for (int k = 0; k < N; k++)
        for (uint64_t i = 0; i < lens[k]; i++, from++) {
            cr_assert_eq(pvmx_engine_pack(&v, from, &got, 1), 1);
            cr_assert_eq(got, (char)k);
        }
    cr_assert_eq(from, total);
    pvmx_engine_layout_put(l);
    pvmx_engine_layout_put(b);
}

Test(layout, what_does_not_fit_63_bits_is_refused)
{
    struct pvmx_layout *l, *b = bytes(8), *half = vector(1, 1, 0, bytes(1ull << 62));
    uint64_t one = 1, many = 1ull << 61;
    int64_t far = INT64_MAX - 3, low = INT64_MIN;
    cr_assert_eq(pvmx_engine_layout_bytes(1ull << 63, &l), PVMX_ERR_TOOBIG);
    cr_assert_eq(pvmx_engine_layout_vector(1ull << 61, 1, 8, b, &l), PVMX_ERR_TOOBIG);
    cr_assert_eq(pvmx_engine_layout_vector(3, 1, INT64_MAX / 2, b, &l), PVMX_ERR_TOOBIG);
    cr_assert_eq(pvmx_engine_layout_vector(2, 2, 0, half, &l), PVMX_ERR_TOOBIG);
    cr_assert_eq(pvmx_engine_layout_indexed(1, &one, &far, b, &l), PVMX_ERR_TOOBIG);
    cr_assert_eq(pvmx_engine_layout_indexed(1, &many, &low, b, &l), PVMX_ERR_TOOBIG);
    cr_assert_eq(pvmx_engine_layout_resized(b, INT64_MAX, 1, &l), PVMX_ERR_TOOBIG);
    cr_assert(strlen(pvmx_last_error()) > 10);
    pvmx_engine_layout_put(b);
    pvmx_engine_layout_put(half);
}

Test(layout, holds_what_it_is_made_of)
{
    struct pvmx_layout *b = bytes(8), *l = vector(4, 1, 16, pvmx_engine_layout_get(b));
    pvmx_engine_layout_put(b);
    double m[8] = {1, 0, 2, 0, 3, 0, 4, 0}, got[4];
    struct pvmx_view v = {l, m, 1};
    cr_assert_eq(pvmx_engine_pack(&v, 0, got, sizeof(got)), 32);
    cr_assert(got[0] == 1 && got[3] == 4);
    pvmx_engine_layout_put(l);
}
