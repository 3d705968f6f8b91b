/* SPDX-License-Identifier: BSD-3-Clause */
/* Layouts: a shape at a displacement, with the bounds by which it is repeated. */
#include "layout/layout.h"
#include "base/err.h"
#include <stdlib.h>

/* Bounds of what a constructor puts together. */
struct bounds {
    bool any;
    __int128 lb, ub;
};

/* Takes in `count` children from displ on. Strides and extents of 64 bits and counts of 64 bits fit
 * 128 bits with room to spare. */
static void take_in(struct bounds *b, __int128 displ, uint64_t count, __int128 step,
                    __int128 lb, __int128 ub)
{
    if (count == 0)
        return;
    __int128 span = (__int128)(count - 1) * step;
    lb += displ + (span < 0 ? span : 0);
    ub += displ + (span > 0 ? span : 0);
    b->lb = !b->any || lb < b->lb ? lb : b->lb;
    b->ub = !b->any || ub > b->ub ? ub : b->ub;
    b->any = true;
}

static void take_child(struct bounds *b, int64_t displ, uint64_t count,
                       const struct pvmx_layout *child)
{
    const struct pvmx_layout_info *i = &child->info;
    if (i->size || i->lb || i->extent)
        take_in(b, displ, count, i->extent, i->lb, (__int128)i->lb + i->extent);
}

static bool fits(__int128 v)
{
    return v >= INT64_MIN && v <= INT64_MAX;
}

/* A layout of these parts; consumes the reference to shape, whatever happens. */
static pvmx_err make(int64_t at, struct px_shape *shape, const struct bounds *b,
                     struct pvmx_layout **out)
{
    struct pvmx_layout *l = NULL;
    pvmx_err err = PVMX_OK;
    __int128 extent = b->ub - b->lb;
    if (!fits(b->lb) || !fits(b->ub) || !fits(extent) ||
        (shape && (!fits((__int128)at + shape->lo) || !fits((__int128)at + shape->hi) ||
                   !fits((__int128)shape->hi - shape->lo))))
        err = px_fail(PVMX_ERR_TOOBIG, "the bounds of a layout do not fit 63 bits");
    else if (!(l = malloc(sizeof(*l))))
        err = px_fail(PVMX_ERR_NOMEM, "no memory for a layout");
    if (err) {
        px_shape_put(shape);
        return err;
    }
    *l = (struct pvmx_layout){.at = shape ? at : 0, .shape = shape};
    atomic_init(&l->refs, 1);
    l->info = (struct pvmx_layout_info){.size = shape ? shape->size : 0,
                                        .lb = (int64_t)b->lb,
                                        .extent = (int64_t)extent,
                                        .true_lb = shape ? at + shape->lo : 0,
                                        .true_extent = shape ? shape->hi - shape->lo : 0};
    l->info.dense = (!shape || shape->kind == PX_SHAPE_RUN) &&
                    l->info.extent == (int64_t)l->info.size && l->info.lb == l->info.true_lb;
    *out = l;
    return PVMX_OK;
}

pvmx_err pvmx_engine_layout_bytes(uint64_t size, struct pvmx_layout **out)
{
    struct px_shape *shape;
    pvmx_err err = px_shape_run(size, &shape);
    if (err)
        return err;
    return make(0, shape, &(struct bounds){true, 0, (__int128)size}, out);
}

pvmx_err pvmx_engine_layout_vector(uint64_t count, uint64_t blocklen, int64_t stride,
                                   struct pvmx_layout *child, struct pvmx_layout **out)
{
    struct px_shape *block, *shape;
    pvmx_err err = px_shape_loop(blocklen, child->info.extent, child->shape, &block);
    if (err)
        return err;
    err = px_shape_loop(count, stride, block, &shape);
    px_shape_put(block);
    if (err)
        return err;
    struct bounds one = {0}, all = {0};
    take_child(&one, 0, blocklen, child);
    if (one.any)
        take_in(&all, 0, count, stride, one.lb, one.ub);
    return make(child->at, shape, &all, out);
}

/* Adds one block of an indexed layout. *last is the shape of the block before and its length, since
 * most blocks are like it. */
struct last_block {
    const struct pvmx_layout *child;
    uint64_t blocklen;
    struct px_shape *shape;
};

static pvmx_err add_block(struct px_parts *parts, struct last_block *last, int64_t displ,
                          uint64_t blocklen, struct pvmx_layout *child)
{
    const struct px_shape *s = child->shape;
    uint64_t size;
    int64_t at;
    if (blocklen == 0 || !s)
        return PVMX_OK;
    if (__builtin_add_overflow(displ, child->at, &at))
        return px_fail(PVMX_ERR_TOOBIG, "a block at %lld does not fit 63 bits",
                       (long long)displ);
    if (s->kind == PX_SHAPE_RUN && (blocklen == 1 || child->info.extent == (int64_t)s->size) &&
        !__builtin_mul_overflow(blocklen, s->size, &size))
        return px_parts_add_run(parts, at, size);
    if (last->child != child || last->blocklen != blocklen) {
        px_shape_put(last->shape);
        *last = (struct last_block){0};
        pvmx_err err =
            px_shape_loop(blocklen, child->info.extent, child->shape, &last->shape);
        if (err)
            return err;
        last->child = child;
        last->blocklen = blocklen;
    }
    return px_parts_add(parts, at, last->shape);
}

/* children[k], or one child for all blocks. */
static pvmx_err of_blocks(uint64_t n, const uint64_t *blocklens, const int64_t *displs,
                          struct pvmx_layout *const *children, struct pvmx_layout *only,
                          struct pvmx_layout **out)
{
    struct px_parts parts = {0};
    struct last_block last = {0};
    struct bounds all = {0};
    struct px_shape *shape = NULL;
    int64_t at = 0;
    pvmx_err err = PVMX_OK;
    for (uint64_t k = 0; k < n && !err; k++) {
        struct pvmx_layout *child = only ? only : children[k];
        err = add_block(&parts, &last, displs[k], blocklens[k], child);
        take_child(&all, displs[k], blocklens[k], child);
    }
    if (!err)
        err = px_parts_join(&parts, &at, &shape);
    px_shape_put(last.shape);
    px_parts_free(&parts);
    return err ? err : make(at, shape, &all, out);
}

pvmx_err pvmx_engine_layout_indexed(uint64_t n, const uint64_t *blocklens,
                                    const int64_t *displs, struct pvmx_layout *child,
                                    struct pvmx_layout **out)
{
    return of_blocks(n, blocklens, displs, NULL, child, out);
}

pvmx_err pvmx_engine_layout_struct(uint64_t n, const uint64_t *blocklens,
                                   const int64_t *displs, struct pvmx_layout *const *children,
                                   struct pvmx_layout **out)
{
    return of_blocks(n, blocklens, displs, children, NULL, out);
}

pvmx_err pvmx_engine_layout_resized(struct pvmx_layout *child, int64_t lb, int64_t extent,
                                    struct pvmx_layout **out)
{
    return make(child->at, px_shape_get(child->shape),
                &(struct bounds){true, lb, (__int128)lb + extent}, out);
}

struct pvmx_layout *pvmx_engine_layout_get(struct pvmx_layout *layout)
{
    atomic_fetch_add_explicit(&layout->refs, 1, memory_order_relaxed);
    return layout;
}

void pvmx_engine_layout_put(struct pvmx_layout *layout)
{
    if (!layout || atomic_fetch_sub_explicit(&layout->refs, 1, memory_order_acq_rel) != 1)
        return;
    px_shape_put(layout->shape);
    free(layout);
}

const struct pvmx_layout_info *pvmx_engine_layout_info(const struct pvmx_layout *layout)
{
    return &layout->info;
}
