/* SPDX-License-Identifier: BSD-3-Clause */
/* Pack and unpack: one walk over a shape for both, which differ in the direction of the copies. */
#include "layout/copy.h"
#include "layout/layout.h"
#include <stdbool.h>
#include <string.h>

/* Elements of few small runs are moved run by run through so many elements at a time, each pass with
 * a constant size, while the elements stay in the nearest cache. */
enum { CHUNK = 32, FEW_RUNS = 16 };

/* The packed side moves on, the memory side is given to each function. */
struct walk {
    char *packed;
    bool unpack;
};

static void strided(const struct walk *w, char *mem, int64_t stride, uint64_t offset,
                    int64_t step, uint64_t n, uint64_t len)
{
    if (w->unpack)
        px_copy_strided(mem, stride, w->packed + offset, step, n, len);
    else
        px_copy_strided(w->packed + offset, step, mem, stride, n, len);
}

static void move_run(struct walk *w, char *mem, uint64_t len)
{
    if (w->unpack)
        memcpy(mem, w->packed, len);
    else
        memcpy(w->packed, mem, len);
    w->packed += len;
}

static void move_all(struct walk *w, const struct px_shape *s, char *mem);

static bool few_runs(const struct px_shape *s)
{
    return (s->kind == PX_SHAPE_RUNS && s->n <= FEW_RUNS) ||
           (s->kind == PX_SHAPE_LOOP && s->count <= FEW_RUNS &&
            s->child->kind == PX_SHAPE_RUN);
}

/* n elements of few runs each. */
static void move_few_runs(struct walk *w, const struct px_shape *s, int64_t stride,
                          uint64_t n, char *mem)
{
    bool loop = s->kind == PX_SHAPE_LOOP;
    uint64_t runs = loop ? s->count : s->n;
    for (uint64_t done = 0; done < n; done += CHUNK) {
        uint64_t m = n - done < CHUNK ? n - done : CHUNK;
        for (uint64_t k = 0; k < runs; k++) {
            int64_t at = loop ? (int64_t)k * s->stride : s->at[k];
            uint64_t before = loop ? k * s->child->size : px_shape_before(s, k);
            uint64_t len = loop ? s->child->size : px_shape_before(s, k + 1) - before;
            strided(w, mem + at, stride, before, (int64_t)s->size, m, len);
        }
        w->packed += m * s->size;
        mem += (int64_t)m * stride;
    }
}

/* n children of a loop. */
static void move_loop(struct walk *w, const struct px_shape *s, uint64_t n, char *mem)
{
    const struct px_shape *child = s->child;
    if (child->kind == PX_SHAPE_RUN) {
        strided(w, mem, s->stride, 0, (int64_t)child->size, n, child->size);
        w->packed += n * child->size;
    } else if (n > 2 && few_runs(child)) {
        move_few_runs(w, child, s->stride, n, mem);
    } else {
        for (; n > 0; n--, mem += s->stride)
            move_all(w, child, mem);
    }
}

/* Entries k to end - 1 of RUNS or LIST. */
static void move_entries(struct walk *w, const struct px_shape *s, uint64_t k,
                         uint64_t end, char *mem)
{
    if (s->kind == PX_SHAPE_LIST) {
        for (; k < end; k++)
            move_all(w, s->shapes[k], mem + s->at[k]);
    } else if (s->before) {
        for (; k < end; k++)
            move_run(w, mem + s->at[k], s->before[k + 1] - s->before[k]);
    } else {
        if (w->unpack)
            px_copy_scatter(mem, s->at + k, w->packed, end - k, s->each);
        else
            px_copy_gather(w->packed, mem, s->at + k, end - k, s->each);
        w->packed += (end - k) * s->each;
    }
}

static void move_all(struct walk *w, const struct px_shape *s, char *mem)
{
    if (s->kind == PX_SHAPE_RUN)
        move_run(w, mem, s->size);
    else if (s->kind == PX_SHAPE_LOOP)
        move_loop(w, s, s->count, mem);
    else
        move_entries(w, s, 0, s->n, mem);
}

static void move_part(struct walk *w, const struct px_shape *s, char *mem, uint64_t from,
                      uint64_t len);

static void part_of_loop(struct walk *w, const struct px_shape *s, char *mem,
                         uint64_t from, uint64_t len)
{
    const uint64_t each = s->child->size;
    uint64_t i = from / each, skip = from % each;
    if (skip) {
        uint64_t rest = each - skip < len ? each - skip : len;
        move_part(w, s->child, mem + (int64_t)i * s->stride, skip, rest);
        len -= rest;
        i++;
    }
    uint64_t full = len / each;
    if (full)
        move_loop(w, s, full, mem + (int64_t)i * s->stride);
    if (len % each)
        move_part(w, s->child, mem + (int64_t)(i + full) * s->stride, 0, len % each);
}

/* A part of entry k. */
static void part_of_entry(struct walk *w, const struct px_shape *s, uint64_t k, char *mem,
                          uint64_t from, uint64_t len)
{
    if (s->kind == PX_SHAPE_LIST)
        move_part(w, s->shapes[k], mem + s->at[k], from, len);
    else
        move_run(w, mem + s->at[k] + from, len);
}

static void part_of_list(struct walk *w, const struct px_shape *s, char *mem,
                         uint64_t from, uint64_t len)
{
    uint64_t k = px_shape_find(s, from), skip = from - px_shape_before(s, k);
    if (skip) {
        uint64_t rest = px_shape_before(s, k + 1) - from;
        rest = rest < len ? rest : len;
        part_of_entry(w, s, k, mem, skip, rest);
        from += rest;
        len -= rest;
        k++;
    }
    if (len == 0)
        return;
    uint64_t end = from + len == s->size ? s->n : px_shape_find(s, from + len);
    move_entries(w, s, k, end, mem);
    uint64_t tail = from + len - px_shape_before(s, end);
    if (tail)
        part_of_entry(w, s, end, mem, 0, tail);
}

/* Bytes from..from+len-1 of the shape's packed form; len > 0. */
static void move_part(struct walk *w, const struct px_shape *s, char *mem, uint64_t from,
                      uint64_t len)
{
    if (len == s->size)
        move_all(w, s, mem);
    else if (s->kind == PX_SHAPE_RUN)
        move_run(w, mem + from, len);
    else if (s->kind == PX_SHAPE_LOOP)
        part_of_loop(w, s, mem, from, len);
    else
        part_of_list(w, s, mem, from, len);
}

static uint64_t move(const struct pvmx_view *v, uint64_t from, char *packed, uint64_t len,
                     bool unpack)
{
    struct px_shape tmp;
    char *mem;
    const struct px_shape *s = px_view_shape(v, &tmp, &mem);
    if (!s || from >= s->size || len == 0)
        return 0;
    len = s->size - from < len ? s->size - from : len;
    move_part(&(struct walk){packed, unpack}, s, mem, from, len);
    return len;
}

uint64_t pvmx_engine_pack(const struct pvmx_view *v, uint64_t from, void *out, uint64_t len)
{
    return move(v, from, out, len, false);
}

uint64_t pvmx_engine_unpack(const struct pvmx_view *v, uint64_t from, const void *in,
                            uint64_t len)
{
    return move(v, from, (char *)(uintptr_t)in, len, true);
}
