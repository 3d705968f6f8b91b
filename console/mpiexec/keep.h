/* SPDX-License-Identifier: BSD-3-Clause */
/* The last of what processes have written, for the daemon's logs (`pvmx logs`). It is told at most
 * every KEEP_PAUSE_MS and KEEP_ROUND bytes at a time, and never while the daemon has not read what it was
 * told before: of what is written faster it gets the end. So nobody's output waits for it. */
#ifndef MPIEXEC_KEEP_H
#define MPIEXEC_KEEP_H

#include "base/buf.h"
#include <pvmx/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEEP_MAX = 64 * 1024, /* of one stream; what the daemon keeps of a task by default */
    KEEP_ROUND = 256 * 1024, /* of all together in one round                              */
    KEEP_PAUSE_MS = 50,
};

/* One stream of one process. */
struct keep {
    int32_t tid; /* 0: nobody wants to know */
    uint32_t stream;
    uint64_t skipped;
    struct px_buf bytes;
};

/* Takes what was written. */
void keep_take(struct keep *k, const uint8_t *bytes, size_t n);
bool keep_waits(const struct keep *k);
/* Encodes the message; eof: nothing more will come. */
pvmx_err keep_tell(struct keep *k, struct px_buf *out, bool eof);
void keep_free(struct keep *k);

#endif
