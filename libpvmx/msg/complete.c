/* SPDX-License-Identifier: BSD-3-Clause */
/* The one place where requests become complete. */
#include "msg/msg.h"

void px_req_complete(struct px_messenger *ms, struct pvmx_req *r, pvmx_err err)
{
    r->st.error = err;
    if (err == PVMX_ERR_PEER_DEAD || err == PVMX_ERR_DEAD_PENDING || err == PVMX_ERR_REVOKED)
        atomic_fetch_add_explicit(&ms->failures, 1, memory_order_release);
    if (r->layout) {
        pvmx_engine_layout_put(r->layout);
        r->layout = NULL;
    }
    if (r->orphan) {
        px_req_drop(&ms->pool, r);
        return;
    }
    atomic_store_explicit(&r->done, true, memory_order_release);
    ms->completed = true;
    if (r == ms->awaited)
        ms->pause = true;
}
