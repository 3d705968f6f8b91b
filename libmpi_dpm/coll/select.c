/* SPDX-License-Identifier: BSD-3-Clause */
/* Which algorithm a collective uses: the one that setting coll.<collective> names, else a choice
 * from the number of processes, the size and whether there are more processes than processors. */
#include "coll/algo.h"

#include <ctype.h>
#include <pvmx/engine/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Settings are read once, at the first collective of a kind. */
static const struct xmpi_algo *_Atomic set[XMPI_COLL_KINDS];
static const struct xmpi_algo *_Atomic forced[XMPI_COLL_KINDS];
static const struct xmpi_algo not_set; /* address only: read, nothing set */

/* The library that reads settings may not know this one's names: then the environment counts. */
static const char *setting_text(const char *collective)
{
    char name[64], env[64] = "PVMX_COLL_";
    snprintf(name, sizeof name, "coll.%s", collective);
    const char *text = pvmx_engine_setting(name);
    if (text)
        return text;
    size_t n = strlen(env);
    for (; *collective && n < sizeof env - 1; collective++)
        env[n++] = (char)toupper((unsigned char)*collective);
    env[n] = '\0';
    return getenv(env);
}

static const struct xmpi_algo *read_setting(enum xmpi_coll_kind kind)
{
    const struct xmpi_algo_list *l = &xmpi_algo_lists[kind];
    const char *text = setting_text(l->name);
    if (!text || !*text || strcmp(text, "auto") == 0)
        return &not_set;
    const struct xmpi_algo *a = xmpi_algo_find(kind, text);
    if (a)
        return a;
    char known[256] = "";
    for (int k = 0, n = 0; k < l->count && n < (int)sizeof known; k++)
        n += snprintf(known + n, sizeof known - (size_t)n, "%s%s", k ? ", " : "",
                      l->algos[k].name);
    fprintf(stderr, "PVMX: setting coll.%s: no algorithm '%s' (there are: auto, %s); using auto\n",
            l->name, text, known);
    return &not_set;
}

static const struct xmpi_algo *wanted(enum xmpi_coll_kind kind)
{
    const struct xmpi_algo *a = atomic_load_explicit(&forced[kind], memory_order_relaxed);
    if (a)
        return a;
    a = atomic_load_explicit(&set[kind], memory_order_relaxed);
    if (!a) {
        a = read_setting(kind);
        atomic_store_explicit(&set[kind], a, memory_order_relaxed);
    }
    return a == &not_set ? NULL : a;
}

void xmpi_algo_force(enum xmpi_coll_kind kind, const struct xmpi_algo *a)
{
    atomic_store_explicit(&forced[kind], a, memory_order_relaxed);
}

/* Limits, measured on two processors with 2 to 16 tasks of one host. All processes must come to the
 * same choice, so only what they all know counts: not pvmx_engine_universe_size(), which may change
 * between the calls of two processes. More processes than processors is the usual case here, and
 * then few messages and few sleeps count more than short paths: hence flat shapes up to FEW. */
enum {
    FEW = 16,          /* processes that one root serves without delay              */
    SHORT = 4 * 1024,  /* bytes that travel inside one record                       */
    LONG = 64 * 1024,  /* bytes from which bandwidth counts more than messages      */
    ROOM = 256 * 1024, /* temporary memory at the root of a flat reduction          */
};

static const char *pick_inter(const struct xmpi_coll *c, const struct xmpi_comm *comm)
{
    int q = comm->remote->size > comm->size ? comm->remote->size : comm->size;
    switch (c->kind) {
    case XMPI_COLL_BCAST:
    case XMPI_COLL_REDUCE:
        return q <= FEW ? "linear" : "leader";
    case XMPI_COLL_ALLGATHER:
        return q <= 2 ? "linear" : "leader";
    default:
        return NULL;
    }
}

static const char *pick_reduce(const struct xmpi_coll *c, int p)
{
    if (c->len >= LONG && p <= 2 * FEW && c->count >= p)
        return "scatter_gather";
    return p <= FEW && c->len * (size_t)p <= ROOM ? "flat" : "binomial";
}

static const char *pick_allreduce(const struct xmpi_coll *c, int p)
{
    if (c->len >= SHORT && c->count >= p) {
        if (p <= 2 * FEW)
            return "scatter_allgather";
        if (c->len >= LONG && c->op->commutative)
            return "ring";
    }
    return p > 2 && p <= FEW && c->len <= SHORT ? "flat" : "recursive_doubling";
}

static const char *pick_reduce_scatter(const struct xmpi_coll *c, int p)
{
    if (c->len < SHORT && p > 2 && p <= FEW)
        return "flat";
    if (p <= 2 * FEW)
        return "direct";
    return c->len < LONG ? "recursive_halving" : "pairwise";
}

static const char *pick_scan(const struct xmpi_coll *c, int p)
{
    if (c->len >= SHORT && c->count >= p && p > 2 && p <= 2 * FEW)
        return "pieces";
    return p > 2 && p <= FEW && c->len <= SHORT ? "flat" : "doubling";
}

static const char *pick_allgather(const struct xmpi_coll *c, int p)
{
    if (c->len >= SHORT)
        return p <= FEW ? "direct" : "ring";
    if (p <= 2)
        return "direct";
    return p <= FEW && c->len * (size_t)p <= LONG ? "flat" : "bruck";
}

static const char *pick(const struct xmpi_coll *c, int p)
{
    switch (c->kind) {
    case XMPI_COLL_BARRIER:
        return p <= 2 ? "dissemination" : p <= 2 * FEW ? "flat" : "tree";
    case XMPI_COLL_BCAST:
        if (p <= FEW)
            return "flat";
        return c->len >= LONG ? "scatter_allgather" : "binomial";
    case XMPI_COLL_REDUCE:
        return pick_reduce(c, p);
    case XMPI_COLL_ALLREDUCE:
        return pick_allreduce(c, p);
    case XMPI_COLL_REDUCE_SCATTER_BLOCK:
    case XMPI_COLL_REDUCE_SCATTER:
        return pick_reduce_scatter(c, p);
    case XMPI_COLL_SCAN:
    case XMPI_COLL_EXSCAN:
        return pick_scan(c, p);
    case XMPI_COLL_GATHER:
        return p > FEW && c->len <= SHORT ? "binomial" : "linear";
    case XMPI_COLL_SCATTER:
        return p > FEW && c->len <= SHORT ? "binomial" : "linear";
    case XMPI_COLL_ALLGATHER:
        return pick_allgather(c, p);
    case XMPI_COLL_ALLGATHERV:
        return p <= FEW ? "direct" : "ring";
    case XMPI_COLL_ALLTOALL:
        return p > FEW && c->len <= 256 ? "bruck" : p <= 2 * FEW ? "linear" : "pairwise";
    case XMPI_COLL_ALLTOALLV:
    case XMPI_COLL_ALLTOALLW:
        return p <= 2 * FEW ? "linear" : "pairwise";
    default:
        return NULL;
    }
}

static const struct xmpi_algo *usable(const struct xmpi_coll *c, const struct xmpi_comm *comm,
                                      bool scheduled, const char *name)
{
    const struct xmpi_algo *a = name ? xmpi_algo_find(c->kind, name) : NULL;
    return a && xmpi_algo_fits(a, c, comm, scheduled) ? a : NULL;
}

const struct xmpi_algo *xmpi_algo_select(const struct xmpi_coll *c,
                                         const struct xmpi_comm *comm, bool scheduled,
                                         bool *by_force)
{
    const struct xmpi_algo *a = wanted(c->kind);
    *by_force = a && xmpi_algo_fits(a, c, comm, scheduled);
    if (*by_force)
        return a;
    a = xmpi_algo_board(c->kind);
    if (a && !xmpi_algo_fits(a, c, comm, scheduled))
        a = NULL;
    if (!a)
        a = usable(c, comm, scheduled,
                   comm->inter ? pick_inter(c, comm) : pick(c, comm->size));
    if (a)
        return a;
    const struct xmpi_algo_list *l = &xmpi_algo_lists[c->kind];
    for (int k = 0; k < l->count; k++)
        if (xmpi_algo_fits(&l->algos[k], c, comm, scheduled))
            return &l->algos[k];
    return NULL; /* not reached: every list has an entry for both kinds of communicator */
}
