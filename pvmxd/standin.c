/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of consoles to other hosts, and their stand-ins there. */
#include "standin.h"
#include "base/err.h"
#include "base/log.h"
#include "dispatch.h"
#include "hosts.h"
#include "link.h"
#include "peer.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "server.h"
#include <stdlib.h>

/* A frame in a frame has to fit: room for the outer ones' fields. */
enum { FRAME_MAX = PXP_FRAME_MAX - 256 };

struct stand_in {
    struct peer peer; /* first: peer.c frees it */
    uint32_t client;
    struct link *link;
};

/* ---- here: the console ------------------------------------------------------------------------ */

/* Without memory the console is dropped: it then knows that it knows nothing. */
static void pass_back(struct peer *p, uint32_t serial, const struct pxp_from *m)
{
    if (pxp_from_encode(peer_out(p), serial, m) != PVMX_OK)
        peer_close(p);
}

static bool number_client(struct server *sv, struct peer *p)
{
    if (p->client != 0)
        return true;
    do
        sv->last_client++;
    while (sv->last_client == 0 || px_map_get(&sv->clients, sv->last_client) != NULL);
    if (px_map_put(&sv->clients, sv->last_client, p) != PVMX_OK)
        return false;
    p->client = sv->last_client;
    return true;
}

static void ask_host(struct server *sv, struct peer *p, uint32_t index,
                     const struct pxp_at *m)
{
    struct host *h = index != sv->hosts.self ? hosts_find(sv, index) : NULL;
    struct link *l = h != NULL && h->state == PXP_HOST_UP ? hosts_link(sv, h) : NULL;
    struct pxp_proxy r = {.client = p->client, .frame = m->frame, .frame_len = m->frame_len};
    if (l == NULL || pxp_proxy_encode(link_out(l), 0, &r) != PVMX_OK)
        pass_back(p, p->at_serial, &(struct pxp_from){.host = index, .gone = true});
}

pvmx_err standin_request(struct server *sv, struct peer *p, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_at m;
    uint64_t key;
    void *value;
    pvmx_err err = pxp_at_decode(body, len, &m, &zone);
    if (err == PVMX_OK && p->standin != NULL)
        err = px_fail(PVMX_ERR_STATE, "a request may be passed on once");
    if (err == PVMX_OK && m.frame_len > FRAME_MAX)
        err = px_fail(PVMX_ERR_TOOBIG, "a request of %zu bytes for another host",
                      m.frame_len);
    if (err == PVMX_OK && !number_client(sv, p))
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a request");
    p->at_serial = serial;
    for (size_t i = 0; err == PVMX_OK && !p->closed && i < m.n_hosts; i++)
        ask_host(sv, p, m.hosts[i], &m);
    for (size_t pos = 0; err == PVMX_OK && m.n_hosts == 0 && !p->closed &&
                         px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        const struct host *h = value;
        if (h->index != sv->hosts.self && h->state == PXP_HOST_UP)
            ask_host(sv, p, h->index, &m);
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err standin_on_answer(struct server *sv, struct link *l, uint32_t serial,
                           const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_proxied m;
    (void)serial;
    pvmx_err err = pxp_proxied_decode(body, len, &m, &zone);
    struct peer *p = err == PVMX_OK ? px_map_get(&sv->clients, m.client) : NULL;
    if (p != NULL) /* else it has gone meanwhile */
        pass_back(p, p->at_serial,
                  &(struct pxp_from){.host = l->host,
                                     .frame = m.frame,
                                     .frame_len = m.frame_len});
    pxp_zone_free(&zone);
    return err;
}

/* ---- there: the stand-in ---------------------------------------------------------------------- */

static uint64_t key_of(const struct link *l, uint32_t client)
{
    return (uint64_t)l->host << 32 | client;
}

static struct stand_in *stand_in_of(struct server *sv, struct link *l, uint32_t client)
{
    struct stand_in *s = px_map_get(&sv->stand_ins, key_of(l, client));
    if (s != NULL && s->link == l)
        return s;
    if (s != NULL) /* its daemon has another connection now */
        peer_close(&s->peer);
    s = calloc(1, sizeof *s);
    if (s == NULL || px_map_put(&sv->stand_ins, key_of(l, client), s) != PVMX_OK) {
        free(s);
        return NULL;
    }
    s->client = client;
    s->link = l;
    peer_init(&s->peer, sv, -1, 0);
    s->peer.role = PXP_ROLE_CONSOLE;
    s->peer.standin = s;
    px_log(PX_LOG_INFO, "STANDIN-NEW", "console %u of host %s asks", client, l->name);
    return s;
}

pvmx_err standin_on_request(struct server *sv, struct link *l, uint32_t serial,
                            const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_proxy m;
    struct stand_in *s;
    (void)serial;
    pvmx_err err = pxp_proxy_decode(body, len, &m, &zone);
    if (err == PVMX_OK && m.end) {
        s = px_map_get(&sv->stand_ins, key_of(l, m.client));
        if (s != NULL && s->link == l)
            peer_close(&s->peer);
    } else if (err == PVMX_OK) {
        s = stand_in_of(sv, l, m.client);
        if (s != NULL)
            dispatch_frame(sv, &s->peer, m.frame, m.frame_len);
        else
            px_log(PX_LOG_ERROR, "STANDIN-NOMEM", "no memory for a console of host %s",
                   l->name); /* it will see that nothing comes */
    }
    pxp_zone_free(&zone);
    return err;
}

/* Instead of an answer that is too long. */
static void say_too_big(struct px_buf *out, const struct stand_in *s, uint32_t serial)
{
    struct px_buf b = {0};
    px_fail(PVMX_ERR_TOOBIG, "the answer of host %s is too long", s->peer.sv->host);
    if (pxp_refuse(&b, serial, PVMX_ERR_TOOBIG, NULL) == PVMX_OK) {
        struct pxp_proxied m = {.client = s->client,
                                .frame = px_buf_head(&b) + 4,
                                .frame_len = px_buf_len(&b) - 4};
        pxp_proxied_encode(out, 0, &m);
    }
    px_buf_free(&b);
}

void standin_flush(struct peer *p)
{
    struct stand_in *s = p->standin;
    const uint8_t *body;
    size_t len;
    uint32_t number, serial = 0;
    while (!p->closed && pxp_frame_next(&p->out, SIZE_MAX, &body, &len) == PVMX_OK) {
        struct pxp_proxied m = {.client = s->client, .frame = body, .frame_len = len};
        struct px_buf *out = link_out(s->link);
        if (len <= FRAME_MAX)
            pxp_proxied_encode(out, 0, &m);
        else if (pxp_frame_head(body, len, &number, &serial) == PVMX_OK)
            say_too_big(out, s, serial);
        pxp_frame_drop(&p->out);
    }
    if (p->draining)
        peer_close(p);
}

/* ---- ends ------------------------------------------------------------------------------------- */

void standin_forget_peer(struct peer *p)
{
    struct server *sv = p->sv;
    uint64_t key;
    void *value;
    if (p->standin != NULL) {
        px_map_remove(&sv->stand_ins, key_of(p->standin->link, p->standin->client));
        px_log(PX_LOG_INFO, "STANDIN-END", "console %u of host %s has gone",
               p->standin->client, p->standin->link->name);
    }
    if (p->client == 0)
        return;
    struct pxp_proxy m = {.client = p->client, .end = true};
    px_map_remove(&sv->clients, p->client);
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        const struct host *h = value;
        if (h->link != NULL && !h->link->closed)
            pxp_proxy_encode(link_out(h->link), 0, &m);
    }
    p->client = 0;
}

void standin_link_closed(struct link *l)
{
    struct server *sv = l->sv;
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->stand_ins, &pos, &key, &value);) {
        struct stand_in *s = value;
        if (s->link == l)
            peer_close(&s->peer);
    }
    for (size_t pos = 0; px_map_next(&sv->clients, &pos, &key, &value);) {
        struct peer *p = value;
        pass_back(p, p->at_serial, &(struct pxp_from){.host = l->host, .gone = true});
    }
}
