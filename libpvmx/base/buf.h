/* SPDX-License-Identifier: BSD-3-Clause */
/* Growable bytes with a read position. {0} is an empty buffer. */
#ifndef PX_BUF_H
#define PX_BUF_H

#include <pvmx/errors.h>
#include <stddef.h>
#include <stdint.h>

struct px_buf {
    uint8_t *data;
    size_t start, end, cap; /* valid bytes are [start, end) */
};

static inline size_t px_buf_len(const struct px_buf *b)
{
    return b->end - b->start;
}

static inline const uint8_t *px_buf_head(const struct px_buf *b)
{
    return b->data + b->start;
}

/* Room for n more bytes; returns where they go (then add n to end), NULL without memory. */
uint8_t *px_buf_reserve(struct px_buf *b, size_t n);
pvmx_err px_buf_append(struct px_buf *b, const void *bytes, size_t n);
/* Drops n bytes from the head. */
void px_buf_consume(struct px_buf *b, size_t n);
/* Gives the memory back; the buffer is empty again. */
void px_buf_free(struct px_buf *b);

#endif
