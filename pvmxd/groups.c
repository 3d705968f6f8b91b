/* SPDX-License-Identifier: BSD-3-Clause */
/* Named groups. */
#include "groups.h"
#include "base/err.h"
#include "book.h"
#include "far.h"
#include "gate.h"
#include "hosts.h"
#include "peer.h"
#include "server.h"
#include "tasks.h"
#include "waiter.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 4096, PLACES_MAX = 1 << 20 };
enum { BROKEN = 1 }; /* flag of a group in the book */

/* A task's place in a group. */
struct place {
    struct px_list in_task; /* task.places */
    struct group *group;
    struct task *task;
    uint32_t number;
    bool here; /* while all_here counts */
    struct fact *fact;
};

/* Groups with the same hash of their names are a chain. */
struct group {
    struct group *next;
    struct server *sv;
    struct place **places; /* NULL: nobody */
    uint32_t n, cap, members;
    bool frozen, broken;  /* broken: frozen, and a member has gone */
    struct px_list waits; /* struct meeting */
    uint32_t nwaits, count;
    uint32_t coming;   /* have waited at the gate, and ask here now */
    struct gate gate;  /* open while all members are tasks of this host */
    uint32_t far;      /* those that cannot meet there */
    struct fact *fact; /* NULL: not frozen */
    char name[];
};

/* A member that waits for the others. */
struct meeting {
    struct waiter w;
    struct group *group;
    bool freeze;
};

static struct group *find(struct server *sv, const char *name)
{
    struct group *g = px_map_get(&sv->groups, px_map_text(name));
    while (g != NULL && strcmp(g->name, name) != 0)
        g = g->next;
    return g;
}

static struct group *make(struct server *sv, const char *name)
{
    size_t len = strlen(name) + 1;
    struct group *g = calloc(1, sizeof *g + len);
    if (g == NULL)
        return NULL;
    memcpy(g->name, name, len);
    g->sv = sv;
    px_list_init(&g->waits);
    gate_take(&sv->gates, sv->arena.head, &g->gate);
    gate_open(sv->arena.head, &g->gate);
    g->next = px_map_get(&sv->groups, px_map_text(name));
    if (px_map_put(&sv->groups, px_map_text(name), g) == PVMX_OK)
        return g;
    gate_close(sv->arena.head, &g->gate, &g->count);
    gate_drop(&sv->gates, &g->gate);
    free(g);
    return NULL;
}

/* It cannot meet the others at the gate. */
static bool is_far(const struct place *p)
{
    return far_host(p->task->tid) != p->group->sv->hosts.self || p->number >= PX_GATE_MEMBERS;
}

/* Writes down who has this place now, or that nobody has it any more. */
static void seat(const struct place *p, bool taken)
{
    struct group *g = p->group;
    if (is_far(p))
        g->far += taken ? 1 : -1u;
    else
        gate_seat(g->sv->arena.head, &g->gate, p->number,
                  taken ? px_tid_slot(p->task->tid) + 1 : 0);
}

/* Members meet here from now on; those that wait at the gate are sent here. */
static void shut(struct group *g)
{
    uint32_t n = gate_close(g->sv->arena.head, &g->gate, &g->count);
    if (n == 0)
        return;
    g->coming = n;
    for (uint32_t i = 0; i < g->n; i++)
        if (g->places[i] != NULL && !is_far(g->places[i]))
            arena_ring(&g->sv->arena, px_tid_slot(g->places[i]->task->tid));
}

static void refuse_all(struct group *g, const char *why)
{
    px_list_foreach(it, &g->waits) {
        struct meeting *m = px_container_of(it, struct meeting, w.in_queue);
        px_fail(PVMX_ERR_NOENT, "the group '%.200s' %s", g->name, why);
        waiter_refuse(&m->w, PVMX_ERR_NOENT);
    }
}

/* Nobody is left in it. */
static void destroy(struct group *g)
{
    uint64_t h = px_map_text(g->name);
    struct group *first = px_map_get(&g->sv->groups, h);
    refuse_all(g, "has ended");
    gate_close(g->sv->arena.head, &g->gate, &g->count);
    gate_drop(&g->sv->gates, &g->gate);
    if (g->fact != NULL)
        book_del(g->sv, g->fact);
    if (first != g) {
        while (first->next != g)
            first = first->next;
        first->next = g->next;
    } else if (g->next != NULL) {
        px_map_put(&g->sv->groups, h, g->next); /* replaces: needs no memory */
    } else {
        px_map_remove(&g->sv->groups, h);
    }
    free(g->places);
    free(g);
}

static struct place *place_of(const struct group *g, const struct task *t)
{
    px_list_foreach(it, &t->places) {
        struct place *p = px_container_of(it, struct place, in_task);
        if (p->group == g)
            return p;
    }
    return NULL;
}

static void shrink(struct group *g)
{
    while (g->n > 0 && g->places[g->n - 1] == NULL)
        g->n--;
}

static void vacate(struct place *p)
{
    struct group *g = p->group;
    uint32_t count;
    /* It may be one of those who wait; the others of a static group are to hear of it. */
    if (g->frozen || gate_waiting(g->sv->arena.head, &g->gate, &count) > 0)
        shut(g);
    g->places[p->number] = NULL;
    g->coming = 0; /* as far as is known */
    seat(p, false);
    shrink(g);
    px_list_remove(&p->in_task);
    book_del(g->sv, p->fact);
    free(p);
    if (--g->members == 0) {
        destroy(g);
        return;
    }
    if (g->frozen && !g->broken && g->fact != NULL)
        book_set(g->sv, g->fact, 0, BROKEN);
    g->broken = g->frozen;
    if (g->broken)
        refuse_all(g, "is static and has lost a member");
}

static pvmx_err answer(struct peer *p, uint32_t serial, const struct group *g)
{
    struct pxp_group_is m = {.n_tids = g->n,
                             .frozen = g->frozen,
                             .gate = g->gate.open ? g->gate.number : 0,
                             .epoch = g->gate.epoch};
    m.tids = malloc((g->n + 1) * sizeof *m.tids);
    if (m.tids == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a list of members");
    for (uint32_t i = 0; i < g->n; i++)
        m.tids[i] = g->places[i] != NULL ? g->places[i]->task->tid : 0;
    pvmx_err err = pxp_group_is_encode(peer_out(p), serial, &m);
    free(m.tids);
    return err;
}

/* ---- requests --------------------------------------------------------------------------------- */

static pvmx_err check_task(const struct peer *p, const char *name)
{
    if (p->task == NULL || p->task->left)
        return px_fail(PVMX_ERR_STATE, "a process must enrol before it can use a group");
    if (*name == '\0' || strlen(name) >= NAME_MAX_LEN)
        return px_fail(PVMX_ERR_ARG, "the name of a group has 1 to %d bytes",
                       NAME_MAX_LEN - 1);
    return PVMX_OK;
}

static pvmx_err none(const char *name)
{
    return px_fail(PVMX_ERR_NOENT, "there is no group '%.200s'", name);
}

static uint32_t free_place(const struct group *g)
{
    uint32_t at = 0;
    if (g->members == g->n)
        return g->n;
    while (g->places[at] != NULL)
        at++;
    return at;
}

/* false: no memory. */
static bool make_place(struct group *g, uint32_t number)
{
    uint32_t cap = g->cap > 0 ? g->cap : 8;
    while (cap <= number)
        cap *= 2;
    if (cap > g->cap) {
        struct place **places = realloc(g->places, cap * sizeof(struct place *));
        if (places == NULL)
            return false;
        g->places = places;
        g->cap = cap;
    }
    while (g->n <= number)
        g->places[g->n++] = NULL;
    return true;
}

/* false: no memory. */
static bool occupy(struct group *g, struct task *t, struct fact *f)
{
    struct place *p = calloc(1, sizeof *p);
    if (p == NULL || !make_place(g, f->number) || g->places[f->number] != NULL) {
        free(p);
        shrink(g);
        return false;
    }
    *p = (struct place){.group = g, .task = t, .number = f->number, .fact = f};
    g->places[p->number] = p;
    g->members++;
    seat(p, true);
    if (g->far > 0)
        shut(g);
    px_list_push_back(&t->places, &p->in_task);
    return true;
}

static pvmx_err enter(struct group *g, struct task *t)
{
    struct pxp_fact m = {.kind = FACT_PLACE,
                         .name = g->name,
                         .number = free_place(g),
                         .owner = t->tid};
    struct fact *f = m.number < PLACES_MAX ? book_put(g->sv, &m) : NULL;
    if (f != NULL && occupy(g, t, f))
        return PVMX_OK;
    if (f != NULL)
        book_del(g->sv, f);
    return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a member");
}

bool group_load(struct server *sv, struct task *t, struct fact *f)
{
    struct group *g = find(sv, f->name);
    if (f->number >= PLACES_MAX || (g == NULL && (g = make(sv, f->name)) == NULL))
        return false;
    if (occupy(g, t, f))
        return true;
    if (g->members == 0)
        destroy(g);
    return false;
}

void group_load_flags(struct server *sv, struct fact *f)
{
    struct group *g = find(sv, f->name);
    if (g == NULL)
        return;
    g->fact = f;
    g->frozen = true;
    g->broken = (f->flags & BROKEN) != 0;
}

static pvmx_err join(struct server *sv, struct task *t, const char *name, struct group **out)
{
    struct group *g = find(sv, name);
    if (g != NULL && place_of(g, t) != NULL)
        return px_fail(PVMX_ERR_EXISTS, "t%x is in the group '%.200s'", (unsigned)t->tid,
                       name);
    if (g != NULL && g->frozen)
        return px_fail(PVMX_ERR_STATE, "the group '%.200s' is static", name);
    if (g == NULL && (g = make(sv, name)) == NULL)
        return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for another group");
    pvmx_err err = enter(g, t);
    if (err != PVMX_OK && g->members == 0)
        destroy(g);
    *out = g;
    return err;
}

pvmx_err group_join(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_group_join m;
    struct group *g = NULL;
    pvmx_err err = pxp_group_join_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = check_task(p, m.name);
    if (err == PVMX_OK)
        err = join(sv, p->task, m.name, &g);
    if (err == PVMX_OK)
        err = answer(p, serial, g);
    pxp_zone_free(&zone);
    return err;
}

pvmx_err group_leave(struct server *sv, struct peer *p, uint32_t serial,
                     const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_group_leave m;
    struct place *at = NULL;
    pvmx_err err = pxp_group_leave_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = check_task(p, m.name);
    struct group *g = err == PVMX_OK ? find(sv, m.name) : NULL;
    if (err == PVMX_OK && g == NULL)
        err = none(m.name);
    else if (err == PVMX_OK && (at = place_of(g, p->task)) == NULL)
        err = px_fail(PVMX_ERR_STATE, "t%x is not in the group '%.200s'",
                      (unsigned)p->task->tid, m.name);
    pxp_zone_free(&zone);
    if (err != PVMX_OK)
        return err;
    vacate(at);
    struct pxp_done done = {.count = 1};
    return pxp_done_encode(peer_out(p), serial, &done);
}

pvmx_err group_look(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_group_look m;
    pvmx_err err = pxp_group_look_decode(body, len, &m, &zone);
    const struct group *g = err == PVMX_OK ? find(sv, m.name) : NULL;
    if (err == PVMX_OK)
        err = g != NULL ? answer(p, serial, g) : none(m.name);
    pxp_zone_free(&zone);
    return err;
}

static int by_name(const void *a, const void *b)
{
    const struct pxp_group_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct pxp_group_entry entry_of(const struct group *g, int32_t *tids)
{
    uint32_t count = g->count, reached = gate_waiting(g->sv->arena.head, &g->gate, &count);
    reached += g->nwaits + g->coming;
    for (uint32_t i = 0; i < g->n; i++)
        tids[i] = g->places[i] != NULL ? g->places[i]->task->tid : 0;
    return (struct pxp_group_entry){.name = g->name,
                                    .tids = tids,
                                    .n_tids = g->n,
                                    .frozen = g->frozen,
                                    .count = reached > 0 ? count : 0,
                                    .reached = reached};
}

/* False: no memory. */
static bool collect(const struct server *sv, struct pxp_zone *zone,
                    struct pxp_group_list_is *out)
{
    size_t pos = 0, n = 0, places = 0;
    uint64_t key;
    void *v;
    while (px_map_next(&sv->groups, &pos, &key, &v))
        for (const struct group *g = v; g != NULL; g = g->next, n++)
            places += g->n;
    out->entries = pxp_zone_alloc(zone, (n + 1) * sizeof *out->entries);
    int32_t *tids = pxp_zone_alloc(zone, (places + 1) * sizeof *tids);
    if (out->entries == NULL || tids == NULL)
        return false;
    for (pos = 0; px_map_next(&sv->groups, &pos, &key, &v);)
        for (const struct group *g = v; g != NULL; g = g->next) {
            out->entries[out->n_entries++] = entry_of(g, tids);
            tids += g->n;
        }
    qsort(out->entries, n, sizeof *out->entries, by_name);
    return true;
}

pvmx_err group_list(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_group_list m;
    struct pxp_group_list_is rep = {0};
    pvmx_err err = pxp_group_list_decode(body, len, &m, &zone);
    if (err == PVMX_OK && !collect(sv, &zone, &rep))
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for the list");
    if (err == PVMX_OK)
        err = pxp_group_list_is_encode(peer_out(p), serial, &rep);
    pxp_zone_free(&zone);
    return err;
}

/* ---- meeting ---------------------------------------------------------------------------------- */

static void meeting_free(struct waiter *w)
{
    struct meeting *m = px_container_of(w, struct meeting, w);
    m->group->nwaits--;
    free(m);
}

static void meeting_late(struct waiter *w)
{
    (void)w; /* has no limit */
}

/* All members ask here, so none of them looks at the gate any more. */
static bool all_here(const struct group *g)
{
    uint32_t n = 0;
    px_list_foreach(it, &g->waits) {
        const struct meeting *m = px_container_of(it, struct meeting, w.in_queue);
        struct place *p = m->w.peer->task != NULL ? place_of(g, m->w.peer->task) : NULL;
        n += p != NULL && !p->here;
        if (p != NULL)
            p->here = true;
    }
    for (uint32_t i = 0; i < g->n; i++)
        if (g->places[i] != NULL)
            g->places[i]->here = false;
    return n == g->members;
}

static void complete(struct group *g)
{
    if (g->gate.spent && g->nwaits >= g->members && all_here(g)) {
        g->coming = 0;
        gate_renew(&g->gate);
    }
    px_list_foreach(it, &g->waits) {
        struct meeting *m = px_container_of(it, struct meeting, w.in_queue);
        g->frozen = g->frozen || m->freeze;
    }
    if (g->far == 0)
        gate_open(g->sv->arena.head, &g->gate);
    if (g->frozen && g->fact == NULL)
        g->fact = book_put(g->sv, &(struct pxp_fact){.kind = FACT_GROUP, .name = g->name});
    px_list_foreach(it, &g->waits) {
        struct meeting *m = px_container_of(it, struct meeting, w.in_queue);
        pvmx_err err = answer(m->w.peer, m->w.serial, g);
        if (err != PVMX_OK)
            waiter_refuse(&m->w, err);
        else
            waiter_end(&m->w);
    }
}

static pvmx_err check_meet(const struct group *g, const struct peer *p,
                           const struct pxp_group_meet *m)
{
    if (g == NULL)
        return none(m->name);
    if (g->broken)
        return px_fail(PVMX_ERR_NOENT,
                       "the group '%.200s' is static and has lost a member", m->name);
    if (place_of(g, p->task) == NULL)
        return px_fail(PVMX_ERR_STATE, "t%x is not in the group '%.200s'",
                       (unsigned)p->task->tid, m->name);
    if (m->count == 0 || (g->nwaits + g->coming > 0 && m->count != g->count))
        return px_fail(PVMX_ERR_ARG, "%u members are to meet, but others wait for %u",
                       m->count, g->count);
    return PVMX_OK;
}

static pvmx_err meet(struct server *sv, struct peer *p, uint32_t serial,
                     const struct pxp_group_meet *m)
{
    struct group *g = find(sv, m->name);
    if (g != NULL)
        shut(g);
    pvmx_err err = check_meet(g, p, m);
    struct meeting *w = err == PVMX_OK ? calloc(1, sizeof *w) : NULL;
    if (err == PVMX_OK && w == NULL)
        err = px_fail(PVMX_ERR_NOMEM, "the daemon has no memory for a barrier");
    if (err != PVMX_OK)
        return err;
    w->w.late = meeting_late;
    w->w.free = meeting_free;
    w->group = g;
    w->freeze = m->freeze;
    g->count = m->count;
    g->nwaits++;
    g->coming -= g->coming > 0;
    waiter_start(&w->w, p, serial, &g->waits, WAITER_FOREVER);
    if (g->nwaits == g->count)
        complete(g);
    return PVMX_OK;
}

pvmx_err group_meet(struct server *sv, struct peer *p, uint32_t serial,
                    const uint8_t *body, size_t len)
{
    struct pxp_zone zone = {0};
    struct pxp_group_meet m;
    pvmx_err err = pxp_group_meet_decode(body, len, &m, &zone);
    if (err == PVMX_OK)
        err = check_task(p, m.name);
    if (err == PVMX_OK)
        err = meet(sv, p, serial, &m);
    pxp_zone_free(&zone);
    return err;
}

void groups_forget_task(struct task *t)
{
    while (!px_list_empty(&t->places))
        vacate(px_container_of(t->places.next, struct place, in_task));
}

void groups_fini(struct server *sv)
{
    px_map_free(&sv->groups); /* groups have ended with their members */
}
