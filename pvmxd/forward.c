/* SPDX-License-Identifier: BSD-3-Clause */
/* Passing requests on. */
#include "forward.h"
#include "base/err.h"
#include "hosts.h"
#include "link.h"
#include "peer.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "server.h"
#include "waiter.h"
#include <stdlib.h>

struct forward {
    struct waiter w;
    struct link *link; /* NULL: it has answered */
    uint32_t ask;
};

static void forward_free(struct waiter *w)
{
    struct forward *f = px_container_of(w, struct forward, w);
    if (f->link != NULL)
        link_unask(f->link, f->ask);
    free(f);
}

static void on_answer(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                      size_t len)
{
    struct forward *f = arg;
    struct peer *p = f->w.peer;
    uint32_t serial = f->w.serial;
    (void)sv;
    f->link = NULL;
    if (number == 0) {
        waiter_refuse(&f->w, PVMX_ERR_CLOSED);
        return;
    }
    waiter_end(&f->w);
    if (pxp_reframe(peer_out(p), serial, body, len) != PVMX_OK)
        peer_refuse(p, serial, PVMX_ERR_PROTO, NULL);
}

uint32_t forward_ask(struct server *sv, struct peer *p, uint32_t serial, uint32_t host,
                     struct link **l)
{
    struct host *h = hosts_find(sv, host);
    struct forward *f = h != NULL ? calloc(1, sizeof *f) : NULL;
    *l = f != NULL ? hosts_link(sv, h) : NULL;
    uint32_t ask = *l != NULL ? link_ask(*l, on_answer, f) : 0;
    if (ask == 0) {
        free(f);
        px_fail(h == NULL ? PVMX_ERR_NOENT : PVMX_ERR_NOMEM, "host number %u %s", host,
                h == NULL ? "is not in the virtual machine (any more)"
                          : "cannot be asked: no memory");
        return 0;
    }
    *f = (struct forward){.link = *l, .ask = ask, .w.free = forward_free};
    waiter_start(&f->w, p, serial, &sv->forwards, WAITER_FOREVER);
    return ask;
}

pvmx_err forward_request(struct server *sv, struct peer *p, uint32_t serial,
                         uint32_t host, const uint8_t *body, size_t len)
{
    struct link *l = NULL;
    uint32_t ask = forward_ask(sv, p, serial, host, &l);
    return ask != 0 ? pxp_reframe(link_out(l), ask, body, len) : PVMX_ERR_NOENT;
}

pvmx_err forward_to_leader(struct server *sv, struct peer *p, uint32_t serial,
                           const uint8_t *body, size_t len, const char *without)
{
    if (hosts_find(sv, sv->hosts.leader) == NULL)
        return px_fail(PVMX_ERR_STATE,
                       "no host leads this virtual machine (any more): %s", without);
    return forward_request(sv, p, serial, sv->hosts.leader, body, len);
}

pvmx_err forward_withdraw(struct server *sv, const struct peer *p, uint32_t serial)
{
    px_list_foreach(it, &sv->forwards) {
        const struct waiter *w = px_container_of(it, struct waiter, in_queue);
        const struct forward *f = px_container_of(w, struct forward, w);
        if (w->peer == p && w->serial == serial && f->link != NULL)
            return pxp_withdraw_encode(link_out(f->link), 0,
                                       &(struct pxp_withdraw){.request = f->ask});
    }
    return PVMX_OK;
}

pvmx_err forward_mine(const struct server *sv)
{
    return hosts_leading(sv)
               ? PVMX_OK
               : px_fail(PVMX_ERR_STATE, "host %s does not lead this virtual machine (any more): try again",
                         sv->host);
}
