/* SPDX-License-Identifier: BSD-3-Clause */
/* The less frequent parts of completing a request. */
#include "msg/msg.h"

bool px_req_complete_rest(struct px_messenger *ms, struct pvmx_req *r)
{
    pvmx_err err = r->st.error;
    if (err == PVMX_ERR_PEER_DEAD || err == PVMX_ERR_DEAD_PENDING || err == PVMX_ERR_REVOKED)
        atomic_fetch_add_explicit(&ms->failures, 1, memory_order_release);
    if (r->layout) {
        pvmx_engine_layout_put(r->layout);
        r->layout = NULL;
    }
    if (!r->orphan)
        return false;
    px_req_drop(&ms->pool, r);
    return true;
}
