/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of transports and the stubs for their optional operations. */
#include "transport/transport.h"

#include <stdio.h>
#include <stdlib.h>

const struct px_transport *const px_transports[] = {&px_transport_self, &px_transport_shm,
                                                    &px_transport_tcp, NULL};

void px_transports_check(void)
{
    for (const struct px_transport *const *t = px_transports; *t; t++) {
        const struct px_transport *r = *t;
        if (!(r->name && r->open && r->close && r->caps && r->reaches && r->connect &&
              r->disconnect && r->push && r->push_spare && r->stream && r->get && r->put &&
              r->claim && r->progress && r->drain && r->forget && r->descriptor)) {
            fprintf(stderr, "pvmx: transport table %s has a hole\n", r->name ? r->name : "?");
            abort();
        }
        if (t != px_transports && t[-1]->priority < r->priority) {
            fprintf(stderr, "pvmx: transport %s is not in order of priority\n", r->name);
            abort();
        }
    }
}

pvmx_err px_transport_no_get(struct px_ep *ep, void *dst, uint64_t addr, size_t len)
{
    (void)ep, (void)dst, (void)addr, (void)len;
    return PVMX_ERR_UNSUPPORTED;
}

pvmx_err px_transport_no_put(struct px_ep *ep, uint64_t addr, const void *src, size_t len)
{
    (void)ep, (void)addr, (void)src, (void)len;
    return PVMX_ERR_UNSUPPORTED;
}

bool px_transport_no_claim(struct px_ep *ep, unsigned board, uint32_t gen, uint32_t limit,
                           uint32_t *piece)
{
    (void)ep, (void)board, (void)gen, (void)limit, (void)piece;
    return false;
}

bool px_transport_no_attends(struct px_ep *ep)
{
    (void)ep;
    return false;
}

pvmx_err px_transport_no_stream(struct px_ep *ep, const void *head, const void *bytes,
                                size_t len, size_t *done)
{
    (void)ep, (void)head, (void)bytes, (void)len, (void)done;
    return PVMX_ERR_UNSUPPORTED;
}

bool px_transport_all_sent(struct px_iface *iface)
{
    (void)iface;
    return false;
}

int px_transport_no_descriptor(struct px_iface *iface)
{
    (void)iface;
    return -1;
}

void px_transport_no_peer(struct px_iface *iface, pvmx_tid from)
{
    (void)iface, (void)from;
}
