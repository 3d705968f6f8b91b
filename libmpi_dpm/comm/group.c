/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups: immutable lists of tids. Everything that compares two groups is linear by hashing. */
#include "abi/handles.h"
#include "comm/comm.h"
#include "rt/err.h"
#include "rt/session.h"
#include "xmpi.h"
#include <pvmx/engine/prog.h>
#include <stdlib.h>
#include <string.h>

struct xmpi_group xmpi_group_empty = {
    .obj = {.kind = XMPI_KIND_GROUP, .refs = 1, .predef = (uintptr_t)MPI_GROUP_EMPTY},
    .size = 0,
    .rank = MPI_UNDEFINED,
};

pvmx_tid xmpi_tid(pvmx_tid t)
{
    return t ? t : pvmx_engine_self();
}

static struct xmpi_group *group_alloc(int n)
{
    struct xmpi_group *g = malloc(sizeof(*g) + (size_t)n * sizeof(g->tids[0]));
    if (!g) {
        xmpi_err(MPI_ERR_NO_MEM, "no memory for a group of %d processes", n);
        return NULL;
    }
    xmpi_obj_init(&g->obj, XMPI_KIND_GROUP);
    g->size = n;
    g->rank = MPI_UNDEFINED;
    g->session = NULL;
    return g;
}

static void find_own_rank(struct xmpi_group *g)
{
    pvmx_tid self = pvmx_engine_self();
    g->rank = MPI_UNDEFINED;
    for (int i = 0; i < g->size && g->rank == MPI_UNDEFINED; i++)
        if (g->tids[i] == self || g->tids[i] == 0)
            g->rank = i;
}

int xmpi_group_make(const pvmx_tid *tids, int n, struct xmpi_group **out)
{
    struct xmpi_group *g = group_alloc(n);
    if (!g)
        return MPI_ERR_NO_MEM;
    if (n > 0)
        memcpy(g->tids, tids, (size_t)n * sizeof(tids[0]));
    find_own_rank(g);
    *out = g;
    return MPI_SUCCESS;
}

void xmpi_group_release(struct xmpi_group *g)
{
    if (g->obj.predef || !xmpi_obj_unref(&g->obj))
        return;
    xmpi_session_unref(g->session);
    free(g);
}

void xmpi_group_set_session(struct xmpi_group *g, struct xmpi_session *session)
{
    if (!g->session && !g->obj.predef)
        g->session = xmpi_session_ref(session);
}

/* Hands a group that was just built to the application; an empty one becomes MPI_GROUP_EMPTY. */
static int group_give(struct xmpi_group *g, int n, MPI_Group *out)
{
    g->size = n;
    if (n == 0) {
        xmpi_group_release(g);
        *out = MPI_GROUP_EMPTY;
        return MPI_SUCCESS;
    }
    find_own_rank(g);
    *out = xmpi_group_handle(g);
    return MPI_SUCCESS;
}

/* ---- tid -> rank ------------------------------------------------------------------- */

/* Open addressing; cells hold rank + 1. Small groups are searched instead. */
struct rank_map {
    const struct xmpi_group *group;
    pvmx_tid self;
    uint32_t mask;
    int *cells;
};

enum {
    MAP_FROM = 16
}; /* below this size a linear search is quicker than making a table */

static uint32_t map_hash(pvmx_tid tid)
{
    return (uint32_t)tid * 2654435769u >> 7; /* Knuth's multiplier, 2^32 / golden ratio */
}

static int map_init(struct rank_map *m, const struct xmpi_group *group)
{
    size_t cap = 64;
    m->group = group;
    m->self = pvmx_engine_self();
    m->cells = NULL;
    if (group->size < MAP_FROM)
        return MPI_SUCCESS;
    while (cap < 2 * (size_t)group->size)
        cap *= 2;
    m->cells = calloc(cap, sizeof(m->cells[0]));
    if (!m->cells)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory to compare groups of %d processes",
                        group->size);
    m->mask = (uint32_t)(cap - 1);
    for (int i = 0; i < group->size; i++) {
        uint32_t at = map_hash(group->tids[i] ? group->tids[i] : m->self) & m->mask;
        while (m->cells[at])
            at = (at + 1) & m->mask;
        m->cells[at] = i + 1;
    }
    return MPI_SUCCESS;
}

static bool map_same(const struct rank_map *m, int rank, pvmx_tid tid)
{
    pvmx_tid there = m->group->tids[rank];
    return (there ? there : m->self) == tid;
}

static int map_find(const struct rank_map *m, pvmx_tid tid)
{
    if (!tid)
        tid = m->self;
    if (!m->cells) {
        for (int i = 0; i < m->group->size; i++)
            if (map_same(m, i, tid))
                return i;
        return MPI_UNDEFINED;
    }
    for (uint32_t at = map_hash(tid) & m->mask; m->cells[at]; at = (at + 1) & m->mask)
        if (map_same(m, m->cells[at] - 1, tid))
            return m->cells[at] - 1;
    return MPI_UNDEFINED;
}

static void map_fini(struct rank_map *m)
{
    free(m->cells);
}

/* ---- the MPI functions ------------------------------------------------------------- */

int xmpi_group_size(struct xmpi_group *group, int *size)
{
    *size = group->size;
    return MPI_SUCCESS;
}

int xmpi_group_rank(struct xmpi_group *group, int *rank)
{
    *rank = group->rank;
    return MPI_SUCCESS;
}

int xmpi_group_free(MPI_Group *handle)
{
    struct xmpi_group *g = xmpi_group_of(*handle);
    if (!g)
        return xmpi_err(MPI_ERR_GROUP, "not a group");
    xmpi_group_release(g);
    *handle = MPI_GROUP_NULL;
    return MPI_SUCCESS;
}

static int check_rank(const struct xmpi_group *group, int rank)
{
    if (rank >= 0 && rank < group->size)
        return MPI_SUCCESS;
    return xmpi_err(MPI_ERR_RANK, "rank %d is not in a group of %d processes", rank,
                    group->size);
}

int xmpi_group_translate_ranks(struct xmpi_group *group1, int n, const int ranks1[],
                               struct xmpi_group *group2, int ranks2[])
{
    struct rank_map map;
    for (int i = 0; i < n; i++)
        if (ranks1[i] != MPI_PROC_NULL && check_rank(group1, ranks1[i]) != MPI_SUCCESS)
            return MPI_ERR_RANK;
    int cls = map_init(&map, group2);
    if (cls)
        return cls;
    for (int i = 0; i < n; i++)
        ranks2[i] = ranks1[i] == MPI_PROC_NULL ? MPI_PROC_NULL
                                               : map_find(&map, group1->tids[ranks1[i]]);
    map_fini(&map);
    return MPI_SUCCESS;
}

int xmpi_group_compare(struct xmpi_group *group1, struct xmpi_group *group2, int *result)
{
    struct rank_map map;
    int verdict = MPI_IDENT;
    if (group1 == group2 || group1->size != group2->size) {
        *result = group1 == group2 ? MPI_IDENT : MPI_UNEQUAL;
        return MPI_SUCCESS;
    }
    int cls = map_init(&map, group2);
    if (cls)
        return cls;
    for (int i = 0; i < group1->size && verdict != MPI_UNEQUAL; i++) {
        if (map_same(&map, i, xmpi_tid(group1->tids[i])))
            continue;
        verdict =
            map_find(&map, group1->tids[i]) == MPI_UNDEFINED ? MPI_UNEQUAL : MPI_SIMILAR;
    }
    map_fini(&map);
    *result = verdict;
    return MPI_SUCCESS;
}

int xmpi_group_ranks_in(struct xmpi_group *group, struct xmpi_group *of, int **ranks)
{
    struct rank_map map;
    int *found = calloc((size_t)group->size + 1, sizeof(*found));
    if (!found)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the ranks of %d processes",
                        group->size);
    int cls = map_init(&map, of);
    if (cls) {
        free(found);
        return cls;
    }
    for (int i = 0; i < group->size && !cls; i++) {
        found[i] = map_find(&map, group->tids[i]);
        if (found[i] == MPI_UNDEFINED)
            cls = xmpi_err(MPI_ERR_GROUP,
                           "process %d of the group is not in the communicator's group", i);
    }
    map_fini(&map);
    if (cls)
        free(found);
    else
        *ranks = found;
    return cls;
}

int xmpi_group_disjoint(struct xmpi_group *a, struct xmpi_group *b, bool *disjoint)
{
    struct rank_map map;
    int cls = map_init(&map, a);
    if (cls)
        return cls;
    *disjoint = true;
    for (int i = 0; i < b->size && *disjoint; i++)
        *disjoint = map_find(&map, b->tids[i]) == MPI_UNDEFINED;
    map_fini(&map);
    return MPI_SUCCESS;
}

/* Appends to out those of from that are (keep true) or are not in other. */
static int append_filtered(struct xmpi_group *out, int *n, const struct xmpi_group *from,
                           const struct xmpi_group *other, bool keep)
{
    struct rank_map map;
    int cls = map_init(&map, other);
    if (cls)
        return cls;
    for (int i = 0; i < from->size; i++)
        if ((map_find(&map, from->tids[i]) != MPI_UNDEFINED) == keep)
            out->tids[(*n)++] = from->tids[i];
    map_fini(&map);
    return MPI_SUCCESS;
}

static int filtered_group(struct xmpi_group *from, struct xmpi_group *other, bool keep,
                          MPI_Group *newgroup)
{
    int n = 0;
    struct xmpi_group *g = group_alloc(from->size);
    if (!g)
        return MPI_ERR_NO_MEM;
    xmpi_group_set_session(g, from->session);
    int cls = append_filtered(g, &n, from, other, keep);
    if (cls) {
        xmpi_group_release(g);
        return cls;
    }
    return group_give(g, n, newgroup);
}

int xmpi_group_union(struct xmpi_group *group1, struct xmpi_group *group2, MPI_Group *newgroup)
{
    int n = group1->size;
    struct xmpi_group *g = group_alloc(group1->size + group2->size);
    if (!g)
        return MPI_ERR_NO_MEM;
    xmpi_group_set_session(g, group1->session ? group1->session : group2->session);
    memcpy(g->tids, group1->tids, (size_t)n * sizeof(g->tids[0]));
    int cls = append_filtered(g, &n, group2, group1, false);
    if (cls) {
        xmpi_group_release(g);
        return cls;
    }
    return group_give(g, n, newgroup);
}

int xmpi_group_intersection(struct xmpi_group *group1, struct xmpi_group *group2,
                            MPI_Group *newgroup)
{
    return filtered_group(group1, group2, true, newgroup);
}

int xmpi_group_difference(struct xmpi_group *group1, struct xmpi_group *group2,
                          MPI_Group *newgroup)
{
    return filtered_group(group1, group2, false, newgroup);
}

/* ---- selection by rank ------------------------------------------------------------- */

/* Ranks named so far; a rank named twice is an error of include and of exclude. */
struct selection {
    const struct xmpi_group *group;
    bool *named;
    int *order; /* in the order named */
    int n;
};

static int selection_init(struct selection *s, const struct xmpi_group *group)
{
    s->group = group;
    s->n = 0;
    s->named = calloc((size_t)group->size + 1, sizeof(s->named[0]));
    s->order = calloc((size_t)group->size + 1, sizeof(s->order[0]));
    if (s->named && s->order)
        return MPI_SUCCESS;
    free(s->named);
    free(s->order);
    return xmpi_err(MPI_ERR_NO_MEM, "no memory for a group of %d processes", group->size);
}

static void selection_fini(struct selection *s)
{
    free(s->named);
    free(s->order);
}

static int selection_add(struct selection *s, int rank)
{
    int cls = check_rank(s->group, rank);
    if (cls)
        return cls;
    if (s->named[rank])
        return xmpi_err(MPI_ERR_RANK, "rank %d is named twice", rank);
    s->named[rank] = true;
    s->order[s->n++] = rank;
    return MPI_SUCCESS;
}

static int selection_add_list(struct selection *s, int n, const int ranks[])
{
    int cls = MPI_SUCCESS;
    for (int i = 0; i < n && !cls; i++)
        cls = selection_add(s, ranks[i]);
    return cls;
}

static int selection_add_ranges(struct selection *s, int n, int ranges[][3])
{
    int cls = MPI_SUCCESS;
    for (int i = 0; i < n && !cls; i++) {
        int64_t first = ranges[i][0], last = ranges[i][1], step = ranges[i][2];
        if (step == 0)
            return xmpi_err(MPI_ERR_ARG, "range %d (%d, %d, 0) has stride 0", i,
                            ranges[i][0], ranges[i][1]);
        for (int64_t r = first; (step > 0 ? r <= last : r >= last) && !cls; r += step)
            cls = selection_add(s, (int)r);
    }
    return cls;
}

/* The ranks named, in the order named (include), or the others in their old order. */
static int selection_give(struct selection *s, bool include, MPI_Group *newgroup)
{
    int n = 0;
    struct xmpi_group *g = group_alloc(s->group->size);
    if (!g)
        return MPI_ERR_NO_MEM;
    xmpi_group_set_session(g, s->group->session);
    if (include)
        for (; n < s->n; n++)
            g->tids[n] = s->group->tids[s->order[n]];
    else
        for (int i = 0; i < s->group->size; i++)
            if (!s->named[i])
                g->tids[n++] = s->group->tids[i];
    return group_give(g, n, newgroup);
}

static int select_list(struct xmpi_group *group, int n, const int ranks[], bool include,
                       MPI_Group *newgroup)
{
    struct selection s;
    int cls = selection_init(&s, group);
    if (cls)
        return cls;
    cls = selection_add_list(&s, n, ranks);
    if (!cls)
        cls = selection_give(&s, include, newgroup);
    selection_fini(&s);
    return cls;
}

static int select_ranges(struct xmpi_group *group, int n, int ranges[][3], bool include,
                         MPI_Group *newgroup)
{
    struct selection s;
    int cls = selection_init(&s, group);
    if (cls)
        return cls;
    cls = selection_add_ranges(&s, n, ranges);
    if (!cls)
        cls = selection_give(&s, include, newgroup);
    selection_fini(&s);
    return cls;
}

int xmpi_group_incl(struct xmpi_group *group, int n, const int ranks[], MPI_Group *newgroup)
{
    return select_list(group, n, ranks, true, newgroup);
}

int xmpi_group_excl(struct xmpi_group *group, int n, const int ranks[], MPI_Group *newgroup)
{
    return select_list(group, n, ranks, false, newgroup);
}

int xmpi_group_range_incl(struct xmpi_group *group, int n, int ranges[][3], MPI_Group *newgroup)
{
    return select_ranges(group, n, ranges, true, newgroup);
}

int xmpi_group_range_excl(struct xmpi_group *group, int n, int ranges[][3], MPI_Group *newgroup)
{
    return select_ranges(group, n, ranges, false, newgroup);
}
