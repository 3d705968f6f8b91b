/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports. */
#include "ports.h"
#include "base/clock.h"
#include "base/err.h"
#include "guest.h"
#include "hosts.h"
#include "peer.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NAME_MAX_LEN = 1024 }; /* with its NUL: MPI_MAX_PORT_NAME */

struct port {
    uint64_t key;
    struct task *owner;
    struct px_list in_task;
    struct px_list accepts, connects; /* struct meeting; one of them is empty */
};

/* One that has come to a port and waits for the other. */
struct meeting {
    struct waiter w;
    struct pxp_meet m;
    struct pxp_zone zone;
};

/* ---- names ------------------------------------------------------------------------------------ */

static void port_name(const struct server *sv, uint64_t key, char name[NAME_MAX_LEN])
{
    snprintf(name, NAME_MAX_LEN, "pvmx:%s:%s:%016llx", sv->vm, sv->host,
             (unsigned long long)key);
}

/* The port of that name, or the sentence why there is none. */
static struct port *find(struct server *sv, const char *name)
{
    char own[NAME_MAX_LEN], *end;
    const char *last = strrchr(name, ':');
    uint64_t key = last != NULL ? strtoull(last + 1, &end, 16) : 0;
    if (strncmp(name, "pvmx:", 5) != 0 || key == 0 || *end != '\0') {
        px_fail(PVMX_ERR_NOENT, "'%.200s' is not the name of a port", name);
        return NULL;
    }
    struct port *port = px_map_get(&sv->ports, key);
    port_name(sv, key, own);
    if (port != NULL && strcmp(own, name) == 0)
        return port;
    size_t prefix = strlen(own) - 16;
    if (strncmp(own, name, prefix) != 0)
        px_fail(PVMX_ERR_NOENT,
                "port %.200s is of another virtual machine: this is %s on host %s", name,
                sv->vm, sv->host);
    else
        px_fail(PVMX_ERR_NOENT,
                "port %.200s is closed, or the program that opened it has ended", name);
    return NULL;
}

/* ---- opening and closing ---------------------------------------------------------------------- */

static struct port *port_new(struct server *sv, struct task *owner)
{
    struct port *port = calloc(1, sizeof *port);
    if (port == NULL)
        return NULL;
    /* Not to be guessed, and not that of a port of an earlier daemon. */
    while (port->key == 0 || px_map_get(&sv->ports, port->key) != NULL)
        if (getrandom(&port->key, sizeof port->key, 0) < 0 && errno != EINTR)
            port->key = px_now_ns();
    if (px_map_put(&sv->ports, port->key, port) != PVMX_OK) {
        free(port);
        return NULL;
    }
    port->owner = owner;
    px_list_init(&port->accepts);
    px_list_init(&port->connects);
    px_list_push_back(&owner->ports, &port->in_task);
    return port;
}

static void refuse_all(struct px_list *queue, pvmx_err err, const char *what, const char *name)
{
    while (!px_list_empty(queue)) {
        px_fail(err, "port %.200s was closed while this program %s there", name, what);
        waiter_refuse(px_container_of(queue->next, struct waiter, in_queue), err);
    }
}

static void port_free(struct server *sv, struct port *port)
{
    char name[NAME_MAX_LEN];
    port_name(sv, port->key, name);
    px_map_remove(&sv->ports, port->key);
    px_list_remove(&port->in_task);
    refuse_all(&port->accepts, PVMX_ERR_CANCELLED, "accepted", name);
    refuse_all(&port->connects, PVMX_ERR_NOENT, "waited", name);
    free(port);
}

void ports_forget_task(struct task *t)
{
    while (!px_list_empty(&t->ports))
        port_free(t->sv, px_container_of(t->ports.next, struct port, in_task));
}

static uint32_t count(struct px_list *list)
{
    uint32_t n = 0;
    px_list_foreach(it, list)
        n++;
    return n;
}

static bool describe(struct server *sv, struct port *port, struct pxp_zone *zone,
                     struct pxp_port_info *out)
{
    char *name = pxp_zone_alloc(zone, NAME_MAX_LEN);
    if (name == NULL)
        return false;
    port_name(sv, port->key, name);
    *out = (struct pxp_port_info){.port = name,
                                  .owner = port->owner->tid,
                                  .accepts = count(&port->accepts),
                                  .connects = count(&port->connects)};
    return true;
}

bool ports_list(struct server *sv, struct pxp_zone *zone, struct pxp_port_info **out,
                size_t *n)
{
    size_t most = 0;
    *n = 0;
    px_list_foreach(it, &sv->all_tasks)
        most += count(&px_container_of(it, struct task, all)->ports);
    *out = pxp_zone_alloc(zone, (most + 1) * sizeof **out);
    bool ok = *out != NULL;
    px_list_foreach(it, &sv->all_tasks)
        px_list_foreach(at, &px_container_of(it, struct task, all)->ports)
            ok = ok && describe(sv, px_container_of(at, struct port, in_task), zone,
                                &(*out)[(*n)++]);
    return ok;
}

pvmx_err ports_open(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    char name[NAME_MAX_LEN];
    (void)body;
    (void)len;
    if (p->task == NULL || p->task->left)
        return px_fail(PVMX_ERR_STATE, "a process must enrol before it can open a port");
    struct port *port = port_new(sv, p->task);
    if (port == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for another port");
    port_name(sv, port->key, name);
    struct pxp_port_is m = {.port = name};
    return pxp_port_is_encode(peer_out(p), serial, &m);
}

pvmx_err ports_close(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_port_close m;
    pvmx_err err = pxp_port_close_decode(body, len, &m, &zone);
    struct port *port = err == PVMX_OK ? find(sv, m.port) : NULL;
    if (err == PVMX_OK && port == NULL)
        err = PVMX_ERR_NOENT;
    else if (err == PVMX_OK && port->owner != p->task)
        err = px_fail(PVMX_ERR_PERM,
                      "port %.200s was opened by t%x: only that task can close it",
                      m.port, (unsigned)port->owner->tid);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    port_free(sv, port);
    struct pxp_done done = {.count = 1};
    return pxp_done_encode(peer_out(p), serial, &done);
}

/* ---- meeting ---------------------------------------------------------------------------------- */

static void meeting_free(struct waiter *w)
{
    struct meeting *g = px_container_of(w, struct meeting, w);
    pxp_zone_free(&g->zone);
    free(g);
}

static void nobody_came(struct waiter *w)
{
    const struct meeting *g = px_container_of(w, struct meeting, w);
    px_fail(PVMX_ERR_TIMEDOUT, "nobody %s at port %.200s within %g s",
            g->m.accept ? "connected" : "accepted", g->m.port, g->m.timeout_ms / 1000.0);
}

/* Tells one side of the other. */
static void tell(struct peer *p, uint32_t serial, const struct pxp_meet *other, uint64_t ctx)
{
    struct pxp_met m = {.group = other->group,
                        .n_group = other->n_group,
                        .root = other->root,
                        .ctx = ctx};
    if (pxp_met_encode(peer_out(p), serial, &m) != PVMX_OK)
        peer_refuse(p, serial, PVMX_ERR_NOMEM, NULL);
}

static void match(struct meeting *here, struct peer *p, uint32_t serial, struct meeting *come)
{
    uint64_t ctx = come->m.accept ? come->m.ctx : here->m.ctx;
    tell(here->w.peer, here->w.serial, &come->m, ctx);
    tell(p, serial, &here->m, ctx);
    waiter_end(&here->w);
    meeting_free(&come->w);
}

/* The other host that the port lives on; 0: ours, or none that we know. */
static uint32_t elsewhere(const struct server *sv, const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_meet m;
    char host[NAME_MAX_LEN];
    size_t vm = strlen(sv->vm);
    uint32_t index = 0;
    if (pxp_meet_decode(body, len, &m, &zone) == PVMX_OK && strncmp(m.port, "pvmx:", 5) == 0 &&
        strncmp(m.port + 5, sv->vm, vm) == 0 && m.port[5 + vm] == ':') {
        snprintf(host, sizeof host, "%s", m.port + 5 + vm + 1);
        char *key = strrchr(host, ':');
        if (key != NULL)
            *key = '\0';
        const struct host *h = strcmp(host, sv->host) != 0 ? hosts_named(sv, host) : NULL;
        index = h != NULL && h->index != sv->hosts.self ? h->index : 0;
    }
    pxp_zone_free(&zone);
    return index;
}

pvmx_err ports_meet(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    uint32_t host = p->guest == NULL ? elsewhere(sv, body, len) : 0;
    if (host != 0 && p->task != NULL)
        return guest_ask(sv, p, serial, host, body, len);
    struct meeting *g = calloc(1, sizeof *g);
    if (g == NULL)
        return px_fail(PVMX_ERR_NOMEM,
                       "the daemon has no memory for another client of a port");
    g->w.late = nobody_came;
    g->w.free = meeting_free;
    pvmx_err err = pxp_meet_decode(body, len, &g->m, &g->zone);
    struct port *port = err == PVMX_OK ? find(sv, g->m.port) : NULL;
    if (err == PVMX_OK && port == NULL)
        err = PVMX_ERR_NOENT;
    if (err == PVMX_OK && p->task == NULL)
        err = px_fail(PVMX_ERR_STATE, "a process must enrol before it can use a port");
    if (err != PVMX_OK) {
        meeting_free(&g->w);
        return err;
    }
    struct px_list *others = g->m.accept ? &port->connects : &port->accepts;
    struct px_list *same = g->m.accept ? &port->accepts : &port->connects;
    if (!px_list_empty(others))
        match(px_container_of(others->next, struct meeting, w.in_queue), p, serial, g);
    else
        waiter_start(&g->w, p, serial, same, g->m.timeout_ms);
    return PVMX_OK;
}
