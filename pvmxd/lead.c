/* SPDX-License-Identifier: BSD-3-Clause */
/* Election of a leader. */
#include "lead.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "book.h"
#include "conf.h"
#include "errand.h"
#include "hosts.h"
#include "limit.h"
#include "link.h"
#include "lost.h"
#include "proto/hello.h"
#include "server.h"
#include <stdlib.h>

#define TRY_EVERY (200 * PX_MS)

static void on_try(void *arg);

static uint32_t count_up(const struct server *sv, uint32_t below)
{
    uint64_t key;
    void *value;
    uint32_t n = 0;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        const struct host *h = value;
        n += h->state == PXP_HOST_UP && h->index < below;
    }
    return n;
}

static uint64_t turn(void)
{
    return (uint64_t)conf.host_timeout / 2 + TRY_EVERY;
}

/* ---- asking for votes ------------------------------------------------------------------------- */

static void take_over(struct server *sv)
{
    px_log(PX_LOG_WARN, "LEAD-NEW",
           "host %s (%u) leads the virtual machine now, with %u of %u votes", sv->host,
           sv->hosts.self, sv->hosts.votes, sv->hosts.quorum);
    lead_stop(sv);
    sv->hosts.losses = 0;
    sv->hosts.lately = (struct recent){0};
    hosts_take_over(sv);
    limits_tell_all(sv);
    book_lead(sv, false);
    errands_resend(sv);
}

/* What the old leader has told others and not us. */
static void take_losses(struct server *sv, const struct pxp_granted *m)
{
    for (size_t i = 0; i < m->n_lost; i++) {
        struct host *h = hosts_find(sv, m->lost[i]);
        if (h != NULL && h->index != sv->hosts.self)
            hosts_gone(sv, h, "lost with the leader");
    }
}

static void on_vote(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                    size_t len)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_zone zone = {0};
    struct pxp_granted m;
    bool valid = (uint32_t)(uintptr_t)arg == hs->round && hs->electing;
    if (number == PXP_GRANTED && valid &&
        pxp_granted_decode(body, len, &m, &zone) == PVMX_OK) {
        hs->votes++;
        if (m.version > hs->version)
            hs->version = m.version;
        take_losses(sv, &m);
        if (lead_majority(hs->votes, hs->quorum))
            take_over(sv);
    }
    pxp_zone_free(&zone);
}

static void ask_all(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    uint64_t key, now = px_now_ns();
    void *value;
    if (now < hs->voted_until && hs->voted != hs->self)
        return; /* our own vote is somebody else's for now */
    hs->voted = hs->self;
    hs->voted_until = now + turn();
    hs->votes = 1;
    hs->round++;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        struct host *h = value;
        struct pxp_claim m = {.index = hs->self, .version = hs->version};
        struct link *l =
            h->index != hs->self && h->state == PXP_HOST_UP ? hosts_link(sv, h) : NULL;
        uint32_t serial = l != NULL ? link_ask(l, on_vote, (void *)(uintptr_t)hs->round) : 0;
        if (serial != 0)
            pxp_claim_encode(link_out(l), serial, &m);
    }
    if (lead_majority(hs->votes, hs->quorum))
        take_over(sv);
}

/* No majority will ever be reached: those that nobody here reaches are taken for lost, so that tasks
 * which wait for theirs go on. */
static void give_up(struct server *sv)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->state == PXP_HOST_UP && h->index != sv->hosts.self &&
            (h->link == NULL || h->link->state != LINK_OPEN))
            hosts_gone(sv, h, "it cannot be reached");
    }
}

static void on_try(void *arg)
{
    struct server *sv = arg;
    struct hosts *hs = &sv->hosts;
    uint64_t waited = px_now_ns() - hs->lost_at;
    if (!hs->electing)
        return;
    loop_timer_start(&sv->loop, &hs->elect, TRY_EVERY, on_try, sv);
    if (!lead_majority(count_up(sv, UINT32_MAX), hs->quorum) ||
        waited > 4 * (uint64_t)conf.host_timeout) {
        hs->hopeless = true; /* when the tasks here have ended there is nothing to stay for */
        errands_refuse(sv);
    }
    if (waited > 4 * (uint64_t)conf.host_timeout)
        give_up(sv);
    lost_look(sv);
    if (waited >= count_up(sv, hs->self) * turn())
        ask_all(sv);
}

void lead_left(struct server *sv, uint32_t quorum)
{
    struct hosts *hs = &sv->hosts;
    hs->quorum = quorum;
    hs->leader = 0;
    hs->electing = true;
    hs->hopeless = false;
    hs->lost_at = px_now_ns();
    book_close(sv);
    loop_timer_start(&sv->loop, &hs->elect, 0, on_try, sv);
    server_leader_lost(sv);
}

void lead_lost(struct server *sv, const char *why)
{
    struct host *old = hosts_find(sv, sv->hosts.leader);
    px_log(PX_LOG_WARN, "LEAD-LOST", "the leading host is lost: %s", why);
    uint32_t quorum = count_up(sv, UINT32_MAX);
    sv->hosts.leader = 0;
    if (old != NULL)
        hosts_gone(sv, old, why);
    lead_left(sv, quorum);
}

void lead_follow(struct server *sv, uint32_t host)
{
    lead_stop(sv);
    sv->hosts.leader = host;
    sv->hosts.told_use = TOLD_NOTHING;
}

void lead_stop(struct server *sv)
{
    sv->hosts.electing = sv->hosts.hopeless = false;
    lost_settled(sv);
    loop_timer_stop(&sv->loop, &sv->hosts.elect);
}

/* ---- voting ----------------------------------------------------------------------------------- */

pvmx_err lead_on_claim(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_zone zone = {0};
    struct pxp_claim m;
    struct pxp_granted g = {.version = hs->version};
    uint64_t now = px_now_ns();
    pvmx_err err = pxp_claim_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    if (hosts_lost(sv, l->host))
        return px_fail(PVMX_ERR_STATE, "host %u was lost", l->host);
    if (hosts_leading(sv) && hosts_find(sv, l->host) == NULL) {
        /* It came while the old leader was lost, which had told nobody here. */
        hosts_send_home(l, l->host);
        return PVMX_OK;
    }
    if (hs->leader != 0)
        return px_fail(PVMX_ERR_STATE, "host %s still hears the leader", sv->host);
    /* Two candidates would refuse each other for ever: the higher one gives way, and what it is still
     * granted in this round counts no more. */
    bool give_way = hs->voted == hs->self && l->host < hs->self;
    if (give_way)
        hs->round++;
    if (now < hs->voted_until && hs->voted != l->host && !give_way)
        return px_fail(PVMX_ERR_STATE, "host %s has voted for host %u", sv->host, hs->voted);
    hs->voted = l->host;
    hs->voted_until = now + turn();
    g.lost = lost_list(sv, &zone, &g.n_lost);
    err = pxp_granted_encode(link_out(l), serial | LINK_REPLY, &g);
    pxp_zone_free(&zone);
    return err;
}

/* ---- losing the others ------------------------------------------------------------------------ */

void lead_lost_host(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    hs->losses = recent_count(&hs->lately, px_now_ns(), 2 * (uint64_t)conf.host_timeout);
    uint32_t up = count_up(sv, UINT32_MAX);
    if (lead_holds(up, up + hs->losses))
        return;
    px_log(PX_LOG_WARN, "LEAD-CUT-OFF",
           "%u of %u hosts were lost at one time: this one does not lead any more",
           hs->losses, up + hs->losses);
    hs->resigned = up + hs->losses;
}
