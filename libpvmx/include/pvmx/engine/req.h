/* SPDX-License-Identifier: BSD-3-Clause */
/* Middleware surface: requests. Rules of use as in <pvmx/engine/msg.h>. */
#ifndef PVMX_ENGINE_REQ_H
#define PVMX_ENGINE_REQ_H

#include <pvmx/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What all requests begin with, for the inline functions below; it is the engine's. */
struct pvmx_req {
    bool done;
    bool orphan; /* its user gave it back before it was complete */
    uint8_t kind;
    struct pvmx_layout *layout; /* of a buffer that is not one run; referenced until complete */
    struct pvmx_status st;
};

/* True when the operation is complete. Only looks; makes no progress. Acquire semantics: what the
 * operation wrote is visible. */
static inline bool pvmx_engine_req_done(const struct pvmx_req *req)
{
    return __atomic_load_n(&req->done, __ATOMIC_ACQUIRE);
}
/* The outcome of a complete request. For sends, source/tag/length are what was given. */
static inline const struct pvmx_status *pvmx_engine_req_status(const struct pvmx_req *req)
{
    return &req->st;
}
/* Waits for completion and returns the operation's error. Does not free. */
PVMX_API pvmx_err pvmx_engine_req_wait(struct pvmx_req *req);
/* Asks for cancellation of a receive that has not matched, or of a send that its receiver has not
 * matched, which may have to answer first. The request completes in either case; status.cancelled
 * tells. */
PVMX_API void pvmx_engine_req_cancel(struct pvmx_req *req);
/* Gives a request back. Complete: at once; else when it completes (the buffers must live till then). */
PVMX_API void pvmx_engine_req_free(struct pvmx_req *req);

#ifdef __cplusplus
}
#endif
#endif
