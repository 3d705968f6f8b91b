/* SPDX-License-Identifier: BSD-3-Clause */
/* Long messages. The sender has announced where the bytes are (RTS); the receiver copies them
 * straight from the sender's memory and says FIN, or, where memory is closed, asks (CTS) for them to
 * be streamed through the ring in fragments (DATA). */
#include "msg/msg.h"

#include "base/err.h"

#include <string.h>

void px_rndv_finish(struct px_recv *r, struct pvmx_peer *sender, uint64_t id)
{
    px_send_control(sender, &(struct px_hdr){.ctx = id, .am = PX_AM_FIN}, NULL, 0);
    px_req_complete(sender->ms, &r->req,
                    r->req.st.length > r->cap ? PVMX_ERR_TRUNCATE : PVMX_OK);
}

pvmx_err px_rndv_expect(struct px_recv *r, struct pvmx_peer *sender, uint64_t id)
{
    pvmx_err err = px_id_new(sender->ms, r, &r->id);
    if (err)
        return err;
    r->sender = sender;
    sender->refs++;
    r->sender_id = id;
    return PVMX_OK;
}

void px_rndv_settle(struct px_recv *r)
{
    struct pvmx_peer *sender = r->sender;
    px_map_remove(&sender->ms->ids, r->id);
    r->id = 0;
    r->sender = NULL;
    px_rndv_finish(r, sender, r->sender_id);
    px_peer_put(sender);
}

/* Asks for a stream of the first `want` bytes. */
static void ask_stream(struct px_recv *r, struct pvmx_peer *sender, uint64_t id, size_t want)
{
    pvmx_err err = px_rndv_expect(r, sender, id);
    if (err) {
        px_req_complete(sender->ms, &r->req, err);
        return;
    }
    r->want = want;
    struct px_cts cts = {.id = r->id, .len = want};
    err = px_send_control(sender, &(struct px_hdr){.ctx = id, .am = PX_AM_CTS}, &cts,
                          sizeof cts);
    if (err)
        px_recv_fail(r, err);
}

void px_rndv_fetch(struct px_recv *r, struct pvmx_peer *sender, uint64_t id,
                   uint64_t addr, size_t len)
{
    size_t want = len < r->cap ? len : r->cap;
    r->req.st.length = len;
    pvmx_err err =
        sender->dead && !sender->self ? PVMX_ERR_PEER_DEAD : px_peer_connect(sender);
    if (!err && px_share_worth(sender, want)) {
        err = px_share_fetch(r, sender, id, addr, want);
        if (!err)
            return;
    } else if (!err) {
        err = want ? sender->ep->tr->get(sender->ep, r->buf, addr, want) : PVMX_OK;
    }
    if (!err)
        px_rndv_finish(r, sender, id);
    else if (err == PVMX_ERR_UNSUPPORTED || err == PVMX_ERR_PERM)
        ask_stream(r, sender, id, want);
    else
        px_req_complete(sender->ms, &r->req, err);
}

void px_rndv_on_data(struct px_messenger *ms, uint64_t id, const uint8_t *bytes, size_t len)
{
    struct px_recv *r = px_map_get(&ms->ids, id);
    struct px_data d;
    if (!r || r->req.kind != PX_REQ_RECV || r->piece || len < sizeof d)
        return;
    memcpy(&d, bytes, sizeof d);
    len -= sizeof d;
    if (d.offset > r->want || len > r->want - d.offset)
        return;
    memcpy(r->buf + d.offset, bytes + sizeof d, len);
    r->got += len;
    if (r->got < r->want)
        return;
    px_rndv_settle(r);
}
