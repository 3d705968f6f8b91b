/* SPDX-License-Identifier: BSD-3-Clause */
/* Other ways to a host than its addresses. */
#include "relay.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "far.h"
#include "hosts.h"
#include "link.h"
#include "proto/hello.h"
#include "pump.h"
#include "server.h"
#include <stdlib.h>
#include <unistd.h>

#define REMEMBER (60 * PX_SEC) /* that a host's addresses do not work */

enum role {
    SEEK_CALL,  /* here: the other end was asked to dial us, and `link` gets what comes */
    SEEK_RELAY, /* here: `via` leads to who is to relay */
    SERVE,      /* we relay: `link` has asked for it */
    CALL,       /* we were called: `link` leads to who has called */
};

struct relay {
    struct server *sv;
    struct px_list node; /* in server.relays */
    enum role role;
    uint64_t token;
    struct link *link, *via;
    struct link *caller; /* CALL: where to answer; NULL: it has gone */
    uint32_t host;       /* SEEK_*, SERVE: where it is to lead; CALL: who has called */
    uint32_t from;       /* SERVE: who has asked */
    uint32_t serial;     /* SERVE, CALL: of the question that is to be answered */
    uint64_t theirs;     /* CALL: the caller's token */
};

void relay_init(struct server *sv)
{
    px_list_init(&sv->relays);
    px_list_init(&sv->pumps);
}

static struct relay *relay_new(struct server *sv, enum role role, struct link *l, uint32_t host)
{
    struct relay *r = calloc(1, sizeof *r);
    if (r == NULL) {
        px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to relay a connection");
        return NULL;
    }
    r->sv = sv;
    r->role = role;
    r->token = ++sv->last_relay;
    r->link = l;
    r->host = host;
    px_list_push_back(&sv->relays, &r->node);
    return r;
}

static void relay_free(struct relay *r)
{
    px_list_remove(&r->node);
    free(r);
}

static struct relay *by_token(struct server *sv, uint64_t token)
{
    px_list_foreach(it, &sv->relays) {
        struct relay *r = px_container_of(it, struct relay, node);
        if (r->token == token)
            return r;
    }
    return NULL;
}

void relay_stop(struct server *sv)
{
    while (!px_list_empty(&sv->relays))
        relay_free(px_container_of(sv->relays.next, struct relay, node));
    pumps_stop(sv);
}

/* Why an answer is none: pvmx_last_error(). */
static void why_not(uint32_t number, const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_refuse m;
    if (number == PXP_REFUSE && pxp_refuse_decode(body, len, &m, &zone) == PVMX_OK)
        px_fail(m.error, "%.400s", m.text);
    pxp_zone_free(&zone);
}

/* Asks a host, over the link that there is, to dial us and to show this token. */
static bool call(struct relay *r, struct host *h, link_answer_fn *fn)
{
    struct pxp_call m = {.token = r->token};
    struct link *l = hosts_link(r->sv, h);
    uint32_t ask = l != NULL ? link_ask(l, fn, (void *)(uintptr_t)r->token) : 0;
    return ask != 0 && pxp_call_encode(link_out(l), ask, &m) == PVMX_OK;
}

/* ---- who seeks a way -------------------------------------------------------------------------- */

static uint32_t target(const struct link *l)
{
    return l->dial_from != 0 ? far_host(l->dial_to) : l->host;
}

static bool has_link(const struct host *h)
{
    return h->state == PXP_HOST_UP && h->link != NULL && h->link->state == LINK_OPEN;
}

/* Who could relay to that host: the leader, else any that we have a link with. */
static struct host *helper(struct server *sv, uint32_t to)
{
    struct hosts *hs = &sv->hosts;
    struct host *leader = hosts_find(sv, hs->leader), *best = NULL;
    uint64_t key;
    void *value;
    if (leader != NULL && leader->index != hs->self && leader->index != to && has_link(leader))
        return leader;
    for (size_t pos = 0; px_map_next(&hs->table, &pos, &key, &value);) {
        struct host *h = value;
        if (h->index != hs->self && h->index != to && has_link(h) &&
            (best == NULL || h->index < best->index))
            best = h;
    }
    return best;
}

static void on_called(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                      size_t len);

/* The next way behind `role`; false: there is none. */
static bool seek(struct link *l, enum role role)
{
    struct server *sv = l->sv;
    struct host *h = hosts_find(sv, target(l));
    struct host *by = h != NULL && role == SEEK_RELAY ? helper(sv, h->index) : NULL;
    if (h == NULL || (role == SEEK_CALL ? !has_link(h) || h->link == l : by == NULL))
        return role == SEEK_CALL && h != NULL && seek(l, SEEK_RELAY);
    struct relay *r = relay_new(sv, role, l, h->index);
    if (r == NULL)
        return false;
    px_log(PX_LOG_INFO, "RELAY-SEEK", "host %s (%u) cannot be reached directly: %s %s",
           h->name, h->index, role == SEEK_CALL ? "asking it to call" : "asking for a relay",
           role == SEEK_CALL ? h->name : by->name);
    if (role == SEEK_CALL && call(r, h, on_called))
        return true;
    if (role == SEEK_RELAY) {
        r->via = link_dial(sv, by->addresses, by->naddresses, 0);
        if (r->via != NULL)
            return true;
    }
    relay_free(r);
    return role == SEEK_CALL && seek(l, SEEK_RELAY);
}

bool relay_try(struct link *l)
{
    return target(l) != 0 && !l->sv->hosts.joining && seek(l, SEEK_CALL);
}

bool relay_known(struct link *l)
{
    const struct host *h = hosts_find(l->sv, target(l));
    return h != NULL && px_now_ns() < h->indirect_until;
}

/* It did not work: the next way, or the end of the link. */
static void failed(struct relay *r, const char *why)
{
    struct link *l = r->link;
    enum role role = r->role;
    relay_free(r);
    if (role == SEEK_CALL && seek(l, SEEK_RELAY))
        return;
    link_close(l, why);
}

/* The connection is there: fd leads to the other end, who waits to be greeted. */
static void found(struct relay *r, int fd)
{
    struct link *l = r->link;
    struct host *h = hosts_find(r->sv, r->host);
    relay_free(r);
    if (h != NULL)
        h->indirect_until = px_now_ns() + REMEMBER;
    if (fd >= 0)
        link_adopt(l, fd);
    else
        link_close(l, "the connection that was relayed is lost");
}

/* The other end's answer to a call; what was asked for itself comes on another connection. */
static void on_called(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                      size_t len)
{
    struct relay *r = by_token(sv, (uintptr_t)arg);
    if (r == NULL || number == PXP_DONE)
        return;
    why_not(number, body, len);
    failed(r, pvmx_last_error());
}

/* The helper's answer: the connection with it leads to the other end now. */
static void on_relayed(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                       size_t len)
{
    struct relay *r = by_token(sv, (uintptr_t)arg);
    if (r == NULL)
        return;
    struct link *via = r->via;
    r->via = NULL;
    if (number == PXP_DONE) {
        found(r, link_detach(via, NULL));
        return;
    }
    why_not(number, body, len);
    link_finish(via);
    failed(r, pvmx_last_error());
}

/* ---- who relays ------------------------------------------------------------------------------- */

static void on_served(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                      size_t len)
{
    struct relay *r = by_token(sv, (uintptr_t)arg);
    if (r == NULL || number == PXP_DONE)
        return;
    why_not(number, body, len);
    link_refuse(r->link, r->serial, PVMX_ERR_CLOSED);
    link_finish(r->link);
    relay_free(r);
}

pvmx_err relay_on_relay(struct server *sv, struct link *l, uint32_t serial,
                        const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_relay m;
    pvmx_err err = pxp_relay_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    struct host *h = hosts_find(sv, m.host);
    if (h == NULL || h->state != PXP_HOST_UP || h->index == sv->hosts.self)
        return px_fail(PVMX_ERR_NOENT,
                       "host number %u is not in the virtual machine (any more)", m.host);
    struct relay *r = relay_new(sv, SERVE, l, m.host);
    if (r == NULL)
        return PVMX_ERR_NOMEM;
    r->from = m.from;
    r->serial = serial;
    if (call(r, h, on_served))
        return PVMX_OK;
    relay_free(r);
    return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to relay a connection");
}

/* ---- who is called ---------------------------------------------------------------------------- */

pvmx_err relay_on_call(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_call m;
    pvmx_err err = pxp_call_decode(body, len, &m, &zone);
    struct host *h = hosts_find(sv, l->host);
    pxp_zone_free(&zone);
    if (err != PVMX_OK || h == NULL)
        return err != PVMX_OK ? err : px_fail(PVMX_ERR_NOENT, "a call from nowhere");
    struct relay *r = relay_new(sv, CALL, NULL, h->index);
    if (r == NULL)
        return PVMX_ERR_NOMEM;
    r->serial = serial;
    r->theirs = m.token;
    r->caller = l;
    r->link = link_dial(sv, h->addresses, h->naddresses, 0);
    if (r->link != NULL)
        return PVMX_OK;
    relay_free(r);
    return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to dial");
}

static void answer_call(struct relay *r, pvmx_err err)
{
    struct pxp_done done = {.count = 1};
    if (r->caller == NULL)
        return;
    if (err != PVMX_OK)
        link_refuse(r->caller, r->serial, err);
    else
        pxp_done_encode(link_out(r->caller), r->serial | LINK_REPLY, &done);
}

/* What we have dialled is the other end's from now on, who greets us through it. */
static void on_here(struct server *sv, void *arg, uint32_t number, const uint8_t *body,
                    size_t len)
{
    struct relay *r = by_token(sv, (uintptr_t)arg);
    if (r == NULL)
        return;
    struct link *l = r->link;
    if (number != PXP_DONE) {
        why_not(number, body, len);
        answer_call(r, PVMX_ERR_CLOSED);
        relay_free(r);
        link_finish(l);
        return;
    }
    answer_call(r, PVMX_OK);
    relay_free(r);
    struct px_buf rest = {0}; /* the greeting may have come along already */
    int fd = link_detach(l, &rest);
    if (fd >= 0)
        link_accept(sv, fd, "a host that cannot be reached directly", &rest);
    px_buf_free(&rest);
}

/* ---- links ------------------------------------------------------------------------------------ */

static bool ask_relay(struct relay *r)
{
    struct pxp_relay m = {.host = r->host, .from = r->sv->hosts.self};
    uint32_t ask = link_ask(r->via, on_relayed, (void *)(uintptr_t)r->token);
    return ask != 0 && pxp_relay_encode(link_out(r->via), ask, &m) == PVMX_OK;
}

static bool say_here(struct relay *r)
{
    struct pxp_here m = {.token = r->theirs};
    uint32_t ask = link_ask(r->link, on_here, (void *)(uintptr_t)r->token);
    return ask != 0 && pxp_here_encode(link_out(r->link), ask, &m) == PVMX_OK;
}

bool relay_open(struct link *l)
{
    px_list_foreach(it, &l->sv->relays) {
        struct relay *r = px_container_of(it, struct relay, node);
        bool via = r->via == l, called = r->role == CALL && r->link == l;
        if (!via && !called)
            continue;
        if (!(via ? ask_relay(r) : say_here(r)))
            link_close(l, "no memory");
        return true;
    }
    return false;
}

/* The connection that a call has brought about. */
pvmx_err relay_on_here(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_here m;
    struct pxp_done done = {.count = 1};
    pvmx_err err = pxp_here_decode(body, len, &m, &zone);
    pxp_zone_free(&zone);
    struct relay *r = err == PVMX_OK ? by_token(sv, m.token) : NULL;
    if (err == PVMX_OK && (r == NULL || (r->role != SEEK_CALL && r->role != SERVE)))
        err = px_fail(PVMX_ERR_NOENT, "nobody waits for this connection (any more)");
    if (err == PVMX_OK)
        err = pxp_done_encode(link_out(l), serial | LINK_REPLY, &done);
    if (err != PVMX_OK)
        return err;
    int fd = link_detach(l, NULL); /* the other side waits to be greeted */
    if (r->role == SEEK_CALL) {
        found(r, fd);
        return PVMX_OK;
    }
    struct link *asked = r->link;
    uint32_t from = r->from, host = r->host, reply = r->serial | LINK_REPLY;
    relay_free(r);
    int other = -1;
    if (fd >= 0 && pxp_done_encode(link_out(asked), reply, &done) == PVMX_OK)
        other = link_detach(asked, NULL);
    else
        link_close(asked, "the connection that was to be relayed is lost");
    if (other >= 0) {
        px_log(PX_LOG_INFO, "RELAY-SERVE", "passing bytes on between hosts %u and %u",
               from, host);
        pump_start(sv, other, from, fd, host);
    } else if (fd >= 0) {
        close(fd);
    }
    return PVMX_OK;
}

void relay_closed(struct link *l, const char *why)
{
    px_list_foreach(it, &l->sv->relays) {
        struct relay *r = px_container_of(it, struct relay, node);
        if (r->caller == l)
            r->caller = NULL; /* there may be several of these */
        if (r->via == l) {
            r->via = NULL;
            failed(r, why);
            return;
        }
        if (r->link != l)
            continue;
        struct link *via = r->via;
        if (r->role == CALL) {
            px_fail(PVMX_ERR_CLOSED,
                    "host number %u cannot be dialled from here either: %s", r->host, why);
            answer_call(r, PVMX_ERR_CLOSED);
        }
        relay_free(r);
        if (via != NULL)
            link_close(via, "not needed any more");
        return;
    }
}

void relay_host_lost(struct server *sv, uint32_t index)
{
    pumps_host_lost(sv, index);
}
