/* SPDX-License-Identifier: BSD-3-Clause */
/* The oracle of datatypes. */
#include "flatmap.h"
#include <stdlib.h>
#include <string.h>

void flat_basic(struct flatmap *m, int64_t at, int size, int align)
{
    if (m->n == m->room) {
        m->room = m->room ? 2 * m->room : 8;
        m->list = realloc(m->list, (size_t)m->room * sizeof(*m->list));
    }
    m->list[m->n++] = (struct flat){at, size, align};
}

void flat_append(struct flatmap *m, const struct flatmap *child, int count, int64_t displ)
{
    int64_t extent = flat_extent(child);
    for (int c = 0; c < count; c++, displ += extent) {
        for (int i = 0; i < child->n; i++) {
            const struct flat *f = &child->list[i];
            flat_basic(m, displ + f->at, f->size, f->align);
        }
        if (!child->marked)
            continue;
        int64_t low = displ + child->low, high = displ + child->high;
        m->low = m->marked && m->low < low ? m->low : low;
        m->high = m->marked && m->high > high ? m->high : high;
        m->marked = true;
    }
}

void flat_mark(struct flatmap *m, int64_t lb, int64_t extent)
{
    m->marked = true;
    m->low = lb;
    m->high = lb + extent;
}

void flat_free(struct flatmap *m)
{
    free(m->list);
    *m = (struct flatmap){0};
}

int64_t flat_size(const struct flatmap *m)
{
    int64_t size = 0;
    for (int i = 0; i < m->n; i++)
        size += m->list[i].size;
    return size;
}

void flat_touched(const struct flatmap *m, int64_t *lo, int64_t *hi)
{
    *lo = *hi = 0;
    for (int i = 0; i < m->n; i++) {
        const struct flat *f = &m->list[i];
        *lo = i == 0 || f->at < *lo ? f->at : *lo;
        *hi = i == 0 || f->at + f->size > *hi ? f->at + f->size : *hi;
    }
}

int64_t flat_lb(const struct flatmap *m)
{
    int64_t lo, hi;
    flat_touched(m, &lo, &hi);
    return m->marked ? m->low : lo;
}

int64_t flat_extent(const struct flatmap *m)
{
    int64_t lo, hi, strictest = 1;
    if (m->marked)
        return m->high - m->low;
    flat_touched(m, &lo, &hi);
    for (int i = 0; i < m->n; i++)
        strictest = m->list[i].align > strictest ? m->list[i].align : strictest;
    return (hi - lo + strictest - 1) / strictest * strictest;
}

bool flat_pack(const struct flatmap *m, const char *base, char *packed)
{
    int64_t lo, hi;
    bool twice = false;
    flat_touched(m, &lo, &hi);
    char *seen = calloc((size_t)(hi - lo) + 1, 1);
    for (int i = 0; i < m->n; i++)
        for (int k = 0; k < m->list[i].size; k++) {
            int64_t at = m->list[i].at + k;
            *packed++ = base[at];
            twice |= seen[at - lo];
            seen[at - lo] = 1;
        }
    free(seen);
    return twice;
}

void flat_unpack(const struct flatmap *m, char *base, const char *packed)
{
    for (int i = 0; i < m->n; i++) {
        memcpy(base + m->list[i].at, packed, (size_t)m->list[i].size);
        packed += m->list[i].size;
    }
}
