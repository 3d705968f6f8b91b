/* SPDX-License-Identifier: BSD-3-Clause */
/* The host table: the leader's changes, the members' copies, and what follows from a change here. */
#include "hosts.h"
#include "add.h"
#include "base/err.h"
#include "base/log.h"
#include "beat.h"
#include "conf.h"
#include "depart.h"
#include "errand.h"
#include "events.h"
#include "far.h"
#include "lead.h"
#include "limit.h"
#include "link.h"
#include "lost.h"
#include "outside.h"
#include "peer.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "relay.h"
#include "server.h"
#include "table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAKE_OVER_GAP = 64 }; /* indices at the most */

/* ---- the table -------------------------------------------------------------------------------- */

bool hosts_leading(const struct server *sv)
{
    return sv->hosts.leader == sv->hosts.self;
}

struct host *hosts_find(const struct server *sv, uint32_t index)
{
    return px_map_get(&sv->hosts.table, index);
}

struct host *hosts_self(const struct server *sv)
{
    return hosts_find(sv, sv->hosts.self);
}

struct host *hosts_named(const struct server *sv, const char *name)
{
    uint64_t key;
    void *value;
    char *end;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->state != PXP_HOST_GONE && strcmp(h->name, name) == 0)
            return h;
    }
    unsigned long index = strtoul(name, &end, 10);
    return *name >= '0' && *name <= '9' && *end == '\0' && index <= HOSTS_MAX
               ? hosts_find(sv, (uint32_t)index)
               : NULL;
}

const uint8_t *hosts_key(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    if (!hs->keyed)
        secure_key_new(hs->key);
    hs->keyed = true;
    return hs->key;
}

void hosts_update_universe(struct server *sv)
{
    arena_set_universe(&sv->arena, table_slots(&sv->hosts));
}

static void mark(struct server *sv, struct host *h)
{
    if (px_list_empty(&h->changed))
        px_list_push_back(&sv->hosts.changed, &h->changed);
}

void hosts_set_slots(struct server *sv, uint32_t slots)
{
    struct host *me = hosts_self(sv);
    if (me->slots == slots)
        return;
    me->slots = slots;
    hosts_update_universe(sv);
    if (hosts_leading(sv)) {
        mark(sv, me);
        return;
    }
    struct host *leader = hosts_find(sv, sv->hosts.leader);
    struct pxp_member m = {.index = me->index, .slots = slots};
    if (leader != NULL && leader->link != NULL)
        pxp_member_encode(link_out(leader->link), 0, &m);
}

static uint32_t next_index(struct hosts *hs)
{
    for (uint32_t i = 0; i < HOSTS_MAX; i++) {
        hs->last_index = hs->last_index % HOSTS_MAX + 1;
        if (px_map_get(&hs->table, hs->last_index) == NULL)
            return hs->last_index;
    }
    return 0;
}

struct host *hosts_new(struct server *sv, const char *name, const char *launcher)
{
    struct hosts *hs = &sv->hosts;
    uint32_t index = next_index(hs);
    if (index == 0) {
        px_fail(PVMX_ERR_LIMIT, "a virtual machine has at most %d hosts", HOSTS_MAX);
        return NULL;
    }
    struct host *h = table_add(hs, index, name);
    char *how = strdup(launcher);
    if (h == NULL || how == NULL) {
        free(how);
        if (h != NULL)
            table_remove(hs, h);
        px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for host %s", name);
        return NULL;
    }
    free(h->launcher);
    h->launcher = how;
    h->state = PXP_HOST_STARTING;
    return h;
}

/* ---- telling ---------------------------------------------------------------------------------- */

static void announce(struct server *sv, struct host *h)
{
    struct pxp_host_event e = {.version = sv->hosts.version};
    bool up = h->state == PXP_HOST_UP;
    if (h->state == PXP_HOST_STARTING || up == h->announced)
        return;
    h->announced = up;
    table_write(&sv->hosts, h, false, &e.host);
    px_log(PX_LOG_INFO, "HOST-EVENT", "host %s (%u) %s %s", h->name, h->index,
           up ? "is up" : "has gone:", h->text);
    events_note_host(sv, h, up ? PXP_EVENT_HOST_UP : PXP_EVENT_HOST_GONE, h->text);
    px_list_foreach(it, &sv->hosts.subscribers) {
        struct peer *p = px_container_of(it, struct peer, subscribed);
        if (pxp_host_event_encode(peer_out(p), 0, &e) != PVMX_OK)
            peer_close(p);
    }
    /* Not before all know it: whoever hears that it was added may ask any of them for tasks there. */
    if (up)
        add_host_settled(sv, h, PVMX_OK, "");
}

/* One encoding for all: with thousands of members that is what counts. */
static void tell_members(struct server *sv, const struct pxp_table *m)
{
    struct px_buf b = {0};
    uint64_t key;
    void *value;
    pvmx_err err = pxp_table_encode(&b, 0, m);
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->link != NULL && h->state == PXP_HOST_UP &&
            (err != PVMX_OK ||
             px_buf_append(link_out(h->link), px_buf_head(&b), px_buf_len(&b)) != PVMX_OK))
            link_close(h->link, "no memory for the host table");
    }
    px_buf_free(&b);
}

/* What has gone is no longer in the table once everybody was told. */
static void settle(struct server *sv)
{
    struct px_list *node;
    while ((node = px_list_pop(&sv->hosts.changed)) != NULL) {
        struct host *h = px_container_of(node, struct host, changed);
        announce(sv, h);
        if (h->state == PXP_HOST_GONE)
            table_remove(&sv->hosts, h);
    }
    hosts_update_universe(sv);
}

static void tell_changes(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_zone zone = {0};
    size_t n = 0;
    if (px_list_empty(&hs->changed))
        return;
    px_list_foreach(it, &hs->changed)
        n++;
    struct pxp_table m = {.leader = hs->leader,
                          .ephemeral = sv->ephemeral,
                          .version = hosts_leading(sv) ? ++hs->version : hs->version,
                          .hosts = pxp_zone_alloc(&zone, n * sizeof *m.hosts)};
    if (m.hosts == NULL) {
        px_log(PX_LOG_ERROR, "HOST-NOMEM", "no memory to tell the hosts what has changed");
        return; /* in the next round */
    }
    px_list_foreach(it, &hs->changed) {
        struct host *h = px_container_of(it, struct host, changed);
        if (h->state != PXP_HOST_STARTING)
            table_write(hs, h, false, &m.hosts[m.n_hosts++]);
    }
    if (hosts_leading(sv))
        tell_members(sv, &m);
    hs->content = hs->version;
    pxp_zone_free(&zone);
    settle(sv);
}

void hosts_round(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    depart_round(sv);
    tell_changes(sv);
    px_buf_free(&hs->whole);
    if (hs->resigned == 0)
        return;
    struct pxp_table m = {.version = hs->version, .quorum = hs->resigned};
    hs->resigned = 0;
    if (hosts_leading(sv))
        tell_members(sv, &m);
    lead_left(sv, m.quorum);
}

/* ---- coming ----------------------------------------------------------------------------------- */

static void become_up(struct server *sv, struct host *h)
{
    h->state = PXP_HOST_UP;
    h->in_use = true;
    h->since = (uint64_t)time(NULL);
    mark(sv, h);
}

/* Of several that join in one round the later ones get the first one's table: the others, and what else
 * has changed, are in the change that follows it at the end of the round. */
static pvmx_err tell_whole(struct server *sv, struct link *l, uint32_t serial)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_zone zone = {0};
    struct pxp_table t = {.version = hs->version,
                          .leader = hs->leader,
                          .ephemeral = sv->ephemeral,
                          .whole = true};
    pvmx_err err = PVMX_OK;
    if (px_buf_len(&hs->whole) == 0) {
        t.hosts = table_list(hs, false, &zone, &t.n_hosts);
        err = t.hosts == NULL || !lost_write(sv, &zone, &t)
                  ? px_fail(PVMX_ERR_NOMEM, "no memory for the host table")
                  : pxp_table_encode(&hs->whole, 0, &t);
        pxp_zone_free(&zone);
    }
    const uint8_t *body = NULL;
    size_t len = 0;
    if (err == PVMX_OK)
        err = pxp_frame_next(&hs->whole, SIZE_MAX, &body, &len);
    return err == PVMX_OK ? pxp_reframe(link_out(l), serial | LINK_REPLY, body, len) : err;
}

pvmx_err hosts_on_join(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_join m;
    pvmx_err err = pxp_join_decode(body, len, &m, &zone);
    struct host *h = err == PVMX_OK ? hosts_find(sv, m.index) : NULL;
    if (err == PVMX_OK && (!hosts_leading(sv) || h == NULL || h->state != PXP_HOST_STARTING))
        err = px_fail(PVMX_ERR_STATE,
                      "host %.80s (%u) is not expected here: it came too late, or "
                      "was added by another",
                      m.host.name, m.index);
    if (err == PVMX_OK) {
        m.host.name = ""; /* ours counts */
        char *how = strdup(h->launcher);
        m.host.launcher = how != NULL ? how : "";
        err = table_read(h, &m.host);
        free(how);
    }
    if (err == PVMX_OK) {
        if (add_stays(sv, h))
            sv->ephemeral = false;
        h->link = l;
        l->host = h->index;
        outside_seen(l, h);
        snprintf(l->name, sizeof l->name, "%.70s", h->name);
        become_up(sv, h);
        err = tell_whole(sv, l, serial);
        limits_tell(sv, l);
    }
    pxp_zone_free(&zone);
    return err;
}

static void send_table(struct server *sv, struct link *l)
{
    struct pxp_zone zone = {0};
    struct pxp_table m = {.version = sv->hosts.version,
                          .leader = sv->hosts.leader,
                          .ephemeral = sv->ephemeral};
    m.hosts = table_list(&sv->hosts, false, &zone, &m.n_hosts);
    if (m.hosts == NULL || pxp_table_encode(link_out(l), 0, &m) != PVMX_OK)
        link_close(l, "no memory for the host table");
    pxp_zone_free(&zone);
}

static void adopt_link(struct host *h, struct link *l)
{
    snprintf(l->name, sizeof l->name, "%.70s", h->name);
    if (h->link == NULL)
        h->link = l;
}

void hosts_send_home(struct link *l, uint32_t index)
{
    struct pxp_part p = {.text = "this host was given up", .index = index};
    pxp_part_encode(link_out(l), 0, &p);
    link_finish(l);
}

pvmx_err hosts_on_member(struct server *sv, struct link *l, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_member m;
    (void)serial;
    pvmx_err err = pxp_member_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    struct host *h = err == PVMX_OK ? hosts_find(sv, m.index) : NULL;
    if (err != PVMX_OK)
        return err;
    if (m.index == 0 || m.index > HOSTS_MAX || m.index == sv->hosts.self ||
        (l->host != 0 && l->host != m.index))
        return px_fail(PVMX_ERR_PROTO, "a daemon that calls itself host %u", m.index);
    bool lost = hosts_lost(sv, m.index);
    if (lost && sv->hosts.leader == 0) { /* one of us was cut off; it may have to tell us */
        l->host = m.index;
        return PVMX_OK;
    }
    if (lost || ((h == NULL || h->state != PXP_HOST_UP) && hosts_leading(sv))) {
        hosts_send_home(l, m.index);
        return PVMX_OK;
    }
    l->host = m.index;
    if (h == NULL) /* quicker than the table that tells of it */
        return PVMX_OK;
    adopt_link(h, l);
    if (m.slots != 0 && hosts_leading(sv) && m.slots != h->slots) {
        h->slots = m.slots;
        mark(sv, h);
    }
    if (m.table && hosts_leading(sv))
        send_table(sv, l);
    return PVMX_OK;
}

/* ---- going ------------------------------------------------------------------------------------ */

static void close_links(struct server *sv, uint32_t index, const char *why)
{
    for (bool again = true; again;) {
        again = false;
        px_list_foreach(it, &sv->links.all) {
            struct link *l = px_container_of(it, struct link, all);
            if (l->host != index || l->draining)
                continue;
            link_close(l, why);
            again = true; /* others may have gone with it */
            break;
        }
    }
}

void hosts_gone(struct server *sv, struct host *h, const char *why)
{
    bool was_up = h->state == PXP_HOST_UP;
    char *text = strdup(why);
    if (h->state == PXP_HOST_GONE) {
        free(text);
        return;
    }
    h->state = PXP_HOST_GONE;
    if (text != NULL) {
        free(h->text); /* may be what `why` was */
        why = h->text = text;
    }
    h->link = NULL;
    if (was_up)
        lost_note(sv, h);
    close_links(sv, h->index, why);
    mark(sv, h);
    if (was_up)
        px_log(PX_LOG_WARN, "HOST-GONE", "host %s (%u) has gone: %s", h->name, h->index, why);
    relay_host_lost(sv, h->index);
    far_host_lost(sv, h->index, h->name);
    add_host_settled(sv, h, PVMX_ERR_CLOSED, why);
}

/* A host that is new to us. */
static struct host *learn(struct server *sv, const struct pxp_host_entry *info)
{
    struct host *h = table_add(&sv->hosts, info->index, info->name);
    if (info->index > sv->hosts.last_index)
        sv->hosts.last_index = info->index;
    px_list_foreach(it, &sv->links.all) {
        struct link *l = px_container_of(it, struct link, all);
        if (h != NULL && l->host == info->index)
            adopt_link(h, l);
    }
    return h;
}

static bool listed(const struct pxp_table *m, uint32_t index)
{
    for (size_t i = 0; i < m->n_members; i++)
        if (index - (uint32_t)m->members[i].first < m->members[i].count)
            return true;
    return false;
}

/* Do we have the entries that the new leader had? */
static bool knows_all(const struct hosts *hs, const struct pxp_table *m)
{
    for (size_t i = 0; i < m->n_members; i++)
        for (uint32_t k = 0; k < m->members[i].count && k <= HOSTS_MAX; k++)
            if (px_map_get(&hs->table, (uint64_t)m->members[i].first + k) == NULL)
                return false;
    return m->before == hs->content;
}

/* A table from one who has not led so far. It has the votes of a majority, or it would not send it; what is
 * not in it has gone, the old leader above all. */
static pvmx_err new_leader(struct server *sv, struct link *l, const struct pxp_table *m)
{
    struct hosts *hs = &sv->hosts;
    uint64_t key;
    void *value;
    if (!m->whole || m->leader != l->host || m->version <= hs->version ||
        hosts_leading(sv) || !listed(m, hs->self) || hosts_lost(sv, l->host))
        return px_fail(PVMX_ERR_PROTO, "a host table from host %u, which does not lead",
                       l->host);
    px_log(PX_LOG_WARN, "HOST-LEADER", "host %s (%u) leads the virtual machine now",
           l->name, l->host);
    lead_follow(sv, l->host);
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->state == PXP_HOST_UP && !listed(m, h->index))
            hosts_gone(sv, h, "lost with the leader");
    }
    struct host *leader = hosts_find(sv, l->host);
    if (leader != NULL)
        adopt_link(leader, l); /* whose end is the leader's */
    errands_resend(sv);
    struct pxp_member ask = {.index = hs->self, .table = true};
    return knows_all(hs, m) ? PVMX_OK : pxp_member_encode(link_out(l), 0, &ask);
}

pvmx_err hosts_on_table(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_zone zone = {0};
    struct pxp_table m;
    (void)serial;
    pvmx_err err = pxp_table_decode(body, len, &m, &zone);
    if (err == PVMX_OK && m.leader == 0 && l->host == hs->leader) {
        px_log(PX_LOG_WARN, "HOST-RESIGNED", "host %s leads no more", l->name);
        lead_left(sv, m.quorum);
    } else if (err == PVMX_OK && l->host != hs->leader) {
        err = new_leader(sv, l, &m);
    }
    if (err == PVMX_OK && m.leader != 0)
        sv->ephemeral = m.ephemeral;
    if (err == PVMX_OK && hs->joining)
        lost_before(sv, &m);
    for (size_t i = 0; err == PVMX_OK && i < m.n_hosts; i++) {
        const struct pxp_host_entry *info = &m.hosts[i];
        struct host *h = hosts_find(sv, info->index);
        if (info->state == PXP_HOST_GONE) {
            if (h != NULL && info->index != hs->self)
                hosts_gone(sv, h, info->text);
            continue;
        }
        if (info->index == 0 || info->index > HOSTS_MAX || info->state != PXP_HOST_UP ||
            lost_again(sv, info))
            continue;
        if (h == NULL)
            h = learn(sv, info);
        err = h == NULL ? px_fail(PVMX_ERR_NOMEM, "no memory for a host")
                        : table_read(h, info);
        if (err == PVMX_OK)
            mark(sv, h);
    }
    if (err == PVMX_OK) {
        settle(sv);
        hs->version = hs->content = m.version;
    }
    pxp_zone_free(&zone);
    return err;
}

/* The indices of a list as ranges; false without memory. */
static bool list_ranges(const struct pxp_host_entry *hosts, size_t n,
                        struct pxp_zone *zone, struct pxp_table *m)
{
    m->members = pxp_zone_alloc(zone, (n + 1) * sizeof *m->members);
    for (size_t i = 0; m->members != NULL && i < n; i++) {
        struct pxp_range *last = m->n_members > 0 ? &m->members[m->n_members - 1] : NULL;
        if (hosts[i].state != PXP_HOST_UP)
            continue;
        if (last != NULL && (uint32_t)last->first + last->count == hosts[i].index)
            last->count++;
        else
            m->members[m->n_members++] =
                (struct pxp_range){.first = (int32_t)hosts[i].index, .count = 1};
    }
    return m->members != NULL;
}

/* All others have a copy of the table, so they are told who is in it, and no more: to 4,095 hosts the
 * whole of it would be gigabytes at one time. */
void hosts_take_over(struct server *sv)
{
    struct hosts *hs = &sv->hosts;
    struct pxp_zone zone = {0};
    struct pxp_table m = {.version = ++hs->version,
                          .leader = hs->self,
                          .ephemeral = sv->ephemeral,
                          .whole = true,
                          .before = hs->content};
    size_t n = 0;
    uint64_t key;
    void *value;
    hs->leader = hs->self;
    /* Whom the old leader was just starting, nobody here knows. */
    hs->last_index +=
        conf.add_parallel < TAKE_OVER_GAP ? (uint32_t)conf.add_parallel : TAKE_OVER_GAP;
    /* One that cannot be reached now is lost: the end of its link says it. */
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        struct host *h = value;
        h->in_use = true; /* until it says that it is not */
        if (h->state == PXP_HOST_UP && h->index != hs->self && hosts_link(sv, h) == NULL)
            hosts_gone(sv, h, "no memory to reach it");
    }
    struct pxp_host_entry *all = table_list(hs, false, &zone, &n);
    if (all != NULL && list_ranges(all, n, &zone, &m))
        tell_members(sv, &m);
    hs->content = hs->version;
    pxp_zone_free(&zone);
    hosts_update_universe(sv);
}

/* ---- for clients ------------------------------------------------------------------------------ */

pvmx_err hosts_list(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_hosts q;
    struct pxp_hosts_are m = {.version = sv->hosts.version,
                              .self = sv->hosts.self,
                              .leader = sv->hosts.leader};
    pvmx_err err = pxp_hosts_decode(body, len, &q, &zone);
    beat_measure(sv);
    m.hosts = err == PVMX_OK ? table_list(&sv->hosts, true, &zone, &m.n_hosts) : NULL;
    if (err == PVMX_OK && m.hosts == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the answer");
    if (err == PVMX_OK)
        err = pxp_hosts_are_encode(peer_out(p), serial, &m);
    if (err == PVMX_OK && q.subscribe && px_list_empty(&p->subscribed))
        px_list_push_back(&sv->hosts.subscribers, &p->subscribed);
    pxp_zone_free(&zone);
    return err;
}
