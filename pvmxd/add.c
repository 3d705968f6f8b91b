/* SPDX-License-Identifier: BSD-3-Clause */
/* Adding and deleting hosts. */
#include "add.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf.h"
#include "forward.h"
#include "hosted.h"
#include "hosts.h"
#include "link.h"
#include "outside.h"
#include "peer.h"
#include "proto/hello.h"
#include "server.h"
#include "spec.h"
#include "starter.h"
#include "table.h"
#include "tcp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_EXTRA (5 * PX_SEC) /* after the grace period of its tasks */

enum one_state { ONE_QUEUED, ONE_STARTING, ONE_PARTING, ONE_LAST, ONE_DONE };

struct add_req {
    struct server *sv;
    struct px_list node; /* in server.adds */
    struct peer *peer;   /* who asked: a client, or else ... */
    struct link *link;   /* ... another daemon; both NULL: gone, or ... */
    bool known;          /* ... this daemon itself, for its host file */
    uint32_t serial;
    struct pxp_host_add m;
    struct pxp_zone zone;
    struct add_one {
        struct add_req *req;
        enum one_state state;
        const struct pxp_host_spec *spec;
        uint32_t index;
        struct starter *starter;
        struct hosted *hosted; /* by a hoster */
        struct loop_timer limit;
        uint64_t allowed; /* ns; 0: another one starts it */
        struct pxp_host_result result;
    } * ones;
    size_t n, left, running;
};

void add_init(struct server *sv)
{
    px_list_init(&sv->adds);
    px_list_init(&sv->starters);
}

static void req_free(struct add_req *r)
{
    for (size_t i = 0; i < r->n; i++) {
        loop_timer_stop(&r->sv->loop, &r->ones[i].limit);
        free((void *)(uintptr_t)r->ones[i].result.text);
    }
    px_list_remove(&r->node);
    pxp_zone_free(&r->zone);
    free(r->ones);
    free(r);
}

/* The hosts of our own file have come, as far as they do. */
static void known_settled(struct add_req *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct pxp_host_result *one = &r->ones[i].result;
        if (one->error != PVMX_OK && r->sv->said != NULL)
            r->sv->said(one->text != NULL ? one->text : one->name);
    }
    server_ready(r->sv, PVMX_OK);
}

static void req_answer(struct add_req *r)
{
    if (r->known) {
        known_settled(r);
        return;
    }
    struct pxp_host_added m = {.n_results = r->n};
    m.results = pxp_zone_alloc(&r->zone, (r->n + 1) * sizeof *m.results);
    for (size_t i = 0; m.results != NULL && i < r->n; i++) {
        m.results[i] = r->ones[i].result;
        if (m.results[i].text == NULL)
            m.results[i].text = "";
    }
    pvmx_err err =
        m.results == NULL ? px_fail(PVMX_ERR_NOMEM, "no memory for the answer") : PVMX_OK;
    if (r->peer != NULL) {
        if (err == PVMX_OK)
            err = pxp_host_added_encode(peer_out(r->peer), r->serial, &m);
        if (err != PVMX_OK)
            peer_refuse(r->peer, r->serial, err, NULL);
    } else if (r->link != NULL && !r->link->closed) {
        if (err == PVMX_OK)
            err = pxp_host_added_encode(link_out(r->link), r->serial | LINK_REPLY, &m);
        if (err != PVMX_OK)
            link_refuse(r->link, r->serial, err);
    }
}

/* Starts what may be started, and answers when nothing is left. May free the request. */
static void req_go_on(struct add_req *r);

/* The result of one host; text is copied. */
static void one_done(struct add_one *one, pvmx_err err, const char *text)
{
    struct add_req *r = one->req;
    if (one->state == ONE_STARTING || one->state == ONE_PARTING)
        r->running--;
    one->state = ONE_DONE;
    one->result.error = err;
    one->result.index = err == PVMX_OK ? one->index : 0;
    one->result.text = strdup(text);
    loop_timer_stop(&r->sv->loop, &one->limit);
    if (one->starter != NULL)
        starter_let_go(one->starter, err != PVMX_OK);
    one->starter = NULL;
    if (one->hosted != NULL)
        hosted_free(one->hosted);
    one->hosted = NULL;
    r->left--;
}

static void one_failed(struct add_one *one, pvmx_err err)
{
    char text[600];
    struct server *sv = one->req->sv;
    struct host *h = hosts_find(sv, one->index);
    snprintf(text, sizeof text, "%s", pvmx_last_error());
    px_log(PX_LOG_INFO, "ADD-FAILED", "%s", text);
    one_done(one, err, text);
    one->req->left++; /* its end is the caller's to see, whoever else hears of the host */
    if (h != NULL && h->state == PXP_HOST_STARTING)
        hosts_gone(sv, h, text);
    one->req->left--;
}

static void on_ended(void *arg, int status, const char *said)
{
    struct add_one *one = arg;
    one->starter = NULL;
    if (status == 0) /* it is in the background and will come, or the time runs out */
        return;
    one_failed(one, launcher_explain(one->spec, status, said));
    req_go_on(one->req);
}

static void on_not_hosted(void *arg, pvmx_err err)
{
    struct add_one *one = arg;
    one->hosted = NULL;
    one_failed(one, err);
    req_go_on(one->req);
}

static void on_limit(void *arg)
{
    struct add_one *one = arg;
    struct add_req *r = one->req;
    struct host *h = hosts_find(r->sv, one->index);
    if (one->state == ONE_PARTING && h != NULL) {
        hosts_gone(r->sv, h, "deleted; it did not end in time");
        return; /* add_host_settled did the rest */
    }
    const char *said = one->starter != NULL ? starter_said(one->starter) : "";
    size_t n = strcspn(said, "\r\n");
    pvmx_err err = px_fail(PVMX_ERR_TIMEDOUT, "host %s has not come within %llu ms%s%.*s",
                           one->result.name, (unsigned long long)(one->allowed / PX_MS),
                           n > 0 ? ": " : "", (int)n, said);
    one_failed(one, err);
    req_go_on(r);
}

static pvmx_err one_start(struct add_one *one)
{
    struct server *sv = one->req->sv;
    const struct pxp_host_spec *s = one->spec;
    struct hosts *hs = &sv->hosts;
    pvmx_err err = outside_listen(sv);
    if (err != PVMX_OK)
        return err;
    bool hosted = hosted_wanted(sv);
    const char *launcher = hosted ? "hoster" : launcher_name(s);
    struct host *h = hosts_new(sv, s->name, launcher), *me = hosts_self(sv);
    if (h == NULL)
        return PVMX_ERR_NOMEM;
    one->index = h->index;
    struct join j = {.index = h->index,
                     .leader = hs->self,
                     .slots = s->slots,
                     .speed = s->speed != 0 ? s->speed : HOST_SPEED,
                     .apart = launcher_apart(s),
                     .naddresses = me->naddresses};
    snprintf(j.vm, sizeof j.vm, "%s", sv->vm);
    snprintf(j.host, sizeof j.host, "%s", s->name);
    snprintf(j.launcher, sizeof j.launcher, "%s", launcher);
    snprintf(j.wdir, sizeof j.wdir, "%s", s->wdir);
    snprintf(j.path, sizeof j.path, "%s", s->path);
    snprintf(j.wrapper, sizeof j.wrapper, "%s", s->wrapper);
    snprintf(j.debugger, sizeof j.debugger, "%s", s->debugger);
    snprintf(j.ports, sizeof j.ports, "%s", conf.ports);
    if (tcp_is_general(conf.address))
        snprintf(j.listen, sizeof j.listen, "%s", conf.address);
    memcpy(j.key, hosts_key(sv), sizeof j.key);
    memcpy(j.addresses, me->addresses, sizeof j.addresses);
    if (hosted)
        one->hosted = hosted_new(sv, s, &j, on_not_hosted, one);
    else
        one->starter = starter_new(sv, s, &j, on_ended, one);
    secure_forget(j.key, sizeof j.key);
    if (one->starter == NULL && one->hosted == NULL)
        return PVMX_ERR_SYS;
    one->state = ONE_STARTING;
    one->req->running++;
    one->allowed = s->timeout_ms != 0 ? s->timeout_ms * PX_MS : (uint64_t)conf.add_timeout;
    loop_timer_start(&sv->loop, &one->limit, one->allowed, on_limit, one);
    return PVMX_OK;
}

static void part(struct add_one *one, struct host *h)
{
    struct server *sv = one->req->sv;
    one->index = h->index;
    one->state = ONE_PARTING;
    one->req->running++;
    loop_timer_start(&sv->loop, &one->limit, (uint64_t)conf.grace + PART_EXTRA, on_limit,
                     one);
    hosts_part(sv, h, "deleted");
}

/* The host at which a client has asked to delete it, when all others are done: the answer has to be there
 * before its daemon is told to end, with which the way back ends. True: it is no longer waited for. */
static bool part_last(struct add_req *r)
{
    for (size_t i = 0; i < r->n && r->left == 1; i++) {
        struct add_one *one = &r->ones[i];
        struct host *h = one->state == ONE_LAST ? hosts_find(r->sv, one->index) : NULL;
        if (h == NULL)
            continue;
        one->result.index = one->index;
        req_answer(r);
        r->link = NULL;
        part(one, h);
        return true;
    }
    return false;
}

/* As a spawn would find it, with or without its domain. */
static const struct host *named(const struct server *sv, const char *name)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&sv->hosts.table, &pos, &key, &value);) {
        const struct host *h = value;
        if (h->state != PXP_HOST_GONE && pxp_host_named(name, strlen(name), h->name))
            return h;
    }
    return NULL;
}

/* The host is there, or on its way, which is all that is wanted. */
static bool take_there(struct add_one *one)
{
    struct server *sv = one->req->sv;
    const struct pxp_host_spec *s = one->spec;
    const struct host *h = spec_is_here(sv, s) ? hosts_self(sv) : named(sv, s->name);
    if (h == NULL || h->parting)
        return false;
    one->index = h->index;
    if (h->state == PXP_HOST_UP) {
        one_done(one, PVMX_OK, "");
    } else {
        one->state = ONE_STARTING;
        one->req->running++;
    }
    return true;
}

static void req_go_on(struct add_req *r)
{
    for (size_t i = 0; i < r->n && r->running < (size_t)conf.add_parallel; i++) {
        struct add_one *one = &r->ones[i];
        if (one->state != ONE_QUEUED || (r->m.passing && take_there(one)))
            continue;
        pvmx_err err = r->sv->halting
                           ? px_fail(PVMX_ERR_STATE, "the virtual machine is being "
                                                     "halted")
                           : spec_check(r->sv, one->spec);
        if (err == PVMX_OK)
            err = one_start(one);
        if (err != PVMX_OK)
            one_failed(one, err);
    }
    if (part_last(r) || r->left > 0)
        return;
    req_answer(r);
    req_free(r);
}

void add_host_settled(struct server *sv, struct host *h, pvmx_err err, const char *why)
{
    px_list_foreach(it, &sv->adds) {
        struct add_req *r = px_container_of(it, struct add_req, node);
        bool mine = false;
        for (size_t i = 0; i < r->n; i++) {
            struct add_one *one = &r->ones[i];
            if (one->index != h->index ||
                (one->state != ONE_STARTING && one->state != ONE_PARTING &&
                 one->state != ONE_LAST))
                continue;
            mine = true;
            if (one->state == ONE_STARTING)
                one_done(one, err, why);
            else if (err != PVMX_OK)
                one_done(one, PVMX_OK, "");
        }
        if (mine)
            req_go_on(r);
    }
}

/* Those in other requests that wait for the same host to come. */
static size_t others_waiting(const struct add_one *one)
{
    size_t n = 0;
    px_list_foreach(it, &one->req->sv->adds) {
        const struct add_req *r = px_container_of(it, struct add_req, node);
        for (size_t i = 0; r != one->req && i < r->n; i++)
            n += r->ones[i].state == ONE_STARTING && r->ones[i].index == one->index;
    }
    return n;
}

bool add_stays(struct server *sv, const struct host *h)
{
    px_list_foreach(it, &sv->adds) {
        const struct add_req *r = px_container_of(it, struct add_req, node);
        for (size_t i = 0; !r->m.passing && i < r->n; i++)
            if (r->ones[i].state == ONE_STARTING && r->ones[i].index == h->index)
                return true;
    }
    return false;
}

/* Who wanted the hosts has gone, or gives up: those that have not come are not waited for. */
static void req_cancel(struct add_req *r)
{
    r->left++; /* so that it stays until we are through */
    for (size_t i = 0; i < r->n; i++) {
        struct add_one *one = &r->ones[i];
        pvmx_err err = px_fail(PVMX_ERR_CANCELLED,
                               "host %s is not wanted any more: who asked for it has "
                               "gone, or given up",
                               one->result.name);
        if (one->state == ONE_QUEUED || (one->state == ONE_STARTING && one->allowed == 0))
            one_done(one, err, pvmx_last_error());
        else if (one->state == ONE_STARTING && others_waiting(one) == 0)
            one_failed(one, err);
    }
    r->left--;
    req_go_on(r);
}

/* ---- requests --------------------------------------------------------------------------------- */

static struct add_req *req_new(struct server *sv, struct peer *p, struct link *l,
                               uint32_t serial)
{
    struct add_req *r = calloc(1, sizeof *r);
    if (r == NULL) {
        px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a request");
        return NULL;
    }
    r->sv = sv;
    r->peer = p;
    r->link = l;
    r->serial = serial;
    px_list_push_back(&sv->adds, &r->node);
    return r;
}

static pvmx_err add(struct server *sv, struct peer *p, struct link *l, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct add_req *r = req_new(sv, p, l, serial);
    if (r == NULL)
        return PVMX_ERR_NOMEM;
    pvmx_err err = pxp_host_add_decode(body, len, &r->m, &r->zone);
    if (err == PVMX_OK && r->m.n_hosts > HOSTS_MAX)
        err = px_fail(PVMX_ERR_LIMIT, "a virtual machine has at most %d hosts", HOSTS_MAX);
    r->ones = err == PVMX_OK ? calloc(r->m.n_hosts + 1, sizeof *r->ones) : NULL;
    if (err == PVMX_OK && r->ones == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a request");
    if (err != PVMX_OK) {
        req_free(r);
        return err;
    }
    r->n = r->left = r->m.n_hosts;
    for (size_t i = 0; i < r->n; i++)
        pxp_hostfile_advise(&sv->known, &r->m.hosts[i]);
    for (size_t i = 0; i < r->n; i++)
        r->ones[i] = (struct add_one){.req = r,
                                      .spec = &r->m.hosts[i],
                                      .result.name = r->m.hosts[i].name};
    req_go_on(r);
    return PVMX_OK;
}

/* What the file says of this very host. */
static pvmx_err take_own(struct server *sv, const struct pxp_host_spec *s)
{
    if (s->slots != 0) {
        sv->slots_fixed = true;
        hosts_set_slots(sv, s->slots);
    }
    if (s->speed != 0)
        hosts_self(sv)->speed = s->speed;
    return own_set(&sv->own, s->wdir, s->path, s->wrapper, s->debugger);
}

pvmx_err add_known(struct server *sv)
{
    const struct pxp_hostfile *f = &sv->known;
    struct add_req *r = req_new(sv, NULL, NULL, 0);
    if (r != NULL)
        r->ones = calloc(f->n, sizeof *r->ones);
    if (r == NULL || r->ones == NULL) {
        if (r != NULL)
            req_free(r);
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for its host file");
    }
    r->known = true;
    for (size_t i = 0; i < f->n; i++) {
        const struct pxp_hostfile_host *h = &f->hosts[i];
        pvmx_err err = PVMX_OK;
        if (spec_is_here(sv, &h->spec) || strcmp(h->spec.name, sv->host) == 0)
            err = take_own(sv, &h->spec);
        else if (!h->later)
            r->ones[r->n++] =
                (struct add_one){.req = r, .spec = &h->spec, .result.name = h->spec.name};
        if (err != PVMX_OK)
            px_log(PX_LOG_ERROR, "ADD-OWN", "%s", pvmx_last_error());
    }
    r->left = r->n;
    req_go_on(r);
    return PVMX_OK;
}

static bool has_last(const struct add_req *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->ones[i].state == ONE_LAST)
            return true;
    return false;
}

static void del_one(struct add_one *one)
{
    struct server *sv = one->req->sv;
    struct link *l = one->req->link;
    struct host *h = hosts_named(sv, one->result.name);
    pvmx_err err = PVMX_OK;
    if (h == NULL)
        err = px_fail(PVMX_ERR_NOENT, "there is no host %.80s in the virtual machine",
                      one->result.name);
    else if (h->index == sv->hosts.self)
        err = px_fail(PVMX_ERR_STATE,
                      "host %s leads the virtual machine: halt it instead", h->name);
    if (err != PVMX_OK) {
        one_done(one, err, pvmx_last_error());
    } else if (l == NULL || l->host != h->index) {
        part(one, h);
    } else {
        one->index = h->index;
        if (has_last(one->req)) /* named twice */
            one_done(one, PVMX_OK, "");
        else
            one->state = ONE_LAST;
    }
}

static pvmx_err del(struct server *sv, struct peer *p, struct link *l, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_host_delete m;
    struct add_req *r = req_new(sv, p, l, serial);
    if (r == NULL)
        return PVMX_ERR_NOMEM;
    pvmx_err err = pxp_host_delete_decode(body, len, &m, &r->zone);
    r->ones = err == PVMX_OK ? calloc(m.n_names + 1, sizeof *r->ones) : NULL;
    if (err == PVMX_OK && r->ones == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a request");
    if (err != PVMX_OK) {
        req_free(r);
        return err;
    }
    r->n = r->left = m.n_names;
    r->running = 1; /* so that nothing ends the request while we are at it */
    r->left++;
    for (size_t i = 0; i < r->n; i++)
        r->ones[i] =
            (struct add_one){.req = r, .state = ONE_DONE, .result.name = m.names[i]};
    for (size_t i = 0; i < r->n; i++)
        del_one(&r->ones[i]);
    r->running--;
    r->left--;
    req_go_on(r);
    return PVMX_OK;
}

static const char without[] = "hosts cannot be added or deleted";

pvmx_err add_request(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    return hosts_leading(sv) ? add(sv, p, NULL, serial, body, len)
                             : forward_to_leader(sv, p, serial, body, len, without);
}

pvmx_err add_delete(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    return hosts_leading(sv) ? del(sv, p, NULL, serial, body, len)
                             : forward_to_leader(sv, p, serial, body, len, without);
}

pvmx_err add_forwarded(struct server *sv, struct link *l, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    pvmx_err err = forward_mine(sv);
    return err != PVMX_OK ? err : add(sv, NULL, l, serial, body, len);
}

pvmx_err add_delete_forwarded(struct server *sv, struct link *l, uint32_t serial,
                              const uint8_t *body, size_t len)
{
    pvmx_err err = forward_mine(sv);
    return err != PVMX_OK ? err : del(sv, NULL, l, serial, body, len);
}

bool add_withdraw(struct server *sv, const struct peer *p, const struct link *l,
                  uint32_t serial)
{
    px_list_foreach(it, &sv->adds) {
        struct add_req *r = px_container_of(it, struct add_req, node);
        if (r->known || r->peer != p || r->link != l || r->serial != serial)
            continue;
        req_cancel(r);
        return true;
    }
    return false;
}

void add_forget_peer(struct peer *p)
{
    px_list_foreach(it, &p->sv->adds) {
        struct add_req *r = px_container_of(it, struct add_req, node);
        if (r->peer != p)
            continue;
        r->peer = NULL;
        if (r->m.passing)
            req_cancel(r);
    }
}

void add_forget_link(struct link *l)
{
    px_list_foreach(it, &l->sv->adds) {
        struct add_req *r = px_container_of(it, struct add_req, node);
        if (r->link == l)
            r->link = NULL;
    }
}

void add_stop(struct server *sv)
{
    while (!px_list_empty(&sv->adds)) {
        struct add_req *r = px_container_of(sv->adds.next, struct add_req, node);
        for (size_t i = 0; i < r->n; i++) {
            if (r->ones[i].starter != NULL)
                starter_let_go(r->ones[i].starter, true);
            if (r->ones[i].hosted != NULL)
                hosted_free(r->ones[i].hosted);
        }
        req_free(r);
    }
    starters_stop(sv);
}
