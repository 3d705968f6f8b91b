/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of the control protocol on a byte stream: a u32 big-endian length, then that many bytes.
 * Fed incrementally; never looks inside. */
#ifndef PXP_FRAME_H
#define PXP_FRAME_H

#include "base/buf.h"
#include <stdbool.h>

enum {
    PXP_FRAME_MAX =
        16 * 1024 * 1024, /* argv + environment of a spawn request at the kernel's limits */
    PXP_HELLO_MAX = 4096, /* before the greeting is done */
};

/* Takes the next whole frame at the head of in. PVMX_OK: *body points into in (valid until in
 * changes), *len its size; then call pxp_frame_drop. PVMX_ERR_AGAIN: not whole yet.
 * PVMX_ERR_TOOBIG: longer than max; close the connection. */
pvmx_err pxp_frame_next(const struct px_buf *in, size_t max, const uint8_t **body,
                        size_t *len);
void pxp_frame_drop(struct px_buf *in);

/* Head of a body: message number (never 0) and serial. The rest is not looked at. PVMX_ERR_PROTO. */
pvmx_err pxp_frame_head(const uint8_t *body, size_t len, uint32_t *number, uint32_t *serial);
/* Appends the same message as a frame with another serial: how a message is passed on unread. */
pvmx_err pxp_reframe(struct px_buf *out, uint32_t serial, const uint8_t *body, size_t len);

#endif
