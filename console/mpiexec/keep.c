/* SPDX-License-Identifier: BSD-3-Clause */
/* See keep.h. */
#include "keep.h"

#include "proto/messages.h"

#include <string.h>

enum { ROOM = 2 * KEEP_MAX };

static void skip(struct keep *k, size_t n)
{
    k->skipped += n;
    px_buf_consume(&k->bytes, n);
}

void keep_take(struct keep *k, const uint8_t *bytes, size_t n)
{
    size_t len = px_buf_len(&k->bytes), over = n > KEEP_MAX ? n - KEEP_MAX : 0;
    if (k->tid == 0 || n == 0)
        return;
    if (over > 0) {
        skip(k, len);
        k->skipped += over;
    } else if (len + n > KEEP_MAX) {
        skip(k, len + n - KEEP_MAX);
    }
    /* With this much room a byte is moved down once at the most before it is told or skipped. */
    len = px_buf_len(&k->bytes);
    if (len + n > KEEP_MAX / 2 && k->bytes.cap < ROOM)
        px_buf_reserve(&k->bytes, ROOM - len);
    if (px_buf_append(&k->bytes, bytes + over, n - over) != PVMX_OK)
        k->skipped += n - over;
}

bool keep_waits(const struct keep *k)
{
    return px_buf_len(&k->bytes) > 0;
}

/* What is left of a line whose beginning was skipped would pass for a whole one. */
static void skip_to_line(struct keep *k)
{
    const uint8_t *from = px_buf_head(&k->bytes);
    const uint8_t *end = memchr(from, '\n', px_buf_len(&k->bytes));
    if (end != NULL)
        skip(k, (size_t)(end - from) + 1);
}

pvmx_err keep_tell(struct keep *k, struct px_buf *out, bool eof)
{
    if (k->skipped > 0 && keep_waits(k))
        skip_to_line(k);
    struct pxp_written m = {.tid = k->tid,
                            .stream = k->stream,
                            .skipped = k->skipped,
                            .bytes = px_buf_head(&k->bytes),
                            .bytes_len = px_buf_len(&k->bytes),
                            .eof = eof};
    pvmx_err err = k->tid != 0 ? pxp_written_encode(out, 0, &m) : PVMX_OK;
    k->skipped = 0;
    px_buf_free(&k->bytes);
    if (eof)
        k->tid = 0;
    return err;
}

void keep_free(struct keep *k)
{
    px_buf_free(&k->bytes);
}
