/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes: where the bytes of one element lie, seen from the first byte of its packed form. They are
 * kept in a small canonical form (loops collapse, neighbours join), are immutable, and are shared by
 * the layouts that are made of each other. NULL is the shape without bytes. */
#ifndef PX_LAYOUT_SHAPE_H
#define PX_LAYOUT_SHAPE_H

#include <pvmx/types.h>
#include <stdatomic.h>

enum px_shape_kind {
    PX_SHAPE_RUN,  /* size bytes                                     */
    PX_SHAPE_LOOP, /* count times child, stride bytes apart          */
    PX_SHAPE_RUNS, /* n runs, number k at at[k]                      */
    PX_SHAPE_LIST, /* n shapes, number k at at[k]                    */
};

struct px_shape {
    _Atomic uint32_t refs;
    enum px_shape_kind kind;
    uint64_t size;  /* of the packed form; never 0                   */
    int64_t lo, hi; /* bytes touched: lo <= displacement < hi        */
    union {
        struct {
            uint64_t count; /* 2 or more */
            int64_t stride;
            struct px_shape *child;
        };
        struct {
            uint64_t n;
            uint64_t each; /* size of every entry; 0: they differ, and before says where they lie */
            const int64_t *at; /* at[0] is 0                                                 */
            const uint64_t *before; /* n + 1 positions in the packed form; NULL: k * each       */
            struct px_shape *const *shapes; /* of a LIST                                        */
        };
    };
};

/* References; both take NULL. */
struct px_shape *px_shape_get(struct px_shape *s);
void px_shape_put(struct px_shape *s);

/* Each constructor gives one reference in *out and takes its own to children. PVMX_ERR_NOMEM, or
 * PVMX_ERR_TOOBIG with a sentence. */
pvmx_err px_shape_run(uint64_t size, struct px_shape **out);
pvmx_err px_shape_loop(uint64_t count, int64_t stride, struct px_shape *child,
                       struct px_shape **out);
/* The same without memory and checks, for one walk: *out holds no references. */
void px_shape_loop_init(uint64_t count, int64_t stride, const struct px_shape *child,
                        struct px_shape *out);

/* Collects what a list is made of, in the order of the type map. */
struct px_part {
    int64_t at;
    uint64_t size;
    struct px_shape *shape; /* NULL: a run of size bytes */
};

struct px_parts {
    struct px_part *list;
    uint64_t n, cap;
};

pvmx_err px_parts_add(struct px_parts *p, int64_t at, struct px_shape *s);
pvmx_err px_parts_add_run(struct px_parts *p, int64_t at, uint64_t size);
void px_parts_free(struct px_parts *p);
/* What the parts make together, beginning at *at. Changes *p, which is still the caller's to free. */
pvmx_err px_parts_join(struct px_parts *p, int64_t *at, struct px_shape **out);

/* Entry k of RUNS or LIST: where it begins in the packed form. */
static inline uint64_t px_shape_before(const struct px_shape *s, uint64_t k)
{
    return s->before ? s->before[k] : k * s->each;
}

/* The entry of RUNS or LIST that holds byte `from` of the packed form. */
uint64_t px_shape_find(const struct px_shape *s, uint64_t from);

#endif
