/* SPDX-License-Identifier: BSD-3-Clause */
/* The name service. */
#include "names.h"
#include "base/err.h"
#include "book.h"
#include "far.h"
#include "peer.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 4096 }; /* of a name, and of what it stands for */

/* Names with the same hash are a chain. */
struct name {
    struct name *next;
    struct task *owner;
    struct px_list in_task;
    struct fact *fact;
};

/* A look-up that waits; all stand in server.lookups. */
struct lookup {
    struct waiter w;
    struct pxp_lookup m;
    struct pxp_zone zone;
};

static const char *text_of(const struct name *n)
{
    return n->fact->name;
}

static const char *port_of(const struct name *n)
{
    return (const char *)n->fact->data;
}

static struct name *find(struct server *sv, const char *text)
{
    struct name *n = px_map_get(&sv->names, px_map_text(text));
    while (n != NULL && strcmp(text_of(n), text) != 0)
        n = n->next;
    struct task *here = n != NULL && far_host(n->owner->tid) == sv->hosts.self
                            ? task_find(sv, n->owner->tid)
                            : NULL;
    return here != NULL && task_has_left(here) ? NULL : n; /* with it its names are gone */
}

bool name_load(struct server *sv, struct task *owner, struct fact *f)
{
    struct name *n = f->len > 0 && f->data[f->len - 1] == '\0' ? malloc(sizeof *n) : NULL;
    if (n == NULL)
        return false;
    *n = (struct name){.next = px_map_get(&sv->names, px_map_text(f->name)),
                       .owner = owner,
                       .fact = f};
    if (px_map_put(&sv->names, px_map_text(f->name), n) != PVMX_OK) {
        free(n);
        return false;
    }
    px_list_push_back(&owner->names, &n->in_task);
    return true;
}

static pvmx_err add(struct server *sv, struct task *owner, const char *text, const char *port)
{
    struct pxp_fact m = {.kind = FACT_NAME,
                         .name = text,
                         .owner = owner->tid,
                         .data = (const uint8_t *)port,
                         .data_len = strlen(port) + 1};
    struct fact *f = book_put(sv, &m);
    if (f != NULL && name_load(sv, owner, f))
        return PVMX_OK;
    if (f != NULL)
        book_del(sv, f);
    return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for another name");
}

static void drop(struct server *sv, struct name *n)
{
    uint64_t h = px_map_text(text_of(n));
    struct name *first = px_map_get(&sv->names, h);
    px_list_remove(&n->in_task);
    if (first != n) {
        while (first->next != n)
            first = first->next;
        first->next = n->next;
    } else if (n->next != NULL) {
        px_map_put(&sv->names, h, n->next); /* replaces: needs no memory */
    } else {
        px_map_remove(&sv->names, h);
    }
    book_del(sv, n->fact);
    free(n);
}

void names_forget_task(struct task *t)
{
    while (!px_list_empty(&t->names))
        drop(t->sv, px_container_of(t->names.next, struct name, in_task));
}

void names_clear(struct server *sv)
{
    size_t pos = 0;
    uint64_t key;
    void *value;
    while (px_map_next(&sv->names, &pos, &key, &value)) {
        drop(sv, value);
        pos = 0;
    }
}

bool names_list(struct server *sv, struct pxp_zone *zone, struct pxp_name_info **out,
                size_t *n)
{
    size_t most = 0;
    uint64_t key;
    void *value;
    *n = 0;
    for (size_t pos = 0; px_map_next(&sv->names, &pos, &key, &value);)
        for (const struct name *at = value; at != NULL; at = at->next)
            most++;
    *out = pxp_zone_alloc(zone, (most + 1) * sizeof **out);
    if (*out == NULL)
        return false;
    for (size_t pos = 0; px_map_next(&sv->names, &pos, &key, &value);)
        for (const struct name *at = value; at != NULL; at = at->next)
            (*out)[(*n)++] = (struct pxp_name_info){.name = text_of(at),
                                                    .port = port_of(at),
                                                    .owner = at->owner->tid};
    return true;
}

/* ---- requests --------------------------------------------------------------------------------- */

static void answer(struct peer *p, uint32_t serial, const struct name *n)
{
    struct pxp_found m = {.port = port_of(n)};
    if (pxp_found_encode(peer_out(p), serial, &m) != PVMX_OK)
        peer_refuse(p, serial, PVMX_ERR_NOMEM, NULL);
}

/* Those who waited for this name. */
static void answer_lookups(struct server *sv, const struct name *n)
{
    px_list_foreach(it, &sv->lookups) {
        struct lookup *l = px_container_of(it, struct lookup, w.in_queue);
        if (strcmp(l->m.name, text_of(n)) != 0)
            continue;
        answer(l->w.peer, l->w.serial, n);
        waiter_end(&l->w);
    }
}

static pvmx_err check_publish(struct server *sv, const struct peer *p,
                              const struct pxp_publish *m)
{
    if (p->task == NULL || p->task->left)
        return px_fail(PVMX_ERR_STATE,
                       "a process must enrol before it can publish a name");
    if (*m->name == '\0' || strlen(m->name) >= NAME_MAX_LEN || strlen(m->port) >= NAME_MAX_LEN)
        return px_fail(PVMX_ERR_TOOBIG, "a name that is published has 1 to %d bytes",
                       NAME_MAX_LEN - 1);
    const struct name *n = find(sv, m->name);
    if (n != NULL)
        return px_fail(PVMX_ERR_EXISTS, "the name '%.200s' is published already, by t%x",
                       m->name, (unsigned)n->owner->tid);
    return PVMX_OK;
}

pvmx_err names_publish(struct server *sv, struct peer *p, uint32_t serial,
                       const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_publish m;
    pvmx_err err = pxp_publish_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = check_publish(sv, p, &m);
    if (err == PVMX_OK)
        err = add(sv, p->task, m.name, m.port);
    if (err == PVMX_OK) {
        struct pxp_done done = {.count = 1};
        const struct name *n = find(sv, m.name);
        if (n != NULL) /* the publisher may be gone already */
            answer_lookups(sv, n);
        err = pxp_done_encode(peer_out(p), serial, &done);
    }
    pxp_zone_free(&zone);
    return err;
}

pvmx_err names_unpublish(struct server *sv, struct peer *p, uint32_t serial,
                         const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_unpublish m;
    pvmx_err err = pxp_unpublish_decode(body, len, &m, &zone);
    struct name *n = err == PVMX_OK ? find(sv, m.name) : NULL;
    if (err == PVMX_OK && n == NULL)
        err = px_fail(PVMX_ERR_NOENT, "the name '%.200s' is not published", m.name);
    else if (err == PVMX_OK && n->owner != p->task)
        err = px_fail(
            PVMX_ERR_PERM,
            "the name '%.200s' was published by t%x: only that task can take it back",
            m.name, (unsigned)n->owner->tid);
    else if (err == PVMX_OK && strcmp(port_of(n), m.port) != 0)
        err = px_fail(PVMX_ERR_NOENT, "the name '%.200s' is published, but for port %.200s",
                      m.name, port_of(n));
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    drop(sv, n);
    struct pxp_done done = {.count = 1};
    return pxp_done_encode(peer_out(p), serial, &done);
}

static void lookup_free(struct waiter *w)
{
    struct lookup *l = px_container_of(w, struct lookup, w);
    pxp_zone_free(&l->zone);
    free(l);
}

void names_not_published(const struct pxp_lookup *m)
{
    if (m->wait_ms == 0)
        px_fail(PVMX_ERR_TIMEDOUT, "the name '%.200s' is not published", m->name);
    else
        px_fail(PVMX_ERR_TIMEDOUT, "the name '%.200s' was not published within %g s",
                m->name, m->wait_ms / 1000.0);
}

static void lookup_late(struct waiter *w)
{
    names_not_published(&px_container_of(w, struct lookup, w)->m);
}

pvmx_err names_lookup(struct server *sv, struct peer *p, uint32_t serial,
                      const uint8_t *body, size_t len)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (l == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to look up a name");
    l->w.late = lookup_late;
    l->w.free = lookup_free;
    pvmx_err err = pxp_lookup_decode(body, len, &l->m, &l->zone);
    const struct name *n = err == PVMX_OK ? find(sv, l->m.name) : NULL;
    if (n != NULL)
        answer(p, serial, n);
    else if (err == PVMX_OK)
        waiter_start(&l->w, p, serial, &sv->lookups, l->m.wait_ms);
    if (n != NULL || err != PVMX_OK)
        lookup_free(&l->w);
    return err;
}
