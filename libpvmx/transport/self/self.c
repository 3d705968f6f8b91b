/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of a task to itself: a record is delivered by the push that sends it. The smallest
 * example of a transport. */
#include "transport/transport.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum {
    SELF_EAGER = 4096,  /* above, rendezvous copies once instead of twice */
    SELF_RECORD = 8192, /* room for a header before an eager message      */
};

struct self_iface {
    const struct px_transport *tr;
    struct px_iface_params params;
    struct px_origin origin;
};

struct self_ep {
    struct px_ep base;
    struct self_iface *iface;
};

static pvmx_err self_open(const struct px_iface_params *params, struct px_iface **out)
{
    struct self_iface *s = calloc(1, sizeof *s);
    if (!s)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the loopback transport");
    s->tr = &px_transport_self;
    s->params = *params;
    s->origin.tid = params->self;
    *out = (struct px_iface *)s;
    return PVMX_OK;
}

static void self_close(struct px_iface *iface)
{
    free(iface);
}

static void self_caps(const struct px_iface *iface, struct px_caps *out)
{
    (void)iface;
    *out = (struct px_caps){.max_record = SELF_RECORD, .eager = SELF_EAGER, .get = true};
}

static bool self_reaches(const struct px_iface *iface, pvmx_tid peer)
{
    return peer == 0 || peer == ((const struct self_iface *)iface)->params.self;
}

static pvmx_err self_connect(struct px_iface *iface, pvmx_tid peer, struct px_ep **out)
{
    (void)peer;
    struct self_ep *ep = calloc(1, sizeof *ep);
    if (!ep)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the loopback endpoint");
    ep->base.tr = &px_transport_self;
    ep->iface = (struct self_iface *)iface;
    *out = &ep->base;
    return ep->iface->params.contact(ep->iface->params.arg, &ep->iface->origin);
}

static void self_disconnect(struct px_ep *ep)
{
    free(ep);
}

static pvmx_err self_push(struct px_ep *ep, const struct px_slice *v, unsigned n)
{
    struct self_iface *s = ((struct self_ep *)ep)->iface;
    _Alignas(16) uint8_t record[SELF_RECORD];
    size_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        if (v[i].len)
            memcpy(record + len, v[i].data, v[i].len);
        len += v[i].len;
    }
    return s->params.deliver(s->params.arg, &s->origin, record, len);
}

static pvmx_err self_get(struct px_ep *ep, void *dst, uint64_t addr, size_t len)
{
    (void)ep;
    if (len)
        memmove(dst, (const void *)(uintptr_t)addr, len);
    return PVMX_OK;
}

static unsigned self_progress(struct px_iface *iface)
{
    (void)iface;
    return 0;
}

const struct px_transport px_transport_self = {
    .name = "self",
    .priority = 100,
    .open = self_open,
    .close = self_close,
    .caps = self_caps,
    .reaches = self_reaches,
    .connect = self_connect,
    .disconnect = self_disconnect,
    .push = self_push,
    .push_spare = self_push,
    .stream = px_transport_no_stream,
    .get = self_get,
    .put = px_transport_no_put,
    .claim = px_transport_no_claim,
    .attends = px_transport_no_attends,
    .progress = self_progress,
    .drain = px_transport_no_peer,
    .forget = px_transport_no_peer,
    .descriptor = px_transport_no_descriptor,
    .unsent = px_transport_all_sent,
};
