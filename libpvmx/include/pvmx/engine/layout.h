/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: layouts say where in memory the bytes of a message lie, when they do not lie
 * in one run. A layout is immutable, counted by references and independent of any buffer; all
 * functions here are thread-safe and none of them waits. Displacements are bytes, may be negative.
 *
 * The packed form of n elements is their bytes in the order of the type map (the order in which
 * the constructors were given them), without gaps: n * size bytes. */
#ifndef PVMX_ENGINE_LAYOUT_H
#define PVMX_ENGINE_LAYOUT_H

#include <pvmx/types.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pvmx_layout;
struct iovec;

/* What a layout amounts to. lb and extent are where the next element begins (the extent may be
 * negative or 0); true_lb and true_extent say which bytes are touched (0, 0 for an empty layout). */
struct pvmx_layout_info {
    uint64_t size; /* data bytes of one element */
    int64_t lb, extent, true_lb, true_extent;
    /* size == extent, true_lb == lb and the type map is in ascending order without gap or overlap:
     * n elements at base are the one run of n * size bytes at base + true_lb. */
    bool dense;
};

/* Constructors. Each takes its own references to children; the caller gives its own back with put.
 * `child` is repeated where its extent says. PVMX_ERR_NOMEM; PVMX_ERR_TOOBIG when sizes or
 * displacements do not fit 63 bits. Empty layouts (0 blocks, 0 bytes) are legal everywhere. */

/* One run of `size` bytes at displacement 0; lb 0, extent size. */
PVMX_API pvmx_err pvmx_engine_layout_bytes(uint64_t size, struct pvmx_layout **out);
/* count blocks of blocklen children, the blocks `stride` bytes apart. */
PVMX_API pvmx_err pvmx_engine_layout_vector(uint64_t count, uint64_t blocklen,
                                            int64_t stride, struct pvmx_layout *child,
                                            struct pvmx_layout **out);
/* n blocks; block k is blocklens[k] children beginning at displs[k] bytes. */
PVMX_API pvmx_err pvmx_engine_layout_indexed(uint64_t n, const uint64_t *blocklens,
                                             const int64_t *displs, struct pvmx_layout *child,
                                             struct pvmx_layout **out);
/* The same with a child for each block. Blocks of 0 children, and children without bytes, lower bound
 * and extent, have no part in the bounds. */
PVMX_API pvmx_err pvmx_engine_layout_struct(uint64_t n, const uint64_t *blocklens,
                                            const int64_t *displs,
                                            struct pvmx_layout *const *children,
                                            struct pvmx_layout **out);
/* The same bytes with another lower bound and extent. */
PVMX_API pvmx_err pvmx_engine_layout_resized(struct pvmx_layout *child, int64_t lb,
                                             int64_t extent, struct pvmx_layout **out);

PVMX_API struct pvmx_layout *pvmx_engine_layout_get(struct pvmx_layout *layout);
PVMX_API void pvmx_engine_layout_put(struct pvmx_layout *layout);
PVMX_API const struct pvmx_layout_info *pvmx_engine_layout_info(const struct pvmx_layout *layout);

/* `count` elements of a layout at a base address (to which true_lb is added): a whole message. */
struct pvmx_view {
    struct pvmx_layout *layout;
    void *base; /* NULL is legal: displacements may be absolute addresses */
    uint64_t count;
};

static inline uint64_t pvmx_view_size(const struct pvmx_view *v)
{
    return v->count * pvmx_engine_layout_info(v->layout)->size;
}

/* Copies bytes from..from+len-1 of the packed form to `out` (pack) or from `in` to their places
 * (unpack). The range is cut at the end of the view; returns the bytes copied. Any `from` costs
 * O(depth of the layout + log of the blocks), so a message may be moved in pieces. */
PVMX_API uint64_t pvmx_engine_pack(const struct pvmx_view *v, uint64_t from, void *out,
                                   uint64_t len);
PVMX_API uint64_t pvmx_engine_unpack(const struct pvmx_view *v, uint64_t from,
                                     const void *in, uint64_t len);
/* Writes up to max runs of memory that hold the packed form from byte `from` on, adjacent runs
 * joined; returns how many, and in *bytes how much of the packed form they cover. */
PVMX_API size_t pvmx_engine_view_runs(const struct pvmx_view *v, uint64_t from,
                                      struct iovec *runs, size_t max, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
