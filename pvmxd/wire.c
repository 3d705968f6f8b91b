/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of what daemons ask of each other. */
#include "wire.h"
#include "add.h"
#include "base/err.h"
#include "base/log.h"
#include "beat.h"
#include "book.h"
#include "caller.h"
#include "consent.h"
#include "dial.h"
#include "drain.h"
#include "errand.h"
#include "far.h"
#include "guest.h"
#include "hosts.h"
#include "input.h"
#include "lead.h"
#include "limit.h"
#include "link.h"
#include "output.h"
#include "preload.h"
#include "relay.h"
#include "revoke.h"
#include "server.h"
#include "span.h"
#include "standin.h"
#include "withdraw.h"

static const struct handler {
    uint32_t number;
    pvmx_err (*fn)(struct server *sv, struct link *l, uint32_t serial,
                   const uint8_t *body, size_t len);
} handlers[] = {
    {PXP_JOIN, hosts_on_join},
    {PXP_MEMBER, hosts_on_member},
    {PXP_TABLE, hosts_on_table},
    {PXP_BEAT, beat_heard},
    {PXP_CLAIM, lead_on_claim},
    {PXP_PART, hosts_on_part},
    {PXP_HOST_ADD, add_forwarded},
    {PXP_HOST_DELETE, add_delete_forwarded},
    {PXP_WITHDRAW, withdraw_forwarded},
    {PXP_HALT, server_on_halt_forwarded},
    {PXP_RESERVE, span_on_reserve},
    {PXP_START, span_on_start},
    {PXP_UNDO, span_on_undo},
    {PXP_ENDED, far_on_ended},
    {PXP_WATCH, far_on_watch},
    {PXP_SIGNAL, far_on_signal},
    {PXP_ABORT, far_on_abort},
    {PXP_JOB_END, far_on_job_end},
    {PXP_RELEASE, far_on_release},
    {PXP_OUTPUT, drain_on_bytes},
    {PXP_CONSUMED, output_on_consumed},
    {PXP_FEED, input_on_feed},
    {PXP_FETCH, preload_on_fetch},
    {PXP_STREAM, dial_on_stream},
    {PXP_GUEST, guest_on_request},
    {PXP_ERRAND, caller_on_errand},
    {PXP_ERRAND_DONE, errand_on_done},
    {PXP_BOOK, copy_on_book},
    {PXP_BOOK_KEPT, book_on_kept},
    {PXP_BOOK_KEEP, copy_on_keep},
    {PXP_BOOK_FETCH, book_on_fetch},
    {PXP_BOOK_LOOK, copy_on_look},
    {PXP_CONSENT, consent_on_part},
    {PXP_KEEP, consent_on_keep},
    {PXP_REVOKE, revoke_on_news},
    {PXP_RELAY, relay_on_relay},
    {PXP_CALL, relay_on_call},
    {PXP_HERE, relay_on_here},
    {PXP_PROXY, standin_on_request},
    {PXP_PROXIED, standin_on_answer},
    {PXP_LIMIT_ADD, limits_add_forwarded},
    {PXP_LIMIT_DEL, limits_del_forwarded},
    {PXP_LIMITS_ARE, limits_on_table},
    {PXP_SUMS, sums_heard},
};

static const struct handler *find(uint32_t number)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].number == number)
            return &handlers[i];
    return NULL;
}

void wire_frame(struct server *sv, struct link *l, uint32_t number, uint32_t serial,
                const uint8_t *body, size_t len)
{
    const struct handler *h = find(number);
    pvmx_err err;
    if (l->host == 0 && number != PXP_JOIN && number != PXP_MEMBER &&
        number != PXP_STREAM && number != PXP_RELAY && number != PXP_HERE)
        err = px_fail(PVMX_ERR_PROTO, "a daemon must first say which host it is");
    else if (h == NULL)
        err = px_fail(PVMX_ERR_UNSUPPORTED, "this daemon does not know message %u", number);
    else
        err = h->fn(sv, l, serial, body, len);
    if (err == PVMX_OK || l->closed)
        return;
    px_log(PX_LOG_INFO, "WIRE-REFUSE", "%s of %s: %s", pxp_name(number), l->name,
           pvmx_last_error());
    link_refuse(l, serial, err);
    if (l->host == 0) /* it hears why before we close */
        link_finish(l);
    else if (err == PVMX_ERR_PROTO)
        link_close(l, pvmx_last_error());
}
