/* SPDX-License-Identifier: BSD-3-Clause */
/* Joining, leaving, looking, meeting. */
#include "group/group.h"
#include "gserver.h"

#include <pvmx/pvmx.h>
#include <stdlib.h>
#include <string.h>

/* Static groups that are known here. */
static struct known {
    struct known *next;
    struct pvmx_group group;
    char name[];
} * known;

static int error_of(pvmx_err err)
{
    switch (err) {
    case PVMX_OK:
        return PvmOk;
    case PVMX_ERR_NOENT:
        return PvmNoGroup;
    case PVMX_ERR_EXISTS:
        return PvmDupGroup;
    case PVMX_ERR_STATE:
        return PvmNotInGroup;
    case PVMX_ERR_ARG:
        return PvmMismatch;
    case PVMX_ERR_NOMEM:
        return PvmNoMem;
    default:
        return PvmSysErr;
    }
}

static int check_name(const char *name)
{
    if (!name || !*name)
        return PvmNullGroup;
    int tid = pvm_mytid();
    return tid < 0 ? tid : PvmOk;
}

/* Programs ask for groups that are not there yet again and again: these errors are never printed, and
 * PvmAutoErr does not end the program. */
static int leave(int cc)
{
    if (cc < 0)
        pvm_errno = cc;
    return cc;
}

static int done(int kind, int did, int code)
{
    tev_result(kind, &(struct p3_item){did, code, NULL}, 1);
    return leave(code);
}

static struct known *find_known(const char *name)
{
    struct known *k = known;
    while (k && strcmp(k->name, name) != 0)
        k = k->next;
    return k;
}

static void forget(const char *name)
{
    for (struct known **p = &known; *p; p = &(*p)->next)
        if (strcmp((*p)->name, name) == 0) {
            struct known *k = *p;
            *p = k->next;
            pvmx_engine_group_free(&k->group);
            free(k);
            return;
        }
}

/* Without memory it is asked for again each time. */
static void remember(const char *name, const struct pvmx_group *g)
{
    size_t len = strlen(name) + 1;
    struct known *k = calloc(1, sizeof *k + len);
    pvmx_tid *tids = malloc((g->n + 1) * sizeof *tids);
    if (!k || !tids) {
        free(k);
        free(tids);
        return;
    }
    memcpy(k->name, name, len);
    memcpy(tids, g->tids, g->n * sizeof *tids);
    k->group = (struct pvmx_group){.tids = tids, .n = g->n, .frozen = true};
    k->next = known;
    known = k;
}

static int copy_known(const struct known *k, struct pvmx_group *out)
{
    *out = k->group;
    out->tids = malloc((k->group.n + 1) * sizeof *out->tids);
    if (!out->tids)
        return PvmNoMem;
    memcpy(out->tids, k->group.tids, k->group.n * sizeof *out->tids);
    return PvmOk;
}

int p3_group_get(const char *name, struct pvmx_group *out, int *place)
{
    int cc = check_name(name);
    if (cc)
        return cc;
    const struct known *k = find_known(name);
    cc = k ? copy_known(k, out) : error_of(pvmx_engine_group_look(name, out));
    if (cc)
        return cc;
    if (!k && out->frozen)
        remember(name, out);
    *place = -1;
    for (size_t i = 0; i < out->n; i++)
        if (out->tids[i] == pvm_mytid())
            *place = (int)i;
    return PvmOk;
}

void p3_group_put(struct pvmx_group *g)
{
    pvmx_engine_group_free(g);
}

P3_PUBLIC int pvm_joingroup(char *name)
{
    P3_GROUP_CALL(TEV_JOINGROUP, name);
    int32_t place;
    int cc = check_name(name);
    if (!cc)
        cc = error_of(pvmx_engine_group_join(name, &place));
    return done(TEV_JOINGROUP, TEV_DID_CC, cc ? cc : place);
}

P3_PUBLIC int pvm_lvgroup(char *name)
{
    P3_GROUP_CALL(TEV_LVGROUP, name);
    int cc = check_name(name);
    if (!cc) {
        forget(name);
        cc = error_of(pvmx_engine_group_leave(name));
    }
    return done(TEV_LVGROUP, TEV_DID_CC, cc);
}

static int gsize(const char *name)
{
    struct pvmx_group g;
    int place, n = 0;
    int cc = p3_group_get(name, &g, &place);
    if (cc)
        return cc;
    for (size_t i = 0; i < g.n; i++)
        n += g.tids[i] != 0;
    p3_group_put(&g);
    return n;
}

P3_PUBLIC int pvm_gsize(char *name)
{
    P3_GROUP_CALL(TEV_GSIZE, name);
    return done(TEV_GSIZE, TEV_DID_GS, gsize(name));
}

P3_PUBLIC int pvm_gettid(char *name, int inum)
{
    struct pvmx_group g;
    int place;
    P3_GROUP_CALL(TEV_GETTID, name, {TEV_DID_GI, inum, NULL});
    int cc = p3_group_get(name, &g, &place);
    if (!cc) {
        cc = inum >= 0 && (size_t)inum < g.n && g.tids[inum] ? g.tids[inum] : PvmNoInst;
        p3_group_put(&g);
    }
    return done(TEV_GETTID, TEV_DID_GT, cc);
}

P3_PUBLIC int pvm_getinst(char *name, int tid)
{
    struct pvmx_group g;
    int place;
    P3_GROUP_CALL(TEV_GETINST, name, {TEV_DID_GT, tid, NULL});
    int cc = p3_group_get(name, &g, &place);
    if (!cc) {
        cc = PvmNotInGroup;
        for (size_t i = 0; tid && i < g.n; i++)
            if (g.tids[i] == tid)
                cc = (int)i;
        p3_group_put(&g);
    }
    return done(TEV_GETINST, TEV_DID_GI, cc);
}

P3_PUBLIC int pvm_barrier(char *name, int count)
{
    P3_GROUP_CALL(TEV_BARRIER, name, {TEV_DID_GBC, count, NULL});
    int cc = check_name(name);
    if (!cc && count == -1) /* all that are in it now */
        cc = count = gsize(name);
    if (cc >= 0)
        cc = count < 1 ? PvmMismatch : PvmOk;
    if (!cc)
        cc = error_of(pvmx_engine_group_meet(name, (uint32_t)count, false, NULL));
    return done(TEV_BARRIER, TEV_DID_CC, cc);
}

P3_PUBLIC int pvm_freezegroup(char *name, int size)
{
    struct pvmx_group g = {0};
    int cc = check_name(name);
    if (!cc && find_known(name))
        cc = PvmDupGroup;
    if (!cc && size == -1)
        size = cc = gsize(name);
    if (cc >= 0)
        cc = size < 1 ? PvmBadParam
                      : error_of(pvmx_engine_group_meet(name, (uint32_t)size, true, &g));
    if (!cc) {
        remember(name, &g);
        cc = size;
    }
    pvmx_engine_group_free(&g);
    return leave(cc);
}

/* PVM's own programs wait so long for the server and ask where it is; the library answers for it. */
extern P3_PUBLIC struct timeval *pvmgs_tmout;
struct timeval *pvmgs_tmout;
int gs_getgstid(void);

P3_PUBLIC int gs_getgstid(void)
{
    int tid = pvm_mytid();
    return tid < 0 ? tid : pvm_tidtohost(tid);
}

P3_PUBLIC int pvm_gsdump(void)
{
    int server = gs_getgstid(), old = pvm_setcontext(P3_GROUP_CTX);
    int cc = server < 0 ? server : pvm_send(server, P3_GROUPS_DUMP);
    pvm_setcontext(old);
    return cc;
}

static int compare(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* The hosts of a group, by tid: of each the lowest tid of its members, which PVM calls the coordinator, and
 * how many they are. Nobody is in a group that does not exist. Both lists stand in one block. */
static int hosts_of(const char *name, int **coords, int **here, int *n)
{
    struct pvmx_group g = {0};
    int place, cc = p3_group_get(name, &g, &place);
    *n = 0;
    if (cc && cc != PvmNoGroup)
        return cc;
    *coords = malloc((2 * g.n + 2) * sizeof **coords);
    if (!*coords) {
        p3_group_put(&g);
        return PvmNoMem;
    }
    *here = *coords + g.n + 1;
    if (g.n)
        qsort(g.tids, g.n, sizeof *g.tids, compare);
    for (size_t i = 0; i < g.n; i++) {
        int tid = g.tids[i];
        if (!tid)
            continue;
        if (*n && pvm_tidtohost((*coords)[*n - 1]) == pvm_tidtohost(tid)) {
            (*here)[*n - 1]++;
        } else {
            (*coords)[*n] = tid;
            (*here)[(*n)++] = 1;
        }
    }
    p3_group_put(&g);
    return PvmOk;
}

P3_PUBLIC int pvm_grphostinfo(char *name, int host, int *coord, int *here, int *nhosts)
{
    int *coords, *members, n;
    int cc = hosts_of(name, &coords, &members, &n);
    if (cc)
        return leave(cc);
    int at = 0;
    while (at < n && pvm_tidtohost(coords[at]) != host)
        at++;
    if (coord)
        *coord = at < n ? coords[at] : -1;
    if (here)
        *here = at < n ? members[at] : 0;
    if (nhosts)
        *nhosts = at < n ? n : 0;
    free(coords);
    return PvmOk;
}

/* The same of all its hosts. The lists live until the next call. */
P3_PUBLIC int pvm_grpvhostinfo(char *name, int **coords, int **here, int *nhosts)
{
    static int *kept;
    int *list, *members, n;
    int cc = hosts_of(name, &list, &members, &n);
    if (cc)
        return leave(cc);
    free(kept);
    kept = list;
    if (coords)
        *coords = list;
    if (here)
        *here = members;
    if (nhosts)
        *nhosts = n;
    return PvmOk;
}

/* Leaves those that it goes to in g. */
static int bcast(const char *name, int tag, struct pvmx_group *g)
{
    int place, n = 0;
    int cc = p3_group_get(name, g, &place);
    if (cc)
        return cc;
    for (size_t i = 0; i < g->n; i++) /* holes and the caller are left out */
        if (g->tids[i] && (int)i != place)
            g->tids[n++] = g->tids[i];
    g->n = (size_t)n;
    return n ? pvm_mcast(g->tids, n, tag) : PvmNoInst;
}

P3_PUBLIC int pvm_bcast(char *name, int tag)
{
    struct pvmx_group g = {0};
    P3_GROUP_CALL(TEV_BCAST, name, {TEV_DID_MC, tag, NULL});
    int cc = bcast(name, tag, &g);
    const struct p3_item items[] = {{TEV_DID_CC, cc, NULL}, {TEV_DID_MDL, (int)g.n, g.tids}};
    tev_result(TEV_BCAST, items, 2);
    bool sent = g.n > 0; /* then pvm_mcast has reported */
    p3_group_put(&g);
    return sent ? cc : leave(cc);
}
