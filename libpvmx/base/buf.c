/* SPDX-License-Identifier: BSD-3-Clause */
/* Growable bytes with a read position. */
#include "base/buf.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

enum { MIN_CAP = 256 };

uint8_t *px_buf_reserve(struct px_buf *b, size_t n)
{
    size_t len = px_buf_len(b);
    if (b->data != NULL && n <= b->cap - b->end)
        return b->data + b->end;
    if (n > SIZE_MAX / 2 - len)
        return NULL;
    /* Moving down pays only when at least half is free, else every small append would copy. */
    if (b->data != NULL && len + n <= b->cap && b->start >= b->cap / 2) {
        memmove(b->data, b->data + b->start, len);
    } else {
        size_t cap = b->cap < MIN_CAP ? MIN_CAP : b->cap;
        while (cap < len + n)
            cap *= 2;
        uint8_t *data = malloc(cap);
        if (data == NULL)
            return NULL;
        if (len > 0)
            memcpy(data, b->data + b->start, len);
        free(b->data);
        b->data = data;
        b->cap = cap;
    }
    b->start = 0;
    b->end = len;
    return b->data + b->end;
}

pvmx_err px_buf_append(struct px_buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return PVMX_OK;
    uint8_t *to = px_buf_reserve(b, n);
    if (to == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for %zu more bytes of a buffer", n);
    memcpy(to, bytes, n);
    b->end += n;
    return PVMX_OK;
}

void px_buf_consume(struct px_buf *b, size_t n)
{
    b->start += n < px_buf_len(b) ? n : px_buf_len(b);
    if (b->start == b->end)
        b->start = b->end = 0;
}

void px_buf_free(struct px_buf *b)
{
    free(b->data);
    *b = (struct px_buf){0};
}
