/* SPDX-License-Identifier: BSD-3-Clause */
/* Revoked contexts: what waits in them ends, what still arrives is dropped. A long message that its
 * receiver may be fetching at this moment is the exception: its sender's buffer must not be given
 * back before the receiver has let go of it, so it ends when the receiver hears of the end, too. */
#include "msg/msg.h"

#include <stdlib.h>

/* Contexts that are remembered; of an older one nothing arrives any more. */
enum { REMEMBERED = 8192 };

void px_arrived_refuse(struct pvmx_peer *from, uint8_t am, uint64_t id)
{
    if (am != PX_AM_EAGER)
        px_send_control(from,
                        &(struct px_hdr){.ctx = id, .tag = PX_FIN_REVOKED, .am = PX_AM_FIN},
                        NULL, 0);
}

static void end_posted(struct px_posted *p, void *arg)
{
    struct px_messenger *ms = arg;
    struct px_recv *r = px_container_of(p, struct px_recv, posted);
    if (!px_revoked(ms, p->key.ctx))
        return;
    px_match_remove_posted(&ms->match, p);
    r->req.st.source = p->key.source;
    r->req.st.tag = p->key.tag;
    px_req_complete(ms, &r->req, PVMX_ERR_REVOKED);
}

static void drop_arrived(struct px_messenger *ms)
{
    px_list_foreach(it, &ms->match.arrived) {
        struct px_unexp *u = px_container_of(it, struct px_unexp, all);
        struct px_arrived *m = px_container_of(u, struct px_arrived, unexp);
        if (!px_revoked(ms, u->key.ctx))
            continue;
        px_match_remove_unexp(&ms->match, u);
        px_arrived_refuse(m->from, m->am, m->id);
        px_arrived_free(m);
    }
}

static void remember(struct px_messenger *ms, uint64_t ctx)
{
    if (!ms->revoked_log)
        ms->revoked_log = calloc(REMEMBERED, sizeof *ms->revoked_log);
    uint64_t *place = ms->revoked_log ? &ms->revoked_log[ms->nrevoked++ % REMEMBERED] : NULL;
    if (!place)
        return;
    if (*place)
        px_map_remove(&ms->revoked, *place);
    *place = ctx;
    px_map_put(&ms->revoked, ctx, ms);
}

bool px_revoke(struct px_messenger *ms, uint64_t ctx, unsigned count)
{
    bool news = false;
    for (unsigned i = 0; i < count; i++) {
        if (px_revoked(ms, ctx + i))
            continue;
        remember(ms, ctx + i);
        news = true;
    }
    if (!news)
        return false;
    px_match_each_posted(&ms->match, end_posted, ms);
    drop_arrived(ms);
    px_sends_revoke(ms);
    return true;
}

void px_revoke_fini(struct px_messenger *ms)
{
    px_map_free(&ms->revoked);
    free(ms->revoked_log);
}
