/* SPDX-License-Identifier: BSD-3-Clause */
/* Making shapes: the rules that bring them to their canonical form. */
#include "layout/shape.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A list inside a list is taken apart when that makes no more entries than this: its runs can then
 * join with their neighbours, and a walk has one level less. */
enum { FLATTEN = 1024 };

struct px_shape *px_shape_get(struct px_shape *s)
{
    if (s)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void px_shape_put(struct px_shape *s)
{
    while (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        struct px_shape *child = NULL;
        if (s->kind == PX_SHAPE_LOOP)
            child = s->child;
        else if (s->kind == PX_SHAPE_LIST)
            for (uint64_t k = 0; k < s->n; k++)
                px_shape_put(s->shapes[k]);
        free(s);
        s = child; /* a chain of loops may be long: no recursion */
    }
}

static pvmx_err no_memory(void)
{
    return px_fail(PVMX_ERR_NOMEM, "no memory for a layout");
}

static struct px_shape *new_shape(enum px_shape_kind kind, uint64_t size, size_t more)
{
    struct px_shape *s = calloc(1, sizeof(*s) + more);
    if (s) {
        atomic_init(&s->refs, 1);
        s->kind = kind;
        s->size = size;
    }
    return s;
}

pvmx_err px_shape_run(uint64_t size, struct px_shape **out)
{
    *out = NULL;
    if (size == 0)
        return PVMX_OK;
    if (size > INT64_MAX)
        return px_fail(PVMX_ERR_TOOBIG, "a run of %llu bytes is longer than 2^63 - 1",
                       (unsigned long long)size);
    struct px_shape *s = new_shape(PX_SHAPE_RUN, size, 0);
    if (!s)
        return no_memory();
    s->hi = (int64_t)size;
    *out = s;
    return PVMX_OK;
}

void px_shape_loop_init(uint64_t count, int64_t stride, const struct px_shape *child,
                        struct px_shape *out)
{
    *out = (struct px_shape){.size = child->size * count};
    /* A loop that goes on where its child, itself a loop, ends, is one longer loop. */
    if (child->kind == PX_SHAPE_LOOP &&
        (__int128)child->stride * (__int128)child->count == stride) {
        count *= child->count;
        stride = child->stride;
        child = child->child;
    }
    if (child->kind == PX_SHAPE_RUN && (uint64_t)stride == child->size) {
        out->kind = PX_SHAPE_RUN;
        out->hi = (int64_t)out->size;
        return;
    }
    __int128 span = (__int128)(count - 1) * stride;
    out->kind = PX_SHAPE_LOOP;
    out->lo = (int64_t)(child->lo + (span < 0 ? span : 0));
    out->hi = (int64_t)(child->hi + (span > 0 ? span : 0));
    out->count = count;
    out->stride = stride;
    out->child = (struct px_shape *)(uintptr_t)child;
}

/* False when size or bounds of a loop do not fit. */
static bool loop_fits(uint64_t count, int64_t stride, const struct px_shape *child)
{
    unsigned __int128 size = (unsigned __int128)count * child->size;
    __int128 span;
    return size <= INT64_MAX &&
           !__builtin_mul_overflow((__int128)(count - 1), (__int128)stride, &span) &&
           child->lo + span >= INT64_MIN && child->hi + span <= INT64_MAX;
}

pvmx_err px_shape_loop(uint64_t count, int64_t stride, struct px_shape *child,
                       struct px_shape **out)
{
    *out = NULL;
    if (count == 0 || !child)
        return PVMX_OK;
    if (count == 1) {
        *out = px_shape_get(child);
        return PVMX_OK;
    }
    if (!loop_fits(count, stride, child))
        return px_fail(PVMX_ERR_TOOBIG,
                       "%llu blocks of %llu bytes, %lld bytes apart, do not fit 63 bits",
                       (unsigned long long)count, (unsigned long long)child->size,
                       (long long)stride);
    struct px_shape *s = malloc(sizeof(*s));
    if (!s)
        return no_memory();
    px_shape_loop_init(count, stride, child, s);
    atomic_init(&s->refs, 1);
    if (s->kind == PX_SHAPE_LOOP)
        px_shape_get(s->child);
    *out = s;
    return PVMX_OK;
}

/* -- lists */

static pvmx_err append(struct px_parts *p, struct px_part part)
{
    if (p->n == p->cap) {
        uint64_t cap = p->cap ? 2 * p->cap : 8;
        struct px_part *grown = realloc(p->list, cap * sizeof(*grown));
        if (!grown)
            return no_memory();
        p->list = grown;
        p->cap = cap;
    }
    p->list[p->n++] = part;
    return PVMX_OK;
}

pvmx_err px_parts_add_run(struct px_parts *p, int64_t at, uint64_t size)
{
    if (size == 0)
        return PVMX_OK;
    if (size > INT64_MAX || at > INT64_MAX - (int64_t)size)
        return px_fail(PVMX_ERR_TOOBIG, "%llu bytes at %lld do not fit 63 bits",
                       (unsigned long long)size, (long long)at);
    struct px_part *last = p->n ? &p->list[p->n - 1] : NULL;
    if (last && !last->shape && last->at + (int64_t)last->size == at) {
        last->size += size;
        return PVMX_OK;
    }
    return append(p, (struct px_part){at, size, NULL});
}

pvmx_err px_parts_add(struct px_parts *p, int64_t at, struct px_shape *s)
{
    if (!s)
        return PVMX_OK;
    if (s->kind == PX_SHAPE_RUN)
        return px_parts_add_run(p, at, s->size);
    if ((__int128)at + s->lo < INT64_MIN || (__int128)at + s->hi > INT64_MAX)
        return px_fail(PVMX_ERR_TOOBIG, "a block at %lld does not fit 63 bits",
                       (long long)at);
    pvmx_err err = append(p, (struct px_part){at, s->size, s});
    if (!err)
        px_shape_get(s);
    return err;
}

void px_parts_free(struct px_parts *p)
{
    for (uint64_t i = 0; i < p->n; i++)
        px_shape_put(p->list[i].shape);
    free(p->list);
    *p = (struct px_parts){0};
}

static bool is_list(const struct px_part *part)
{
    return part->shape && part->shape->kind != PX_SHAPE_LOOP;
}

/* Takes lists among the parts apart, if that does not make too many. */
static pvmx_err flatten(struct px_parts *p)
{
    uint64_t total = 0;
    bool any = false;
    for (uint64_t i = 0; i < p->n && total <= FLATTEN; i++) {
        any |= is_list(&p->list[i]);
        total += is_list(&p->list[i]) ? p->list[i].shape->n : 1;
    }
    if (!any || total > FLATTEN)
        return PVMX_OK;
    struct px_parts flat = {0};
    pvmx_err err = PVMX_OK;
    for (uint64_t i = 0; i < p->n && !err; i++) {
        const struct px_part *part = &p->list[i];
        const struct px_shape *s = part->shape;
        if (!s)
            err = px_parts_add_run(&flat, part->at, part->size);
        else if (!is_list(part))
            err = px_parts_add(&flat, part->at, part->shape);
        for (uint64_t k = 0; s && is_list(part) && k < s->n && !err; k++) {
            uint64_t size = px_shape_before(s, k + 1) - px_shape_before(s, k);
            err = s->kind == PX_SHAPE_RUNS
                      ? px_parts_add_run(&flat, part->at + s->at[k], size)
                      : px_parts_add(&flat, part->at + s->at[k], s->shapes[k]);
        }
    }
    px_parts_free(err ? &flat : p);
    if (!err)
        *p = flat;
    return err;
}

static bool same_shape(const struct px_shape *a, const struct px_shape *b)
{
    while (a != b) {
        if (!a || !b || a->kind != b->kind || a->size != b->size)
            return false;
        if (a->kind == PX_SHAPE_RUN)
            return true;
        if (a->kind != PX_SHAPE_LOOP || a->count != b->count || a->stride != b->stride)
            return false;
        a = a->child;
        b = b->child;
    }
    return true;
}

/* All parts alike and at equal distances: they are a loop. */
static bool regular(const struct px_parts *p, int64_t *step)
{
    const struct px_part *l = p->list;
    if (__builtin_sub_overflow(l[1].at, l[0].at, step))
        return false;
    for (uint64_t i = 1; i < p->n; i++) {
        int64_t d;
        if (l[i].size != l[0].size || __builtin_sub_overflow(l[i].at, l[i - 1].at, &d) ||
            d != *step || !same_shape(l[i].shape, l[0].shape))
            return false;
    }
    return true;
}

/* Shape of one part. */
static pvmx_err shape_of_part(const struct px_part *part, struct px_shape **out)
{
    if (!part->shape)
        return px_shape_run(part->size, out);
    *out = px_shape_get(part->shape);
    return PVMX_OK;
}

struct facts {
    bool runs, even; /* runs only; all of one size */
    uint64_t size;
    int64_t lo, hi;
};

/* What a list of the parts amounts to, seen from its first byte; false when it does not fit. */
static bool sum_up(const struct px_parts *p, struct facts *f)
{
    *f = (struct facts){true, true, 0, 0, 0};
    for (uint64_t i = 0; i < p->n; i++) {
        const struct px_part *part = &p->list[i];
        __int128 at = (__int128)part->at - p->list[0].at;
        __int128 lo = at + (part->shape ? part->shape->lo : 0);
        __int128 hi = at + (part->shape ? part->shape->hi : (int64_t)part->size);
        if (lo < INT64_MIN || hi > INT64_MAX || at > INT64_MAX || at < INT64_MIN)
            return false;
        f->lo = lo < f->lo ? (int64_t)lo : f->lo;
        f->hi = hi > f->hi ? (int64_t)hi : f->hi;
        f->runs &= !part->shape;
        f->even &= part->size == p->list[0].size;
        f->size += part->size;
        if (f->size > INT64_MAX)
            return false;
    }
    return true;
}

static pvmx_err make_list(struct px_parts *p, struct px_shape **out)
{
    struct facts f;
    if (!sum_up(p, &f))
        return px_fail(PVMX_ERR_TOOBIG, "a layout of %llu blocks does not fit 63 bits",
                       (unsigned long long)p->n);
    size_t words = p->n + (f.even ? 0 : p->n + 1) + (f.runs ? 0 : p->n);
    struct px_shape *s =
        new_shape(f.runs ? PX_SHAPE_RUNS : PX_SHAPE_LIST, f.size, words * sizeof(int64_t));
    if (!s)
        return no_memory();
    int64_t *at = (int64_t *)(s + 1);
    uint64_t *before = (uint64_t *)(at + p->n), sum = 0;
    struct px_shape **shapes = (struct px_shape **)(f.even ? before : before + p->n + 1);
    s->lo = f.lo;
    s->hi = f.hi;
    s->n = p->n;
    s->each = f.even ? p->list[0].size : 0;
    s->at = at;
    s->before = f.even ? NULL : before;
    s->shapes = f.runs ? NULL : shapes;
    for (uint64_t i = 0; i < p->n; i++) {
        at[i] = p->list[i].at - p->list[0].at;
        if (!f.even)
            before[i] = sum;
        sum += p->list[i].size;
        pvmx_err err = f.runs ? PVMX_OK : shape_of_part(&p->list[i], &shapes[i]);
        if (err) {
            s->n = i;
            px_shape_put(s);
            return err;
        }
    }
    if (!f.even)
        before[p->n] = sum;
    *out = s;
    return PVMX_OK;
}

pvmx_err px_parts_join(struct px_parts *p, int64_t *at, struct px_shape **out)
{
    *at = p->n ? p->list[0].at : 0;
    *out = NULL;
    for (int flat = 0; flat < 2; flat++) {
        int64_t step;
        if (p->n == 0)
            return PVMX_OK;
        if (p->n == 1)
            return shape_of_part(&p->list[0], out);
        if (regular(p, &step)) {
            struct px_shape *child;
            pvmx_err err = shape_of_part(&p->list[0], &child);
            if (!err)
                err = px_shape_loop(p->n, step, child, out);
            px_shape_put(err ? NULL : child);
            return err;
        }
        pvmx_err err = flat ? PVMX_OK : flatten(p);
        if (err)
            return err;
    }
    return make_list(p, out);
}

uint64_t px_shape_find(const struct px_shape *s, uint64_t from)
{
    if (!s->before)
        return from / s->each;
    uint64_t low = 0, high = s->n; /* before[low] <= from < before[high] */
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        if (s->before[mid] <= from)
            low = mid;
        else
            high = mid;
    }
    return low;
}
