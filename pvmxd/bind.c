/* SPDX-License-Identifier: BSD-3-Clause */
/* See bind.h. */
#include "bind.h"
#include "base/err.h"
#include "server.h"
#include "spawn.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = sizeof(unsigned long) * CHAR_BIT };

static const char *const plural[] = {"hardware threads", "cores", "NUMA nodes", "sockets"};

/* ---- reading the host ------------------------------------------------------------------------- */

static int by_preference(const void *a, const void *b)
{
    const struct bind_pu *p = a, *q = b;
    if (p->kind != q->kind)
        return p->kind > q->kind ? -1 : 1; /* hwloc's kinds go up with performance */
    return p->logical < q->logical ? -1 : p->logical > q->logical;
}

/* The object of a type that holds this unit; 0 where the host has none of the type. */
static uint32_t object_of(hwloc_topology_t topo, hwloc_obj_type_t type, hwloc_obj_t pu)
{
    hwloc_obj_t o = NULL;
    while ((o = hwloc_get_next_obj_by_type(topo, type, o)) != NULL)
        if (hwloc_bitmap_isset(o->cpuset, pu->os_index))
            return o->logical_index;
    return 0;
}

static pvmx_err no_memory(void)
{
    return px_fail(PVMX_ERR_NOMEM, "the daemon has no memory to place tasks");
}

static void read_unit(struct bind_map *m, hwloc_topology_t topo, hwloc_obj_t o,
                      struct bind_pu *pu)
{
    static const hwloc_obj_type_t types[] = {
        [PXP_LEVEL_CORE] = HWLOC_OBJ_CORE,
        [PXP_LEVEL_NUMA] = HWLOC_OBJ_NUMANODE,
        [PXP_LEVEL_SOCKET] = HWLOC_OBJ_PACKAGE,
    };
    pu->os = o->os_index;
    pu->logical = o->logical_index;
    pu->kind = hwloc_cpukinds_get_by_cpuset(topo, o->cpuset, 0);
    pu->obj[PXP_LEVEL_HWTHREAD] = o->logical_index;
    for (int level = PXP_LEVEL_CORE; level <= PXP_LEVEL_SOCKET; level++)
        pu->obj[level] = object_of(topo, types[level], o);
    if (hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_CORE) <= 0)
        pu->obj[PXP_LEVEL_CORE] = o->logical_index;
    for (int level = 0; level < PXP_LEVELS; level++)
        if (pu->obj[level] >= m->nobj[level])
            m->nobj[level] = pu->obj[level] + 1;
}

pvmx_err bind_map_read(struct bind_map *m, hwloc_topology_t topo)
{
    int n = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_PU);
    hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_cpuset(topo);
    *m = (struct bind_map){0};
    m->pu = calloc(n > 0 ? (size_t)n : 1, sizeof *m->pu);
    if (m->pu == NULL)
        return no_memory();
    for (hwloc_obj_t o = NULL;
         (o = hwloc_get_next_obj_by_type(topo, HWLOC_OBJ_PU, o)) != NULL;)
        if (hwloc_bitmap_isset(allowed, o->os_index))
            read_unit(m, topo, o, &m->pu[m->npu++]);
    if (m->npu == 0) {
        bind_map_free(m);
        return px_fail(PVMX_ERR_STATE, "hwloc finds no processors on this host");
    }
    qsort(m->pu, m->npu, sizeof *m->pu, by_preference);
    return PVMX_OK;
}

void bind_map_free(struct bind_map *m)
{
    free(m->pu);
    *m = (struct bind_map){0};
}

/* ---- choosing --------------------------------------------------------------------------------- */

/* An object as far as its units lie in the part of the host that is looked at. */
struct object {
    uint32_t id, first; /* first: place of its first unit in the order of preference */
    uint32_t npu, sum, most;
};

/* A part of the host: the units that belong to object id of a level. */
struct part {
    enum pxp_level level;
    uint32_t id;
};

static int by_load(const void *a, const void *b)
{
    const struct object *p = a, *q = b;
    if (p->most != q->most)
        return p->most < q->most ? -1 : 1;
    return p->first < q->first ? -1 : p->first > q->first;
}

/* The objects of a level in this part, those with the fewest tasks first; returns how many. */
static uint32_t list_objects(const struct bind_map *m, enum pxp_level level,
                             struct part in, struct object *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->nobj[level]; i++)
        out[i].npu = 0;
    for (uint32_t i = 0; i < m->npu; i++) {
        const struct bind_pu *pu = &m->pu[i];
        struct object *o = &out[pu->obj[level]];
        if (pu->obj[in.level] != in.id)
            continue;
        if (o->npu == 0)
            *o = (struct object){.id = pu->obj[level], .first = i};
        o->npu++;
        o->sum += pu->load;
        o->most = pu->load > o->most ? pu->load : o->most;
    }
    for (uint32_t i = 0; i < m->nobj[level]; i++)
        if (out[i].npu > 0)
            out[n++] = out[i];
    qsort(out, n, sizeof *out, by_load);
    return n;
}

/* The load that `count` objects would have in a part; UINT64_MAX: it has not so many. */
static uint64_t cost(const struct bind_map *m, enum pxp_level level, uint32_t count,
                     struct part in, struct object *scratch)
{
    uint64_t sum = 0;
    if (list_objects(m, level, in, scratch) < count)
        return UINT64_MAX;
    for (uint32_t i = 0; i < count; i++)
        sum += scratch[i].most;
    return sum;
}

/* Going round: the part with the fewest tasks for its size, of those that have room. */
static bool next_in_turn(const struct bind_map *m, const struct pxp_place *want,
                         uint32_t count, struct object *parts, struct object *scratch,
                         struct part *out)
{
    struct part all = {PXP_LEVEL_HOST, 0};
    uint32_t n = list_objects(m, want->map, all, parts), best = n;
    for (uint32_t i = 0; i < n; i++) {
        struct part in = {want->map, parts[i].id};
        if (cost(m, want->level, count, in, scratch) == UINT64_MAX)
            continue;
        uint64_t mine = 0, least = 1;
        if (best < n) {
            mine = (uint64_t)parts[i].sum * parts[best].npu;
            least = (uint64_t)parts[best].sum * parts[i].npu;
        }
        if (best == n || mine < least ||
            (mine == least && parts[i].first < parts[best].first))
            best = i;
    }
    if (best < n)
        *out = (struct part){want->map, parts[best].id};
    return best < n;
}

/* Filling up: the smallest part that is as good as the whole host, so that the processors of one
 * task lie close together. */
static struct part closest(const struct bind_map *m, const struct pxp_place *want,
                           uint32_t count, struct object *parts, struct object *scratch)
{
    struct part all = {PXP_LEVEL_HOST, 0};
    uint64_t least = cost(m, want->level, count, all, scratch);
    for (int level = PXP_LEVEL_CORE; level < PXP_LEVEL_HOST; level++) {
        if (level <= (int)want->level)
            continue;
        uint32_t n = list_objects(m, (enum pxp_level)level, all, parts), best = n;
        for (uint32_t i = 0; i < n; i++) {
            struct part in = {(enum pxp_level)level, parts[i].id};
            if (cost(m, want->level, count, in, scratch) == least &&
                (best == n || parts[i].first < parts[best].first))
                best = i;
        }
        if (best < n)
            return (struct part){(enum pxp_level)level, parts[best].id};
    }
    return all;
}

/* The numbers of the objects that one rank gets, into ids. */
static pvmx_err choose_objects(const struct bind_map *m, const struct pxp_place *want,
                               uint32_t rank, uint32_t count, uint32_t *ids)
{
    size_t most = 0;
    struct part in;
    for (int level = 0; level < PXP_LEVELS; level++)
        most = m->nobj[level] > most ? m->nobj[level] : most;
    struct object *parts = calloc(2 * most, sizeof *parts), *units = parts + most;
    if (parts == NULL)
        return no_memory();
    if (want->nprocs > 0) {
        for (uint32_t i = 0; i < count; i++)
            ids[i] = want->procs[rank % want->nprocs] + i;
    } else {
        if (want->map <= want->level || want->map == PXP_LEVEL_HOST ||
            !next_in_turn(m, want, count, parts, units, &in))
            in = closest(m, want, count, parts, units);
        list_objects(m, want->level, in, units);
        for (uint32_t i = 0; i < count; i++)
            ids[i] = units[i].id;
    }
    free(parts);
    return PVMX_OK;
}

/* ---- the result ------------------------------------------------------------------------------- */

static bool is_set(const struct bind_place *p, size_t bit)
{
    return bit / CHAR_BIT < p->mask_size && (p->mask[bit / BITS] >> bit % BITS & 1) != 0;
}

/* "0-3,8" */
static char *mask_text(const struct bind_place *p)
{
    size_t bits = p->mask_size * CHAR_BIT, size = (size_t)p->npu * 24 + 1, at = 0;
    char *text = malloc(size);
    for (size_t i = 0; text != NULL && i < bits; i++) {
        size_t last = i;
        if (!is_set(p, i))
            continue;
        while (is_set(p, last + 1))
            last++;
        at += (size_t)snprintf(text + at, size - at, last > i ? "%s%zu-%zu" : "%s%zu",
                               at > 0 ? "," : "", i, last);
        i = last;
    }
    return text;
}

static void place_free(struct bind_place *p)
{
    free(p->mask);
    free(p->text);
    free(p);
}

/* All units of these objects, counted. */
static struct bind_place *occupy(struct bind_map *m, enum pxp_level level,
                                 const uint32_t *ids, uint32_t count)
{
    uint32_t most = 0;
    struct bind_place *p = calloc(1, sizeof *p + m->npu * sizeof p->pu[0]);
    if (p == NULL)
        return NULL;
    for (uint32_t i = 0; i < m->npu; i++)
        for (uint32_t k = 0; k < count; k++)
            if (m->pu[i].obj[level] == ids[k]) {
                p->pu[p->npu++] = i;
                most = m->pu[i].os > most ? m->pu[i].os : most;
                break;
            }
    p->mask_size = (most / BITS + 1) * sizeof *p->mask;
    p->mask = calloc(1, p->mask_size);
    for (uint32_t i = 0; p->mask != NULL && i < p->npu; i++)
        p->mask[m->pu[p->pu[i]].os / BITS] |= 1ul << m->pu[p->pu[i]].os % BITS;
    p->text = p->mask != NULL ? mask_text(p) : NULL;
    if (p->text == NULL) {
        place_free(p);
        return NULL;
    }
    for (uint32_t i = 0; i < p->npu; i++)
        m->pu[p->pu[i]].load++;
    return p;
}

/* Objects of a level with units that we may use. */
static uint32_t count_objects(const struct bind_map *m, enum pxp_level level)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < m->nobj[level]; id++)
        for (uint32_t i = 0; i < m->npu; i++)
            if (m->pu[i].obj[level] == id) {
                n++;
                break;
            }
    return n;
}

struct bind_place *bind_choose(struct bind_map *m, const struct pxp_place *want, uint32_t rank)
{
    uint32_t count = pxp_place_count(want, rank), have = count_objects(m, want->level);
    if (count > have) {
        px_fail(PVMX_ERR_LIMIT,
                "rank %u is to be bound to %u %s, but this host has %u for us", rank,
                count, plural[want->level], have);
        return NULL;
    }
    uint32_t *ids = malloc(count * sizeof *ids);
    struct bind_place *p = NULL;
    if (ids != NULL && choose_objects(m, want, rank, count, ids) == PVMX_OK)
        p = occupy(m, want->level, ids, count);
    if (p == NULL) {
        no_memory();
    } else if (p->npu == 0) {
        px_fail(PVMX_ERR_ARG, "rank %u is to be bound to number %u of the %s, but this host has %u for us",
                rank, ids[0], plural[want->level], have);
        place_free(p);
        p = NULL;
    }
    free(ids);
    return p;
}

void bind_unchoose(struct bind_map *m, struct bind_place *p)
{
    for (uint32_t i = 0; i < p->npu; i++)
        m->pu[p->pu[i]].load--;
    place_free(p);
}

/* ---- of the daemon ---------------------------------------------------------------------------- */

void bind_init(struct bind *b)
{
    pthread_mutex_init(&b->round, NULL);
    pthread_mutex_init(&b->lock, NULL);
}

void bind_fini(struct bind *b)
{
    bind_map_free(&b->map);
    pthread_mutex_destroy(&b->lock);
    pthread_mutex_destroy(&b->round);
}

/* The host as far as the daemon itself may use it. */
static pvmx_err read_host(struct bind_map *m)
{
    hwloc_topology_t topo;
    if (hwloc_topology_init(&topo) != 0)
        return no_memory();
    pvmx_err err = PVMX_ERR_STATE;
    hwloc_bitmap_t mine = hwloc_bitmap_alloc();
    if (mine != NULL && hwloc_topology_load(topo) == 0) {
        if (hwloc_get_cpubind(topo, mine, HWLOC_CPUBIND_PROCESS) == 0)
            hwloc_topology_restrict(topo, mine, 0);
        err = bind_map_read(m, topo);
    } else {
        px_fail(err, "hwloc cannot read this host");
    }
    hwloc_bitmap_free(mine);
    hwloc_topology_destroy(topo);
    return err;
}

void bind_begin(struct bind *b)
{
    pthread_mutex_lock(&b->round);
    pthread_mutex_lock(&b->lock);
    b->placing = true;
    pthread_mutex_unlock(&b->lock);
}

void bind_end(struct bind *b)
{
    pthread_mutex_lock(&b->lock);
    b->placing = false;
    while (b->gone != NULL) {
        struct bind_place *place = b->gone;
        b->gone = place->next;
        bind_unchoose(&b->map, place);
    }
    pthread_mutex_unlock(&b->lock);
    pthread_mutex_unlock(&b->round);
}

/* One task of the round. */
static pvmx_err place_one(struct bind_map *m, const struct pxp_place *want,
                          struct spawn_one *one)
{
    pvmx_err err = m->npu == 0 ? read_host(m) : PVMX_OK;
    if (err != PVMX_OK)
        return err;
    one->place = bind_choose(m, want, one->rank);
    return one->place != NULL ? PVMX_OK : PVMX_ERR_LIMIT;
}

void bind_round(struct spawn_req *r)
{
    struct bind *b = &r->sv->bind;
    bool begun = false;
    for (uint32_t a = 0, at = 0; a < r->nplans; a++) {
        uint32_t end = at + r->m.apps[a].count;
        struct pxp_place want = {0};
        const char *text = r->m.apps[a].place;
        pvmx_err err = *text != '\0' ? pxp_place_read(text, &want) : PVMX_OK;
        for (; at < end && at < r->total; at++) {
            struct spawn_one *one = &r->ones[at];
            if (one->err != PVMX_OK || one->host != 0)
                continue;
            pvmx_err failed = err;
            if (err == PVMX_OK && want.bind) {
                if (!begun)
                    bind_begin(b);
                begun = true;
                failed = place_one(&b->map, &want, one);
            }
            if (failed != PVMX_OK)
                launch_failed(r, at, failed);
        }
        if (err == PVMX_OK)
            pxp_place_free(&want);
    }
    if (begun)
        bind_end(b);
}

void bind_release(struct bind *b, struct bind_place *place)
{
    if (place == NULL)
        return;
    pthread_mutex_lock(&b->lock);
    if (b->placing) {
        place->next = b->gone;
        b->gone = place;
    } else {
        bind_unchoose(&b->map, place);
    }
    pthread_mutex_unlock(&b->lock);
}

const char *bind_text(const struct bind_place *place)
{
    return place != NULL ? place->text : NULL;
}
