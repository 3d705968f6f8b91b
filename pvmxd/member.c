/* SPDX-License-Identifier: BSD-3-Clause */
/* The host table: how this host comes into it, and its links to the others. */
#include "add.h"
#include "base/err.h"
#include "base/log.h"
#include "beat.h"
#include "book.h"
#include "consent.h"
#include "dial.h"
#include "errand.h"
#include "guest.h"
#include "hosts.h"
#include "join.h"
#include "lead.h"
#include "link.h"
#include "lost.h"
#include "outside.h"
#include "post.h"
#include "proto/hello.h"
#include "relay.h"
#include "server.h"
#include "standin.h"
#include "table.h"
#include <pvmx/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

/* ---- links ------------------------------------------------------------------------------------ */

struct link *hosts_link(struct server *sv, struct host *h)
{
    if (h->link == NULL)
        h->link = link_dial(sv, h->addresses, h->naddresses, h->index);
    return h->link;
}

static void on_joined(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                      size_t len)
{
    struct link *l = arg;
    struct hosts *hs = &sv->hosts;
    pvmx_err err = number == 0 ? PVMX_ERR_CLOSED : PVMX_OK;
    struct pxp_zone zone = {0};
    struct pxp_refuse r;
    if (number == PXP_REFUSE) {
        err = pxp_refuse_decode(body, len, &r, &zone);
        if (err == PVMX_OK)
            err = px_fail(r.error, "%.400s", r.text);
        pxp_zone_free(&zone);
    } else if (number == PXP_TABLE) {
        err = hosts_on_table(sv, l, 0, body, len);
    }
    hs->joining = false;
    server_ready(sv, err);
}

static pvmx_err say_join(struct server *sv, struct link *l)
{
    struct pxp_join m = {.index = sv->hosts.self};
    uint32_t serial = link_ask(l, on_joined, l);
    table_write(&sv->hosts, hosts_self(sv), false, &m.host);
    return serial == 0 ? px_fail(PVMX_ERR_NOMEM, "no memory to join")
                       : pxp_join_encode(link_out(l), serial, &m);
}

void hosts_link_open(struct link *l)
{
    struct server *sv = l->sv;
    struct host *h = hosts_find(sv, l->host);
    struct pxp_member m = {.index = sv->hosts.self};
    beat_start(sv);
    if (!l->caller)
        return;
    if (relay_open(l))
        return;
    if (l->dial_from != 0) {
        dial_open(l);
        return;
    }
    if (h != NULL)
        snprintf(l->name, sizeof l->name, "%.70s", h->name);
    /* What waits in plain was said after us, but we have to come first. */
    struct px_buf later = l->plain;
    l->plain = (struct px_buf){0};
    pvmx_err err =
        sv->hosts.joining ? say_join(sv, l) : pxp_member_encode(link_out(l), 0, &m);
    if (err == PVMX_OK && px_buf_len(&later) > 0)
        err = px_buf_append(&l->plain, px_buf_head(&later), px_buf_len(&later));
    px_buf_free(&later);
    if (err != PVMX_OK)
        link_close(l, pvmx_last_error());
    else
        lost_link_open(l);
}

/* Another connection with the host at l's other end. */
static struct link *other_link(const struct link *l)
{
    px_list_foreach(it, &l->sv->links.all) {
        struct link *other = px_container_of(it, struct link, all);
        if (other != l && other->host == l->host && other->state == LINK_OPEN)
            return other;
    }
    return NULL;
}

void hosts_link_closed(struct link *l, const char *why)
{
    struct server *sv = l->sv;
    struct hosts *hs = &sv->hosts;
    struct host *h = hosts_find(sv, l->host);
    relay_closed(l, why);
    if (l->dial_from != 0)
        dial_closed(l, why);
    consent_link_closed(l);
    lost_link_closed(l);
    post_link_closed(l);
    if (sv->stopping || h == NULL)
        return;
    h->deserted = h->deserted || l->refused;
    bool mine = h->link == l;
    add_forget_link(l);
    guest_link_closed(l);
    standin_link_closed(l);
    if (mine)
        h->link = other_link(l);
    if (l->dial_from == 0 && h->link != NULL &&
        l->host == hs->leader) { /* what was on its way is lost */
        hs->told_use = TOLD_NOTHING;
        errands_resend(sv);
        copy_again(sv);
    }
    if (mine && h->link != NULL) /* both had dialled: the other one goes on */
        return;
    if (hs->joining && l->caller) {
        hs->joining = false;
        server_ready(sv, px_fail(PVMX_ERR_CLOSED, "cannot join the VM: %s", why));
    } else if (mine && hosts_leading(sv) && h->state == PXP_HOST_UP) {
        bool lost = !h->parting && !hs->halting;
        hosts_gone(sv, h, h->parting ? h->text : why);
        if (lost)
            lead_lost_host(sv);
    } else if (mine && l->host == hs->leader && h->state == PXP_HOST_UP) {
        lead_lost(sv, why);
    }
}

/* ---- start and stop --------------------------------------------------------------------------- */

pvmx_err hosts_start(struct server *sv, const struct join *join)
{
    struct hosts *hs = &sv->hosts;
    struct utsname u;
    if (!secure_init())
        return px_fail(PVMX_ERR_SYS, "libsodium cannot be used on this system");
    hs->self = hs->last_index = join != NULL ? join->index : 1;
    hs->leader = join != NULL ? join->leader : 1;
    struct host *me = table_add(hs, hs->self, sv->host);
    if (me == NULL)
        return px_fail(PVMX_ERR_NOMEM, "no memory for the host table");
    uname(&u);
    struct pxp_host_entry info = {.name = sv->host,
                                  .state = PXP_HOST_UP,
                                  .slots = atomic_load(&sv->arena.head->universe),
                                  .speed = join != NULL ? join->speed : HOST_SPEED,
                                  .arch = u.machine,
                                  .since = (uint64_t)time(NULL),
                                  .release = PVMX_VERSION};
    if (join != NULL && join->slots != 0)
        info.slots = join->slots;
    pvmx_err err = table_read(me, &info);
    if (err != PVMX_OK || join == NULL)
        return err;
    memcpy(hs->key, join->key, sizeof hs->key);
    hs->keyed = hs->joining = true;
    sv->slots_fixed = join->slots != 0;
    err = outside_listen(sv);
    struct host *leader = table_add(hs, hs->leader, "the first host");
    if (err == PVMX_OK && leader != NULL)
        leader->link = link_dial(sv, join->addresses, join->naddresses, hs->leader);
    if (err == PVMX_OK && (leader == NULL || leader->link == NULL))
        err = px_fail(PVMX_ERR_NOMEM, "no memory to join");
    hosts_update_universe(sv);
    return err;
}

void hosts_stop(struct server *sv)
{
    table_free(&sv->hosts);
    px_buf_free(&sv->hosts.whole);
    lost_fini(sv);
    secure_forget(sv->hosts.key, sizeof sv->hosts.key);
}
