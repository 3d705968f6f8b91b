/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: short messages that go to a function instead of being matched, and blocks: shared
 * memory of this task that others may read. For layers with a message queue of their own (PVM), whose
 * sends never wait and arrive although their sender has ended. Rules of use as in
 * <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_POST_H
#define PVMX_ENGINE_POST_H

#include <pvmx/engine/msg.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PVMX_POST_MAX = 4096, /* longest message of pvmx_engine_post */
    PVMX_SINKS = 8,       /* contexts below this can have a sink */
};

/* Takes a message; called from progress with the engine's lock held. bytes are valid during the call
 * only. May use post and the block functions. PVMX_ERR_NOMEM: offered again later. */
typedef pvmx_err pvmx_sink_fn(void *arg, pvmx_tid from, int32_t tag, const void *bytes,
                              size_t len);

/* From now on what is posted to this task in the context goes to fn, what has arrived before at
 * once. fn NULL: messages wait again. */
PVMX_API pvmx_err pvmx_engine_sink(uint64_t ctx, pvmx_sink_fn *fn, void *arg);
/* Sends at most PVMX_POST_MAX bytes to the sink of a context; any tag. Never waits; what finds no
 * room is copied. */
PVMX_API pvmx_err pvmx_engine_post(struct pvmx_peer *to, uint64_t ctx, int32_t tag,
                                   const void *bytes, size_t len);

/* A piece of this task's shared memory. It stays when the task ends, for those it was lent to. */
struct pvmx_block {
    void *data;
    size_t size; /* at least what was asked for */
};
/* What a reader is told: opaque, to be copied as bytes. */
struct pvmx_loan {
    uint64_t place;
    uint32_t cell, unused;
};
/* A block of another task (or of this one) that is open here. */
struct pvmx_lent {
    const void *data;
    struct pvmx_peer *owner; /* NULL: not open */
    size_t mapped;           /* bytes, where it is mapped by itself */
    uint32_t cell;
};

/* PVMX_ERR_LIMIT: no room, or not in a VM: send by other means. */
PVMX_API pvmx_err pvmx_engine_block_new(size_t size, struct pvmx_block **out);
/* The memory is used again when all whom it was lent to have closed it or ended. */
PVMX_API void pvmx_engine_block_free(struct pvmx_block *block);
/* Lends it to a task, which must then be told by a post. PVMX_ERR_LIMIT: cannot reach this memory. */
PVMX_API pvmx_err pvmx_engine_block_lend(struct pvmx_block *block, struct pvmx_peer *to,
                                         struct pvmx_loan *out);
/* Opens len bytes of a block that was lent to this task; each loan once. */
PVMX_API pvmx_err pvmx_engine_block_open(pvmx_tid owner, const struct pvmx_loan *loan,
                                         size_t len, struct pvmx_lent *out);
PVMX_API void pvmx_engine_block_close(struct pvmx_lent *lent);

#ifdef __cplusplus
}
#endif

#endif
