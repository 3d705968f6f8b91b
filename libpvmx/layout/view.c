/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: the shape of a whole message, and the runs of memory that it consists of. */
#include "layout/layout.h"
#include <sys/uio.h>

const struct px_shape *px_view_shape(const struct pvmx_view *v, struct px_shape *tmp,
                                     char **mem)
{
    const struct pvmx_layout *l = v->layout;
    if (!l->shape || v->count == 0)
        return NULL;
    *mem = (char *)((uintptr_t)v->base + (uintptr_t)l->at);
    if (v->count == 1)
        return l->shape;
    px_shape_loop_init(v->count, l->info.extent, l->shape, tmp);
    return tmp;
}

/* Where runs are noted. */
struct sink {
    struct iovec *runs;
    size_t n, max;
    uint64_t bytes;
};

/* False when there is no room for it. */
static bool note(struct sink *k, char *mem, uint64_t len)
{
    struct iovec *last = k->n ? &k->runs[k->n - 1] : NULL;
    if (last && (char *)last->iov_base + last->iov_len == mem)
        last->iov_len += len;
    else if (k->n == k->max)
        return false;
    else
        k->runs[k->n++] = (struct iovec){mem, len};
    k->bytes += len;
    return true;
}

/* Notes the runs of a shape from byte `from` on; false when there is no more room. */
static bool runs_of(struct sink *k, const struct px_shape *s, char *mem, uint64_t from)
{
    if (s->kind == PX_SHAPE_RUN)
        return note(k, mem + from, s->size - from);
    if (s->kind == PX_SHAPE_LOOP) {
        uint64_t i = from / s->child->size;
        from %= s->child->size;
        for (; i < s->count; i++, from = 0)
            if (!runs_of(k, s->child, mem + (int64_t)i * s->stride, from))
                return false;
        return true;
    }
    uint64_t i = px_shape_find(s, from);
    from -= px_shape_before(s, i);
    for (; i < s->n; i++, from = 0) {
        char *at = mem + s->at[i];
        if (s->kind == PX_SHAPE_LIST
                ? !runs_of(k, s->shapes[i], at, from)
                : !note(k, at + from, px_shape_before(s, i + 1) - px_shape_before(s, i) - from))
            return false;
    }
    return true;
}

size_t pvmx_engine_view_runs(const struct pvmx_view *v, uint64_t from, struct iovec *runs,
                             size_t max, uint64_t *bytes)
{
    struct sink k = {runs, 0, max, 0};
    struct px_shape tmp;
    char *mem;
    const struct px_shape *s = px_view_shape(v, &tmp, &mem);
    if (s && from < s->size)
        runs_of(&k, s, mem, from);
    *bytes = k.bytes;
    return k.n;
}
