/* SPDX-License-Identifier: BSD-3-Clause */
/* See errand.h. */
#include "errand.h"
#include "base/err.h"
#include "caller.h"
#include "hosts.h"
#include "link.h"
#include "names.h"
#include "peer.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <pvmx/engine/box.h>
#include <stdlib.h>
#include <string.h>

enum {
    MORE = 16 * 1024
}; /* room for what is around a frame in the messages it goes on in */

struct errand {
    struct waiter w; /* in server.errands, by number */
    struct server *sv;
    int32_t tid;
    uint32_t number;
    size_t len;
    uint8_t frame[];
};

static void errand_free(struct waiter *w)
{
    struct errand *e = px_container_of(w, struct errand, w);
    px_map_remove(&e->sv->errand_numbers, e->number);
    free(e);
}

/* All before it have been answered. */
static uint32_t oldest(const struct server *sv)
{
    return px_container_of(sv->errands.next, struct errand, w.in_queue)->number;
}

static void send_errand(struct server *sv, struct errand *e)
{
    struct pxp_errand m = {.tid = e->tid,
                           .number = e->number,
                           .settled = oldest(sv),
                           .frame = e->frame,
                           .frame_len = e->len};
    struct host *h = hosts_find(sv, sv->hosts.leader);
    if (h == NULL)
        return; /* later */
    if (hosts_leading(sv)) {
        caller_serve(sv, sv->hosts.self, &m);
        return;
    }
    struct link *l = hosts_link(sv, h);
    if (l == NULL || pxp_errand_encode(link_out(l), 0, &m) != PVMX_OK) {
        px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to ask the leading host");
        waiter_refuse(&e->w, PVMX_ERR_NOMEM);
    }
}

/* Would it matter if it were done twice? */
static bool changes(const uint8_t *body, size_t len)
{
    uint32_t number = 0, serial = 0;
    struct pxp_zone zone = {0};
    struct pxp_box_get m;
    if (pxp_frame_head(body, len, &number, &serial) != PVMX_OK)
        return false;
    bool take = number == PXP_BOX_GET &&
                pxp_box_get_decode(body, len, &m, &zone) == PVMX_OK &&
                (m.flags & PVMX_BOX_TAKE) != 0;
    pxp_zone_free(&zone);
    return take || (number != PXP_BOX_GET && number != PXP_LOOKUP && number != PXP_BOX_LIST &&
                    number != PXP_GROUP_LOOK && number != PXP_GROUP_LIST);
}

/* A look-up that waits ends here when its time is over, whichever leader it waits at by then. */
static uint32_t limit_of(const uint8_t *body, size_t len)
{
    uint32_t number = 0, serial = 0, limit = 0;
    struct pxp_zone zone = {0};
    struct pxp_lookup m;
    if (pxp_frame_head(body, len, &number, &serial) == PVMX_OK && number == PXP_LOOKUP &&
        pxp_lookup_decode(body, len, &m, &zone) == PVMX_OK)
        limit = m.wait_ms;
    pxp_zone_free(&zone);
    return limit != 0 ? limit : WAITER_FOREVER; /* 0: the leader answers at once */
}

static void late(struct waiter *w)
{
    const struct errand *e = px_container_of(w, struct errand, w);
    struct pxp_zone zone = {0};
    struct pxp_lookup m;
    if (pxp_lookup_decode(e->frame, e->len, &m, &zone) == PVMX_OK)
        names_not_published(&m);
    pxp_zone_free(&zone);
}

static pvmx_err no_leader(void)
{
    return px_fail(PVMX_ERR_STATE, "no host leads the virtual machine: too few of its "
                                   "hosts can be reached, so names, "
                                   "boxes and groups cannot be used");
}

pvmx_err errand_start(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    if (sv->hosts.leader == 0 && sv->hosts.hopeless)
        return no_leader();
    if (len > PXP_FRAME_MAX - MORE)
        return px_fail(PVMX_ERR_TOOBIG, "a request of %zu bytes is longer than %d", len,
                       PXP_FRAME_MAX - MORE);
    struct errand *e = malloc(sizeof *e + len);
    uint32_t next = (sv->last_errand / 2 + 1) * 2;
    uint32_t number = (next != 0 ? next : 2) | changes(body, len);
    if (e == NULL || px_map_put(&sv->errand_numbers, number, e) != PVMX_OK) {
        free(e);
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a request");
    }
    *e = (struct errand){
        .sv = sv, .number = number, .len = len, .w.free = errand_free, .w.late = late};
    e->tid = p->task != NULL && !p->task->left ? p->task->tid : 0;
    memcpy(e->frame, body, len);
    sv->last_errand = number;
    waiter_start(&e->w, p, serial, &sv->errands, limit_of(body, len));
    send_errand(sv, e);
    return PVMX_OK;
}

void errands_resend(struct server *sv)
{
    px_list_foreach(it, &sv->errands)
        send_errand(sv, px_container_of(it, struct errand, w.in_queue));
}

void errands_refuse(struct server *sv)
{
    px_list_foreach(it, &sv->errands)
        waiter_refuse(&px_container_of(it, struct errand, w.in_queue)->w, no_leader());
}

void errand_answered(struct server *sv, uint32_t number, const uint8_t *body, size_t len)
{
    struct errand *e = px_map_get(&sv->errand_numbers, number);
    if (e == NULL)
        return; /* was answered before, or the client has gone */
    struct peer *p = e->w.peer;
    uint32_t serial = e->w.serial;
    waiter_end(&e->w);
    if (pxp_reframe(peer_out(p), serial, body, len) != PVMX_OK)
        peer_refuse(p, serial, PVMX_ERR_PROTO, NULL);
}

pvmx_err errand_on_done(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_errand_done m;
    (void)serial;
    pvmx_err err = pxp_errand_done_decode(body, len, &m, &zone);
    if (err == PVMX_OK && l->host == sv->hosts.leader) /* else the next one will say it */
        errand_answered(sv, m.number, m.frame, m.frame_len);
    pxp_zone_free(&zone);
    return err;
}
