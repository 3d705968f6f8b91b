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

#define TRY_FIRST                                                                        \
    (10 * PX_MS) /* the others hear of the leader's end at about the same time */
#define TRY_LAST (200 * PX_MS)

/* What a candidate has of a voter in its round. */
enum vote { VOTE_OPEN, VOTE_ASKED, VOTE_GRANTED };

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
    return (uint64_t)conf.host_timeout / 2 + TRY_LAST;
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
    uint64_t asked = (uintptr_t)arg;
    struct host *h = hosts_find(sv, asked % (HOSTS_MAX + 1));
    if (h == NULL || !hs->electing || asked / (HOSTS_MAX + 1) != hs->round ||
        h->vote != VOTE_ASKED)
        return;
    h->vote = VOTE_OPEN; /* one that refuses now may have a reason that passes */
    if (number == PXP_GRANTED && pxp_granted_decode(body, len, &m, &zone) == PVMX_OK) {
        h->vote = VOTE_GRANTED;
        hs->votes++;
        if (m.version > hs->version)
            hs->version = m.version;
        take_losses(sv, &m);
        if (lead_majority(hs->votes, hs->quorum))
            take_over(sv);
    }
    pxp_zone_free(&zone);
}

static void ask(struct server *sv, struct host *h)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_claim m = {.index = hs->self, .version = hs->version};
    uintptr_t what = (uintptr_t)hs->round * (HOSTS_MAX + 1) + h->index;
    struct link *l = hosts_link(sv, h);
    uint32_t serial = l != NULL ? link_ask(l, on_vote, (void *)what) : 0;
    if (serial != 0 && pxp_claim_encode(link_out(l), serial, &m) == PVMX_OK)
        h->vote = VOTE_ASKED;
}

/* A round lasts as long as a voter is sure to stay with its vote. */
static void begin_round(struct server *sv, uint64_t now)
{
    struct hosts *hs = &sv->hosts;
    uint64_t key;
    void *value;
    hs->voted = hs->self;
    hs->voted_until = hs->round_ends = now + turn();
    hs->votes = 1;
    hs->round++;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);)
        ((struct host *)value)->vote = VOTE_OPEN;
}

static void ask_all(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    uint64_t key, now = px_now_ns();
    void *value;
    if (now < hs->voted_until && hs->voted != hs->self)
        return; /* our own vote is somebody else's for now */
    if (now >= hs->round_ends)
        begin_round(sv, now);
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->index != hs->self && h->state == PXP_HOST_UP && h->vote == VOTE_OPEN)
            ask(sv, h);
    }
    if (lead_majority(hs->votes, hs->quorum))
        take_over(sv);
}

/* Leaves it to a lower candidate: who has voted for us may now vote for that one. */
static void give_way(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_claim m = {.index = hs->self, .version = hs->version, .withdrawn = true};
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->vote != VOTE_OPEN && h->link != NULL)
            pxp_claim_encode(link_out(h->link), 0, &m);
        h->vote = VOTE_OPEN;
    }
    hs->round++; /* what comes now comes too late */
    hs->round_ends = 0;
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

/* Of the hosts that come before this one, those that may still be there to lead. When the lowest takes its
 * time it is looked at: where nobody listens any more, there is nobody to wait for. */
static uint32_t count_before(struct server *sv, uint64_t waited)
{
    uint64_t key;
    void *value;
    uint32_t n = 0;
    struct host *lowest = NULL;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->link != NULL && h->link->state == LINK_DIALLING && h->link->refused)
            h->deserted = true; /* it is still looked for by other ways */
        if (h->state != PXP_HOST_UP || h->index >= sv->hosts.self || h->deserted)
            continue;
        n++;
        if (lowest == NULL || h->index < lowest->index)
            lowest = h;
    }
    if (lowest != NULL && waited >= TRY_LAST / 2)
        hosts_link(sv, lowest);
    return n;
}

static void on_try(void *arg)
{
    struct server *sv = arg;
    struct hosts *hs = &sv->hosts;
    uint64_t waited = px_now_ns() - hs->lost_at;
    if (!hs->electing)
        return;
    loop_timer_start(&sv->loop, &hs->elect, hs->try_pause, on_try, sv);
    hs->try_pause = hs->try_pause * 2 < TRY_LAST ? hs->try_pause * 2 : TRY_LAST;
    if (!lead_majority(count_up(sv, UINT32_MAX), hs->quorum) ||
        waited > 4 * (uint64_t)conf.host_timeout) {
        hs->hopeless = true; /* when the tasks here have ended there is nothing to stay for */
        errands_refuse(sv);
    }
    if (waited > 4 * (uint64_t)conf.host_timeout)
        give_up(sv);
    lost_look(sv);
    if (waited >= count_before(sv, waited) * turn())
        ask_all(sv);
}

void lead_left(struct server *sv, uint32_t quorum)
{
    struct hosts *hs = &sv->hosts;
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);)
        ((struct host *)value)->deserted = false;
    hs->quorum = quorum;
    hs->leader = 0;
    hs->electing = true;
    hs->hopeless = false;
    hs->lost_at = px_now_ns();
    hs->round_ends = 0;
    hs->try_pause = TRY_FIRST;
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
    sv->hosts.voted_until = 0; /* the vote was for this election */
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
    if (err == PVMX_OK && m.withdrawn && hs->voted == l->host)
        hs->voted_until = 0;
    if (err != PVMX_OK || m.withdrawn)
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
    /* Two candidates would refuse each other for ever. */
    bool candidates = hs->voted == hs->self && l->host < hs->self;
    if (candidates)
        give_way(sv);
    if (now < hs->voted_until && hs->voted != l->host && !candidates)
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
